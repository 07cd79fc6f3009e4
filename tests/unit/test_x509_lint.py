"""The linter names the profile and why, finds every planted defect under the right row, and survives any bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import x509_world as w
from asn1crypto.algos import SignedDigestAlgorithmId
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.name import _ASN1Type
from hypothesis import given, settings
from hypothesis import strategies as st

from sotepki.evidence import Severity, Verdict
from sotepki.x509 import der
from sotepki.x509.extensions import constant_extensions, extended_key_usage_of, key_usage, key_usage_of
from sotepki.x509.issuing import Issuer
from sotepki.x509.lint import LintReport, SerialWatch, lint_certificate
from sotepki.x509.profiles import load_profiles
from sotepki.x509.view import SIGNATURES

CARD = "professional-signature-rsa"


def rules(report: LintReport) -> set[str]:
    return {finding.rule for finding in report.findings}


def like_a_card(
    *,
    leave_out: str = "",
    replace: dict[str, tuple[x509.ExtensionType, bool]] | None = None,
    add: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    reverse: bool = False,
    **changes: Any,
) -> x509.Certificate:
    """A card's signature certificate with one thing wrong, made outside the issuing code."""
    profile = load_profiles()[CARD]
    key = w.rsa_key(3072, "card")
    values: dict[str, tuple[x509.ExtensionType, bool]] = {
        "authority-key-identifier": (
            x509.AuthorityKeyIdentifier(w.world().persons.key_identifier, None, None),
            False,
        ),
        "subject-key-identifier": (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        "key-usage": (key_usage(profile, rsa_key=True), True),
    }
    constant = constant_extensions(profile)
    values |= {name: (constant[name], bool(row.critical)) for name, row in profile.extension_rows if name in constant}
    values |= replace or {}
    extensions = [value for name, value in values.items() if name != leave_out] + list(add)
    arguments: dict[str, Any] = {
        "subject": w.signature_certificate().subject,
        "key": key,
        "serial": 100_000_077,
        "end": datetime(2031, 3, 1, 21, 59, 59, tzinfo=UTC),
        "algorithm": hashes.SHA512(),
        "extensions": list(reversed(extensions)) if reverse else extensions,
    }
    return w.odd_certificate(**(arguments | changes))


def with_usage(*bits: str, critical: bool = True) -> x509.Certificate:
    return like_a_card(replace={"key-usage": (key_usage_of(bits), critical)})


def subject(*pairs: tuple[x509.ObjectIdentifier, str], kind: _ASN1Type | None = None) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value, kind) for oid, value in pairs])


N = x509.NameOID
GOOD = [
    (N.COUNTRY_NAME, "FI"),
    (N.TITLE, w.PERSON["title"]),
    (N.SERIAL_NUMBER, w.PERSON["serial_number"]),
    (N.GIVEN_NAME, "Testi"),
    (N.SURNAME, "Esimerkki"),
    (N.COMMON_NAME, w.PERSON["common_name"]),
]
QC_COMPLIANCE = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"), der.sequence(der.sequence(der.oid("0.4.0.1862.1.1")))
)
UTF8_NOTICE = x509.CertificatePolicies(
    [
        x509.PolicyInformation(
            x509.ObjectIdentifier("1.2.246.517.99.10.306.1"),
            ["http://www.fineid.fi/cps99/", x509.UserNotice(None, "Certificate policy")],
        )
    ]
)
NOT_CRITICAL = (x509.BasicConstraints(False, None), False)
A_NAME = (x509.SubjectAlternativeName([x509.DNSName("a.fi")]), False)
OTHER_POLICY = x509.CertificatePolicies(
    [x509.PolicyInformation(x509.ObjectIdentifier("1.2.246.517.1.10.306.1"), None)]
)


