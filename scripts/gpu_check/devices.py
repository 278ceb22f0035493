"""What the machine and this TensorFlow have for a GPU, and what is missing."""

import ctypes
import importlib.metadata
import pathlib
import platform
import shutil
import subprocess
import sysconfig
from typing import Any

import tensorflow as tf

from tfmusicgan.training import strategy

PACKAGES = ("tfmusicgan", "tensorflow", "keras", "tensorflow-probability", "numpy")
# What TensorFlow 2.17's CUDA build opens when it starts; a library that is not there costs the GPU.
LIBRARIES = (
    "libcudart.so.12",
    "libcublas.so.12",
    "libcublasLt.so.12",
    "libcufft.so.11",
    "libcusolver.so.11",
    "libcusparse.so.12",
    "libcudnn.so.8",
)
INSTALL = "pip install -c constraints.txt -e '.[gpu]' (the same as tensorflow[and-cuda])"


def prepare() -> list[tf.config.PhysicalDevice]:
    """Sets devices up as training does, memory growth included.

    Returns:
      The GPUs.
    """
    strategy.prepare_devices()
    return tf.config.list_physical_devices("GPU")


def describe() -> list[tuple[str, str]]:
    """Versions, builds, devices and their memory, as (what, value); after `prepare`."""
    build = tf.sysconfig.get_build_info()
    rows = [(name, importlib.metadata.version(name)) for name in PACKAGES]
    rows.append(("Python", platform.python_version()))
    built = "the CPU alone"
    if build.get("is_cuda_build"):
        built = f"CUDA {build['cuda_version']}, cuDNN {build['cudnn_version']}"
    rows.append(("TensorFlow built for", built))
    rows.append(("driver", driver() or "none"))
    for device in tf.config.list_physical_devices():
        rows.append((f"device {device.name.removeprefix('/physical_device:')}", _details(device)))
    for number, line in enumerate(_driver_devices()):
        rows.append((f"the driver's GPU {number}", line))
    rows.append(("XLA in training", "on" if strategy.use_xla() else "off"))
    return rows


def missing() -> list[str]:
    """What keeps training from a GPU, a line each; nothing where TensorFlow sees one."""
    if tf.config.list_physical_devices("GPU"):
        return []
    lines = ["no GPU device: TensorFlow sees none"]
    if not tf.test.is_built_with_cuda():
        lines.append("no CUDA in this TensorFlow: install the Linux wheel for x86-64")
    if not driver():
        lines.append("no NVIDIA driver: neither nvidia-smi nor /proc/driver/nvidia is there")
    absent = [name for name in LIBRARIES if not _has_library(name)]
    if absent:
        lines.append(f"no CUDA libraries: {', '.join(absent)}; {INSTALL}")
    return lines


def driver() -> str | None:
    """The NVIDIA driver's version; None without one."""
    lines = _query("driver_version")
    if lines:
        return lines[0]
    try:
        return pathlib.Path("/proc/driver/nvidia/version").read_text().splitlines()[0]
    except OSError:
        return None


def reset_peak() -> None:
    """Begins a new measurement of the GPU's peak memory, if there is a GPU."""
    if tf.config.list_logical_devices("GPU"):
        tf.config.experimental.reset_memory_stats("GPU:0")


def peak_megabytes() -> float | None:
    """The largest memory in use on the first GPU since `reset_peak`; None without a GPU."""
    if not tf.config.list_logical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20


def _details(device: tf.config.PhysicalDevice) -> str:
    if device.device_type != "GPU":
        return "seen"
    found: dict[str, Any] = tf.config.experimental.get_device_details(device)
    growth = "on" if tf.config.experimental.get_memory_growth(device) else "OFF"
    capability = ".".join(map(str, found.get("compute_capability", ("unknown",))))
    name = found.get("device_name", "unknown")
    return f"{name}, compute capability {capability}, memory growth {growth}"


def _driver_devices() -> list[str]:
    return _query("name,memory.total,memory.used")


def _query(fields: str) -> list[str]:
    """What nvidia-smi answers, a line per GPU; nothing where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={fields}", "--format=csv,noheader"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return ended.stdout.splitlines() if ended.returncode == 0 else []


def _has_library(name: str) -> bool:
    """Whether the loader finds a library, or NVIDIA's wheels hold it, where TensorFlow looks."""
    try:
        ctypes.CDLL(name)
    except OSError:
        wheels = pathlib.Path(sysconfig.get_path("purelib")) / "nvidia"
        return any(wheels.glob(f"*/lib/{name}"))
    return True
