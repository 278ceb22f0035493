"""MusicXML documents out of plain or compressed files, with bounds on what they may unpack to.

Source: MusicXML 4.0, "The structure of compressed MXL files" (W3C Music Notation Community Group).
"""

import io
import xml.etree.ElementTree as ET
import zipfile
import zlib

from tfmusicgan.errors import ReadError

MAX_XML_BYTES = 16 * 2**20
"""Larger documents are refused, compressed ones by what they would unpack to."""

_CONTAINER = "META-INF/container.xml"
_SUFFIXES = (".xml", ".musicxml")
# As the specification says. Python's other methods may ask for gigabytes before a byte is read.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MUSICXML_TYPE = "application/vnd.recordare.musicxml+xml"


def parse_document(data: bytes, name: str) -> ET.Element:
    """Parses a file's contents.

    Args:
      data: A MusicXML document, or a ZIP archive (MXL) that holds one.
      name: The file's name, for messages.

    Returns:
      The `score-partwise` element.

    Raises:
      ReadError: With reason `"empty_file"`, `"too_large"`, `"malformed_mxl"`,
        `"unreadable_musicxml"` or `"not_musicxml"`.
    """
    if not data:
        raise ReadError(f"Expected MusicXML. Received an empty file: {name}.", "empty_file")
    if data[:2] == b"PK":
        data = _unpack(data, name)
    if len(data) > MAX_XML_BYTES:
        raise _too_large(name, len(data))
    # Entities are how a small document becomes a huge one; MusicXML has no use for its own.
    if b"<!ENTITY" in data:
        raise ReadError(
            f"Expected MusicXML without entity declarations. Received some in {name}.",
            "unreadable_musicxml",
        )
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise ReadError(
            f"Expected MusicXML. Received a document that is not XML ({error}): {name}.",
            "unreadable_musicxml",
        ) from error
    if root.tag != "score-partwise":
        raise ReadError(
            f"Expected a MusicXML document (score-partwise). Received <{root.tag[:40]}>: {name}.",
            "not_musicxml",
        )
    return root


def _unpack(data: bytes, name: str) -> bytes:
    """The document that an MXL archive's container names as its first score.

    A container that is not XML names nothing. Programs write such for titles with an apostrophe,
    and then the archive's only document besides is the score; of several none is guessed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            try:
                container = ET.fromstring(_member(archive, _CONTAINER, name))
            except ET.ParseError as error:
                scores = _documents(archive)
                if len(scores) != 1:
                    why = f"its {_CONTAINER} is not XML: {error}, and it has {len(scores)} scores"
                    raise _malformed(name, why) from error
                return _member(archive, scores[0], name)
            files = [
                file.get("full-path", "")
                for file in container.iter("rootfile")
                if file.get("media-type", _MUSICXML_TYPE) == _MUSICXML_TYPE
            ]
            if not files:
                raise _malformed(name, f"its {_CONTAINER} names no score")
            return _member(archive, files[0], name)
    except KeyError as error:
        raise _malformed(name, " ".join(str(error.args[0]).split())) from error
    # RuntimeError: an encrypted member; NotImplementedError, one of its kinds: a newer ZIP.
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError, ValueError) as error:
        if isinstance(error, ReadError):
            raise
        raise _malformed(name, " ".join(str(error).split())) from error


def _documents(archive: zipfile.ZipFile) -> list[str]:
    """An archive's XML documents outside META-INF."""
    return [
        member
        for member in archive.namelist()
        if member.lower().endswith(_SUFFIXES) and not member.startswith("META-INF/")
    ]


def _member(archive: zipfile.ZipFile, path: str, name: str) -> bytes:
    """Unpacks one member, but never more than `MAX_XML_BYTES` of it."""
    info = archive.getinfo(path)
    if info.compress_type not in _METHODS:
        raise _malformed(name, f"compression method {info.compress_type}, not stored or deflated")
    with archive.open(info) as member:
        data = member.read(MAX_XML_BYTES + 1)
    if len(data) > MAX_XML_BYTES:
        raise _too_large(name, len(data))
    return data


def _malformed(name: str, why: str) -> ReadError:
    return ReadError(
        f"Expected a compressed MusicXML file. Received a malformed one ({why}): {name}.",
        "malformed_mxl",
    )


def _too_large(name: str, size: int) -> ReadError:
    return ReadError(
        f"Expected a MusicXML document of at most {MAX_XML_BYTES} bytes. "
        f"Received {size} or more: {name}.",
        "too_large",
    )
