"""The embedded server: TensorFlow Serving's gRPC services over a model root."""
