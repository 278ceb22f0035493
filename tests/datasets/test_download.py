"""Downloads, against a server on this machine that behaves badly on request."""

import hashlib
import http.server
import threading

import pytest

from tfmusicgan.datasets import download as download_module
from tfmusicgan.datasets.download import Download, fetch, fetch_all
from tfmusicgan.errors import ConfigError, MusicGanError

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.content`; the server's attributes say how."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        if server.errors:
            self.send_error(server.errors.pop(0))
            return
        start = self._start()
        if start >= len(server.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if server.tag:
            self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cuts:
            body = body[: server.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def _start(self):
        wanted = self.headers.get("Range")
        if not wanted or not self.server.knows_range:
            return 0
        if self.headers.get("If-Range", self.server.tag) != self.server.tag:
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.content, running.tag, running.knows_range = CONTENT, '"v1"', True
        running.cuts, running.errors, running.ranges = [], [], []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def _download(server, **facts):
    return Download(f"http://127.0.0.1:{server.server_port}/data.bin", "data.bin", **facts)


def _fetch(download, folder, **options):
    return fetch(download, folder, retry_seconds=0.0, **options)


def test_a_file_is_fetched_once(server, tmp_path):
    download = _download(server, size_bytes=len(CONTENT), sha256=SHA256, md5=MD5.upper())
    progress = []
    path = _fetch(download, tmp_path / "new", progress=progress.append)
    assert path.read_bytes() == CONTENT
    assert progress == sorted(progress) and progress[-1] == len(CONTENT)
    assert [p.name for p in path.parent.iterdir()] == ["data.bin"]
    _fetch(download, tmp_path / "new")
    assert server.ranges == [None]


def test_an_interrupted_download_goes_on_where_it_was(server, tmp_path):
    server.cuts = [400_000, 300_000]
    path = _fetch(_download(server, sha256=SHA256), tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=400000-", "bytes=700000-"]


def test_a_later_run_goes_on_as_well(server, tmp_path, monkeypatch):
    server.cuts = [400_000]
    with monkeypatch.context() as patch:
        patch.setattr(download_module, "_ATTEMPTS", 1)
        with pytest.raises(MusicGanError, match=r"ended at 400000 of 1024000 .* are kept in"):
            _fetch(_download(server, sha256=SHA256), tmp_path)
    assert not (tmp_path / "data.bin").exists()
    assert _fetch(_download(server, sha256=SHA256), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=400000-"]


def test_a_server_without_ranges_sends_everything_again(server, tmp_path):
    server.cuts, server.knows_range = [400_000], False
    assert _fetch(_download(server, sha256=SHA256), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=400000-"]


def test_a_file_that_changed_on_the_server_is_not_mixed(server, tmp_path, monkeypatch):
    server.cuts = [400_000]
    monkeypatch.setattr(download_module, "_ATTEMPTS", 1)
    with pytest.raises(MusicGanError):
        _fetch(_download(server), tmp_path)
    server.content, server.tag = CONTENT[::-1], '"v2"'
    said = []
    assert _fetch(_download(server), tmp_path, say=said.append).read_bytes() == CONTENT[::-1]
    assert len(said) == 1


def test_a_part_that_is_whole_already_is_only_checked(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT)
    _fetch(_download(server, size_bytes=len(CONTENT), sha256=SHA256), tmp_path)
    assert server.ranges == []
    (tmp_path / "data.bin").rename(tmp_path / "data.bin.part")
    _fetch(_download(server, sha256=SHA256), tmp_path)
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_a_part_longer_than_the_file_is_given_up(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT + b"more")
    assert _fetch(_download(server, sha256=SHA256), tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(MusicGanError, match=rf"expected SHA256 0000. Received: {SHA256}. Remove"):
        _fetch(_download(server, sha256="0000"), tmp_path)
    with pytest.raises(MusicGanError, match=rf"expected MD5 1111. Received: {MD5}"):
        _fetch(_download(server, md5="1111"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_size_is_told(server, tmp_path):
    with pytest.raises(MusicGanError, match=r"expected 1025000 bytes. Received: 1024000"):
        _fetch(_download(server, size_bytes=1_025_000), tmp_path)
    with pytest.raises(MusicGanError, match=r"expected 1000 bytes. Received: more"):
        _fetch(_download(server, size_bytes=1000), tmp_path)
    assert not (tmp_path / "data.bin").exists()


def test_the_first_checksum_is_recorded_and_said(server, tmp_path):
    said = []
    path = _fetch(_download(server), tmp_path, say=said.append)
    assert said == [f"data.bin: upstream publishes no checksum; its SHA-256 {SHA256} is recorded."]
    assert (tmp_path / "data.bin.sha256").read_text() == f"{SHA256}  data.bin\n"
    _fetch(_download(server), tmp_path, say=said.append)
    assert len(said) == 1
    path.unlink()
    server.content = CONTENT + b"!"
    with pytest.raises(MusicGanError, match=r"expected SHA-256 .*, as first seen .* has a new"):
        _fetch(_download(server), tmp_path)


def test_passing_errors_are_tried_again_and_others_are_not(server, tmp_path):
    server.errors = [503, 500]
    assert _fetch(_download(server, sha256=SHA256), tmp_path).read_bytes() == CONTENT
    server.errors = [404]
    with pytest.raises(MusicGanError, match=r"the server answered 404 Not Found. See whether"):
        _fetch(_download(server, sha256=SHA256), tmp_path / "b")
    server.errors = [503] * 9
    with pytest.raises(MusicGanError, match=r"503 .*\(0 bytes are kept in .*Run the command again"):
        _fetch(_download(server, sha256=SHA256), tmp_path / "c")
    assert len(server.errors) == 4


def test_no_server(tmp_path):
    with pytest.raises(MusicGanError, match=r"Connection refused .*Run the command again to go on"):
        _fetch(Download("http://127.0.0.1:9/data.bin", "data.bin"), tmp_path)


def test_everything_is_fetched_and_unpacked(server, tmp_path, capsys):
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("songs/a.mid", b"music")
    server.content = buffer.getvalue()
    address = f"http://127.0.0.1:{server.server_port}/x"
    fetch_all([Download(address, "songs.v1.zip", unpack=True)], tmp_path)
    assert (tmp_path / "songs" / "songs" / "a.mid").read_bytes() == b"music"
    captured = capsys.readouterr()
    assert "songs.v1.zip" in captured.err and "is recorded" in captured.out


@pytest.mark.parametrize(
    ("url", "file", "message"),
    [
        ("ftp://example.org/a", "a", r"Expected an http or https address. Received: 'ftp"),
        ("file:///etc/passwd", "a", r"Expected an http or https address"),
        ("https://example.org/a", "../a", r"Expected a plain file name. Received: '../a'"),
        ("https://example.org/a", "", r"Expected a plain file name"),
    ],
)
def test_bad_descriptions(url, file, message):
    with pytest.raises(ConfigError, match=message):
        Download(url, file)
