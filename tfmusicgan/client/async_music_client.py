"""The client with asyncio: the methods, arguments and answers of `MusicClient`, to be awaited.

async with AsyncMusicClient("127.0.0.1:8500") as client:
    await client.wait_until_ready("musegan")
    pieces = await client.generate("musegan", seeds=range(4), qpm=96)
    async for phrase in client.stream_phrases("musegan", seed=1, num_phrases=16):
        play(phrase)
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Self

import numpy as np

from tfmusicgan.client import jobs, requests
from tfmusicgan.client.base import ClientBase
from tfmusicgan.client.callers import AsyncCaller
from tfmusicgan.client.phrases import PhraseStream
from tfmusicgan.client.retries import ServingError
from tfmusicgan.client.runs import Run
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving.messages import DEFAULT_SIGNATURE
from tfmusicgan.serving.sounds import Sound

T = jobs.T  # one, so that both clients have the same signatures


class AsyncMusicClient(ClientBase):
    """A client whose calls are awaited; it belongs to the loop of its first call.

    Its arguments are those of `ClientBase`.
    """

    _caller_class = AsyncCaller

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info) -> None:
        await self.close()

    async def close(self) -> None:
        """As `MusicClient.close`."""
        self._is_closed = True
        if self._owns_connection:
            await self._caller.close()

    async def predict(
        self,
        model: str,
        inputs: Mapping[str, object],
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        output_filter: Sequence[str] = (),
    ) -> dict[str, np.ndarray]:
        """As `MusicClient.predict`."""
        call = requests.predict(model, inputs, signature, version, label, output_filter)
        return (await self._call(call)).outputs

    async def metadata(
        self, model: str, version: int | None = None, label: str | None = None
    ) -> requests.Metadata:
        """As `MusicClient.metadata`."""
        return await self._call(requests.metadata(model, version, label))

    async def status(self, model: str, version: int | None = None) -> requests.States:
        """As `MusicClient.status`."""
        return await self._call(requests.status(model, version))

    async def wait_until_ready(self, model: str, timeout_seconds: float = 60.0) -> int:
        """As `MusicClient.wait_until_ready`."""
        wait = requests.Readiness(model, timeout_seconds, self.target)
        while True:
            try:
                seconds = min(wait.seconds_left(), self.settings.timeout_seconds)
                states = await self.with_options(timeout_seconds=seconds).status(model)
            except ServingError as error:
                wait.check(error)
            else:
                version = wait.available(states)
                if version is not None:
                    return version
            await asyncio.sleep(requests.POLL_SECONDS)

    async def generate(
        self,
        model: str,
        seeds: Iterable[int],
        signature: str | None = None,
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> list[NoteSequence]:
        """As `MusicClient.generate`."""
        _, answers = await self.run(
            jobs.music_job(model, seeds, signature, version, label, controls, self.max_rows)
        )
        return answers

    async def generate_audio(
        self,
        model: str,
        seeds: Iterable[int] | None = None,
        signature: str | None = None,
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> list[Sound]:
        """As `MusicClient.generate_audio`."""
        _, answers = await self.run(
            jobs.sound_job(model, seeds, signature, version, label, controls, self.max_rows)
        )
        return answers

    async def accompany(
        self,
        model: str,
        seeds: Iterable[int],
        note_sequences: jobs.Music,
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> list[NoteSequence]:
        """As `MusicClient.accompany`."""
        _, answers = await self.run(
            jobs.given_music_job(
                model, seeds, note_sequences, "accompany", version, label, controls, self.max_rows
            )
        )
        return answers

    async def continue_piece(
        self,
        model: str,
        seeds: Iterable[int],
        note_sequences: jobs.Music,
        version: int | None = None,
        label: str | None = None,
        **controls: object,
    ) -> list[NoteSequence]:
        """As `MusicClient.continue_piece`."""
        _, answers = await self.run(
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
    ) -> AsyncIterator[NoteSequence]:
        """As `MusicClient.stream_phrases`, for `async for`."""
        stream = PhraseStream(seed, num_phrases, version, label, controls)
        return self._phrases(model, stream)

    async def _phrases(self, model: str, stream: PhraseStream) -> AsyncIterator[NoteSequence]:
        known = await self._call(requests.described(model, stream.version, stream.label))
        stream.begin(known)
        while not stream.is_done:
            call = stream.next_call(model, known.signatures)
            for phrase in stream.phrases(await self._call(call)):
                yield phrase

    async def run(self, job: jobs.Job[T]) -> tuple[int, list[T]]:
        """As `MusicClient.run`."""
        run = Run(job, self._models)
        while not run.is_done:
            try:
                if run.question is not None:
                    run.learn(await self._call(run.question))
                run.take(await self._call_all(run.calls()))
            except (ConfigError, ServingError) as error:
                run.recover(error)
        return run.version, run.answers()

    async def _call_all(self, calls: Sequence[requests.Call[T]]) -> list[T]:
        """Several calls at a time; the first failure ends the others."""
        slots = asyncio.Semaphore(self.max_concurrency)

        async def ask(call: requests.Call[T]) -> T:
            async with slots:
                return await self._call(call)

        tasks = [asyncio.ensure_future(ask(call)) for call in calls]
        try:
            # The first failure is raised at once, whatever is still under way.
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:  # after a failure, what is not done is not asked for
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _call(self, call: requests.Call[T]) -> T:
        self._check_open()
        return await self._caller.call(call, self.settings)
