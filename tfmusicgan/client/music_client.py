"""A client of TensorFlow Serving (the stock server or tfmusicgan-serve), light to import.

NumPy in and out, NoteSequences for music; no TensorFlow, no tensorflow-serving-api, no note_seq.

  with MusicClient("127.0.0.1:8500") as client:
      client.wait_until_ready("musegan")
      pieces = client.generate("musegan", seeds=range(4), qpm=96)
      pieces = client.accompany("musegan_accompaniment", range(4), note_sequence)
      pieces = client.continue_piece("seqgan", range(4), note_sequence)
      sounds = client.generate_audio("gansynth", range(4), pitch=[60, 64, 67, 72])
"""

from collections.abc import Iterable, Mapping, Sequence

import grpc
import numpy as np

from tfmusicgan.client.calls import ServingError
from tfmusicgan.client.controls import (
    ask_in_parts,
    control_rows,
    count_rows,
    music_rows,
    seed_rows,
)
from tfmusicgan.client.model_client import DEFAULT_TIMEOUT_SECONDS, ModelClient
from tfmusicgan.errors import ConfigError, unknown_name
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving import messages
from tfmusicgan.serving.sounds import Sound

__all__ = ["MusicClient", "ServingError"]

MAX_ROWS = 32  # 32 pieces stay under the 4 MiB that clients with default limits accept
_MAX_SOUNDS = 8  # four requests of 8 notes of 4 s at a time end well within the default deadline
MAX_REQUEST_BYTES = 3 << 20  # of given music: under the 4 MiB of a gRPC proxy's default limit


