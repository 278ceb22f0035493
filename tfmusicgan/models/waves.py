"""WAV files to samples and back inside the graph, core ops only."""

import tensorflow as tf


def decode_waves(wav: tf.Tensor, sample_rate: int, num_samples: int) -> tf.Tensor:
    """Decodes a batch of 16-bit WAV files.

    Args:
      wav: string [batch].
      sample_rate: That the files must have, in Hz.
      num_samples: Of the result: longer files are cut, shorter ones filled up with silence.

    Returns:
      float32 [batch, num_samples], the mean of the channels.

    Raises:
      InvalidArgumentError: When run on something else than WAV, or on one of another rate.
    """

    def decode(one: tf.Tensor) -> tf.Tensor:
        samples, rate = tf.audio.decode_wav(one)
        check = tf.debugging.assert_equal(
            rate,
            sample_rate,
            f"Expected WAV of {sample_rate} Hz. Resample it before you send it.",
        )
        with tf.control_dependencies([check] if check is not None else []):
            mono = tf.reduce_mean(samples, axis=1)[:num_samples]
        return tf.pad(mono, [[0, num_samples - tf.shape(mono)[0]]])

    decoded = tf.map_fn(decode, wav, fn_output_signature=tf.float32)
    return tf.reshape(decoded, [-1, num_samples])


def encode_waves(audio: tf.Tensor, sample_rate: int) -> tf.Tensor:
    """Encodes a batch as mono WAV files of 16 bits.

    Args:
      audio: float32 [batch, samples]; full scale is 1, what is beyond is clipped.
      sample_rate: In Hz.

    Returns:
      string [batch].
    """
    return tf.map_fn(
        lambda samples: tf.audio.encode_wav(samples[:, tf.newaxis], sample_rate),
        audio,
        fn_output_signature=tf.string,
    )
