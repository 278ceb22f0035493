"""Numbers of models' versions."""

MAX_VERSION = 2**63 - 1
"""The highest one: versions are int64 on the wire. (Times in nanoseconds have 19 digits.)"""
