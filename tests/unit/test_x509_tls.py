"""Who meets a TLS service with a certificate that it was told to trust gets there, whichever Python it runs on."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from conformance.sut.http import HttpEndpoint
from sotepki.clock import SystemClock
from sotepki.errors import Misuse
from sotepki.x509.tls import tls_of


def _issued(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signs: ec.EllipticCurvePrivateKey, *, authority: bool
) -> bytes:
    """A certificate as made in a hurry: without key usage and without key identifiers."""
    now = SystemClock().now()
    subject, above = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer))
    return (
        x509.CertificateBuilder(above, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signs, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A service of a developer, with the files ``root.pem``, ``middle.pem``, ``server.pem`` and ``other.pem``."""
    place = tmp_path_factory.mktemp("hasty")
    root, middle, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    chain = _issued("TEST server", server, "TEST middle", middle, authority=False)
    (place / "server.pem").write_bytes(chain)
    (place / "middle.pem").write_bytes(above := _issued("TEST middle", middle, "TEST root", root, authority=True))
    (place / "root.pem").write_bytes(_issued("TEST root", root, "TEST root", root, authority=True))
    (place / "other.pem").write_bytes(_issued("TEST root", server, "TEST root", server, authority=True))
    secret = server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (place / "chain.pem").write_bytes(secret + chain + above)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "chain.pem")
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    service.socket = context.wrap_socket(service.socket, server_side=True)
    thread = threading.Thread(target=service.serve_forever, daemon=True)
    thread.start()
    yield service.server_address[1], place
    service.shutdown()
    thread.join()
    service.server_close()


@pytest.mark.parametrize("trusted", ["root", "middle", "server"])
def test_each_certificate_of_the_chain_is_enough_to_trust_a_service(hasty: tuple[int, Path], trusted: str) -> None:
    """Python 3.13 alone would refuse the chain for its missing key identifiers, 3.11 alone anything but the root."""
    port, place = hasty
    HttpEndpoint(f"https://localhost:{port}/", tls=tls_of(place / f"{trusted}.pem")).reach()


def test_a_service_of_another_authority_is_not_trusted_and_the_sentence_says_what_to_name(
    hasty: tuple[int, Path],
) -> None:
    port, place = hasty
    for context in (tls_of(place / "other.pem"), tls_of()):
        with pytest.raises(Misuse, match="certificate is not trusted") as caught:
            HttpEndpoint(f"https://localhost:{port}/", tls=context).reach()
        assert "as ca in the TOML file" in caught.value.advice


def test_the_name_is_still_compared(hasty: tuple[int, Path]) -> None:
    port, place = hasty
    with pytest.raises(Misuse, match=r"certificate is not trusted.*127.0.0.1"):
        HttpEndpoint(f"https://127.0.0.1:{port}/", tls=tls_of(place / "root.pem")).reach()


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificates_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trust.pem"
    path.write_bytes(content)
    with pytest.raises(Misuse, match=r"trust\.pem holds no certificates in PEM\. Give the certificate"):
        tls_of(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"trust\.pem cannot be read: No such file or directory\. Check the path"):
        tls_of(tmp_path / "trust.pem")
