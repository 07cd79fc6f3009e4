"""The TLS endpoint reads what a client offers from its first bytes, which may be anything."""

from __future__ import annotations

import contextlib
import socket
import ssl

from hypothesis import given
from hypothesis import strategies as st

from conformance.bench.listener_hello import read_hello
from conformance.describing import mask_identity_codes


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
