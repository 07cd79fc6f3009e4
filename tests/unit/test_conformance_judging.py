"""What the suite reads from a system's certificates and documents before it judges: revocation, ends, signatures."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

import document_world as world
import field_tables as field
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from test_x509_path_strangers import ATTRIBUTES, INDIRECT, LOST, OTHER_LISTS, of_a_nameless, other_list

from conformance import running
from conformance.bench.documents_framed import FIXED, STATES, USAGE, fixed_code, identity_codes
from conformance.cases import certificates, frames, frames_content, signatures_form
from conformance.check import Check
from conformance.declaring import case_of
from conformance.judging import (
    context_of,
    is_revoked,
    judged_document,
    judged_frame,
    latest_end,
    signature_values,
    subject_value,
)
from conformance.requirements import requirements
from conformance.running import run_cases
from conformance.session import RunSession, Selection
from conformance.sut.facets import CertificateRole, NamedBytes, Skipped, SystemUnderTest, Trust
from conformance.sut.reference_revocation import StatusAsker
from conformance.verdicts import CaseVerdict
from sotepki.clock import SetClock
from sotepki.documents import build_frame
from sotepki.errors import Refused
from sotepki.identifiers import Oid, check_character
from sotepki.x509.issuer import Issuer
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
        ([], None),
        ([revocation_list(8)], False),
        ([revocation_list(7)], True),
        ([revocation_list(8), revocation_list(7)], True),
        ([revocation_list(7, OTHER_KEY)], None),
    ],
)
def test_a_certificate_is_revoked_if_a_list_of_its_own_authority_says_so(
    lists: list[x509.CertificateRevocationList], revoked: bool | None
) -> None:
    """A revoked certificate passed without a list of its authority; one of that name with another key is none."""
    assert is_revoked(certificate(), Trust((AUTHORITY,), crls=tuple(lists))) is revoked


@pytest.mark.parametrize(
    ("held", "lists", "verdict"),
    [
        ([certificate()], [revocation_list(7, OTHER_KEY)], CaseVerdict.SKIP),
        ([certificate(), authority(OTHER_KEY)], [revocation_list(8)], CaseVerdict.SKIP),
        ([certificate(), authority(OTHER_KEY)], [revocation_list(7)], CaseVerdict.FAIL),
        ([certificate()], [revocation_list(8)], CaseVerdict.PASS),
    ],
)
def test_certificates_of_which_no_list_speaks_are_not_called_good(
    held: list[x509.Certificate], lists: list[x509.CertificateRevocationList], verdict: CaseVerdict
) -> None:
    """A vendor with a revoked certificate passed, since another authority's list was the only one attached."""
    declared = case_of(certificates.not_revoked)
    assert declared is not None
    check = Check(declared, requirements())
    trust = Trust((AUTHORITY, authority(OTHER_KEY)), crls=tuple(lists))
    try:
        certificates.not_revoked(dict(zip(CertificateRole, held, strict=False)), trust, check)
    except Skipped as skipped:
        assert verdict is CaseVerdict.SKIP and "Name the list of their authority" in str(skipped)
        return
    assert check.result(1).verdict is verdict


