"""The embedded server: TensorFlow Serving's gRPC services and REST API, in Python.

Read statuses.py (answers to bad requests), storage.py and model_config.py (what is to be served),
version_policy.py (which versions, in which order), servable.py (a loaded SavedModel), batching.py
(a queue) with waiting.py, batching_config.py and batch_arrays.py, engine.py (how models are run),
version.py, model.py and manager.py (versions coming and going) with load_threads.py and polling.py,
draining.py (their end), labels.py, predict.py, beside.py (work on large tensors), services.py,
examples.py, reload.py and health.py (the requests), reflection.py, tls.py and grpc_port.py (the
port), rest.py, rest_limits.py, rest_answers.py and the json_ files (the REST API), metrics.py,
recording.py and request_log.py (what is counted and logged), app.py (the process). Importing it
imports no TensorFlow.
"""
