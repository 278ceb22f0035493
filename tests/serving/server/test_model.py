"""The versions of one model coming and going; no TensorFlow."""

import asyncio

from tfmusicgan.serving.server.model import LoadRetries, Model
from tfmusicgan.serving.server.statuses import RequestError, failed_precondition
from tfmusicgan.serving.server.version import State


class FakeVersion:
    """Writes what happens to it into `story`."""

    broken: frozenset = frozenset()
    gate: asyncio.Event | None = None

    def __init__(self, story, name, number, path):
        self.name, self.number, self.path = name, number, path
        self.state = State.START
        self.error: RequestError | None = None
        self._story = story

    async def load(self, pool):
        await asyncio.sleep(0)
        self._story.append(f"load {self.number} from {self.path}")
        if self.number in self.broken:
            self.state, self.error = State.END, failed_precondition("broken")
        elif self.number == 666:
            raise MemoryError
        else:
            self.state = State.AVAILABLE

    async def unload(self):
        self.state = State.UNLOADING
        self._story.append(f"unload {self.number}")
        if self.gate is not None:
            await self.gate.wait()
        self.state = State.END


class Scene:
    """A model, what happened to it, and how often it told so."""

    def __init__(self, *retries):
        self.story, self.num_changes = [], 0
        make = lambda *args: FakeVersion(self.story, *args)  # noqa: E731
        self.model = Model("m", make, None, self._changed, LoadRetries(*retries))

    def _changed(self):
        self.num_changes += 1

    async def want(self, **paths):
        """Wants versions, given as v1="/path", and returns what happens then."""
        self.story.clear()
        self.model.want({int(name[1:]): path for name, path in paths.items()})
        await self.model.settle()
        return list(self.story)


def test_versions_come_and_go_in_the_stock_order():
    async def scenario():
        scene = Scene()
        assert scene.model.latest() is None
        assert await scene.want(v1="/1", v2="/2") == ["load 2 from /2", "load 1 from /1"]
        assert scene.model.latest().number == 2
        assert await scene.want(v2="/2", v3="/3") == ["unload 1", "load 3 from /3"]
        assert await scene.want(v2="/2", v3="/3") == []
        # Elsewhere now: what is loaded stays; only another number is loaded from there.
        assert await scene.want(v3="/new/3") == ["unload 2"]
        assert await scene.want(v4="/new/4") == ["load 4 from /new/4", "unload 3"]
        assert scene.num_changes == 7
        assert await scene.want() == ["unload 4"]
        assert scene.model.latest() is None
        states = {number: version.state for number, version in scene.model.versions.items()}
        assert states == dict.fromkeys((1, 2, 3, 4), State.END)
        assert await scene.want(v2="/2") == ["load 2 from /2"]

    asyncio.run(scenario())


def test_a_failed_version_is_not_tried_again_until_it_was_taken_away(monkeypatch):
    async def scenario():
        scene = Scene()
        await scene.want(v1="/1")
        monkeypatch.setattr(FakeVersion, "broken", frozenset({2}))
        assert await scene.want(v2="/2") == ["load 2 from /2"]
        assert await scene.want(v2="/2") == []
        assert (scene.model.latest().number, scene.model.versions[2].state) == (1, State.END)
        assert await scene.want() == ["unload 1"]
        monkeypatch.setattr(FakeVersion, "broken", frozenset())
        assert await scene.want(v2="/2") == ["load 2 from /2"]
        assert scene.model.latest().number == 2

    asyncio.run(scenario())


def test_trouble_while_loading_is_that_versions_alone():
    async def scenario():
        scene = Scene()
        await scene.want(v665="/a", v666="/b")
        assert scene.story == ["load 666 from /b", "load 665 from /a"]
        assert scene.model.latest().number == 665
        assert scene.model.versions[666].state == State.END
        assert str(scene.model.versions[666].error) == "MemoryError()"

    asyncio.run(scenario())


def test_a_version_that_requests_are_in_is_no_longer_found(monkeypatch):
    async def scenario():
        scene = Scene()
        await scene.want(v1="/1")
        monkeypatch.setattr(FakeVersion, "gate", asyncio.Event())
        scene.model.want({})
        await asyncio.sleep(0)
        assert scene.model.latest() is None
        assert scene.model.versions[1].state == State.UNLOADING
        scene.model.want({1: "/1"})  # wanted back: it is loaded anew, after the end
        FakeVersion.gate.set()
        await scene.model.settle()
        assert scene.story == ["load 1 from /1", "unload 1", "load 1 from /1"]
        assert scene.model.latest().number == 1

    asyncio.run(scenario())


def test_a_version_is_tried_again_so_often(monkeypatch):
    async def scenario():
        monkeypatch.setattr(FakeVersion, "broken", frozenset({2}))
        scene = Scene(3, 0.01)
        assert await scene.want(v2="/2") == ["load 2 from /2"] * 4
        version = scene.model.versions[2]
        assert (version.state, str(version.error)) == (State.END, "broken")
        assert scene.num_changes == 1
        assert await scene.want(v2="/2") == []

    asyncio.run(scenario())


def test_a_version_mended_between_the_tries(monkeypatch):
    async def scenario():
        monkeypatch.setattr(FakeVersion, "broken", frozenset({2}))
        scene = Scene(9, 0.2)
        scene.model.want({2: "/2"})
        await asyncio.sleep(0.02)
        version = scene.model.versions[2]
        assert (version.state, version.error) == (State.LOADING, None)
        scene.model.want({2: "/2", 1: "/1"})  # still wanted: the pause goes on
        await asyncio.sleep(0.02)
        assert scene.story == ["load 2 from /2"]
        monkeypatch.setattr(FakeVersion, "broken", frozenset())
        await scene.model.settle()
        assert scene.story == ["load 2 from /2", "load 2 from /2", "load 1 from /1"]
        assert (version.state, version.error) == (State.AVAILABLE, None)

    asyncio.run(scenario())


def test_a_version_no_longer_wanted_is_not_tried_again(monkeypatch):
    async def scenario():
        monkeypatch.setattr(FakeVersion, "broken", frozenset({2}))
        scene = Scene(9, 60.0)
        scene.model.want({2: "/2"})
        await asyncio.sleep(0.01)
        scene.model.want({3: "/3"})
        await scene.model.settle()
        assert scene.story == ["load 2 from /2", "load 3 from /3"]
        version = scene.model.versions[2]
        assert (version.state, str(version.error)) == (State.END, "broken")

    asyncio.run(scenario())
