"""TLS, with and without a certificate of the client's own, by PEM files and by credentials."""

import asyncio

import grpc
import numpy as np
import pytest

from tests.client.certificates import write_certificates
from tests.client.fake_server import FakeServer, answer
from tfmusicgan.client import AsyncMusicClient, MusicClient, RetryPolicy, ServingError, TLSFiles
from tfmusicgan.errors import ConfigError

HOST = "music.example.org"


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pem")
    write_certificates(folder)
    return folder


def _serve(pem, verify=False):
    pair = ((pem / "server.key").read_bytes(), (pem / "server.pem").read_bytes())
    authority = (pem / "ca.pem").read_bytes() if verify else None
    credentials = grpc.ssl_server_credentials([pair], authority, verify)
    return FakeServer(lambda *_: answer(y=np.array([3.0])), credentials=credentials)


def _ask(address, tls, **settings):
    with MusicClient(address, 2.0, tls=tls, retry=RetryPolicy(1), **settings) as client:
        return client.predict("m", {})["y"].tolist()


def test_a_server_is_believed_by_its_certificate(pem):
    with _serve(pem) as server:
        assert _ask(server.address, TLSFiles(pem / "ca.pem", server_name=HOST)) == [3.0]
        for stranger in (TLSFiles(pem / "ca.pem"), TLSFiles(server_name=HOST)):
            with pytest.raises(ServingError, match=r"UNAVAILABLE: .*(erif|handshake|certificate)"):
                _ask(server.address, stranger)


def test_a_client_shows_its_own(pem):
    mutual = TLSFiles(pem / "ca.pem", pem / "client.key", str(pem / "client.pem"), HOST)
    with _serve(pem, verify=True) as server:
        assert _ask(server.address, mutual) == [3.0]
        with pytest.raises(ServingError, match="UNAVAILABLE"):
            _ask(server.address, TLSFiles(pem / "ca.pem", server_name=HOST))

        async def ask():
            async with AsyncMusicClient(server.address, 2.0, tls=mutual) as client:
                return await client.predict("m", {})

        assert asyncio.run(ask())["y"].tolist() == [3.0]


def test_credentials_made_elsewhere(pem):
    credentials = grpc.ssl_channel_credentials((pem / "ca.pem").read_bytes())
    with _serve(pem) as server:
        # Its name is not 127.0.0.1.
        with pytest.raises(ServingError, match="UNAVAILABLE"):
            _ask(server.address, None, credentials=credentials)
        with pytest.raises(ConfigError, match=r"credentials or tls. Received: both."):
            MusicClient(server.address, credentials=credentials, tls=TLSFiles())


def test_files_that_are_none(pem, tmp_path):
    with pytest.raises(ConfigError, match=r"PEM file. .*nowhere cannot be read: No such file"):
        MusicClient("localhost:1", tls=TLSFiles(tmp_path / "nowhere"))
    (tmp_path / "der").write_bytes(b"\x30\x82")
    with pytest.raises(ConfigError, match=r"-----BEGIN in it. Received: .*der\."):
        AsyncMusicClient("localhost:1", tls=TLSFiles(tmp_path / "der"))
    with pytest.raises(ConfigError, match=r"and certificate_chain, or neither. .*key and None\."):
        MusicClient("localhost:1", tls=TLSFiles(None, pem / "client.key"))
