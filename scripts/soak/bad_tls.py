"""Clients that a server with mutual TLS must turn away, and one that it must not."""

import contextlib
import dataclasses
import datetime
import ipaddress
import pathlib
import random
import socket
import ssl

import grpc
import served
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_LIMIT_SECONDS = 20.0
# Else a channel would take over an earlier one's failed connection without a try of its own.
_OPTIONS = (("grpc.use_local_subchannel_pool", 1),)
KINDS = (
    "no TLS",
    "no certificate",
    "certificate of a stranger",
    "another authority trusted",
    "TLS 1.1",
    "noise",
    "half a handshake",
)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> tuple[bytes, bytes]:
        """Key and certificate as PEM texts."""
        encoding = serialization.Encoding.PEM
        private = self.key.private_bytes(
            encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return private, self.certificate.public_bytes(encoding)


def make_pair(name: str, issuer: Pair | None = None) -> Pair:
    """A new pair for this machine, signed by an issuer or, as an authority, by itself."""
    key, own = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
    )
    now = datetime.datetime.now(datetime.UTC)
    place = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = (
        x509.CertificateBuilder(
            issuer.certificate.subject if issuer else own, own, key.public_key()
        )
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([place]), critical=False)
    )
    return Pair(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))


class Clients:
    """All that knock at one server's door.

    Args:
      folder: Gets the server's `ssl.config`.
    """

    def __init__(self, folder: pathlib.Path):
        self._authority, self._stranger = make_pair("authority"), make_pair("stranger")
        self._client = make_pair("client", self._authority)
        key, certificate = make_pair("server", self._authority).pem
        fields = {"server_key": key, "server_cert": certificate}
        fields["custom_ca"] = self._authority.pem[1]
        lines = [f'{name}: "{text.decode()}"'.replace("\n", "\\n") for name, text in fields.items()]
        self.config = folder / "ssl.config"
        self.config.write_text("\n".join([*lines, "client_verify: true\n"]))
        self._open: list[socket.socket] = []  # those that stopped in the middle

    def close(self) -> None:
        """Ends what is still open."""
        for connection in self._open:
            connection.close()

    def ask_rightly(self, address: str, request: bytes) -> tuple[int, list[bytes]]:
        """What the server answers to the client whose certificate it knows.

        Raises:
          grpc.RpcError: If it turns it away.
        """
        with self._channel(address, self._authority, self._client) as channel:
            return served.ask(channel, request)

    def ask_badly(self, address: str, request: bytes, rng: random.Random) -> tuple[str, str]:
        """One of `KINDS`, and what is wrong with what came of it."""
        kind = rng.choice(KINDS)
        if kind in KINDS[4:]:
            return kind, self._connect(kind, address, rng)
        channel = {
            "no TLS": lambda: grpc.insecure_channel(address, _OPTIONS),
            "no certificate": lambda: self._channel(address, self._authority, None),
            "certificate of a stranger": lambda: self._channel(
                address, self._authority, self._stranger
            ),
            "another authority trusted": lambda: self._channel(
                address, self._stranger, self._client
            ),
        }[kind]()
        with channel:
            try:
                channel.unary_unary(served.PREDICT)(request, timeout=_LIMIT_SECONDS)
            except grpc.RpcError as error:
                turned_away = error.code() == grpc.StatusCode.UNAVAILABLE
                return kind, "" if turned_away else f"{error.code().name}: {error.details()}"
        return kind, "it was answered"

    def _channel(self, address: str, trusted: Pair, own: Pair | None) -> grpc.Channel:
        mine = own.pem if own else (None, None)
        credentials = grpc.ssl_channel_credentials(trusted.pem[1], *mine)
        return grpc.secure_channel(address, credentials, _OPTIONS)

    def _connect(self, kind: str, address: str, rng: random.Random) -> str:
        host, _, port = address.rpartition(":")
        connection = socket.create_connection((host, int(port)), timeout=_LIMIT_SECONDS)
        if kind == "TLS 1.1":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL itself would not try
            context.minimum_version, context.maximum_version = (ssl.TLSVersion.TLSv1_1,) * 2
            with connection, contextlib.suppress(ssl.SSLError, OSError):
                context.wrap_socket(connection)
                return "the handshake went through"
            return ""
        text = rng.randbytes(rng.randint(1, 500))
        if kind == "half a handshake":
            text = bytes.fromhex("1603010200010001fc0303") + text[:100]
        with contextlib.suppress(OSError):
            connection.sendall(text)
        self._open.append(connection)
        return ""
