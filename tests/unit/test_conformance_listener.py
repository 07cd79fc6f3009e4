"""The TLS endpoint reads what a client offers from its first bytes, which may be anything."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from x509_world import NOW

from conformance.bench.calling import Caller
from conformance.bench.listener import Contact, ServerIdentity, listening, unchunked
from conformance.bench.listener_hello import read_hello
from conformance.describing import mask_identity_codes
from conformance.sut.facets_tls_server import TlsAddress


def hello(context: ssl.SSLContext) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def client(oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version, context.maximum_version = oldest, newest
    return context


def test_a_modern_hello_lists_its_versions() -> None:
    found = read_hello(hello(client(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))).versions
    assert found == ("TLS 1.2", "TLS 1.3")


def test_an_older_hello_tells_its_newest_version() -> None:
    assert read_hello(hello(client(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2))).versions == ("TLS 1.2",)


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data: bytes) -> None:
    assert isinstance(read_hello(data).versions, tuple)


@given(st.integers(0, 300), st.integers(0, 255))
def test_a_cut_or_damaged_hello_is_taken(place: int, value: int) -> None:
    data = bytearray(hello(client(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)))
    read_hello(bytes(data[:place]))
    data[min(place, len(data) - 1)] = value
    read_hello(bytes(data))


@given(st.binary(max_size=100))
def test_masking_leaves_bytes_alone_that_are_no_text(data: bytes) -> None:
    masked = mask_identity_codes(data)
    assert isinstance(masked, bytes)


def test_the_listener_module_binds_to_loopback_only() -> None:
    from conformance.bench import listener

    assert socket.inet_aton(listener.LOOPBACK) == socket.inet_aton("127.0.0.1")


@cache
def identity() -> ServerIdentity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    return ServerIdentity(builder.sign(key, hashes.SHA256()), (), key)


def contact_of(body: bytes | Iterable[bytes], headers: Mapping[str, str]) -> Contact:
    """How the listener saw one request."""
    context = ssl._create_unverified_context()
    with listening(identity(), client_authorities=(identity().certificate,)) as listener:
        port = urlsplit(listener.url).port
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        with contextlib.closing(connection):
            connection.request("POST", "/kanta", body, dict(headers))
            assert connection.getresponse().status == 200
        (contact,) = listener.contacts
    return contact


PIECES = [b"<a>", b"\r\n0\r\n\r\n" * 9, b"x" * 200_000, b"</a>"]


def test_a_body_in_chunks_is_read_to_its_end_and_joined() -> None:
    """A client that does not know the length beforehand sends so (RFC 9112 7.1); it would be said to send nothing."""
    assert contact_of(iter(PIECES), {}).body == b"".join(PIECES)
    assert contact_of(b"".join(PIECES), {}).body == b"".join(PIECES)


@pytest.mark.parametrize(
    ("coded", "content"),
    [
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"00A;x=y\r\n0123456789\r\n0\r\nMore: z\r\n\r\n", b"0123456789"),
        (b"3\r\nabc\r\n0\r\n", None),
        (b"3\r\nabc\r\n", None),
        (b"3\r\nabcd\r\n0\r\n\r\n", None),
        (b"FFFFFFFF\r\nabc\r\n0\r\n\r\n", None),
        (b"FFFFFFFFF\r\nabc\r\n0\r\n\r\n", None),
        (b"-1\r\n\r\n0\r\n\r\n", None),
        (b"", None),
    ],
)
def test_chunks_are_whole_or_they_are_none(coded: bytes, content: bytes | None) -> None:
    assert unchunked(coded) == content


@given(st.binary(max_size=60))
def test_any_bytes_are_taken_as_chunks(data: bytes) -> None:
    found = unchunked(data)
    assert found is None or len(found) < len(data)


@pytest.mark.parametrize(("timeout", "answered"), [(0.2, False), (8.0, True)])
def test_an_endpoint_is_given_the_time_of_its_description(timeout: float, answered: bool) -> None:
    """One that has to wake up first is slow to answer, and lets its client in all the same."""
    with listening(identity(), client_authorities=(identity().certificate,), seconds=0.7) as endpoint:
        address = TlsAddress("127.0.0.1", urlsplit(endpoint.url).port or 0, "localhost", timeout=timeout)
        assert Caller(address).call(None).answered is answered
