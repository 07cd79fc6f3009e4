"""Who signed, with what certificate and right: each rule with a document that breaks just that one."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import datetime, timedelta

import document_world as world
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sotepki.documents import SignatureKind, Signer, sign_document, verify_document
from sotepki.documents.content import verified_body
from sotepki.documents.report import VerificationContext, all_rules
from sotepki.errors import Fault, Refused
from sotepki.evidence import Severity, Verdict
from sotepki.identifiers import BusinessId, Hetu, Oid, RegistrationNumber
from sotepki.registers import Person
from sotepki.x509.status import CertificateState, CertificateStatus


def findings(document: bytes, context: VerificationContext | None = None) -> dict[str, Severity]:
    """Rule and severity of every finding."""
    report = verify_document(document, context or world.context())
    return {finding.rule: finding.severity for finding in report.findings}


def verdict(document: bytes, context: VerificationContext | None = None) -> Verdict:
    return verify_document(document, context or world.context()).verdict


def by_professional(certificate: x509.Certificate, document: bytes | None = None, at: datetime = world.NOW) -> bytes:
    """A document signed without any check of the signer's."""
    signer = Signer(SignatureKind.PROFESSIONAL, world.rsa_key("card"), certificate, world.AUTHOR)
    return sign_document(document or world.unsigned(), signer, at)


TYPE = b'code="1" codeSystem="1.2.246.537.5.40127'
COLLECTION_END = b"</hl7fi:signatureCollection>"
NUMBER = str(world.AUTHOR.registration_number)


@pytest.mark.parametrize("bits", [(True, False), (True, True), (False, False)])
def test_key_usage_of_a_professional_is_non_repudiation_alone(bits: tuple[bool, bool]) -> None:
    """The authentication certificate, or a certificate for both, does not sign documents."""
    usage = world.key_usage(digital_signature=bits[0], non_repudiation=bits[1])
    signed = by_professional(world.certificate(world.rsa_key("card"), NUMBER, usage))
    assert findings(signed)["doc.key-usage"] is Severity.ERROR


def test_key_usage_of_a_system_has_both_bits() -> None:
    """A card's signature certificate must not pass as a system's."""
    usage = world.key_usage(non_repudiation=True)
    certificate = world.certificate(world.ec_key("system"), str(world.ORGANISATION.oid), usage)
    signer = Signer(SignatureKind.SYSTEM, world.ec_key("system"), certificate)
    assert findings(sign_document(world.unsigned(author=None), signer, world.NOW))["doc.key-usage"] is Severity.ERROR


def test_registration_number_of_another_person() -> None:
    """A colleague's card must not sign in the author's name."""
    certificate = world.certificate(world.rsa_key("card"), "98765432109", world.key_usage(non_repudiation=True))
    assert findings(by_professional(certificate))["doc.registration-number"] is Severity.ERROR
    foreign = world.unsigned(author=replace(world.AUTHOR, registration_number=RegistrationNumber("98765432109")))
    assert findings(by_professional(world.card_certificate(), foreign))["doc.registration-number"] is Severity.ERROR


def test_a_document_without_the_signers_block_only_warns() -> None:
    """The block was merely observed, so its absence may not fail a vendor."""
    signer = Signer(SignatureKind.PROFESSIONAL, world.rsa_key("card"), world.card_certificate())
    found = findings(sign_document(world.unsigned(), signer, world.NOW))
    assert found["doc.signer-block"] is Severity.WARNING
    assert verdict(sign_document(world.unsigned(), signer, world.NOW)) is Verdict.VALID


def test_the_system_signature_of_another_organisation() -> None:
    """The certificate's serialNumber is the custodian's OID, or the signature is not the custodian's."""
    other = replace(world.ORGANISATION, oid=Oid("1.2.246.10.12345671.10.7"))
    signer = Signer(SignatureKind.SYSTEM, world.ec_key("system"), world.system_certificate())
    signed = sign_document(world.unsigned(author=None, organisation=other), signer, world.NOW)
    assert findings(signed)["doc.organisation"] is Severity.ERROR


