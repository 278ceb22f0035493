"""A client of TensorFlow Serving (the stock server or tfmusicgan-serve), light to import.

NumPy in and out, NoteSequences for music; no TensorFlow, no tensorflow-serving-api, no note_seq.

  with MusicClient("127.0.0.1:8500") as client:
      client.wait_until_ready("musegan")
      pieces = client.generate("musegan", seeds=range(4), qpm=96)
      pieces = client.accompany("musegan_accompaniment", range(4), note_sequence)
      pieces = client.continue_piece("seqgan", range(4), note_sequence)
      sounds = client.generate_audio("gansynth", range(4), pitch=[60, 64, 67, 72])
      for phrase in client.stream_phrases("musegan", seed=1, num_phrases=16):
          play(phrase)
"""

import concurrent.futures
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION

from tfmusicgan.client import jobs, requests
from tfmusicgan.client.callers import CallGroup
from tfmusicgan.client.model_client import ModelClient
from tfmusicgan.client.phrases import PhraseStream
from tfmusicgan.client.requests import Call
from tfmusicgan.client.retries import ServingError
from tfmusicgan.client.runs import Run
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving.sounds import Sound

T = jobs.T  # one, so that both clients have the same signatures


class MusicClient(ModelClient):
    """A client whose calls block; may be used from several threads.

    Its arguments are those of `ClientBase`.
    """

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
        `max_concurrency` of them under way at a time. All pieces are made by one version, also
        where the server replaces it meanwhile. What the model takes is asked once a version.

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
        _, answers = self.run(
            jobs.music_job(model, seeds, signature, version, label, controls, self.max_rows)
        )
        return answers

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
          ServingError: With the server's code and text, of the first request that failed; or if an
            answer is no mono WAV of 16 bits.
          ConfigError: As for `generate`, or if seeds are missing or too many.
        """
        _, answers = self.run(
            jobs.sound_job(model, seeds, signature, version, label, controls, self.max_rows)
        )
        return answers

    def accompany(
        self,
        model: str,
        seeds: Iterable[int],
        note_sequences: jobs.Music,
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
            notes; and of these the first 64 phrases. `accompaniment.describe_changes` tells what
            is not in the pieces as it was.
          version: A version number.
          label: A version label.
          **controls: As for `generate`; the tempo is the given music's at its start.

        Returns:
          The pieces, in the order of the seeds, each as long as its music in whole bars. A pick-up
          is at the end of a bar, the first.

        Raises:
          ServingError: With the server's code and text, of the first request that failed.
          ConfigError: If the model has no such signature, or an argument does not fit.
        """
        _, answers = self.run(
            jobs.given_music_job(
                model, seeds, note_sequences, "accompany", version, label, controls, self.max_rows
            )
        )
        return answers

    def continue_piece(
        self,
        model: str,
        seeds: Iterable[int],
        note_sequences: jobs.Music,
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
        _, answers = self.run(
            jobs.given_music_job(
                model, seeds, note_sequences, "continue", version, label, controls, self.max_rows
            )
        )
        return answers

    def stream_phrases(
        self,
        model: str,
        seed: int,
        num_phrases: int,
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> Iterator[NoteSequence]:
        """Makes a long piece whose first phrases are there before the last ones are made.

        The phrases together have the notes of the piece that `generate` makes with `num_phrases`.
        One request is under way at a time, when the next phrase is wanted: for the first phrase,
        for two, four, eight ... See `phrases.py`.

        Args:
          model: The name of a model of phrases, whose signature `generate` takes `num_phrases`.
          seed: The piece's seed.
          num_phrases: Its length.
          version: A version number; by default the latest, for all phrases the same.
          label: A version label.
          **controls: As for `generate`, one value each.

        Yields:
          One NoteSequence per phrase: the notes that begin in it, at their times in the piece.

        Raises:
          ServingError: With the server's code and text.
          ConfigError: If the model makes no phrases, or an argument does not fit.
          MusicGanError: If the model makes no pieces of that many phrases.
        """
        stream = PhraseStream(seed, num_phrases, version, label, controls)
        return self._phrases(model, stream)

    def _phrases(self, model: str, stream: PhraseStream) -> Iterator[NoteSequence]:
        known = self._call(requests.described(model, stream.version, stream.label))
        stream.begin(known)
        while not stream.is_done:
            call = stream.next_call(model, known.signatures)
            yield from stream.phrases(self._call(call))

    def run(self, job: jobs.Job[T]) -> tuple[int, list[T]]:
        """Asks for all rows of a job, several requests under way at a time.

        Args:
          job: What is wanted; see `jobs.py`.

        Returns:
          The version that made all, 0 where the server does not say, and the answers.

        Raises:
          ServingError: With the server's code and text, of the first request that failed.
          ConfigError: If seeds or controls do not fit the signature.
        """
        run = Run(job, self._models)
        while not run.is_done:
            try:
                if run.question is not None:
                    run.learn(self._call(run.question))
                run.take(self._call_all(run.calls()))
            except (ConfigError, ServingError) as error:
                run.recover(error)
        return run.version, run.answers()

    def _call_all(self, calls: Sequence[Call[T]]) -> list[T]:
        """Several calls at a time; the first failure ends the others."""
        self._check_open()
        group = CallGroup()

        def ask(call: Call[T]) -> T:
            return self._caller.call(call, self.settings, group)

        with concurrent.futures.ThreadPoolExecutor(self.max_concurrency) as pool:
            try:
                futures = [pool.submit(ask, call) for call in calls]
                done = concurrent.futures.wait(futures, return_when=FIRST_EXCEPTION).done
                # A failure is raised at once, whatever is still under way.
                for future in sorted(done, key=lambda each: each.exception() is None)[:1]:
                    future.result()
                return [future.result() for future in futures]
            finally:  # after a failure or Ctrl-C, nothing is waited for and nothing else asked
                group.cancel()
                pool.shutdown(wait=False, cancel_futures=True)
