"""Downloads for datasets: resumable, checked, and complete or not there at all.

A file is fetched to `<name>.part` and takes its name once its size and checksums agree. Where
upstream publishes no checksum, the first SHA-256 seen is recorded in `<name>.sha256` beside the
file and said; a later download must match it.
"""

import dataclasses
import hashlib
import http.client
import os
import pathlib
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence

from tfmusicgan.datasets.archives import unpack
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.progress import ProgressBar

_CHUNK_BYTES = 2**18
_TIMEOUT_SECONDS = 60
_ATTEMPTS = 5
_MAX_BYTES = 2**40

Progress = Callable[[int], None]


@dataclasses.dataclass(frozen=True)
class Download:
    """One file to fetch.

    Attributes:
      url: http or https address.
      file: Name it is stored under.
      size_bytes: Published size; None if not published.
      sha256: Published SHA-256 in hexadecimal; None if not published.
      md5: Published MD5 in hexadecimal, where upstream has nothing better.
      unpack: Whether it is an archive to unpack, to a folder named like it without its suffixes.
    """

    url: str
    file: str
    size_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    unpack: bool = False

    def __post_init__(self):
        """Checks the address and the name.

        Raises:
          ConfigError: If the address is not http or https, or the name is not a plain file name.
        """
        if urllib.parse.urlsplit(self.url).scheme not in ("http", "https"):
            raise ConfigError(f"Expected an http or https address. Received: {self.url!r}.")
        if self.file != pathlib.PurePath(self.file).name or self.file in ("", ".", ".."):
            raise ConfigError(f"Expected a plain file name. Received: {self.file!r}.")


