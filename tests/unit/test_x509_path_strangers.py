"""Paths with what other people make: no end of validity, old string types, lists that speak of something else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import x509_world as w
from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from test_x509_path import check, crl, rules

from sotepki.evidence import Verdict
from sotepki.x509 import der
from sotepki.x509.extensions import key_usage_of
from sotepki.x509.issuer import Issuer
from sotepki.x509.path import Purpose
from sotepki.x509.path_tree import Outcome, explain

NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
T61 = der.sequence(der.tlv(0x31, der.sequence(der.oid("2.5.4.10"), der.tlv(0x14, "Hämy".encode("latin-1")))))


def rewritten(encoded: bytes, place: int, part: bytes) -> bytes:
    """A certificate or list with another part, under its old signature."""
    signed, *rest = der.parse(encoded).children()
    parts = [part if number == place else one.raw for number, one in enumerate(signed.children())]
    return der.sequence(der.sequence(*parts), *(one.raw for one in rest))


@pytest.mark.parametrize("at", [w.LATER, NO_END, datetime.min.replace(tzinfo=UTC)])
def test_a_certificate_without_end_is_judged_at_any_time(at: datetime) -> None:
    """notAfter 99991231235959Z says that there is none (RFC 5280 4.1.2.5); nothing reaches beyond the calendar."""
    certificate = w.odd_certificate(end=NO_END, extensions=[(key_usage_of(["digitalSignature"]), True)])
    report = check(certificate, at=at, purpose=Purpose.CARD_AUTHENTICATION)
    assert report.valid == (at == w.LATER)
    nodes = explain(report, trust=[w.world().root_certificate])
    assert [one.outcome for one in nodes[-1].checks if one.name == "validity"] == (
        [Outcome.FAILED] if at < w.LATER else [Outcome.PASSED]
    )


@pytest.mark.parametrize(
    ("place", "part"),
    [
        (4, der.sequence(der.tlv(0x18, b"00000101000000Z"), der.generalized_time(w.LATER))),
        (4, der.sequence(der.tlv(0x18, b"00010101000000Z"), der.generalized_time(w.LATER))),
        (3, T61),
        (5, T61),
    ],
    ids=["year 0", "year 1", "T61 issuer", "T61 subject"],
)
def test_a_certificate_that_cannot_be_shown_gets_an_answer(place: int, part: bytes) -> None:
    odd = x509.load_der_x509_certificate(rewritten(w.signature_certificate().public_bytes(Encoding.DER), place, part))
    for report in (check(odd), check(intermediates=[odd, w.world().persons_certificate])):
        assert report.explanation() and report.as_dict()
        explain(report, trust=[w.world().root_certificate])
        assert report.valid == (report.chain[:1] == (w.signature_certificate(),))


def test_a_list_whose_issuer_cannot_be_read_spoils_nothing() -> None:
    """It is nobody's on this path, like any other list of a stranger."""
    lists = [of_a_nameless(crl(w.world().persons)), crl(w.world().root), crl(w.world().persons)]
    report = check(crls=lists)
    assert (report.verdict, report.findings) == (Verdict.VALID, ())
    assert explain(report, trust=[w.world().root_certificate], crls=lists)


def other_list(
    *entries: tuple[x509.ReasonFlags, str],
    scope: x509.ExtensionType,
    certificate: x509.Certificate | None = None,
    issuer: Issuer | None = None,
    at: datetime = w.NOW,
) -> x509.CertificateRevocationList:
    """A list of the card's issuer with entries for the card's number, each with the issuer that it names."""
    certificate, issuer = certificate or w.signature_certificate(), issuer or w.world().persons
    builder = x509.CertificateRevocationListBuilder().issuer_name(w.certificate_of(issuer).subject)
    builder = builder.last_update(at).next_update(at + timedelta(days=39)).add_extension(scope, critical=True)
    for reason, name in entries:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        entry = entry.revocation_date(at).add_extension(x509.CRLReason(reason), critical=False)
        if name:
            another = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
            another = w.certificate_of(issuer).subject if name == "own" else another
            entry = entry.add_extension(x509.CertificateIssuer([x509.DirectoryName(another)]), critical=True)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256())  # type: ignore[arg-type]


def of_a_nameless(crl: x509.CertificateRevocationList) -> x509.CertificateRevocationList:
    """The list with a name of its issuer that cannot be read."""
    return x509.load_der_x509_crl(rewritten(crl.public_bytes(Encoding.DER), 2, T61))


LOST, BACK = x509.ReasonFlags.key_compromise, x509.ReasonFlags.remove_from_crl
INDIRECT = x509.IssuingDistributionPoint(None, None, False, False, None, True, False)
ATTRIBUTES = x509.IssuingDistributionPoint(None, None, False, False, None, False, True)


OTHER_LISTS = [
    ([(BACK, "")], x509.DeltaCRLIndicator(1), False),
    ([(LOST, "")], x509.DeltaCRLIndicator(1), True),
    ([(LOST, "Another CA")], INDIRECT, False),
    ([(LOST, "Another CA"), (LOST, "")], INDIRECT, False),
    ([(LOST, "Another CA"), (LOST, "own")], INDIRECT, True),
    ([(LOST, "")], INDIRECT, True),
    ([(LOST, "")], ATTRIBUTES, False),
]
"""Entries, scope, and whether they revoke the card (RFC 5280 5.3.1, 5.3.3 and 5.2.5)."""


@pytest.mark.parametrize(("entries", "scope", "revoked"), OTHER_LISTS)
def test_a_list_revokes_what_it_says_and_nothing_else(
    entries: list[tuple[x509.ReasonFlags, str]], scope: x509.ExtensionType, revoked: bool
) -> None:
    """Revocations taken back, entries of other CAs, attribute certificates."""
    lists = [crl(w.world().root), crl(w.world().persons), other_list(*entries, scope=scope)]
    report = check(crls=lists)
    assert ("path.revoked" in rules(report)) is revoked and report.valid is not revoked
    nodes = explain(report, trust=[w.world().root_certificate], crls=lists)
    assert any(one.outcome is Outcome.FAILED for one in nodes[-1].checks) is revoked


NEVER = b"00000101000000Z"


def dated_never(certificate: x509.Certificate, issuer: Issuer) -> x509.CertificateRevocationList:
    """A genuine list that revokes a certificate at a date of year 0, which no calendar of Python's has."""
    far = datetime(2055, 1, 1, tzinfo=UTC)
    entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(far).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(w.certificate_of(issuer).subject)
    builder = builder.last_update(w.NOW).next_update(w.NOW + timedelta(days=39)).add_revoked_certificate(entry)
    made = asn1_crl.CertificateList.load(builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER))  # type: ignore[arg-type]
    content = made["tbs_cert_list"].dump().replace(b"20550101000000Z", NEVER)
    assert NEVER in content
    made["tbs_cert_list"] = asn1_crl.TbsCertList.load(content)
    made["signature"] = (
        issuer.key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(issuer.key, rsa.RSAPrivateKey)
        else issuer.key.sign(content, ec.ECDSA(hashes.SHA256()))  # type: ignore[attr-defined]
    )
    return x509.load_der_x509_crl(made.dump(force=True))


def test_a_revocation_at_a_date_that_no_calendar_has_is_one() -> None:
    """A program that stumbles over the date does not say that the card was revoked."""
    odd = dated_never(w.signature_certificate(), w.world().persons)
    lists = [crl(w.world().root), crl(w.world().persons), odd]
    report = check(crls=lists)
    assert report.verdict is Verdict.INVALID
    assert explain(report, trust=[w.world().root_certificate], crls=lists)
