"""What the suite reads from a system's certificates and documents before it judges: revocation, ends, signatures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import document_world as world
import field_tables as field
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conformance.bench.documents_framed import FIXED, STATES, USAGE, fixed_code
from conformance.cases import frames
from conformance.check import Check
from conformance.declaring import case_of
from conformance.judging import context_of, is_revoked, judged_frame, latest_end, signature_values, subject_value
from conformance.requirements import requirements
from conformance.sut.facets import Trust
from conformance.verdicts import CaseVerdict
from sotepki.clock import SetClock
from sotepki.documents import build_frame
from sotepki.identifiers import Oid
from sotepki.x509.status import CertificateState, CertificateStatus

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
AUTHORITY_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority TEST")])


def certificate(
    key: ec.EllipticCurvePrivateKey = KEY, name: str = "A TEST", begins: datetime = NOW
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        AUTHORITY_NAME, subject, key.public_key(), 7, begins, begins + timedelta(days=9)
    )
    return builder.sign(KEY, hashes.SHA256())


def authority(key: ec.EllipticCurvePrivateKey = KEY) -> x509.Certificate:
    builder = x509.CertificateBuilder(
        AUTHORITY_NAME, AUTHORITY_NAME, key.public_key(), 1, NOW, NOW + timedelta(days=99)
    )
    return builder.sign(key, hashes.SHA256())


def revocation_list(serial: int, key: ec.EllipticCurvePrivateKey = KEY) -> x509.CertificateRevocationList:
    revoked = x509.RevokedCertificateBuilder(serial, NOW).build()
    builder = x509.CertificateRevocationListBuilder(AUTHORITY_NAME, NOW, NOW + timedelta(days=1))
    return builder.add_revoked_certificate(revoked).sign(key, hashes.SHA256())


AUTHORITY = authority()


@pytest.mark.parametrize(
    ("lists", "revoked"),
    [
        ([], False),
        ([revocation_list(8)], False),
        ([revocation_list(7)], True),
        ([revocation_list(8), revocation_list(7)], True),
        ([revocation_list(7, OTHER_KEY)], False),
    ],
)
def test_a_certificate_is_revoked_if_a_list_of_its_own_authority_says_so(
    lists: list[x509.CertificateRevocationList], revoked: bool
) -> None:
    """A list that bears the authority's name and another key's signature says nothing."""
    assert is_revoked(certificate(), Trust((AUTHORITY,), crls=tuple(lists))) is revoked


@pytest.mark.parametrize("state", CertificateState)
def test_a_responder_is_asked_before_the_lists(state: CertificateState) -> None:
    trust = Trust((AUTHORITY,), crls=(revocation_list(7),), status=lambda *_: CertificateStatus(state))
    assert is_revoked(certificate(), trust) is (state is CertificateState.REVOKED)


def test_of_a_strange_authority_nobody_knows() -> None:
    """An authority of the same name with another key is not the one that issued it."""
    assert is_revoked(certificate(), Trust((authority(OTHER_KEY),), crls=(revocation_list(7),))) is None
    assert is_revoked(certificate(), Trust((authority(OTHER_KEY), AUTHORITY), crls=(revocation_list(7),))) is True


@pytest.mark.parametrize(
    ("begins", "end"),
    [
        (datetime(2026, 3, 2, 12, 0, tzinfo=UTC), datetime(2028, 3, 2, 21, 59, 59, tzinfo=UTC)),
        (datetime(2026, 3, 2, 22, 0, tzinfo=UTC), datetime(2028, 3, 3, 21, 59, 59, tzinfo=UTC)),
        (datetime(2024, 2, 29, 12, 0, tzinfo=UTC), datetime(2026, 3, 1, 21, 59, 59, tzinfo=UTC)),
    ],
)
def test_years_end_with_the_finnish_day_on_which_they_began(begins: datetime, end: datetime) -> None:
    """A certificate must not fail for the hours between UTC and Helsinki, nor for the 29th of February."""
    assert latest_end(certificate(begins=begins), 2) == end


def test_signature_values_are_compared_without_their_line_breaks() -> None:
    ds = "xmlns:ds='http://www.w3.org/2000/09/xmldsig#'"
    broken = f"<a {ds}><ds:SignatureValue>YWJj\n ZGVm</ds:SignatureValue><ds:SignatureValue/></a>"
    assert signature_values(broken.encode()) == {"YWJjZGVm", ""}
    assert signature_values(b"<a><SignatureValue>YWJj</SignatureValue></a>") == frozenset()
    assert signature_values(b"not XML") == frozenset()


def test_a_subject_attribute_that_is_not_there_is_empty() -> None:
    assert subject_value(certificate(), NameOID.COMMON_NAME) == "A TEST"
    assert subject_value(certificate(), NameOID.SERIAL_NUMBER) == ""


def test_without_trust_nothing_is_said_about_revocation() -> None:
    """A vendor who attaches no authorities would fail for answers that nobody could give."""
    clock = SetClock(NOW)
    assert not context_of(None, clock).revocation and context_of(None, clock).trust == ()
    assert not context_of(Trust((AUTHORITY,)), clock).revocation
    listed = context_of(Trust((AUTHORITY,), crls=(revocation_list(8),)), clock)
    assert listed.revocation and listed.trust == (AUTHORITY,) and listed.at == NOW
    asked = Trust((AUTHORITY,), status=lambda *_: CertificateStatus(CertificateState.GOOD))
    assert context_of(asked, clock).revocation and context_of(asked, clock).status is asked.status


def framed() -> bytes:
    return build_frame(world.signed_by_system(), message_id=Oid("2.25.1"), sender=world.ORGANISATION.oid, at=NOW)


@pytest.mark.parametrize(("path", "code"), [*FIXED.items(), *USAGE.items(), *STATES.items()])
def test_the_fixed_codes_of_a_frame_are_those_of_the_field(path: str, code: str) -> None:
    """docs/field/kanta.md 6: a code that the suite has wrong would warn every vendor."""
    assert re.search(rf"\b{code}\b", field.sections("kanta.md")["6"])
    content = framed()
    assert fixed_code(content, path) == code
    assert fixed_code(content.replace(f'"{code}"'.encode(), b'"other"'), path) in ("", "other")


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (b"", b"", CaseVerdict.PASS),
        (b"<sender ", b"<sender/><sender ", CaseVerdict.FAIL),
        (b"</sender>", b"", CaseVerdict.FAIL),
        (b'representation="B64"', b'representation="TXT"', CaseVerdict.WARN),
        (b"?>", b"?><!DOCTYPE a>", CaseVerdict.WARN),
    ],
)
def test_a_frame_that_cannot_be_read_weighs_what_its_rule_may(old: bytes, new: bytes, verdict: CaseVerdict) -> None:
    """How a frame carries its document is recalled only (frame.carriage): a vendor must not fail for it."""
    declared = case_of(frames.form)
    assert declared is not None
    check = Check(declared, requirements())
    frames.form((judged_frame("a", framed().replace(old, new, 1), None, SetClock(NOW)),), check)
    assert check.result(1).verdict is verdict