@pytest.mark.parametrize(("entries", "scope", "revoked"), OTHER_LISTS)
def test_the_suite_and_its_reference_read_a_list_for_what_it_says(
    entries: list[tuple[x509.ReasonFlags, str]],
    scope: x509.ExtensionType,
    revoked: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An entry of another authority's certificate of the same number would fail a vendor's good certificate."""
    crl = other_list(*entries, scope=scope, certificate=certificate(), issuer=Issuer(AUTHORITY, KEY), at=NOW)
    trust = Trust((AUTHORITY,), crls=(of_a_nameless(crl), crl))
    silent = not revoked and scope is not INDIRECT
    assert is_revoked(certificate(), trust) is (None if silent else revoked)
    asker = StatusAsker(SetClock(NOW), str)
    monkeypatch.setattr(StatusAsker, "_list", lambda *_: crl)
    if silent:
        with pytest.raises(Refused, match="does not speak of the certificate"):
            asker.listed(certificate(), AUTHORITY)
    else:
        state = CertificateState.REVOKED if revoked else CertificateState.GOOD
        assert asker.listed(certificate(), AUTHORITY).status.state is state
    monkeypatch.setattr(StatusAsker, "_list", lambda *_: of_a_nameless(crl))
    with pytest.raises(Refused, match="not of the issuing authority"):
        asker.listed(certificate(), AUTHORITY)


def scoped(*, url: str = "", **scope: bool) -> x509.IssuingDistributionPoint:
    given = {"only_contains_user_certs": False, "only_contains_ca_certs": False, "indirect_crl": False}
    where = [x509.UniformResourceIdentifier(url)] if url else None
    return x509.IssuingDistributionPoint(
        full_name=where, relative_name=None, only_some_reasons=None, only_contains_attribute_certs=False,
        **(given | scope),
    )  # fmt: skip


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
COMPROMISE_ONLY = x509.IssuingDistributionPoint(None, None, False, False, frozenset({LOST}), False, False)


@pytest.mark.parametrize(
    ("extension", "rule"),
    [
        (ATTRIBUTES, "crl.scope"),
        (scoped(only_contains_ca_certs=True), "crl.scope"),
        (scoped(url="http://localhost/part-2.crl"), "crl.scope"),
        (COMPROMISE_ONLY, "crl.scope"),
        (x509.DeltaCRLIndicator(1), "crl.scope"),
        (UNKNOWN, "crl.extension"),
        (scoped(only_contains_user_certs=True), ""),
    ],
)
def test_a_list_that_does_not_speak_of_a_certificate_does_not_call_it_good(
    extension: x509.ExtensionType, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vendor with a revoked certificate passed, since a list of other certificates was the only one attached."""
    builder = x509.CertificateRevocationListBuilder(AUTHORITY_NAME, NOW, NOW + timedelta(days=1))
    crl = builder.add_extension(extension, critical=True).sign(KEY, hashes.SHA256())
    assert is_revoked(certificate(), Trust((AUTHORITY,), crls=(crl,))) is (None if rule else False)
    assert is_revoked(certificate(), Trust((AUTHORITY,), crls=(crl, revocation_list(8)))) is False
    assert is_revoked(certificate(), Trust((AUTHORITY,), crls=(crl, revocation_list(7)))) is True
    asker = StatusAsker(SetClock(NOW), str)
    monkeypatch.setattr(StatusAsker, "_list", lambda *_: crl)
    if not rule:
        assert asker.listed(certificate(), AUTHORITY).status.state is CertificateState.GOOD
        return
    with pytest.raises(Refused) as refused:
        asker.listed(certificate(), AUTHORITY)
    assert refused.value.rule == rule


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
    ("extensions", "verdict"),
    [(("1", "2"), CaseVerdict.PASS), (("1", "1"), CaseVerdict.FAIL), (("",), CaseVerdict.PASS)],
)
def test_a_message_id_is_root_and_extension_together(extensions: tuple[str, ...], verdict: CaseVerdict) -> None:
    """A vendor with one root and a running extension failed, though no id of its messages stands twice."""
    declared = case_of(frames_content.message_id)
    assert declared is not None
    check, root = Check(declared, requirements()), b'<id root="2.25.1"'
    sent = [framed().replace(root, root + f' extension="{one}"'.encode(), 1) for one in extensions]
    frames_content.message_id(
        tuple(judged_frame(f"{n}", one, None, SetClock(NOW)) for n, one in enumerate(sent)), check
    )
    assert check.result(1).verdict is verdict


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


CODE = f"010199-002{check_character(10199002)}"
"""Outside the 900-series; put together here, so that it is nowhere written down."""


@pytest.mark.parametrize(
    ("added", "verdict"),
    [
        ("", CaseVerdict.PASS),
        (f"<title>Suunnitelma, {CODE}</title>", CaseVerdict.FAIL),
        (f"<x xmlns='urn:hl7finland'>{CODE}</x>", CaseVerdict.FAIL),
        (f"<x xmlns='urn:hl7finland' y='{CODE}'/>", CaseVerdict.FAIL),
        (f"<!-- {CODE} -->", CaseVerdict.FAIL),
        ("<id xmlns='urn:hl7finland' root='1.2.246.21' extension='010199-0000'/>", CaseVerdict.FAIL),
        ("<title>Suunnitelma, 010199-900A</title>", CaseVerdict.PASS),
        ("<title>Lasku 010199-0000</title>", CaseVerdict.PASS),
        (f"<x extension='a{CODE}'/><x extension='{CODE}9'/>", CaseVerdict.PASS),
        (f"<x extension='12{CODE}-9f3a-4c11-8d2e-0123456789ab'/>", CaseVerdict.PASS),
        ("<x root='1.2.246.10.10199002.11.2026.10199.2'/>", CaseVerdict.PASS),
        ("<x root='1.2.246.21'/>", CaseVerdict.PASS),
    ],
)
def test_nobody_living_is_named_anywhere_in_a_frame(added: str, verdict: CaseVerdict) -> None:
    """A code stands where the writer put it, in a title or an element of Finland's own; a part of a longer number, as
    of a UUID or an OID, is none.
    """
    declared = case_of(frames_content.test_identities)
    assert declared is not None
    content = framed().replace(b"<statusCode ", f"{added}<statusCode ".encode(), 1)
    check = Check(declared, requirements())
    frames_content.test_identities((judged_frame("a", content, None, SetClock(NOW)),), check)
    assert check.result(1).verdict is verdict


