"""A real browser without a window, driven over its debugging protocol."""

import asyncio
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import aiohttp
import pytest

PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # tests run as root
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
    "--window-size=1000,620",
)


class Page:
    """One page of the browser.

    Args:
      loop: The event loop that its connection lives in.
      socket: The connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse):
        self._loop = loop
        self._socket = socket
        self._number = 0

    def do(self, method: str, **parameters: object) -> dict:
        """Sends one command of the protocol and gives its result."""
        return self._loop.run_until_complete(self._do(method, parameters))

    async def _do(self, method: str, parameters: dict[str, object]) -> dict:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=60)
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]

    def value(self, script: str) -> object:
        """A JavaScript expression's value; a promise is waited for."""
        result = self.do(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, script: str) -> object:
        """The first true value of an expression."""
        for _ in range(400):
            if value := self.value(script):
                return value
            time.sleep(0.05)
        raise AssertionError(f"{script} was never true. {self.value('document.body.innerText')}")

    def open(self, url: str) -> None:
        """Loads another page."""
        self.do("Page.navigate", url=url)
        self.wait_for(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def screenshot(self, path: pathlib.Path) -> None:
        """Writes what is to be seen as PNG."""
        path.write_bytes(base64.b64decode(self.do("Page.captureScreenshot")["data"]))


@contextlib.contextmanager
def page(folder: pathlib.Path) -> Iterator[Page]:
    """Starts a browser; skips the test where none is installed.

    Args:
      folder: For what it keeps.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no headless browser (apt-get install chromium-headless-shell)")
    command = [program, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    # A group of its own: Debian's program is a script that starts the browser.
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    loop = asyncio.new_event_loop()
    try:
        lines = iter(process.stderr.readline, "")
        port = next(
            match[1]
            for line in lines
            if (match := re.search(r"listening on ws://[^:]+:(\d+)", line))
        )
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=20) as reply:
            address = next(tab for tab in json.load(reply) if tab["type"] == "page")
        session, socket = loop.run_until_complete(_connect(address["webSocketDebuggerUrl"]))
        yield Page(loop, socket)
        loop.run_until_complete(session.close())
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        process.stderr.close()
        loop.close()


async def _connect(address: str):
    session = aiohttp.ClientSession()
    return session, await session.ws_connect(address, max_msg_size=0)