def fetch(
    download: Download,
    folder: str | os.PathLike,
    progress: Progress = lambda done: None,
    say: Callable[[str], None] = print,
    retry_seconds: float = 1.0,
) -> pathlib.Path:
    """Fetches a file, or finds it there already.

    Args:
      download: What to fetch.
      folder: Where to; made if missing.
      progress: Called with the number of bytes so far.
      say: Called with a line when a first checksum is recorded.
      retry_seconds: Pause before the second attempt; it doubles with every further one.

    Returns:
      The finished file.

    Raises:
      MusicGanError: If the server cannot be reached or answers an error, or if size or checksum
        differ; the damaged part is removed then.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / download.file
    if target.exists():
        _check(download, target, target, say)
        return target
    part = folder / f"{download.file}.part"
    _fetch_part(download, part, progress, retry_seconds)
    try:
        _check(download, part, target, say)
    except MusicGanError:
        part.unlink()
        raise
    finally:
        part.with_name(f"{part.name}.tag").unlink(missing_ok=True)
    os.replace(part, target)
    return target


def fetch_all(downloads: Sequence[Download], folder: str | os.PathLike) -> None:
    """Fetches and unpacks what is missing, with a progress bar for each file.

    Raises:
      MusicGanError: See `fetch` and `archives.unpack`.
    """
    for download in downloads:
        size = download.size_bytes
        with ProgressBar(download.file, size, "bytes") as bar:
            path = fetch(download, folder, bar.update)
        if download.unpack:
            unpack(path, path.with_name(path.name.partition(".")[0]))


def _fetch_part(
    download: Download, part: pathlib.Path, progress: Progress, retry_seconds: float
) -> None:
    """Goes on with a part, as often as it takes, until the server says it is whole."""
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch_once(download, part, progress)
            return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise MusicGanError(
                    f"{download.url}: the server answered {error.code} {error.reason}. See whether "
                    "the address is still the dataset's."
                ) from None
            reason = f"{error.code} {error.reason}"
        except (
            urllib.error.URLError,
            http.client.HTTPException,
            TimeoutError,
            ConnectionError,
        ) as e:
            reason = str(getattr(e, "reason", e))
        after = part.stat().st_size if part.exists() else 0
        # An attempt that brought something does not count: a poor line gets there in the end.
        failures = 1 if after > before else failures + 1
        if failures >= _ATTEMPTS:
            raise MusicGanError(
                f"{download.url}: {reason} ({after} bytes are kept in {part}). Run the command "
                "again to go on."
            )
        time.sleep(retry_seconds * 2 ** (failures - 1))


def _fetch_once(download: Download, part: pathlib.Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    tag = part.with_name(f"{part.name}.tag")
    if download.size_bytes is not None and have == download.size_bytes:
        return
    headers = {"User-Agent": "tfmusicgan", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.exists():
            # A server whose file is another by now sends it from its start.
            headers["If-Range"] = tag.read_text(encoding="ascii")
    request = urllib.request.Request(download.url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if have and error.code == 416:  # Nothing lies beyond what we have, or the file changed.
            if _total_of(error.headers.get("Content-Range")) == have:
                return
            part.unlink()
            raise ConnectionResetError("the file changed on the server") from None
        raise
    with response:
        if response.status != 206:  # The server sends the file from its start.
            have = 0
            _keep_tag(response, tag)
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None else None
        _append(response, part, have, total, download.size_bytes or _MAX_BYTES, progress)


def _append(
    response: http.client.HTTPResponse,
    part: pathlib.Path,
    have: int,
    total: int | None,
    limit: int,
    progress: Progress,
) -> None:
    with open(part, "r+b" if have else "wb") as file:
        file.seek(have)
        while chunk := response.read(_CHUNK_BYTES):
            have += len(chunk)
            if have > limit:
                raise MusicGanError(
                    f"{response.url}: expected {limit} bytes. Received: more. The file is another "
                    "than the one published; see the dataset's site."
                )
            file.write(chunk)
            progress(have)
    if total is not None and have < total:
        raise ConnectionResetError(f"the connection ended at {have} of {total} bytes")


def _keep_tag(response: http.client.HTTPResponse, tag: pathlib.Path) -> None:
    """Remembers which version of the file a part belongs to, if the server says."""
    validator = response.headers.get("ETag") or response.headers.get("Last-Modified")
    if validator and validator.isascii() and not validator.startswith("W/"):
        tag.write_text(validator, encoding="ascii")
    else:
        tag.unlink(missing_ok=True)


def _total_of(content_range: str | None) -> int | None:
    """The size in `bytes */1234`."""
    total = (content_range or "").rpartition("/")[2]
    return int(total) if total.isdigit() else None


def _check(
    download: Download, file: pathlib.Path, target: pathlib.Path, say: Callable[[str], None]
) -> None:
    size = file.stat().st_size
    if download.size_bytes is not None and size != download.size_bytes:
        raise MusicGanError(
            f"{target}: expected {download.size_bytes} bytes. Received: {size}. Remove the file "
            "and run the command again."
        )
    digests = _digests(file)
    for name in ("sha256", "md5"):
        published = getattr(download, name)
        if published is not None and digests[name] != published.lower():
            raise MusicGanError(
                f"{target}: expected {name.upper()} {published}. Received: {digests[name]}. Remove "
                "the file and run the command again."
            )
    if download.sha256 is None and download.md5 is None:
        _check_first_seen(target, digests["sha256"], say)


def _check_first_seen(target: pathlib.Path, digest: str, say: Callable[[str], None]) -> None:
    record = target.with_name(f"{target.name}.sha256")
    if not record.exists():
        record.write_text(f"{digest}  {target.name}\n", encoding="utf-8")
        say(f"{target.name}: upstream publishes no checksum; its SHA-256 {digest} is recorded.")
        return
    first = record.read_text(encoding="utf-8").split()[0]
    if first != digest:
        raise MusicGanError(
            f"{target}: expected SHA-256 {first}, as first seen ({record}). Received: {digest}. If "
            "upstream has a new version, remove that record."
        )


def _digests(file: pathlib.Path) -> dict[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with open(file, "rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            sha256.update(chunk)
            md5.update(chunk)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}
