r"""The images that GANSynth learns from audio, and audio of such images.

| kind | channel 0 | channel 1 |
|---|---|---|
| `phase` | ln(\|S\| + 1e-6) | phase |
| `if` | ln(\|S\| + 1e-6) | instantaneous frequency |
| `if_mel` | ln((\|S\| + 1e-6)^2 M + 1e-6): power | instantaneous frequency of the phases M |
| `waveform` | samples | the same samples |

Phases are in units of pi. S, M and instantaneous frequency are in `stft` and `mel_matrix`. The 1e-6
under the square is there since the released code squares what it has the logarithm of. Where that
code unwraps phases, multiplies them with M and takes differences, M takes the differences here: the
same, since a product is linear, without a long running sum.

Source: Engel et al. (2019), "GANSynth", https://arxiv.org/abs/1902.08710, section 2.3; magenta
526d3eb1, `models/gansynth/lib/specgrams_helper.py`.
"""

import dataclasses

import tensorflow as tf

from tfmusicgan.audio.banded_product import banded_product
from tfmusicgan.audio.mel_matrix import linear_matrix, mel_matrix
from tfmusicgan.audio.stft import (
    HOPS_PER_FRAME,
    from_polar,
    instantaneous_frequency,
    inverse_stft,
    phases_from_frequency,
    polar,
    stft,
    wrap,
)
from tfmusicgan.errors import ConfigError, unknown_name

KINDS = ("phase", "if", "if_mel", "waveform")
_FLOOR = 1e-6  # of magnitudes and powers under the logarithm, as in the released code


@dataclasses.dataclass(frozen=True)
class SpectrogramFormat:
    """Audio of one length as images of one shape, and back. The defaults are the paper's IF-Mel+H.

    Lost: in the last three hops what no four frames cover; at `if_mel` the waveform, since phases
    of neighbouring bins are averaged; and what the bin at 0 Hz holds. `waveform` loses nothing.

    What the other bins hold comes back from `if` at over 80 dB, without the last three hops. That
    is not the audio itself, since the bin at 0 Hz, left out as in the released code, hears slow
    movements of attacks and offsets: it comes back at over 60 dB of 46 among 60 notes of NSynth at
    (128, 1024) and of 42 at (256, 512), at the least at 8 dB; of 103 and 85 among 206 recorded
    notes of 18 instruments, at the least at 15 dB, in the middle at 60 and 55.

    Attributes:
      kind: One of `KINDS`.
      frames: Frames of an image; for `waveform` its samples, the padding included.
      bins: Bins of a frame, even; for `waveform` 1.
      sample_rate: Samples a second.
      num_samples: Samples of a row of audio.

    Raises:
      ConfigError: If the kind is unknown, or the audio does not fit into the image.
    """

    kind: str = "if_mel"
    frames: int = 128
    bins: int = 1024
    sample_rate: int = 16000
    num_samples: int = 64000

    def __post_init__(self):
        if self.kind not in KINDS:
            raise unknown_name("kind of spectrogram", self.kind, KINDS)
        is_waveform = self.kind == "waveform"
        if min(self.frames, self.bins, self.sample_rate, self.num_samples) < 1 or (
            self.bins != 1 if is_waveform else self.bins % 2
        ):
            raise ConfigError(
                f"Expected numbers above 0, and {'one bin' if is_waveform else 'even bins'} for "
                f"kind {self.kind!r}. Received: {self.frames} frames, {self.bins} bins, "
                f"{self.sample_rate} samples a second, {self.num_samples} samples."
            )
        if self.padding < 0:
            raise ConfigError(
                f"Expected at most {self.num_samples + self.padding} samples, as many as "
                f"{self.frames} frames of {self.bins} bins take. Received: {self.num_samples}. Use "
                "more frames or bins, or cut the audio."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """An image's shape: (frames, bins, 2)."""
        return self.frames, self.bins, 2

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return 1 if self.kind == "waveform" else 2 * self.bins // HOPS_PER_FRAME

    @property
    def padding(self) -> int:
        """Samples of silence around the audio: all in front, but for `waveform`, half behind."""
        if self.kind == "waveform":
            return self.frames - self.num_samples
        return self.hop * (self.frames - 1) + 2 * self.bins - self.num_samples

    def forward(self, audio: tf.Tensor) -> tf.Tensor:
        """Images of audio.

        Args:
          audio: float32 [batch, num_samples], within [-1, 1].

        Returns:
          float32 [batch, *shape], finite for finite audio.

        Raises:
          ConfigError: If the audio has another length.
        """
        audio = tf.convert_to_tensor(audio, tf.float32)
        if audio.shape.rank != 2 or audio.shape[1] not in (None, self.num_samples):
            raise ConfigError(
                f"Expected audio of shape [batch, {self.num_samples}]. Received: {audio.shape}. "
                "Cut or pad it first."
            )
        audio = tf.ensure_shape(audio, [None, self.num_samples])
        if self.kind == "waveform":
            front = self.padding // 2
            audio = tf.pad(audio, [[0, 0], [front, self.padding - front]])
            return tf.stack([audio, audio], axis=-1)[:, :, tf.newaxis]
        magnitudes, phases = polar(stft(audio, self.frames, self.bins))
        if self.kind == "phase":
            return _image(magnitudes, phases)
        frequency = instantaneous_frequency(phases)
        if self.kind == "if":
            return _image(magnitudes, frequency)
        matrix = mel_matrix(self.bins, self.sample_rate / 2)
        frequency = banded_product(frequency, matrix)
        frequency = tf.concat([frequency[:, :1], wrap(frequency[:, 1:])], axis=1)
        return _image(banded_product(tf.square(magnitudes + _FLOOR), matrix), frequency)

    def inverse(self, images: tf.Tensor) -> tf.Tensor:
        """Audio of images. Of `waveform`'s two channels the first is heard.

        Args:
          images: float32 [batch, *shape].

        Returns:
          float32 [batch, num_samples]; not clipped.

        Raises:
          ConfigError: If the images have another shape.
        """
        images = tf.convert_to_tensor(images, tf.float32)
        if not images.shape.is_compatible_with([None, *self.shape]):
            raise ConfigError(
                f"Expected images of shape [batch, {', '.join(map(str, self.shape))}]. Received: "
                f"{images.shape}."
            )
        images = tf.ensure_shape(images, [None, *self.shape])
        if self.kind == "waveform":
            front = self.padding // 2
            return images[:, front : front + self.num_samples, 0, 0]
        magnitudes, phases = tf.exp(images[..., 0]), images[..., 1]
        if self.kind == "if_mel":
            matrix = linear_matrix(self.bins, self.sample_rate / 2)
            magnitudes = tf.sqrt(banded_product(magnitudes, matrix) + _FLOOR)
            phases = banded_product(phases, matrix)
        if self.kind != "phase":
            phases = phases_from_frequency(phases)
        return inverse_stft(from_polar(magnitudes, phases), self.num_samples)


def _image(values: tf.Tensor, phases: tf.Tensor) -> tf.Tensor:
    """Magnitudes or powers, and phases or their differences, as the two channels of an image."""
    # Not stacked along the last axis, which takes three times as long on a CPU.
    return tf.transpose(tf.stack([tf.math.log(values + _FLOOR), phases]), [1, 2, 3, 0])
