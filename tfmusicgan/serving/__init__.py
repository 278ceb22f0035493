"""Exported models and how they are served: export, warm-up, server."""