def test_the_copy_made_by_hand_is_without_a_finding() -> None:
    """Otherwise the defects below would prove nothing."""
    assert lint_certificate(like_a_card(), own=True).findings == ()


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: with_usage("digitalSignature", "nonRepudiation"), "key-usage"),
        (lambda: with_usage("nonRepudiation", critical=False), "key-usage"),
        (lambda: like_a_card(leave_out="key-usage"), "key-usage"),
        (lambda: like_a_card(leave_out="certificate-policies"), "certificate-policies"),
        (lambda: like_a_card(replace={"certificate-policies": (UTF8_NOTICE, False)}), "certificate-policies"),
        (lambda: like_a_card(replace={"certificate-policies": (OTHER_POLICY, False)}), "certificate-policies"),
        (lambda: like_a_card(replace={"qc-statements": (QC_COMPLIANCE, False)}), "qc-statements"),
        (lambda: like_a_card(replace={"basic-constraints": NOT_CRITICAL}), "basic-constraints"),
        (lambda: like_a_card(leave_out="crl-distribution-points"), "crl-distribution-points"),
        (lambda: like_a_card(leave_out="authority-information-access"), "authority-information-access"),
        (lambda: like_a_card(leave_out="subject-key-identifier"), "subject-key-identifier"),
        (lambda: like_a_card(add=((extended_key_usage_of(("client-auth",)), False),)), "extended-key-usage"),
        (lambda: like_a_card(add=(A_NAME,)), "subject-alternative-name"),
        (lambda: like_a_card(add=((x509.OCSPNoCheck(), False),)), "extension.others"),
        (lambda: like_a_card(reverse=True), "extension.order"),
        (lambda: like_a_card(serial=5), "serial"),
        (lambda: like_a_card(key=w.rsa_key(4096, "root")), "key"),
        (lambda: like_a_card(algorithm=hashes.SHA256()), "signature"),
        (lambda: like_a_card(issuer=w.world().services), "issuer"),
        (lambda: like_a_card(end=w.NOW + timedelta(days=100)), "validity"),
        (lambda: like_a_card(end=datetime(2036, 3, 2, 21, 59, 59, tzinfo=UTC)), "validity"),
        (lambda: like_a_card(subject=subject(*GOOD[1:])), "subject.country"),
        (lambda: like_a_card(subject=subject(*GOOD[:2], *GOOD[3:])), "subject.serial-number"),
        (lambda: like_a_card(subject=subject(*reversed(GOOD))), "subject.order"),
        (lambda: like_a_card(subject=subject(*GOOD, (N.ORGANIZATION_NAME, "X"))), "subject.others"),
        (lambda: like_a_card(subject=subject(*GOOD, kind=_ASN1Type.UTF8String)), "subject.country"),
        (lambda: like_a_card(subject=subject(*GOOD, kind=_ASN1Type.BMPString)), "subject.common-name"),
        (lambda: like_a_card(subject=subject(*GOOD[:5], (N.COMMON_NAME, "ESIMERKKI"))), "subject.common-name"),
    ],
)  # fmt: skip
def test_each_defect_is_found_under_the_row_it_breaks(make: Any, field: str) -> None:
    report = lint_certificate(make(), own=True)
    assert report.profile_id == CARD, report.why
    assert f"cert.{CARD}.{field}" in {rule.replace("_", "-") for rule in rules(report)}
    # Where the evidence says nothing, or the order is all that differs, a notice is enough.
    assert report.verdict is Verdict.INVALID or field in ("extension.order", "subject-alternative-name")


def test_against_other_peoples_work_an_observed_form_only_warns() -> None:
    """A row that rests on one decoded certificate must not fail a vendor."""
    defect = like_a_card(serial=5)
    assert lint_certificate(defect).verdict is Verdict.VALID
    assert {finding.severity for finding in lint_certificate(defect).findings} == {Severity.WARNING}
    assert lint_certificate(defect, own=True).verdict is Verdict.INVALID


PURPOSES_REVERSED = extended_key_usage_of(("server-auth", "client-auth"))


def ending(**later: float) -> x509.Certificate:
    """A server certificate that ends so much after the last day that our own ones have."""
    return w.odd_server_certificate(end=w.server_certificate().not_valid_after_utc + timedelta(**later))


@pytest.mark.parametrize(
    ("make", "field", "severity"),
    [
        (lambda: ending(days=2), "validity", Severity.ERROR),
        (lambda: ending(days=1), "validity", None),
        (lambda: ending(hours=-9), "validity", Severity.WARNING),
        (lambda: w.odd_server_certificate(more=(N.ORGANIZATIONAL_UNIT_NAME, "IT")), "subject.others", Severity.ERROR),
        (lambda: w.odd_server_certificate(more=(N.EMAIL_ADDRESS, "a@b.example")), "subject.others", Severity.ERROR),
        (lambda: w.odd_server_certificate(more=(N.SERIAL_NUMBER, "1234567-1")), "subject.others", Severity.WARNING),
        (lambda: w.odd_server_certificate(other=PURPOSES_REVERSED), "extended-key-usage", Severity.WARNING),
    ],
    ids=["too-long", "same-day", "ends-at-noon", "unit", "e-mail", "serial-number", "purposes-reversed"],
)
def test_of_a_server_certificate_only_what_dvv_has_written_fails(
    make: Any, field: str, severity: Severity | None
) -> None:
    """docs/field/pki.md 5.7 and 7: a year, no unit, no e-mail address. The rest was only seen, so it only warns."""
    report = lint_certificate(make())
    found = {finding.rule: finding.severity for finding in report.findings}
    assert found.get(f"cert.test-server.{field}") is severity
    ours = {finding.rule: finding.severity for finding in lint_certificate(make(), own=True).findings}
    assert ours.get(f"cert.test-server.{field}") is (Severity.ERROR if severity else None)
    assert report.verdict is (Verdict.INVALID if severity is Severity.ERROR else Verdict.VALID)


