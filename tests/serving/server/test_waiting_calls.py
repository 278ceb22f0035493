"""Calls that come while the server's event loop is busy are waited with, not dropped."""

import asyncio
import threading
import time

import grpc

from tfmusicgan.serving.server.grpc_port import GrpcOptions, make_server


class BusyServer(threading.Thread):
    """Answers with what it was sent; `stall` keeps its event loop busy for a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.started, self.stall, self.end = (threading.Event() for _ in range(3))
        self.port = 0

    def run(self):
        asyncio.run(self._serve())

    async def _serve(self):
        async def echo(request, _):
            return request

        server = make_server(GrpcOptions())
        handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Test", handlers),))
        self.port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self.started.set()
        while not self.end.is_set():
            if self.stall.is_set():
                time.sleep(1.0)
                self.stall.clear()
            await asyncio.sleep(0.01)
        await server.stop(None)


def test_thousands_of_calls_wait_for_a_busy_loop():
    server = BusyServer()
    server.start()
    assert server.started.wait(10)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        echo = channel.unary_unary("/Test/Echo")
        assert echo(b"awake") == b"awake"
        server.stall.set()
        time.sleep(0.05)
        # gRPC's own limits are 1,000 calls, from which on it drops some, and 3,000.
        calls = [echo.future(str(number).encode()) for number in range(4_000)]
        answers = [call.result(timeout=60) for call in calls]
    server.end.set()
    server.join(10)
    assert answers == [str(number).encode() for number in range(4_000)]
