"""What every call carries, the channel's options, and which refusals are final."""

import contextlib
import socket
import threading
import time

import grpc
import numpy as np
import pytest

from tests.client.fake_server import FakeServer, answer, fickle
from tfmusicgan.client import ChannelOptions, MusicClient, RetryPolicy, ServingError
from tfmusicgan.errors import ConfigError


class Relay:
    """Passes a server's bytes on, until it is silent."""

    def __init__(self, address):
        host, port = address.split(":")
        self.is_silent = False
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        for each in self._sockets:
            each.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if not self.is_silent:
                    sink.sendall(data)


def _echo(*_):
    return answer(y=np.array([3.0]))


def test_calls_carry_metadata_and_an_id_of_their_own():
    with (
        FakeServer(_echo) as server,
        MusicClient(server.address, metadata={"authorization": "Bearer x"}) as client,
    ):
        for _ in range(2):
            client.predict("m", {})
        client.with_options(metadata={"tenant": "a b"}, request_id="night-7").predict("m", {})
    first, second, named = server.metadata
    assert [m["authorization"] for m in server.metadata] == ["Bearer x"] * 3
    assert len(first["x-request-id"]) == 32 and first["x-request-id"] != second["x-request-id"]
    assert (named["x-request-id"], named["tenant"]) == ("night-7", "a b")
    assert "tenant" not in second


def test_a_request_keeps_its_id_when_it_is_tried_again():
    with (
        fickle(9) as server,
        MusicClient(server.address, retry=RetryPolicy(3, 0.01)) as client,
        pytest.raises(ServingError) as refusal,
    ):
        client.predict("m", {})
    assert [m["x-request-id"] for m in server.metadata] == [refusal.value.request_id] * 3


def test_options_of_a_twin_are_its_own():
    with fickle(2) as server, MusicClient(server.address, 5.0) as client:
        hasty = client.with_options(retry=RetryPolicy(attempts=1))
        with pytest.raises(ServingError, match="UNAVAILABLE: busy"):
            hasty.predict("m", {})
        assert len(server.times) == 1
        assert client.with_options(timeout_seconds=2.5).settings.timeout_seconds == 2.5
        assert client.settings.timeout_seconds == 5.0
        assert client.predict("m", {})["y"].size == 2**21


def test_an_answer_over_the_limit_is_not_asked_for_again():
    small = ChannelOptions(max_receive_bytes=1 << 20)
    with fickle() as server, MusicClient(server.address, channel=small) as client:
        with pytest.raises(ServingError, match=r"RESOURCE_EXHAUSTED: .*larger than max") as refusal:
            client.predict("m", {})
        assert refusal.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(server.times) == 1
    small = ChannelOptions(max_send_bytes=1 << 20)
    with FakeServer(_echo) as server, MusicClient(server.address, channel=small) as client:
        with pytest.raises(ServingError, match=r"Sent message larger than max"):
            client.predict("m", {"x": np.ones(2**18 + 1, np.float32)})
        assert client.predict("m", {"x": np.ones(2**17, np.float32)})["y"].tolist() == [3.0]


def test_a_connection_that_is_dead_is_found_out_before_the_deadline():
    options = ChannelOptions(keepalive_seconds=0.3, keepalive_timeout_seconds=0.3)
    once = RetryPolicy(attempts=1)
    with (
        FakeServer(_echo) as server,
        Relay(server.address) as relay,
        MusicClient(relay.address, 30.0, channel=options, retry=once) as client,
    ):
        assert client.predict("m", {})["y"].tolist() == [3.0]
        relay.is_silent = True  # nothing is closed, and nothing comes through
        started = time.monotonic()
        with pytest.raises(ServingError, match=r"UNAVAILABLE: .*(keepalive|ping)"):
            client.predict("m", {})
        assert time.monotonic() - started < 10.0


def test_the_channels_options_by_grpcs_names():
    options = ChannelOptions(
        max_receive_bytes=5,
        keepalive_seconds=0.25,
        keepalive_without_calls=True,
        load_balancing="round_robin",
    )
    assert dict(options.arguments()) == {
        "grpc.max_send_message_length": -1,
        "grpc.max_receive_message_length": 5,
        "grpc.keepalive_time_ms": 250,
        "grpc.keepalive_timeout_ms": 20_000,
        "grpc.http2.ping_timeout_ms": 20_000,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.lb_policy_name": "round_robin",
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 5000,
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ChannelOptions(keepalive_seconds=0), "keepalive_seconds above 0 and finite"),
        (lambda: ChannelOptions(max_send_bytes=2**31), r"max_send_bytes from 1 to 2\*\*31 - 1"),
        (lambda: ChannelOptions(load_balancing="x"), r"'x'. Known: pick_first, round_robin."),
        (lambda: RetryPolicy(attempts=0), r"attempts of 1 or more, .*attempts=0"),
        (lambda: RetryPolicy(attempts="5"), r"attempts of 1 or more, .*attempts='5'"),
        (lambda: RetryPolicy(5, "2", 1.0), r"0 < first_pause_seconds .*first_pause_seconds='2'"),
        (lambda: ChannelOptions(max_send_bytes="1"), r"or None. Received: '1'\."),
        (lambda: ChannelOptions(keepalive_seconds="1"), r"above 0 and finite. Received: '1'\."),
        (lambda: RetryPolicy(5, 2.0, 1.0), r"<= max_pause_seconds. .*max_pause_seconds=1.0"),
        (lambda: MusicClient("a:1", metadata={"Key": "x"}), r"a metadata key .*: 'Key'\."),
        (lambda: MusicClient("a:1", metadata={"a-bin": "x"}), r"not \.\.\.-bin. .*'a-bin'\."),
        (lambda: MusicClient("a:1", metadata={"a": "x\n"}), r"ASCII for metadata 'a'. .*'x\\n'\."),
        (lambda: MusicClient("a:1").with_options(request_id="é"), r"'x-request-id'. .*'é'\."),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