def test_it_says_why_it_takes_a_certificate_for_a_profile() -> None:
    assert lint_certificate(w.signature_certificate()).why == (
        "issuer DVV TEST Social Welfare and Healthcare Prof. Certs - G2R",
        "policy 1.2.246.517.99.10.306.1",
        "key usage nonRepudiation",
        "qualified-certificate statements",
        "kinds of names in the subject",
        "form of the subject's serialNumber",
        "key rsa-3072",
    )
    assert "subject is the CA's name" in lint_certificate(w.world().persons_certificate).why


@pytest.mark.parametrize(("oid", "named"), SIGNATURES.items())
def test_signatures_have_the_hash_that_others_name(oid: str, named: tuple[str, str]) -> None:
    """A hash that is named wrongly lets a broken one pass, or calls a good one broken."""
    hash_name, family = named
    assert SignedDigestAlgorithmId(oid).native == f"{hash_name}_{'rsa' if family == 'rsa' else 'ecdsa'}"


def test_every_signature_that_a_ca_may_use_is_known() -> None:
    hashes_of = {family: {name for name, one in SIGNATURES.values() if one == family} for family in ("rsa", "ec")}
    usual = {"sha1", "sha256", "sha384", "sha512"}
    assert hashes_of == {"rsa": usual | {"md5"}, "ec": usual}


def test_an_unknown_certificate_gets_its_nearest_profiles_with_the_differences() -> None:
    strange = w.odd_certificate(issuer=authority(), extensions=[(key_usage_of(["nonRepudiation"]), True)])
    report = lint_certificate(strange)
    assert report.profile_id is None and report.verdict is Verdict.INDETERMINATE
    assert all("-signature-" in near.profile_id for near in report.nearest)
    assert any(difference.startswith("issuer:") for difference in report.nearest[0].differences)
    assert "cert.profile.unknown" in rules(report)


def authority() -> Any:
    from sotepki.x509.issuing import Issuer

    key = w.ec_key("unknown ca")
    name = x509.Name([x509.NameAttribute(N.COMMON_NAME, "Some CA")])
    return Issuer(w.odd_certificate(subject=name, key=key, extensions=[(x509.BasicConstraints(True, 0), True)]), key)


def test_a_production_certificate_is_known_by_its_arc() -> None:
    production = w.odd_certificate(issuer=authority(), extensions=[(OTHER_POLICY, False)])
    assert "cert.environment.production" in rules(lint_certificate(production))


BMP_NAME = subject((N.COMMON_NAME, "x"), kind=_ASN1Type.BMPString)


def old_signature() -> x509.Certificate:
    return w.signed_with_sha1(w.signature_certificate(), w.rsa_key(4096, "test-sote-person-ca-rsa"))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (old_signature, "cert.signature.weak"),
        (lambda: w.odd_certificate(key=w.rsa_key(1024, "short")), "cert.key.short"),
        (lambda: w.odd_certificate(extensions=[(key_usage_of(["keyCertSign"]), True)]), "cert.ca-flag"),
        (lambda: w.odd_certificate(extensions=[(x509.BasicConstraints(True, 0), False)]), "cert.ca-critical"),
        (lambda: w.odd_certificate(extensions=[(key_usage_of(["keyEncipherment"]), True)]), "cert.key-usage.ec"),
        (lambda: w.odd_certificate(subject=BMP_NAME), "cert.name.string-type"),
    ],
)  # fmt: skip
def test_the_rules_of_x509_hold_for_every_certificate(make: Any, rule: str) -> None:
    assert rule in rules(lint_certificate(make()))


def rewritten(place: int, part: bytes) -> bytes:
    """A card certificate with one field of the signed part exchanged (its signature then fits no more)."""
    whole = der.parse(w.signature_certificate().public_bytes(Encoding.DER)).children()
    fields = [field.raw for field in whole[0].children()]
    fields[place] = part
    return der.sequence(der.sequence(*fields), whole[1].raw, whole[2].raw)


T61_ISSUER = der.sequence(der.tlv(0x31, der.sequence(der.oid("2.5.4.3"), der.tlv(der.Tag.T61_STRING, b"TEST CA"))))
SHA256_RSA = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.NULL)


