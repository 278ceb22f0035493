"""The embedded server: TensorFlow Serving's gRPC services from the same model root, in Python.

Read statuses.py (answers to bad requests), storage.py (what is on disk), servable.py (a loaded
SavedModel), batching.py (a queue), version.py and manager.py (versions coming and going),
predict.py and services.py (the requests), app.py (the process). Importing it imports no TensorFlow.
"""
