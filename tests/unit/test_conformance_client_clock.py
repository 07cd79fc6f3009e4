"""The reference client judges a server's time by the clock of the workspace, not by the machine's."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conformance.bench.listener import ServerIdentity, listening
from conformance.sut.facets import Endpoint, Trust
from conformance.sut.mutants.clients import CarelessClient, trusts_anybody
from conformance.sut.reference_client import KantaClient
from sotepki.clock import SetClock
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.x509.status import CertificateState, CertificateStatus

BEGIN, END = datetime(2026, 5, 4, 10, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)
"""A server certificate of one summer; whatever day it is when this runs, the workspace's clock says so."""
AUTHORITY, KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def certificate(name: str, begin: datetime, end: datetime, *, ca: bool) -> x509.Certificate:
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST root of one summer")])
    builder = (
        x509.CertificateBuilder(issuer_name=issuer, not_valid_before=begin, not_valid_after=end)
        .subject_name(issuer if ca else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .public_key((AUTHORITY if ca else KEY).public_key())
        .serial_number(7)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key((AUTHORITY if ca else KEY).public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(AUTHORITY.public_key()), False)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    return builder.sign(AUTHORITY, hashes.SHA256())


@pytest.fixture
def identity(tmp_path: Path) -> ServiceIdentity:
    """What the client shows; the listener takes any."""
    shown = ServerIdentity(certificate("client.test.example", BEGIN, END, ca=False), (), KEY)
    chain_file, key_file = tmp_path / "chain.pem", tmp_path / "key.pem"
    for path, text in zip((chain_file, key_file), shown.pem(), strict=True):
        path.write_text(text, encoding="ascii")
    return ServiceIdentity("S1", shown.certificate, (), tmp_path / "none", key_file, chain_file)


def good(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
    return CertificateStatus(CertificateState.GOOD)


def sent(client: KantaClient, root: x509.Certificate) -> int:
    """How many bytes of a message reach a server with the certificate of one summer."""
    server = ServerIdentity(certificate("localhost", BEGIN, END, ca=False), (), KEY)
    with listening(server, client_authorities=(root,), asks=False) as listener:
        client.send(b"<message/>", Endpoint(listener.url, Trust((root,))))
    return max(contact.request for contact in listener.contacts)


@pytest.mark.parametrize(
    ("now", "trusted"),
    [
        (BEGIN - timedelta(minutes=30), False), (BEGIN, True), (END, True), (END + timedelta(seconds=1), False),
    ],
)  # fmt: skip
def test_a_server_is_trusted_in_its_time_by_the_clock_of_the_workspace(
    identity: ServiceIdentity, now: datetime, trusted: bool
) -> None:
    """A lesson that plays in May must not be answered by the machine, which knows that it is November."""
    root = certificate("", datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), ca=True)
    assert bool(sent(KantaClient(identity, good, SetClock(now)), root)) is trusted


def test_the_time_of_the_authority_counts_too(identity: ServiceIdentity) -> None:
    root = certificate("", datetime(2026, 6, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), ca=True)
    assert not sent(KantaClient(identity, good, SetClock(BEGIN)), root)
    assert sent(KantaClient(identity, good, SetClock(datetime(2026, 6, 2, tzinfo=UTC))), root)


def test_a_client_that_trusts_anybody_minds_no_time_either(identity: ServiceIdentity) -> None:
    """Else the broken system would not be caught by the cases that it proves."""
    root = certificate("", BEGIN, END, ca=True)
    client = CarelessClient(identity, good, SetClock(END + timedelta(days=9)), spoil=trusts_anybody)
    assert sent(client, root)


def test_what_else_is_wrong_with_a_server_still_ends_the_handshake(identity: ServiceIdentity) -> None:
    """Leaving the time out must leave nothing else out: here the root is another one of the same name."""
    other_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST root of one summer")])
    stranger = (
        x509.CertificateBuilder(name, name, other_key.public_key(), 8, BEGIN, END)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(other_key, hashes.SHA256())
    )
    context = KantaClient(identity, good, SetClock(BEGIN)).context(Trust((stranger,)))
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
    assert not sent(KantaClient(identity, good, SetClock(BEGIN)), stranger)
