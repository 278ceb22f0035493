"""Looking again and again for what is to be served."""

import asyncio

from absl import logging

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.statuses import RequestError


async def versions(manager: ModelManager, seconds: float) -> None:
    """Looks for new versions for ever, every so many seconds."""
    while True:
        await asyncio.sleep(seconds)
        await manager.update()


async def config_file(manager: ModelManager, seconds: float) -> None:
    """Reads the config file again for ever, every so many seconds.

    As with the stock server, an unchanged one counts again: a label that could not be given
    before its version answered is given then.
    """
    told = ""
    while True:
        await asyncio.sleep(seconds)
        complaint = ""
        try:
            await manager.reload_file()
        except (ConfigError, RequestError) as error:
            complaint = str(error)
            if complaint != told:
                logging.error("%s: what is served stays as it is: %s", manager.config_file, error)
        told = complaint