def test_a_right_that_ended_before_signing() -> None:
    """Valvira removed the right: the next document is refused, the one from before is not."""
    context = world.context(rights=world.Rights(ended_at=world.NOW))
    before = world.signed_by_professional(at=world.NOW - timedelta(seconds=5))
    assert findings(world.signed_by_professional(), context) == {"doc.right": Severity.ERROR}
    assert verdict(before, context) is Verdict.VALID


@pytest.mark.parametrize("place", ["client", "text", "attribute", "entity"])
def test_a_real_looking_identity_code_anywhere(place: str) -> None:
    """Kanta does not save test documents with codes outside the 900-series, wherever they stand."""
    code = "131052-308T"
    document = world.unsigned()
    if place == "client":
        document = world.unsigned(client=Person(Hetu(code), "Matti", "Meikäläinen"))
    elif place == "text":
        document = world.unsigned(paragraphs=[f"Asiakkaan äiti on {code}."])
    elif place == "attribute":
        document = document.replace(b'displayName="Asiakkuus"', f'displayName="{code}"'.encode())
    else:
        plain = base64.b64encode(b"<p>131052&#45;308T</p>")
        start = document.index(b'"B64">') + 6
        document = document[:start] + plain + document[document.index(b"<", start) :]
    found = findings(world.signed_by_professional(document))
    assert found == {"doc.hetu.test-only": Severity.ERROR}
    report = verify_document(world.signed_by_professional(document), world.context())
    assert all(code not in str(finding) for finding in report.findings), "a report never repeats a whole code"


def test_a_client_id_that_is_no_identity_code() -> None:
    """A mistyped code would file the document under nobody."""
    document = world.unsigned().replace(b'extension="010181-900C"', b'extension="010181-900D"')
    assert findings(world.signed_by_professional(document))["doc.hetu.form"] is Severity.ERROR


def test_a_signature_left_over_from_before_a_correction() -> None:
    """A corrected document needs a new signature; an old one that still stands is a fault."""
    corrected = world.unsigned(version=2, replaces=world.DOCUMENT)
    stale = by_professional(world.card_certificate(), corrected, at=world.CREATED - timedelta(days=1))
    assert findings(stale)["doc.signature.stale"] is Severity.ERROR
    numbered = stale.replace(b'typeCode="RPLC"', b'typeCode="APND"'), stale.replace(b'value="2"', b'value="1"')
    for either in numbered:
        assert findings(either)["doc.signature.stale"] is Severity.ERROR


def test_a_signature_older_than_a_new_document_warns() -> None:
    """Without a correction only the order of two times is odd, which nobody forbids."""
    early = by_professional(world.card_certificate(), at=world.CREATED - timedelta(hours=1))
    assert findings(early) == {"doc.timestamp.before-document": Severity.WARNING}


def test_a_timestamp_in_the_future_leaves_the_verdict_open() -> None:
    """What is judged at a time that has not come cannot be settled."""
    late = world.signed_by_professional(at=world.NOW + timedelta(days=2))
    assert findings(late) == {"doc.timestamp.future": Severity.WARNING}
    assert verdict(late) is Verdict.INDETERMINATE


def test_a_certificate_that_ended_before_signing() -> None:
    """An expired card signs nothing."""
    usage = world.key_usage(non_repudiation=True)
    ended = world.certificate(
        world.rsa_key("card"), NUMBER, usage, begin=world.NOW - timedelta(days=90), days=60
    )  # fmt: skip
    assert verdict(by_professional(ended)) is Verdict.INVALID


def test_a_certificate_that_began_after_the_claimed_time() -> None:
    """A backdated signature: the certificate is good now, but did not exist then."""
    usage = world.key_usage(non_repudiation=True)
    young = world.certificate(world.rsa_key("card"), NUMBER, usage, begin=world.NOW + timedelta(minutes=30))
    signed = by_professional(young)
    assert "doc.certificate.validity" in findings(signed)
    assert verdict(signed) is Verdict.INDETERMINATE


