"""TLS, clients' certificates, message sizes and sockets of the gRPC port."""

import datetime
import ipaddress

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.serving.server import app, grpc_port, tls
from tfmusicgan.serving.server.grpc_port import GrpcOptions
from tfmusicgan.serving.server.storage import ModelSource


def certificate(name, issuer=None):
    """A key and a certificate, as PEM texts, signed by an issuer or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    issuer_key, issuer_name = issuer[2:] if issuer else (key, subject)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=9))
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), signed.public_bytes(pem).decode(), key, subject


@pytest.fixture(scope="module")
def authority():
    return certificate("the authority")


@pytest.fixture(scope="module")
def server_pair(authority):
    return certificate("localhost", authority)


def ssl_config(path, **fields):
    """An SSLConfig file: texts in quotes, line ends escaped."""
    lines = [f"{name}: {str(value).lower()}" for name, value in fields.items() if value is True]
    for name, text in fields.items():
        if isinstance(text, str):
            lines.append(f'{name}: "' + text.replace("\n", "\\n") + '"')
    path.write_text("\n".join(lines))
    return str(path)


def serving(toy_root, **kwargs):
    source = ModelSource(name="toy", base_path=str(toy_root / "toy"))
    options = GrpcOptions(**kwargs)
    return app.running(app.ServerOptions(source, port=0, poll_seconds=0, grpc=options))


def predict(channel, num_bytes=0):
    """One row; `num_bytes` makes the request larger."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "toy"
    request.inputs["seed"].dtype = 9
    request.inputs["seed"].tensor_shape.dim.add(size=1)
    request.inputs["seed"].tensor_shape.dim[0].name = "x" * num_bytes
    request.inputs["seed"].int64_val.append(1)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    with channel:
        return stub.Predict(request, timeout=20).model_spec.version.value


def failure(channel, **kwargs):
    with pytest.raises(grpc.RpcError) as error:
        predict(channel, **kwargs)
    return error.value.code(), error.value.details()


def test_tls_and_clients_with_certificates(toy_root, tmp_path, authority, server_pair):
    key, cert = server_pair[:2]
    path = ssl_config(
        tmp_path / "ssl.config",
        server_key=key,
        server_cert=cert,
        custom_ca=authority[1],
        client_verify=True,
    )
    root = authority[1].encode()
    mine, stranger = certificate("me", authority), certificate("stranger")
    with serving(toy_root, credentials=tls.read_credentials(path)) as server:

        def channel(*pair):
            pair = [text.encode() for text in pair]
            return grpc.secure_channel(server.address, grpc.ssl_channel_credentials(root, *pair))

        assert predict(channel(*mine[:2])) == 3
        for refused in (
            channel(),
            channel(*stranger[:2]),
            grpc.insecure_channel(server.address),
        ):
            assert failure(refused)[0] == grpc.StatusCode.UNAVAILABLE


def test_tls_without_clients_certificates(toy_root, tmp_path, authority, server_pair):
    path = ssl_config(tmp_path / "c", server_key=server_pair[0], server_cert=server_pair[1])
    with serving(toy_root, credentials=tls.read_credentials(path)) as server:
        good, bad = (
            grpc.secure_channel(server.address, grpc.ssl_channel_credentials(root.encode()))
            for root in (authority[1], certificate("another authority")[1])
        )
        assert predict(good) == 3
        assert failure(bad)[0] == grpc.StatusCode.UNAVAILABLE


def test_bad_ssl_configs(tmp_path, authority, server_pair):
    path = tmp_path / "ssl.config"
    key, cert = server_pair[:2]
    with pytest.raises(ConfigError, match="Received none for: server_cert"):
        tls.read_credentials(ssl_config(path, server_key=key))
    with pytest.raises(ConfigError, match="Received none for: custom_ca"):
        tls.read_credentials(ssl_config(path, server_key=key, server_cert=cert, client_verify=True))
    for pair in ((key, authority[1]), ("no key", cert)):
        with pytest.raises(ConfigError, match="belong together") as error:
            tls.read_credentials(ssl_config(path, server_key=pair[0], server_cert=pair[1]))
        assert str(path) in str(error.value)


def test_message_sizes_and_a_socket(toy_root, tmp_path):
    path = str(tmp_path / "s")
    arguments = grpc_port.parse_arguments(["grpc.max_receive_message_length=1000"])
    with serving(toy_root, arguments=arguments, socket_path=path) as server:
        for address in (server.address, f"unix:{path}"):
            assert predict(grpc.insecure_channel(address), num_bytes=900) == 3
        code, details = failure(grpc.insecure_channel(server.address), num_bytes=1000)
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details == "SERVER: Received message larger than max (1035 vs. 1000)"
    nowhere = str(tmp_path / "no/such/folder/s")
    with pytest.raises(MusicGanError, match=r"the socket '.*/s': .* --grpc_socket_path"):
        serving(toy_root, socket_path=nowhere).__enter__()


def test_no_size_limit_by_default(toy_root, toy_server):
    channel = grpc.insecure_channel(
        toy_server.address, options=[("grpc.max_send_message_length", -1)]
    )
    assert predict(channel, num_bytes=5 << 20) == 3


def test_channel_arguments():
    entries = ["grpc.max_connection_age_ms=60000", "grpc.x=-1", "grpc.y=a=b", "grpc.z="]
    entries += ["grpc.most=2147483647", "grpc.least=-2147483648"]
    arguments = grpc_port.parse_arguments(entries)
    assert arguments == {
        "grpc.max_connection_age_ms": 60000,
        "grpc.x": -1,
        "grpc.y": "a=b",
        "grpc.z": "",
        "grpc.most": 2**31 - 1,
        "grpc.least": -(2**31),
    }
    for entry in ("grpc.x", "=3"):
        with pytest.raises(ConfigError, match=rf"name=value.*Received: '{entry}'"):
            grpc_port.parse_arguments([entry])
    for value in ("2147483648", "-2147483649", "--5", "9" * 5000):
        with pytest.raises(ConfigError, match=rf"numbers from .* Received: 'grpc.x={value}'\."):
            grpc_port.parse_arguments([f"grpc.x={value}"])