def test_the_document_in_a_frame_is_not_the_frame() -> None:
    """What the document names is the matter of another case, and of the document's signer."""
    named = identity_codes(framed())
    carried = base64.b64encode(b"<a>" + CODE.encode() + b"</a>")
    changed = re.sub(rb"(<text [^>]*>)[^<]*", rb"\g<1>" + carried, framed(), count=1)
    assert identity_codes(changed) == named
    whole = re.sub(rb"(<text [^>]*>)[^<]*", rb"\g<1>" + CODE.encode(), framed(), count=1)
    assert identity_codes(whole) == named


@pytest.mark.parametrize("interaction", ["RCMR_IN100002FI01", "RCMR_IN100016FI01"])
def test_a_frame_of_a_family_without_service_requests_is_not_asked_for_one(interaction: str) -> None:
    """The frame that this package builds for health care would itself be warned."""
    declared = case_of(frames.service_request)
    assert declared is not None
    health = re.sub(rb"<reasonCode [^>]*>", b"", framed()).replace(b"RCMR_IN200002FI01", interaction.encode())
    judged = judged_frame("a", health, None, SetClock(NOW))
    assert judged.frame is not None
    with pytest.raises(Skipped, match="family whose frames name a service request"):
        frames.service_request((judged,), Check(declared, requirements()))
    check = Check(declared, requirements())
    wrong = judged_frame("b", framed().replace(b'code="SP1"', b'code="SP99"'), None, SetClock(NOW))
    frames.service_request((judged, wrong), check)
    assert [one.where for one in check.result(1).findings] == ["b"]


UNREADABLE = re.sub(rb"(<ds:KeyInfo[^>]*>)", rb"\1<ds:KeyName>x</ds:KeyName>", world.signed_by_system(), count=1)
"""A document whose signature cannot be examined: its KeyInfo holds more than the certificate."""


class Given:
    """A system that has one document, and frames whatever it gets."""

    def files(self) -> list[NamedBytes]:
        return [NamedBytes("a.xml", UNREADABLE)]

    def frame(self, _document: bytes) -> bytes:
        raise AssertionError("nothing is framed whose signatures cannot be read")


@pytest.mark.parametrize(
    ("system", "reason"),
    [
        (
            SystemUnderTest("a", "files", documents=Given(), framer=Given()),
            "No document has signatures that can be read, so none is framed; see the case document.form.",
        ),
        (
            SystemUnderTest("a", "files", framer=Given()),
            "This part of the system is not attached: there is no [documents] or [sign] in its description.",
        ),
        (
            SystemUnderTest("a", "files", documents=Given()),
            "This part of the system is not attached: there is no [frames] or [frame] in its description.",
        ),
    ],
    ids=["unreadable", "nothing-to-frame", "no-framer"],
)
def test_a_case_about_frames_is_skipped_for_the_true_reason(system: SystemUnderTest, reason: str) -> None:
    """Who attached [frame] and reads that there is none looks for the fault in the wrong place."""
    session = RunSession(system, SetClock(NOW), Selection(cases=frozenset({"frame.sender"})))
    run_cases(session)
    assert [(one.verdict, one.reason) for one in session.results] == [(CaseVerdict.SKIP, reason)]


def test_a_run_that_pytest_does_not_begin_is_a_fault_of_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared among processes, such a run judged nothing and ended as if nothing had been found."""
    monkeypatch.setattr(running, "_OPTIONS", ("--no-such-option",))
    session = RunSession(SystemUnderTest("x", "x"), SetClock(NOW), Selection(cases=frozenset({"frame.sender"})))
    run_cases(session)
    assert session.summary().exit_code != 0
    assert session.harness_faults == ["The suite could not be run to its end; this is a fault of the suite."]


def test_documents_that_were_signed_and_cannot_be_read_are_not_called_missing() -> None:
    document = judged_document("a", UNREADABLE, None, SetClock(NOW), unsigned=b"<a/>")
    assert not document.examinable
    declared = case_of(signatures_form.header_unchanged)
    assert declared is not None
    for documents, reason in (((document,), "see the case document.form"), ((), "No document was signed on request")):
        with pytest.raises(Skipped, match=reason):
            signatures_form.header_unchanged(documents, Check(declared, requirements()))


def test_a_signature_value_is_as_long_as_its_key_in_whole_bytes() -> None:
    """RFC 8017 8.2.1: a modulus of 2052 bits takes 257 bytes, of which the first is mostly empty."""
    sizes = [rsa.RSAPublicNumbers(65537, (1 << bits) - 1).public_key() for bits in (2048, 2052, 2056)]
    assert [signatures_form._length(key) for key in sizes] == [256, 257, 257]
    assert signatures_form._length(ec.generate_private_key(ec.SECP521R1()).public_key()) == 132
