"""Certificates for tests of TLS: an authority, and keys it signed, as PEM files."""

import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _certificate(subject, key, issuer, issuer_key, is_authority, host):
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    )
    if host:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def write_certificates(folder: pathlib.Path) -> None:
    """Writes ca.pem, and server.pem, client.pem with server.key, client.key.

    The server's name is music.example.org.

    Args:
      folder: Where.
    """
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority", authority_key, "authority", authority_key, True, None)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    for name, host in (("server", "music.example.org"), ("client", None)):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, "authority", authority_key, False, host)
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
        form = serialization.PrivateFormat.PKCS8
        text = key.private_bytes(pem, form, serialization.NoEncryption())
        (folder / f"{name}.key").write_bytes(text)