@pytest.mark.parametrize(
    ("signed_at", "judged_at", "rules"),
    [("begin", "within", set()), ("before", "within", {"doc.certificate.validity"}),
     ("before", "begin", {"doc.certificate.validity"}), ("end", "within", set()),
     ("after", "end", {"doc.certificate.validity"})],
)  # fmt: skip
def test_the_first_and_the_last_second_of_a_certificate_count(
    signed_at: str, judged_at: str, rules: set[str]
) -> None:  # fmt: skip
    """A card taken into use today would be told that its first signature is backdated."""
    begin = world.NOW.replace(microsecond=0)
    end, second = begin + timedelta(days=1), timedelta(seconds=1)
    moments = {"before": begin - second, "begin": begin, "within": end - second, "end": end, "after": end + second}
    usage = world.key_usage(non_repudiation=True)
    certificate = world.certificate(world.rsa_key("card"), NUMBER, usage, begin=begin, days=1)
    signed = by_professional(certificate, at=moments[signed_at])
    assert set(findings(signed, world.context(at=moments[judged_at]))) == rules


def test_a_certificate_whose_extensions_cannot_be_read_proves_nothing() -> None:
    """With one extension twice, readers differ in which of the two they take."""
    der = world.card_certificate().public_bytes(serialization.Encoding.DER)
    twice = x509.load_der_x509_certificate(der.replace(b"\x55\x1d\x0f", b"\x55\x1d\x13"))
    signed = by_professional(twice)
    assert findings(signed)["doc.certificate.unreadable"] is Severity.ERROR
    assert verdict(signed, world.context(trust=())) is Verdict.INVALID


def test_a_signer_under_an_unknown_root() -> None:
    """Anybody can make a certificate with the right names; only the trusted root counts."""
    other = world.context(trust=(world.certificate(world.rsa_key("x"), "1", world.key_usage(ca=True)),))
    assert verdict(world.signed_by_professional(), other) is Verdict.INVALID


def test_without_roots_the_verdict_stays_open() -> None:
    """An intact signature of nobody in particular is no valid signature."""
    report = verify_document(world.signed_by_professional(), world.context(trust=()))
    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].intact


@pytest.mark.parametrize(
    ("state", "since", "rule", "expected"),
    [
        (CertificateState.GOOD, None, "", Verdict.VALID),
        (CertificateState.REVOKED, timedelta(hours=-1), "doc.certificate.revoked", Verdict.INVALID),
        (CertificateState.REVOKED, timedelta(minutes=1), "doc.certificate.revoked-later", Verdict.VALID),
        (CertificateState.REVOKED, None, "doc.certificate.revoked", Verdict.INVALID),
        (CertificateState.UNKNOWN, None, "doc.certificate.status-unknown", Verdict.INDETERMINATE),
    ],
)
def test_revocation(state: CertificateState, since: timedelta | None, rule: str, expected: Verdict) -> None:
    """A revoked card is refused from the moment of revocation; silence settles nothing."""
    when = None if since is None else world.NOW + since
    context = world.context(
        revocation=True,
        status=lambda certificate, issuer: CertificateStatus(state, when, x509.ReasonFlags.key_compromise),
    )
    assert set(findings(world.signed_by_professional(), context)) == ({rule} if rule else set())
    assert verdict(world.signed_by_professional(), context) is expected


