"""Packaging of tfmusicgan. The tested set of versions is in constraints.txt."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+?)"', (ROOT / "tfmusicgan/__init__.py").read_text())[1]
COMMANDS = (
    "convert",
    "datasets",
    "evaluate",
    "export",
    "generate",
    "recipes",
    "sample",
    "serve",
    "train",
)

setup(
    name="tfmusicgan",
    version=VERSION,
    description="Music generation with GANs in Keras 3, from datasets to TensorFlow Serving",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["tfmusicgan", "tfmusicgan.*"]),
    install_requires=[
        "absl-py>=1.4,<3",
        "aiohttp>=3.9,<4",  # the server's REST API
        "apache-beam>=2.70,<3",
        "google-crc32c>=1.5,<2",
        "grpcio>=1.60,<2",
        "grpcio-health-checking>=1.60,<2",
        "grpcio-reflection>=1.60,<2",
        "keras>=3.12,<4",
        "matplotlib>=3.8,<4",
        "music21>=9.9,<11",
        "note-seq==0.0.5",
        "numpy>=1.26,<2",
        "prometheus-client>=0.20,<1",
        "scipy>=1.11,<2",
        "setuptools>=68",  # TensorFlow Probability imports distutils; so does Python 3.12
        "symusic>=0.5.8,<0.7",
        # tensorflow-io's last release loads on no TensorFlow later than 2.17.
        "tensorflow>=2.17,<2.18",
        "tensorflow-io>=0.37.1,<0.38",
        "tensorflow-probability>=0.24,<0.25",
        "tensorflow-serving-api>=2.17,<2.18",
        "tf-keras>=2.17,<2.18",
    ],
    extras_require={
        "dev": [
            "hypothesis>=6,<7",
            "muspy>=0.5,<0.6",  # an independent count of the metrics
            "nltk>=3.9,<4",  # an independent BLEU
            "ovmsclient==2023.1",  # an independent client of the server
            "pytest>=8,<10",
            "pytest-xdist>=3,<4",
            "ruff>=0.6",
        ],
        "gpu": ["tensorflow[and-cuda]>=2.17,<2.18"],
    },
    entry_points={
        "console_scripts": [f"tfmusicgan-{name} = tfmusicgan.cli.{name}:main" for name in COMMANDS]
    },
)
