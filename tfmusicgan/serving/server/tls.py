r"""TLS of the gRPC port, from the stock server's SSLConfig file.

The file holds the PEM texts themselves, not their paths:

  server_key: "-----BEGIN PRIVATE KEY-----\n..."
  server_cert: "-----BEGIN CERTIFICATE-----\n..."
  custom_ca: "-----BEGIN CERTIFICATE-----\n..."    (whose client certificates are accepted)
  client_verify: true                               (mutual TLS: clients need one)
"""

import concurrent.futures

import grpc

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server.config_messages import SSLConfig, read_text


def read_credentials(path: str) -> grpc.ServerCredentials:
    """Reads a `--ssl_config_file`.

    Args:
      path: A file with an SSLConfig in text form.

    Returns:
      Credentials for `grpc.aio.Server.add_secure_port`.

    Raises:
      ConfigError: If something is missing in it, or gRPC cannot use it.
    """
    config = read_text(path, SSLConfig)
    needed = ["server_key", "server_cert"] + ["custom_ca"] * config.client_verify
    missing = [field for field in needed if not getattr(config, field)]
    if missing:
        raise ConfigError(
            f"Expected {', '.join(needed)} in {path!r}, each a PEM text. Received none for: "
            f"{', '.join(missing)}."
        )
    credentials = grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
    _try_out(credentials, path)
    return credentials


def _try_out(credentials: grpc.ServerCredentials, path: str) -> None:
    """Binds a free port and lets it go: only then does gRPC look at keys and certificates."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        try:
            server.add_secure_port("127.0.0.1:0", credentials)
        except RuntimeError as error:
            raise ConfigError(
                f"Expected in {path!r} a server_key and a server_cert in PEM form that belong "
                "together, and a custom_ca in PEM form where there is one. Received: what gRPC "
                "cannot use. GRPC_VERBOSITY=debug shows its reason."
            ) from error
        finally:
            server.stop(None)