def test_a_responder_that_does_not_answer_leaves_the_verdict_open() -> None:
    """An outage of the responder must neither accept nor condemn."""

    def silent(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        raise Fault("The responder does not answer.")

    context = world.context(revocation=True, status=silent)
    assert verdict(world.signed_by_professional(), context) is Verdict.INDETERMINATE
    assert verdict(world.signed_by_professional(), world.context(revocation=True)) is Verdict.INDETERMINATE


@pytest.mark.parametrize(
    ("old", "new", "rule", "severity"),
    [
        (TYPE, b'code="1" codeSystem="1.2.3', "doc.description", "error"),
        (TYPE, TYPE.replace(b'"1"', b'"2"'), "doc.description.unknown", "warning"),
        (TYPE, TYPE.replace(b"code=", b"x=", 1), "doc.description", "error"),
        (TYPE, TYPE.replace(b"codeSystem=", b"x="), "doc.description", "error"),
        (b"<hl7fi:recordStatus", b"<hl7fi:otherStatus", "doc.metadata", "warning"),
        (b"1.2.246.537.5.40154.2008", b"1.2.246.537.5.40179.2008", "doc.metadata.code-system", "warning"),
        (b' codeSystem="1.2.246.777.5.99902.2006"', b"", "doc.metadata.code-system", "warning"),
        (b"</hl7fi:localSocialHeader>", b"</hl7fi:localSocialHeader><authorization/>", "doc.header.place", "warning"),
        (b"<hl7fi:signatureDescription", b"<x/><hl7fi:signatureDescription", "doc.signature.structure", "error"),
        (COLLECTION_END, COLLECTION_END + b"<hl7fi:x/>", "doc.signature.place", "warning"),
    ],
)
def test_forms_of_the_signature(old: bytes, new: bytes, rule: str, severity: str) -> None:
    """The unsigned surroundings of a signature: what contradicts fails, what is merely unusual warns."""
    changed = world.signed_by_professional().replace(old, new)
    assert findings(changed)[rule] == severity
    opened = {"doc.description.unknown": Verdict.INDETERMINATE, "doc.signature.structure": Verdict.INVALID}
    assert verdict(changed) is opened.get(rule, Verdict.INVALID if severity == "error" else Verdict.VALID)


TEXT, JSON = r'(<text [^>]*representation="B64">)([^<]*)(</text>)', r"(<hl7fi:json>)([^<]*)(</hl7fi:json>)"


@pytest.mark.parametrize(
    ("old", "new", "content"),
    [
        (TEXT, r"\1 \2\n\3", True),
        (JSON, r"\1\n\2\t\3", True),
        (JSON, "", True),
        (TEXT, "", False),
        (TEXT, r"\1\3", False),
        (TEXT, r"\1*\2\3", False),
        (TEXT, r"\1 * \2\3", False),
        (TEXT, r"\1\2<br/>\3", False),
        (TEXT, r"\1<br/>\2\3", False),
        ('representation="B64"', 'representation="TXT"', False),
        (JSON, r"\1\3", False),
        (JSON, r"\1*\2\3", False),
        (JSON, rf"\g<1>{base64.b64encode(b'{broken').decode()}\3", False),
        (JSON, rf"\g<1>{base64.b64encode(bytes([0xFF, 0x22])).decode()}\3", False),
        (JSON, rf"\g<1>{base64.b64encode(bytes([0x22, 0xFF, 0x22])).decode()}\3", False),
        (JSON, rf"\g<1>{base64.b64encode(b'[' * 100_000).decode()}\3", False),
        (JSON, rf"\g<1>{base64.b64encode(b'[' * 500 + b']' * 500).decode()}\3", True),
        (JSON, rf"\g<1>{base64.b64encode(b'1e999').decode()}\3", True),
    ],
)
def test_a_body_that_is_not_base64_or_json(old: str, new: str, content: bool) -> None:
    """A signed body that nobody can open is of no use to the archive; line ends in base64 do no harm."""
    changed, times = re.subn(old, new, world.unsigned().decode())
    assert times == 1
    report = verify_document(world.signed_by_professional(changed.encode()), world.context())
    rules = {finding.rule: finding.severity for finding in report.findings}
    assert rules == ({} if content else {"doc.content": Severity.ERROR})
    if content:
        assert report.body() is not None
    else:
        assert report.body_octets is not None
        with pytest.raises(Refused) as caught:
            verified_body(report.body_octets)
        assert caught.value.rule == "doc.content"


def test_the_verified_body_is_read_from_the_signed_octets() -> None:
    """A caller that reads the report's body reads nothing that was not signed."""
    report = verify_document(world.signed_by_professional(), world.context())
    body = report.body()
    assert body is not None
    assert body.structured["asiakas"]["sukunimi"] == "Äärelä"


def test_no_rule_weighs_more_than_its_evidence() -> None:
    """Rules without a confirmed norm or consistency behind them never fail a vendor."""
    for rule in all_rules():
        if rule.grade in ("recalled", "unknown", "inferred"):
            assert rule.effective is not Severity.ERROR, rule.id
        assert rule.source and rule.text, rule.id


def test_a_foreign_organisation_is_no_typing_error() -> None:
    """The world of these tests itself: the Y-tunnus behind the OIDs is a valid one."""
    assert BusinessId.parse("1234567-1").digits == "12345671"