@pytest.mark.parametrize(
    ("place", "part", "rule"),
    [
        (1, der.integer(-77), "cert.serial.positive"),
        (1, der.integer(0), "cert.serial.positive"),
        (1, der.integer(1 << 160), "cert.serial.length"),
        (2, SHA256_RSA, "cert.signature.agree"),
        (3, der.sequence(), "cert.issuer.empty"),
        (3, T61_ISSUER, "cert.name.string-type"),
        (
            4,
            der.sequence(der.tlv(0x18, b"20260302093000Z"), der.tlv(0x17, b"310302215959Z")),
            "cert.validity.time-type",
        ),
        (4, der.sequence(der.tlv(0x17, b"310302215959Z"), der.tlv(0x17, b"260302093000Z")), "cert.validity.order"),
        (4, der.sequence(der.tlv(0x17, b"2603020930Z"), der.tlv(0x17, b"310302215959Z")), "cert.validity.form"),
    ],
)
def test_fields_that_no_library_writes_are_judged_too(place: int, part: bytes, rule: str) -> None:
    assert rule in rules(lint_certificate(rewritten(place, part)))


def test_the_year_2050_is_written_as_generalized_time() -> None:
    """RFC 5280 4.1.2.5: a root of today that ends then is right, and must not be called wrong."""
    until = der.sequence(der.tlv(0x17, b"260302093000Z"), der.tlv(0x18, b"20500101000000Z"))
    assert "cert.validity.time-type" not in rules(lint_certificate(rewritten(4, until)))


def test_a_critical_flag_of_false_is_no_criticality() -> None:
    """Written out it is no DER, but whoever takes it for TRUE misses that the key usage binds nobody."""
    fields = der.parse(w.signature_certificate().public_bytes(Encoding.DER)).children()[0].children()
    extensions = [e.raw.replace(b"\x01\x01\xff", b"\x01\x01\x00") for e in der.parse(fields[-1].content).children()]
    report = lint_certificate(rewritten(len(fields) - 1, der.explicit(3, der.sequence(*extensions))))
    assert f"cert.{CARD}.key-usage" in rules(report)


def test_a_serial_number_is_used_up_by_one_issuer_only() -> None:
    """Two CAs may give the same number; one CA never, and the same file twice is no crime."""
    watch, other = SerialWatch(), Issuer(w.world().services_certificate, w.world().services.key)

    def seen(certificate: x509.Certificate) -> bool:
        data = certificate.public_bytes(Encoding.DER)
        return "cert.serial.twice" in rules(watch.look(data, lint_certificate(data)))

    first = w.odd_certificate()
    assert [seen(one) for one in (first, first, w.odd_certificate(issuer=other))] == [False, False, False]
    assert seen(w.odd_certificate(key=w.ec_key("second")))


def test_an_extension_that_stands_twice_is_found() -> None:
    whole = der.parse(w.signature_certificate().public_bytes(Encoding.DER)).children()
    fields = [field.raw for field in whole[0].children()]
    extensions = [e.raw for e in der.parse(der.parse(fields[-1]).content).children()]
    fields[-1] = der.explicit(3, der.sequence(*extensions, extensions[0]))
    data = der.sequence(der.sequence(*fields), whole[1].raw, whole[2].raw)
    assert "cert.extension.twice" in rules(lint_certificate(data))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "cert.not-a-certificate"),
        (b"hello", "cert.not-a-certificate"),
        (b"\x30\x03\x02\x01\x05", "cert.not-a-certificate"),
        (b"\x30\x84\xff\xff\xff\xff", "cert.not-a-certificate"),
        (b"\x30\x80" * 4000, "cert.not-a-certificate"),
        (b"\x00" * 300_000, "cert.not-a-certificate"),
    ],
)
def test_what_is_no_certificate_is_named_so(data: bytes, rule: str) -> None:
    report = lint_certificate(data)
    assert (report.verdict, rules(report)) == (Verdict.INVALID, {rule})


def test_a_private_key_is_named_and_never_shown() -> None:
    key = w.rsa_key(2048, "service")
    data = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    report = lint_certificate(data)
    assert rules(report) == {"cert.private-key"}
    assert f"{key.private_numbers().d:x}"[:16] not in str(report.as_dict())


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_get_a_report(data: bytes) -> None:
    assert lint_certificate(data).as_dict()["verdict"] == "invalid"


@given(st.lists(st.tuples(st.integers(min_value=0), st.integers(min_value=0, max_value=255)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=400)
def test_a_certificate_with_bytes_changed_gets_a_report(changes: list[tuple[int, int]]) -> None:
    data = bytearray(w.server_certificate().public_bytes(Encoding.DER))
    for place, value in changes:
        data[place % len(data)] = value
    assert lint_certificate(bytes(data)).as_dict()["verdict"] in ("valid", "invalid", "indeterminate")


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=40))
@settings(deadline=None, max_examples=150)
def test_a_certificate_cut_or_lengthened_gets_a_report(place: int, more: int) -> None:
    data = w.signature_certificate().public_bytes(Encoding.DER)
    lint_certificate(data[: place % len(data)])
    assert lint_certificate(data + bytes(more + 1)).verdict is Verdict.INVALID
