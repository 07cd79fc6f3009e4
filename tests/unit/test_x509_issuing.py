"""Issuing follows the profile to the byte, and what the profile forbids cannot be issued."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from x509_profile_world import issued_from, issuer_from

from sotepki.errors import Refused
from sotepki.x509 import der
from sotepki.x509.explaining import explain_extension
from sotepki.x509.extensions import AlternativeNames, alternative_names
from sotepki.x509.issuing import Issuer, default_not_after, issue_der, responder_subject
from sotepki.x509.lint import lint_certificate
from sotepki.x509.profiles import Profile, load_profiles
from sotepki.x509.serials import person_serial, service_serial
from sotepki.x509.view import view_certificate


def view(certificate: x509.Certificate) -> Any:
    return view_certificate(certificate.public_bytes(Encoding.DER))


@pytest.mark.parametrize(
    ("profile_id", "make"),
    [
        ("test-root-rsa", lambda: w.world().root_certificate),
        ("test-sote-person-ca-rsa", lambda: w.world().persons_certificate),
        ("test-sote-service-ca-rsa", lambda: w.world().services_certificate),
        ("professional-authentication-rsa", w.authentication_certificate),
        ("professional-signature-rsa", w.signature_certificate),
        ("test-server", w.server_certificate),
        ("test-system-signature", w.system_certificate),
        ("ocsp-responder", w.responder_certificate),
    ],
)
def test_what_is_issued_fits_its_profile_without_a_finding(profile_id: str, make: Any) -> None:
    report = lint_certificate(make(), own=True)
    assert (report.profile_id, report.findings) == (profile_id, ())


@pytest.mark.parametrize(
    ("make", "bits"),
    [
        (w.authentication_certificate, "030204b0"),
        (w.signature_certificate, "03020640"),
        (w.system_certificate, "030206c0"),
        (w.server_certificate, "030205a0"),
        (lambda: w.world().root_certificate, "03020106"),
    ],
)
def test_key_usage_bits_stand_as_in_the_decoded_certificates(make: Any, bits: str) -> None:
    usage = view(make()).extension("key-usage")
    assert (usage.value.hex(), usage.critical) == (bits, True)


def test_the_user_notice_is_a_visible_string_after_the_cps_address_and_before_it_in_ca_certificates() -> None:
    notice, cps = "user-notice (VisibleString) 'TESTIVARMENNE", "cps http://www.fineid.fi/cps99/"
    leaf, authority = (
        explain_extension("certificate-policies", view(certificate).extension("certificate-policies").value)
        for certificate in (w.signature_certificate(), w.world().persons_certificate)
    )
    assert 0 < leaf.index(cps) < leaf.index(notice)
    assert 0 < authority.index(notice) < authority.index(cps)


def test_the_signature_certificate_says_only_that_the_key_is_on_a_card() -> None:
    """QcSSCD alone; QcCompliance would claim a qualified certificate (docs/field/pki.md 5.4)."""
    assert view(w.signature_certificate()).extension("qc-statements").value.hex() == "300a3008060604008e460104"
    assert view(w.authentication_certificate()).extension("qc-statements") is None


def test_names_stand_in_order_with_their_string_types() -> None:
    subject = [(part.short, part.tag) for part in view(w.signature_certificate()).subject]
    utf8, printable = 0x0C, 0x13
    assert subject == [
        ("C", printable),
        ("title", utf8),
        ("serialNumber", printable),
        ("pseudonym", printable),
        ("GN", utf8),
        ("SN", utf8),
        ("CN", utf8),
    ]


def test_extensions_stand_in_the_order_of_the_field() -> None:
    assert [extension.name for extension in view(w.signature_certificate()).extensions] == [
        "authority-key-identifier",
        "subject-key-identifier",
        "key-usage",
        "certificate-policies",
        "basic-constraints",
        "crl-distribution-points",
        "authority-information-access",
        "qc-statements",
    ]


def test_addresses_name_the_issuing_ca_by_its_id() -> None:
    seen = view(w.system_certificate())
    crl = seen.extension("crl-distribution-points").value
    access = seen.extension("authority-information-access").value
    assert explain_extension("crl-distribution-points", crl) == "http://proxy.fineid.fi/crl/dvvtshsp3rc.crl"
    assert explain_extension("authority-information-access", access) == (
        "caIssuers http://proxy.fineid.fi/ca/dvvtshsp3rc.crt, OCSP http://ocsptest.fineid.fi/dvvtshsp3rc"
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2031, 1, 14, 21, 59, 59, tzinfo=UTC)),
        (datetime(2026, 7, 15, 12, tzinfo=UTC), datetime(2031, 7, 14, 20, 59, 59, tzinfo=UTC)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2033, 2, 27, 21, 59, 59, tzinfo=UTC)),
        # 22:30Z is already the next day in Finland
        (datetime(2026, 1, 15, 22, 30, tzinfo=UTC), datetime(2031, 1, 15, 21, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_card_certificate_ends_with_a_finnish_day(start: datetime, end: datetime) -> None:
    assert default_not_after(load_profiles()["professional-signature-rsa"], start) == end


def test_a_server_certificate_never_lasts_longer_than_a_year() -> None:
    """A year and some hours would be refused by the rule it is made under, and by browsers' limits one day."""
    start = datetime(2023, 2, 8, 22, tzinfo=UTC)  # midnight in Finland, as a certificate of DVV of that day begins
    assert default_not_after(load_profiles()["test-server"], start) == datetime(2024, 2, 8, 21, 59, 59, tzinfo=UTC)


