"""WAV, FLAC, MP3 and OGG Vorbis files as samples at a wanted rate. Never part of an export.

WAV files of whole numbers and floats are read by `wav_file`; every other file, and every change of
rate, is tensorflow-io's, which is imported when the first one comes. What kind a file is, its first
bytes say, not its name. Only as much is decoded as is asked for.

Faults of tensorflow-io 0.37.1 that are worked round: `AudioIOTensor` takes whole numbers of 32 bits
in WAV files for floats, and refuses floats of 64 bits, chunks of odd size, what follows the samples
and the headers of writers to a pipe. `tfio.audio.resample` is traced anew at every call outside a
function, and its output comes late by half its filter, some 30 samples of the lower rate, without
as many at the end.
"""

import functools
import re
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfmusicgan.errors import MusicGanError, ReadError
from tfmusicgan.note_sequences import wav_file
from tfmusicgan.note_sequences.recorded_note import Audio, check_recording

# Samples of the lower rate beyond a clip's end that its last samples depend on: four times as many
# as the filter has on a side.
_MARGIN = 128
_MOST_BEFORE = 1_024
_FULL_SCALES = {"uint8": 2.0**7, "int16": wav_file.FULL_SCALE, "int32": 2.0**31, "float32": 1.0}
# What TensorFlow writes around the message of an operation.
_AROUND = re.compile(r"\{\{.*?\}\}|\[Op:.*|\n.*", re.DOTALL)


def decode(path: str, name: str, sample_rate: int, num_samples: int) -> Audio:
    """Reads the beginning of an audio file at a wanted rate.

    Args:
      path: The file.
      name: What messages call it.
      sample_rate: The wanted rate, in Hz.
      num_samples: How many samples of that rate are wanted.

    Returns:
      float32 [at most num_samples], channels averaged, and the wanted rate.

    Raises:
      ReadError: With reason `"undecodable_audio"`, `"bad_sample_rate"`, `"bad_shape"`,
        `"empty_audio"`, or those of `wav_file.find_samples`.
      MusicGanError: If tensorflow-io, or its library, does not load.
    """
    wanted = path, name, sample_rate, num_samples
    samples, rate = _read_wav(*wanted) or _read(*wanted)
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    if rate != sample_rate:
        mono = _resample(mono[: _needed(rate, sample_rate, num_samples)], rate, sample_rate)
    return Audio(mono[:num_samples], sample_rate)


def _read(path: str, name: str, sample_rate: int, num_samples: int) -> Audio:
    """As much of a file as is needed, by tensorflow-io."""
    tfio = _tensorflow_io()
    try:
        file = tfio.audio.AudioIOTensor(path)
        rate, (length, channels) = int(file.rate), file.shape.numpy().tolist()
        check_recording(rate, channels, name)
        if not length:
            raise _no_samples(name)
        samples = file[: min(length, _needed(rate, sample_rate, num_samples))].numpy()
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        # A message with a damaged file's bytes in it is no text that Python takes.
        why = " ".join(_AROUND.sub("", getattr(error, "message", "")).split()) or "another kind"
        raise ReadError(
            f"Expected a WAV, FLAC, MP3 or OGG Vorbis file. Received {why[:200]!r}: {name}.",
            "undecodable_audio",
        ) from None
    except NotImplementedError as error:
        raise _not_loaded(error) from None
    full_scale = _FULL_SCALES[samples.dtype.name]
    middle = full_scale if samples.dtype == np.uint8 else 0.0
    return Audio((samples.astype(np.float32) - np.float32(middle)) / np.float32(full_scale), rate)


def _read_wav(path: str, name: str, sample_rate: int, num_samples: int) -> Audio | None:
    """As much of a WAV file as is needed; None for every other file."""
    try:
        with open(path, "rb") as file:
            layout = wav_file.find_samples(file, name)
            if layout is None:
                return None
            check_recording(layout.sample_rate, layout.channels, name)
            if not layout.num_frames:
                raise _no_samples(name)
            needed = _needed(layout.sample_rate, sample_rate, num_samples)
            return wav_file.read_samples(file, layout, needed)
    except OSError as error:
        raise ReadError(
            f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
        ) from None


def _needed(rate_in: int, rate_out: int, num_samples: int) -> int:
    """Samples of a file that a clip's depend on."""
    whole = -(-num_samples * rate_in // rate_out)
    return whole if rate_in == rate_out else whole + _margin(rate_in, rate_out)


def _margin(rate_in: int, rate_out: int) -> int:
    """`_MARGIN` in samples of the rate that comes in."""
    return _MARGIN * -(-max(rate_in, rate_out) // rate_out)


def _no_samples(name: str) -> ReadError:
    return ReadError(f"Expected audio. Received: no samples in {name}.", "empty_audio")


def _resample(mono: np.ndarray, rate_in: int, rate_out: int) -> np.ndarray:
    """Another rate, in time: float32 [samples] to float32 [ceil(samples * rate_out / rate_in)]."""
    before, late = _lateness(rate_in, rate_out)
    padded = np.pad(mono, (before, _margin(rate_in, rate_out)))[:, None]
    count = -(-len(mono) * rate_out // rate_in)
    return _resampler()(padded, rate_in, rate_out).numpy()[late : late + count, 0]


@functools.lru_cache(maxsize=64)
def _lateness(rate_in: int, rate_out: int) -> tuple[int, int]:
    """How much silence to put before audio, so that it comes late by whole samples; and how many.

    Measured by an impulse: where the centre of its answer is.
    """
    place = _margin(rate_in, rate_out)
    impulse = np.zeros((2 * place, 1), np.float32)
    impulse[place] = 1.0
    answer = _resampler()(impulse, rate_in, rate_out).numpy()[:, 0].astype(np.float64)
    ratio = rate_out / rate_in
    late = float(np.arange(len(answer)) @ answer / answer.sum()) - place * ratio
    delays = late + ratio * np.arange(_MOST_BEFORE)
    before = int(np.argmin(np.abs(delays - np.rint(delays)).round(3)))
    return before, round(float(delays[before]))


@functools.cache
def _resampler() -> Callable[[np.ndarray, int, int], tf.Tensor]:
    """float32 [samples, 1], rate in, rate out -> float32 [samples, 1]."""
    tfio = _tensorflow_io()
    rate = tf.TensorSpec([], tf.int64)
    signature = [tf.TensorSpec([None, 1], tf.float32), rate, rate]
    logger = tf.get_logger()
    level = logger.level
    # While it is traced it says that it has no faster form.
    logger.setLevel("ERROR")
    try:
        function = tf.function(tfio.audio.resample, input_signature=signature)
        function.get_concrete_function()
    except NotImplementedError as error:
        raise _not_loaded(error) from None
    finally:
        logger.setLevel(level)
    return function


def _tensorflow_io():
    try:
        import tensorflow_io
    except ImportError as error:
        raise _not_loaded(error) from None
    return tensorflow_io


def _not_loaded(error: Exception) -> MusicGanError:
    why = " ".join(str(error).split())[:200]
    return MusicGanError(
        f"tensorflow-io does not load beside TensorFlow {tf.__version__}: {why}. Install a pair "
        "that fits, such as tensorflow==2.17.1 and tensorflow-io==0.37.1."
    )
