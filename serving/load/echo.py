"""A gRPC server that answers every Predict with the same bytes: what gRPC in Python costs alone.

A program of its own: the reply comes on standard input, the address goes to standard output.
"""

import asyncio
import contextlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import grpc

_SERVICE = "tensorflow.serving.PredictionService"


@contextlib.contextmanager
def running(reply: bytes) -> Iterator[tuple[str, int]]:
    """Runs the echo while the block does.

    Args:
      reply: What it answers.

    Yields:
      Its host:port and its process id.
    """
    command = [sys.executable, str(pathlib.Path(__file__).absolute())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write(reply)
        process.stdin.close()
        yield process.stdout.readline().decode().strip(), process.pid
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def serve(reply: bytes) -> None:
    """Answers for ever."""

    async def answer(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        return reply

    server = grpc.aio.server(options=[("grpc.max_send_message_length", -1)])
    methods = {"Predict": grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.stdin.buffer.read()))
