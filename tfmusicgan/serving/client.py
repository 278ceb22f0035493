"""A client of TensorFlow Serving (the stock server or tfmusicgan-serve), light to import.

NumPy in and out, NoteSequences for music; no TensorFlow, no tensorflow-serving-api, no note_seq.

  with Client("127.0.0.1:8500") as client:
      client.wait_until_ready("musegan")
      pieces = client.generate("musegan", seeds=range(4), qpm=96)
      pieces = client.accompany("musegan_accompaniment", range(4), note_sequence)
      pieces = client.continue_piece("seqgan", range(4), note_sequence)
      sounds = client.generate_audio("gansynth", range(4), pitch=[60, 64, 67, 72])
"""

import time
from collections.abc import Iterable, Mapping, Sequence

import grpc
import numpy as np

from tfmusicgan.errors import ConfigError, unknown_name
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving import messages, tensors
from tfmusicgan.serving.calls import RETRIED_CODES, Caller, ServingError
from tfmusicgan.serving.controls import (
    TensorTypes,
    ask_in_parts,
    control_rows,
    count_rows,
    music_rows,
    seed_rows,
)
from tfmusicgan.serving.sounds import Sound

__all__ = ["Client", "ServingError"]

DEFAULT_TIMEOUT_SECONDS = 60.0
MAX_ROWS = 32  # 32 pieces stay under the 4 MiB that clients with default limits accept
_MAX_SOUNDS = 8  # four requests of 8 notes of 4 s at a time end well within the default deadline
MAX_REQUEST_BYTES = 3 << 20  # of given music: under the 4 MiB of a gRPC proxy's default limit
_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_POLL_SECONDS = 0.05


class Client:
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
        self.target = target
        self.max_concurrency = max_concurrency
        self.max_rows = max_rows
        self._caller = Caller(target, timeout_seconds, credentials)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        self._caller.close()

    def predict(
        self,
        model: str,
        inputs: Mapping[str, object],
        signature: str = messages.DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        output_filter: Sequence[str] = (),
    ) -> dict[str, np.ndarray]:
        """Runs one signature of a model.

        Args:
          model: The model's name.
          inputs: Alias -> array, number, text, or nested list. The dtype is sent as it is: use
            NumPy's types, e.g. `np.int64`.
          signature: The signature's name.
          version: A version number; the latest available one when neither it nor `label` is given.
          label: A version label.
          output_filter: The outputs wanted; all when empty.

        Returns:
          Alias -> array; strings are bytes in object arrays.

        Raises:
          ServingError: With the server's code and text, after retries where these make sense.
          ConfigError: If both `version` and `label` are given.
          TensorError: If an input has no TensorProto form.
        """
        request = messages.PredictRequest(output_filter=output_filter)
        request.model_spec.CopyFrom(_model_spec(model, version, label))
        request.model_spec.signature_name = signature
        for alias, value in inputs.items():
            encoded = tensors.encode_tensor(tensors.as_array(value), as_content=True)
            request.inputs[alias].MergeFromString(encoded)
        reply = self._caller.call(_PREDICT, request, messages.PredictResponse)
        return {alias: tensors.decode_tensor(reply.outputs[alias]) for alias in reply.outputs}

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

    def metadata(
        self, model: str, version: int | None = None, label: str | None = None
    ) -> dict[str, dict[str, TensorTypes | dict[str, np.ndarray]]]:
        """What a model takes and gives.

        Args:
          model: The model's name.
          version: A version number.
          label: A version label.

        Returns:
          `{signature: {"inputs": {alias: (dtype, shape)}, "outputs": {...}, "defaults": {alias:
          array [1]}}}`, the defaults those of inputs that a request need not have.

        Raises:
          ServingError: With the server's code and text.
        """
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.CopyFrom(_model_spec(model, version, label))
        reply = self._caller.call(_METADATA, request, messages.GetModelMetadataResponse)
        packed = messages.SignatureDefMap.FromString(reply.metadata["signature_def"].value)
        return {
            name: {
                "inputs": _described(entry.inputs),
                "outputs": _described(entry.outputs),
                "defaults": {a: tensors.decode_tensor(t) for a, t in entry.defaults.items()},
            }
            for name, entry in sorted(packed.signature_def.items())
            if name != "__saved_model_init_op"
        }

    def status(self, model: str, version: int | None = None) -> dict[int, tuple[str, str]]:
        """The versions a server has, or had, of a model.

        Args:
          model: The model's name.
          version: One version alone.

        Returns:
          `{version: (state, error)}`, highest first; state as in `"AVAILABLE"`, error empty when
          all is well.

        Raises:
          ServingError: With the server's code and text.
        """
        return self._status(model, version, None)

    def wait_until_ready(self, model: str, timeout_seconds: float = 60.0) -> int:
        """Waits until a version of a model is available, the server's start included.

        Args:
          model: The model's name.
          timeout_seconds: How long at most.

        Returns:
          The highest available version.

        Raises:
          ServingError: If the time is over (the last refusal, or DEADLINE_EXCEEDED), or at once
            for a refusal that waiting does not mend.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            left = deadline - time.monotonic()
            try:
                states = self._status(model, None, max(left, _POLL_SECONDS))
            except ServingError as error:
                passing = (*RETRIED_CODES, grpc.StatusCode.NOT_FOUND)
                if error.code not in passing or time.monotonic() >= deadline:
                    raise
            else:
                available = [n for n, (state, _) in states.items() if state == "AVAILABLE"]
                if available:
                    return max(available)
                if time.monotonic() >= deadline:
                    text = f"{model} is not available after {timeout_seconds} s: {states}"
                    raise ServingError(grpc.StatusCode.DEADLINE_EXCEEDED, text, self.target)
            time.sleep(_POLL_SECONDS)

    def _status(
        self, model: str, version: int | None, timeout_seconds: float | None
    ) -> dict[int, tuple[str, str]]:
        request = messages.GetModelStatusRequest(model_spec=_model_spec(model, version, None))
        reply_class = messages.GetModelStatusResponse
        reply = self._caller.call(_STATUS, request, reply_class, timeout_seconds)
        names = messages.VersionState.values_by_number
        return {
            entry.version: (names[entry.state].name, entry.status.error_message)
            for entry in reply.model_version_status
        }


def _model_spec(model: str, version: int | None, label: str | None):
    if version is not None and label is not None:
        raise ConfigError(f"Expected a version or a label. Received: {version} and {label!r}.")
    spec = messages.ModelSpec(name=model)
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
    return spec


def _described(infos: Mapping[str, object]) -> TensorTypes:
    return {
        alias: (
            messages.data_type_name(info.dtype).lower(),
            tuple(dim.size for dim in info.tensor_shape.dim),
        )
        for alias, info in sorted(infos.items())
    }
