"""Fitting a model to a record set: strategy, checkpoints, callbacks."""
