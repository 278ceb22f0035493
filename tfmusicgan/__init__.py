"""tfmusicgan: music generation with GANs, from a folder of scores to music over gRPC."""

__version__ = "0.1.0"