def test_the_root_is_valid_for_21_years_less_a_day() -> None:
    start = datetime(2021, 5, 6, 7, 51, 30, tzinfo=UTC)
    assert default_not_after(load_profiles()["test-root-rsa"], start) == datetime(2042, 5, 5, 7, 51, 30, tzinfo=UTC)


def test_alternative_names_stand_in_their_order_each_in_its_kind() -> None:
    """A user principal name alone makes the extension too: Windows logs in by it."""
    both = alternative_names(AlternativeNames(dns=[w.HOST], email="a@example.fi", upn="b@example.fi"))
    assert [type(name) for name in both] == [x509.RFC822Name, x509.OtherName, x509.DNSName]
    (upn,) = both.get_values_for_type(x509.OtherName)
    assert (upn.type_id.dotted_string, upn.value) == ("1.3.6.1.4.1.311.20.2.3", b"\x0c\x0cb@example.fi")
    assert AlternativeNames(upn="b@example.fi") and not AlternativeNames()


def without(values: Any, *names: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key not in names}


CARD, SERVER, SYSTEM = "professional-signature-rsa", "test-server", "test-system-signature"


@pytest.mark.parametrize(
    ("profile_id", "changes", "field"),
    [
        (CARD, {"subject": without(w.PERSON, "serial_number")}, "subject.serial-number"),
        (CARD, {"subject": {**w.PERSON, "serial_number": "123"}}, "subject.serial-number"),
        (CARD, {"subject": {**w.PERSON, "pseudonym": "12345"}}, "subject.pseudonym"),
        (CARD, {"subject": {**w.PERSON, "organisation": "X"}}, "subject.others"),
        (CARD, {"subject": {**w.PERSON, "country": "SE"}}, "subject.country"),
        (CARD, {"subject": {**w.PERSON, "shoe_size": "44"}}, "subject.others"),
        (CARD, {"subject": {**w.PERSON, "surname": "x" * 65}}, "subject.surname"),
        (CARD, {"subject": {**w.PERSON, "surname": "a\x00b"}}, "subject.surname"),
        (CARD, {"subject": {**w.PERSON, "surname": " Esimerkki"}}, "subject.surname"),
        (CARD, {"subject": {**w.PERSON, "title": "lääkäri"}}, "subject.title"),
        (CARD, {"public_key": w.rsa_key(2048, "service").public_key()}, "key"),
        (CARD, {"public_key": w.ec_key("x", "secp384r1").public_key()}, "key"),
        (CARD, {"serial_number": service_serial(w.NOW)}, "serial"),
        (CARD, {"serial_number": 0}, "serial"),
        (CARD, {"serial_number": -5}, "serial"),
        (CARD, {"not_after": datetime(2031, 3, 2, 21, 59, 59, tzinfo=UTC)}, "validity"),
        (CARD, {"not_after": datetime(2030, 3, 3, 12, tzinfo=UTC)}, "validity"),
        (CARD, {"not_after": w.NOW - timedelta(days=1)}, "validity"),
        (CARD, {"dns_names": [w.HOST]}, "extension.subject-alternative-name"),
        (CARD, {"email": "a@example.fi"}, "extension.subject-alternative-name"),
        (CARD, {"extended_key_usage": ["client-auth"]}, "extension.extended-key-usage"),
        (SERVER, {"subject": {**w.SERVER, "organisational_unit": "IT"}}, "subject.others"),
        (SERVER, {"subject": {**w.SERVER, "common_name": "10.0.0.1"}}, "subject.common_name"),
        (SERVER, {"dns_names": []}, "extension.subject-alternative-name"),
        (SERVER, {"dns_names": ["other.example.fi"]}, "subject.common_name"),
        (SERVER, {"dns_names": [w.HOST, "not a host"]}, "extension.subject-alternative-name"),
        (SERVER, {"email": "a@example.fi"}, "extension.subject-alternative-name"),
        (SERVER, {"extended_key_usage": ["ocsp-signing"]}, "extension.extended-key-usage"),
        (SERVER, {"not_after": datetime(2027, 3, 2, 21, 59, 59, tzinfo=UTC)}, "validity"),
        (SERVER, {"public_key": w.rsa_key(1024, "short").public_key()}, "key"),
        (SYSTEM, {"subject": {**w.SYSTEM, "serial_number": "1234567-1"}}, "subject.serial-number"),
        (SYSTEM, {"subject": {**w.SYSTEM, "email": "a@example.fi"}}, "subject.others"),
        (SYSTEM, {"serial_number": person_serial(1)}, "serial"),
    ],
)
def test_what_the_profile_forbids_cannot_be_issued(profile_id: str, changes: dict[str, Any], field: str) -> None:
    make = w.professional if profile_id == CARD else w.service
    arguments = (profile_id, 9) if profile_id == CARD else (profile_id,)
    with pytest.raises(Refused) as refused:
        make(*arguments, **changes)
    field = field.replace("extension.", "").replace("_", "-")
    assert refused.value.rule == f"cert.{profile_id}.{field}"
    assert refused.value.advice


