"""Layers used by at least two models."""