class MusicClient(ModelClient):
    """A connection to one server; may be used from several threads.

    Args:
      target: `"host:port"`, or any gRPC target (`"unix:/path"`, `"dns:///name:port"`).
      timeout_seconds: The deadline of every call, its retries included; above 0, never infinite.
      credentials: `grpc.ssl_channel_credentials(...)` for TLS; None is plain text.
      max_concurrency: Requests of one `generate` or `accompany` that are under way at a time.
      max_rows: Most rows of one such request.

    Raises:
      ConfigError: If a number is out of range.
    """

    def __init__(
        self,
        target: str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        credentials: grpc.ChannelCredentials | None = None,
        max_concurrency: int = 4,
        max_rows: int = MAX_ROWS,
    ):
        if max_concurrency < 1 or max_rows < 1:
            raise ConfigError(
                "Expected max_concurrency and max_rows of 1 or more. Received: "
                f"{max_concurrency} and {max_rows}."
            )
        super().__init__(target, timeout_seconds, credentials)
        self.max_concurrency = max_concurrency
        self.max_rows = max_rows

    def generate(
        self,
        model: str,
        seeds: Iterable[int],
        signature: str | None = None,
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> list[NoteSequence]:
        """Makes one piece of music per seed.

        Large jobs are split into requests of `max_rows` rows, and of 3 MiB where music is given,
        `max_concurrency` of them under way at a time.

        Args:
          model: The model's name.
          seeds: One whole number per piece; the same seed gives the same piece.
          signature: By default `"serving_default"`, or `"generate"` when controls are given.
          version: A version number.
          label: A version label.
          **controls: Further inputs of the signature: one value for all pieces, or one per seed.
            Those left out take the defaults that the model states.

        Returns:
          The pieces, in the order of the seeds.

        Raises:
          ServingError: With the server's code and text, of the first request that failed.
          ConfigError: If the seeds are no whole numbers, or a control is unknown, of another length
            than the seeds, or missing though it has no default.
        """
        signature = signature or ("generate" if controls else messages.DEFAULT_SIGNATURE)
        rows = self._rows(seeds, model, signature, version, label, controls)

        def ask(inputs: Mapping[str, np.ndarray]) -> list[NoteSequence]:
            answer = self.predict(model, inputs, signature, version, label, ("note_sequence",))
            return [NoteSequence.FromString(piece) for piece in answer["note_sequence"]]

        return ask_in_parts(ask, rows, self.max_rows, MAX_REQUEST_BYTES, self.max_concurrency)

    def generate_audio(
        self,
        model: str,
        seeds: Iterable[int] | None = None,
        signature: str | None = None,
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> list[Sound]:
        """Makes one sound per seed, of a model that answers `wav`.

        Large jobs are split as those of `generate`, at most 8 rows a request.

        Args:
          model: The model's name.
          seeds: One whole number per sound; None for a signature without, such as `from_latent`.
          signature: By default `"serving_default"`, or `"synthesize"` when controls are given.
          version: A version number.
          label: A version label.
          **controls: Further inputs of the signature, e.g. `pitch=60` or `latent=` [rows, size].

        Returns:
          The sounds in order: `.wav`, the bytes of a file, `.samples` and `.sample_rate`.

        Raises:
          ServingError: With the server's code and text, of the first request that failed.
          ConfigError: As for `generate`, or if seeds are missing or too many.
          MusicGanError: If an answer is no mono WAV of 16 bits.
        """
        signature = signature or ("synthesize" if controls else messages.DEFAULT_SIGNATURE)
        rows = self._rows(seeds, model, signature, version, label, controls)

        def ask(inputs: Mapping[str, np.ndarray]) -> list[Sound]:
            answer = self.predict(model, inputs, signature, version, label, ("wav",))
            return [Sound.from_wav(wav) for wav in answer["wav"]]

        most = min(self.max_rows, _MAX_SOUNDS)
        return ask_in_parts(ask, rows, most, MAX_REQUEST_BYTES, self.max_concurrency)

    def _rows(
        self,
        seeds: Iterable[int] | None,
        model: str,
        signature: str,
        version: int | None,
        label: str | None,
        controls: Mapping[str, object],
    ) -> dict[str, np.ndarray]:
        """A job's inputs, [rows, ...] each; the server is asked what they are where need be."""
        rows = {} if seeds is None else {"seed": seed_rows(seeds)}
        if signature == messages.DEFAULT_SIGNATURE and rows and not controls:
            return rows
        known = self.metadata(model, version, label)
        if signature not in known:
            raise unknown_name("signature", signature, known)
        entry = known[signature]
        if rows and "seed" not in entry["inputs"]:
            raise ConfigError(
                f"Expected no seeds, which signature {signature!r} does not take. Its inputs: "
                f"{', '.join(entry['inputs'])}."
            )
        num_rows = len(rows["seed"]) if rows else count_rows(entry["inputs"], controls)
        return rows | control_rows(entry["inputs"], controls, num_rows, entry["defaults"])

    def accompany(
        self,
        model: str,
        seeds: Iterable[int],
        note_sequences: NoteSequence | bytes | Sequence[NoteSequence | bytes],
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> list[NoteSequence]:
        """Makes one piece per seed to given music, which is in the piece as its own track.

        Args:
          model: The name of a model with the signature `accompany`.
          seeds: One whole number per piece.
          note_sequences: One NoteSequence, or its bytes, for all pieces; or one per seed. The model
            takes the track it was trained with or, where there are no notes for it, all pitched
            notes; and of these the first 64 phrases.
          version: A version number.
          label: A version label.
          **controls: As for `generate`; the tempo is the given music's.

        Returns:
          The pieces, in the order of the seeds, each as long as its music.

        Raises:
          ServingError: With the server's code and text, of the first request that failed.
          ConfigError: If the model has no such signature, or an argument does not fit.
        """
        seeds = list(seeds)
        music = music_rows(note_sequences, len(seeds))
        return self.generate(
            model, seeds, "accompany", version, label, note_sequence=music, **controls
        )

    def continue_piece(
        self,
        model: str,
        seeds: Iterable[int],
        note_sequences: NoteSequence | bytes | Sequence[NoteSequence | bytes],
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> list[NoteSequence]:
        """Goes on with given music, once per seed.

        Args:
          model: The name of a model with the signature `continue`.
          seeds: One whole number per piece.
          note_sequences: As for `accompany`. The model takes what its tokens can hold of it, up to
            the last note, and where that is too long its end.
          version: A version number.
          label: A version label.
          **controls: As for `generate`; `length` counts the given tokens too.

        Returns:
          The pieces, in the order of the seeds: the given music and what follows it.

        Raises:
          ServingError: With the server's code and text, of the first request that failed.
          ConfigError: If the model has no such signature, or an argument does not fit.
        """
        seeds = list(seeds)
        music = music_rows(note_sequences, len(seeds))
        return self.generate(
            model, seeds, "continue", version, label, note_sequence=music, **controls
        )