def test_only_the_ca_of_the_profile_issues() -> None:
    """A server certificate from the card CA would be trusted by software that looks at the root alone."""
    with pytest.raises(Refused) as refused:
        w.service("test-server", issuer=w.world().persons)
    assert refused.value.rule == "cert.test-server.issuer"


def test_a_ca_certificate_with_another_key_does_not_sign() -> None:
    stranger = Issuer(w.world().services_certificate, w.rsa_key(2048, "stranger"))
    with pytest.raises(Refused, match="not the one in its certificate"):
        w.service("test-server", issuer=stranger)


def test_a_card_is_never_an_issuer() -> None:
    with pytest.raises(Refused):
        w.professional(CARD, 3, issuer=Issuer(w.signature_certificate(), w.rsa_key(3072, "card")))


def test_nothing_outlives_its_issuer() -> None:
    late = w.world().persons_certificate.not_valid_after_utc - timedelta(days=30)
    with pytest.raises(Refused) as refused:
        w.professional(CARD, 4, not_before=late)
    assert refused.value.rule == "cert.validity.issuer"


def test_a_server_may_ask_for_one_purpose_and_for_an_address_beside_its_name() -> None:
    certificate = w.service("test-server", extended_key_usage=["client-auth"], ip_addresses=[ip_address("192.0.2.7")])
    seen = view(certificate)
    assert explain_extension("extended-key-usage", seen.extension("extended-key-usage").value) == "client-auth"
    names = explain_extension("subject-alternative-name", seen.extension("subject-alternative-name").value)
    assert names == f"domain name {w.HOST}, IP address 192.0.2.7"
    assert lint_certificate(certificate, own=True).findings == ()


def test_a_responder_name_fits_in_64_characters() -> None:
    name = responder_subject(w.world().services_certificate)["common_name"]
    assert name == "DVV TEST Social Welfare and Healthcare Service Certs - G3R OCSP1" and len(name) == 64


def test_the_ec_card_certificate_of_the_field_with_its_null_quirk() -> None:
    """The EC test cards carry explicit NULL parameters; a reader that refuses them fails at the customer's desk."""
    data = issued_from("citizen-signature-ec")
    quirk = bytes.fromhex("300c06082a8648ce3d0403030500")
    authority = issuer_from("test-general-ca-ec")
    assert authority.certificate is not None and quirk not in authority.certificate.public_bytes(Encoding.DER)
    assert data.count(quirk) == 2
    signed, _, signature = der.parse(data).children()
    public = authority.key.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature.content[1:], signed.raw, ec.ECDSA(hashes.SHA384()))
    seen = view_certificate(data)
    usage, qc, names = (seen.extension(name) for name in ("key-usage", "qc-statements", "subject-alternative-name"))
    assert usage is not None and qc is not None and names is not None
    assert usage.value.hex() == "03020640"
    assert explain_extension(qc.name, qc.value) == "QcCompliance, QcType eSign, QcSSCD"
    assert explain_extension(names.name, names.value) == "e-mail testi.esimerkki@example.fi"


TEST_PROFILES = [profile.id for profile in load_profiles().values() if profile.environment == "test"]


@pytest.mark.parametrize("profile_id", TEST_PROFILES)
def test_every_test_profile_can_be_issued_and_is_found_again_without_a_finding(profile_id: str) -> None:
    """A profile that cannot be issued, or whose certificate is taken for another, is of no use to anybody."""
    report = lint_certificate(issued_from(profile_id), own=True)
    assert profile_id in (report.profile_id, *report.also), report.why
    assert {finding.rule for finding in report.findings} <= {"cert.signature.null"}


PRODUCTION = [profile for profile in load_profiles().values() if profile.environment == "production"]


@pytest.mark.parametrize("profile", PRODUCTION, ids=lambda profile: profile.id)
def test_nothing_is_issued_from_a_production_form(profile: Profile) -> None:
    key = w.rsa_key(2048, "service")
    with pytest.raises(Refused) as caught:
        issue_der(
            profile,
            subject={},
            public_key=key.public_key(),
            issuer=Issuer(None, key),
            serial_number=service_serial(w.NOW),
            not_before=w.NOW,
        )
    assert caught.value.rule == "cert.environment.production"
