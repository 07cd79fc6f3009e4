"""A request is bounced here for the reasons DVV would bounce it, with the rule and what to do."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.evidence import Severity, Verdict
from sotepki.x509 import der
from sotepki.x509.csr import CsrKind, CsrReport, check_csr
from sotepki.x509.csr_keys import certificate_key_digest, key_digest
from sotepki.x509.weak_keys import weakness

N = x509.NameOID
SERVER = [
    (N.COUNTRY_NAME, "FI"),
    (N.STATE_OR_PROVINCE_NAME, "Finland"),
    (N.LOCALITY_NAME, "Turku"),
    (N.ORGANIZATION_NAME, "Testipalvelu Oy"),
    (N.COMMON_NAME, w.HOST),
]
SYSTEM = [*SERVER[:4], (N.SERIAL_NUMBER, "1.2.246.10.12345671.10.0"), (N.COMMON_NAME, "Testijärjestelmä")]


def csr(
    names: Sequence[tuple[x509.ObjectIdentifier, str]] = SERVER,
    *,
    key: Any = None,
    alternative: Sequence[x509.GeneralName] | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
    ca: bool = False,
) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    )
    if alternative is None:
        alternative = [x509.DNSName(w.HOST)] if (N.COMMON_NAME, w.HOST) in names else []
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(alternative)), critical=False)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    signer = key or w.rsa_key(2048, "service")
    hash_of = None if isinstance(signer, ed25519.Ed25519PrivateKey) else algorithm or hashes.SHA256()
    return builder.sign(signer, hash_of).public_bytes(Encoding.PEM)  # type: ignore[arg-type]


def rules(report: CsrReport) -> dict[str, Severity]:
    return {finding.rule: finding.severity for finding in report.findings}


def server(**changes: Any) -> CsrReport:
    return check_csr(csr(**changes), CsrKind.SERVER)


def test_a_good_request_passes_without_a_word() -> None:
    report = server()
    assert (report.verdict, report.findings) == (Verdict.VALID, ())
    assert report.dns_names == (w.HOST,) and report.key == "rsa-2048"
    assert report.subject["organisation"] == "Testipalvelu Oy"
    assert check_csr(csr(SYSTEM), CsrKind.SYSTEM_SIGNATURE).findings == ()


def test_der_is_taken_as_well_as_pem() -> None:
    der = x509.load_pem_x509_csr(csr()).public_bytes(Encoding.DER)
    assert check_csr(der, CsrKind.SERVER).verdict is Verdict.VALID


def renamed(*, keep: int = 4, **values: str) -> list[tuple[x509.ObjectIdentifier, str]]:
    return [*SERVER[:keep], *((getattr(N, name), value) for name, value in values.items())]


def located(locality: str) -> list[tuple[x509.ObjectIdentifier, str]]:
    return [*SERVER[:2], (N.LOCALITY_NAME, locality), *SERVER[3:]]


IP = [x509.IPAddress(ipaddress.ip_address("192.0.2.7"))]


@pytest.mark.parametrize(
    ("changes", "rule", "severity"),
    [
        ({"key": w.rsa_key(1024, "short")}, "csr.key.size", Severity.ERROR),
        ({"key": ec.generate_private_key(ec.SECP521R1())}, "csr.key.algorithm", Severity.ERROR),
        ({"key": ed25519.Ed25519PrivateKey.generate()}, "csr.key.algorithm", Severity.ERROR),
        ({"key": w.rsa_key(3072, "card")}, "csr.key.kind", Severity.NOTICE),
        ({"key": w.ec_key("x", "secp384r1")}, "csr.key.kind", Severity.NOTICE),
        ({"names": renamed(COMMON_NAME="192.0.2.7")}, "csr.ip-only", Severity.ERROR),
        ({"names": renamed(COMMON_NAME="192.0.2.7"), "alternative": IP}, "csr.ip-only", Severity.ERROR),
        ({"names": renamed(COMMON_NAME="2001:db8::1")}, "csr.ip-only", Severity.ERROR),
        ({"names": SERVER[:4]}, "csr.domain.missing", Severity.ERROR),
        ({"names": renamed(COMMON_NAME="Testipalvelu")}, "csr.domain.missing", Severity.ERROR),
        ({"names": [*SERVER, (N.EMAIL_ADDRESS, "a@example.fi")]}, "csr.email", Severity.ERROR),
        ({"alternative": [x509.DNSName(w.HOST), x509.RFC822Name("a@example.fi")]}, "csr.email", Severity.ERROR),
        ({"names": [*SERVER, (N.ORGANIZATIONAL_UNIT_NAME, "IT")]}, "csr.organisational-unit", Severity.ERROR),
        ({"names": renamed(COMMON_NAME="*.example.fi")}, "csr.wildcard", Severity.WARNING),
        ({"names": renamed(COMMON_NAME="kanta_1.example.fi")}, "csr.domain.form", Severity.ERROR),
        ({"alternative": [x509.DNSName(w.HOST), x509.DNSName("palvelin")]}, "csr.domain.form", Severity.ERROR),
        ({"alternative": [x509.DNSName("other.example.fi")]}, "csr.domain.common-name", Severity.WARNING),
        ({"names": SERVER[:1] + SERVER[3:]}, "csr.subject.missing", Severity.WARNING),
        ({"names": [(N.COUNTRY_NAME, "SE"), *SERVER[1:]]}, "csr.subject.value", Severity.WARNING),
        ({"names": located("TestilÃ¤")}, "csr.subject.value", Severity.WARNING),
        ({"names": located("Testil\ufffd\ufffd")}, "csr.subject.value", Severity.WARNING),
        ({"names": [*SERVER, (N.TITLE, "x")]}, "csr.subject.extra", Severity.NOTICE),
        ({"names": [*SERVER[:3], (N.ORGANIZATION_NAME, "x" * 70), SERVER[4]]}, "csr.subject.value", Severity.WARNING),
        ({"ca": True}, "csr.ca-requested", Severity.WARNING),
    ],
)
def test_a_bad_server_request_is_told_what_is_wrong(changes: dict[str, Any], rule: str, severity: Severity) -> None:
    report = server(**changes)
    assert rules(report)[rule] is severity
    assert (report.verdict is Verdict.INVALID) == (Severity.ERROR in rules(report).values())
    assert all(finding.advice and finding.source for finding in report.findings)


@pytest.mark.parametrize(
    ("names", "rule", "words"),
    [
        (SYSTEM[:4] + SYSTEM[5:], "csr.subject.missing", "serialNumber"),
        ([*SYSTEM[:4], (N.SERIAL_NUMBER, "1234567-1"), SYSTEM[5]], "csr.subject.value", "business ID"),
        ([*SYSTEM[:4], (N.SERIAL_NUMBER, "ABC"), SYSTEM[5]], "csr.subject.value", "OID"),
        ([*SYSTEM, (N.EMAIL_ADDRESS, "a@example.fi")], "csr.email.system", "e-mail"),
    ],
)
def test_a_system_request_names_the_organisation_by_its_oid(names: Any, rule: str, words: str) -> None:
    report = check_csr(csr(names), CsrKind.SYSTEM_SIGNATURE)
    found = [finding for finding in report.findings if finding.rule == rule]
    assert found and words in found[0].message and report.verdict is Verdict.VALID


MAILBOX = [x509.RFC822Name("kirjaamo@example.fi")]


def test_an_email_request_names_its_address_and_the_business_id() -> None:
    names = [*SYSTEM[:4], (N.SERIAL_NUMBER, "9900001-8"), (N.COMMON_NAME, "Kirjaamo TEST")]
    report = check_csr(csr(names, alternative=MAILBOX), CsrKind.EMAIL)
    assert (report.findings, report.emails) == ((), ("kirjaamo@example.fi",))
    assert set(rules(check_csr(csr(names), CsrKind.EMAIL))) == {"csr.email.missing"}
    assert "csr.subject.value" in rules(check_csr(csr(SYSTEM, alternative=MAILBOX), CsrKind.EMAIL))


def test_a_request_of_kela_has_an_oid_of_kela() -> None:
    own = [*SYSTEM[:3], (N.ORGANIZATION_NAME, "Kansanelakelaitos"), (N.SERIAL_NUMBER, "1.2.246.556.12002.21")]
    report = check_csr(csr([*own, SYSTEM[5]]), CsrKind.KELA_SIGNATURE)
    assert report.findings == ()
    assert "csr.subject.value" in rules(check_csr(csr(SYSTEM), CsrKind.KELA_SIGNATURE))


def test_a_unit_and_no_domain_are_no_fault_of_a_system() -> None:
    report = check_csr(csr([*SYSTEM, (N.ORGANIZATIONAL_UNIT_NAME, "Kanta")]), CsrKind.SYSTEM_SIGNATURE)
    assert report.findings == ()


def test_an_ip_address_beside_a_domain_name_is_accepted() -> None:
    assert server(alternative=[x509.DNSName(w.HOST), *IP]).findings == ()


def test_a_second_value_and_names_of_other_kinds_are_told() -> None:
    """A second CN or O was dropped without a word, and the certificate lacked a name that was asked for."""
    others = [
        x509.UniformResourceIdentifier("https://x.example.fi"),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), der.tlv(0x0C, b"x@y")),
        x509.DirectoryName(x509.Name([x509.NameAttribute(N.COUNTRY_NAME, "FI")])),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    ]
    second = [(N.ORGANIZATION_NAME, "Toinen Oy"), (N.COMMON_NAME, "b.example.fi"), (N.STREET_ADDRESS, "Katu 1")]
    report = server(names=[*SERVER, *second], alternative=[x509.DNSName(w.HOST), *others])
    assert [(one.rule, one.where) for one in report.findings] == [
        ("csr.subject.extra", "O"), ("csr.subject.extra", "CN"), ("csr.subject.extra", "2.5.4.9")
    ]  # fmt: skip
    assert report.subject["organisation"] == "Testipalvelu Oy"
    assert report.more_subject == ("O=Toinen Oy", "CN=b.example.fi", "2.5.4.9=Katu 1")
    assert report.other_names == (
        "URI:https://x.example.fi", "otherName:1.3.6.1.4.1.311.20.2.3", "dirName:C=FI", "registeredID:1.2.3"
    )  # fmt: skip


@pytest.mark.parametrize("kind", [b"\xa3", b"\xa5"], ids=["x400Address", "ediPartyName"])
def test_a_name_of_a_kind_that_nobody_reads_ends_no_check(kind: bytes) -> None:
    """The check ended in a trace instead of a sentence."""
    name = bytes([len(w.HOST)]) + w.HOST.encode()
    data = x509.load_pem_x509_csr(csr()).public_bytes(Encoding.DER).replace(b"\x82" + name, kind + name)
    assert "csr.unreadable" in rules(check_csr(data, CsrKind.SERVER))


def test_a_request_changed_after_signing_is_refused() -> None:
    data = bytearray(x509.load_pem_x509_csr(csr()).public_bytes(Encoding.DER))
    place = bytes(data).index(b"Testipalvelu")
    data[place] = ord("J")
    report = check_csr(bytes(data), CsrKind.SERVER)
    assert rules(report) == {"csr.signature": Severity.ERROR}


def test_a_key_that_has_a_certificate_already_is_noticed() -> None:
    seen = {key_digest(w.rsa_key(2048, "service").public_key())}
    assert "csr.key.reused" in rules(check_csr(csr(), CsrKind.SERVER, seen_keys=seen))


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_private_key_given_instead_is_named_and_never_shown(encoding: Encoding, form: PrivateFormat) -> None:
    key = w.rsa_key(2048, "service")
    data = key.private_bytes(encoding, form, NoEncryption())
    report = check_csr(data, CsrKind.SERVER)
    assert set(rules(report)) == {"csr.private-key"} and report.verdict is Verdict.INVALID
    assert "new key pair" in report.findings[0].advice
    text = str(report.as_dict())
    assert data.splitlines()[1][:20].decode("latin-1") not in text


def test_a_request_with_its_key_in_one_file_is_refused_for_the_key() -> None:
    key = w.rsa_key(2048, "service").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert set(rules(check_csr(csr() + key, CsrKind.SERVER))) == {"csr.private-key"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"hello", "not a certificate request"),
        (w.server_certificate().public_bytes(Encoding.PEM), "no certificate request"),
        (csr() + csr(), "2 certificate requests"),
        (csr()[:200], "does not end"),
        (csr().replace(b"END CERTIFICATE", b"END TIFICATE"), "begins as"),
        (csr().replace(b"MII", b"!!!", 1), "not base64"),
        (b"-----BEGIN " * 100_000, "does not end"),
        (bytes(17 * 1024 * 1024), "longer than"),
    ],
)
def test_what_is_no_request_is_named_so(data: bytes, words: str) -> None:
    report = check_csr(data, CsrKind.SERVER)
    assert list(rules(report)) == ["csr.not-a-csr"] and words in report.findings[0].message


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_get_a_report(data: bytes) -> None:
    assert check_csr(data, CsrKind.SERVER).verdict is Verdict.INVALID


@given(st.lists(st.tuples(st.integers(min_value=0), st.integers(min_value=0, max_value=255)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=300)
def test_a_request_with_bytes_changed_gets_a_report(changes: list[tuple[int, int]]) -> None:
    data = bytearray(x509.load_pem_x509_csr(csr()).public_bytes(Encoding.DER))
    for place, value in changes:
        data[place % len(data)] = value
    check_csr(bytes(data), CsrKind.SERVER).as_dict()
    check_csr(bytes(data), CsrKind.SYSTEM_SIGNATURE).as_dict()


def weak_key(first: int, second: int) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(65537, first * second).public_key()


def test_keys_that_anybody_can_break_are_named() -> None:
    """A request with such a key may pass a form check, and the certificate would be worth nothing."""
    numbers = w.rsa_key(2048, "service").private_numbers()
    close = numbers.p + 2
    while pow(2, close - 1, close) != 1:
        close += 2
    assert weakness(w.rsa_key(2048, "service").public_key()) == ""
    assert "close together" in weakness(weak_key(numbers.p, close))
    assert "small factor" in weakness(weak_key(numbers.p, 1009 * numbers.q))


def test_the_fingerprint_of_the_broken_card_library_is_known() -> None:
    """Primes of the form k*M + 65537^a mod M, as the library of CVE-2017-15361 made them."""
    product = 1
    for prime in range(2, 168):
        product *= prime if all(prime % other for other in range(2, prime)) else 1
    made = []
    step = 1
    while len(made) < 2:
        start = ((1 + 2 * len(made)) << 800) // product * product  # two primes far from each other
        candidate = start + step * product + pow(65537, 1234 + len(made), product)
        if pow(2, candidate - 1, candidate) == 1:
            made.append(candidate)
        step += 1
    assert "ROCA" in weakness(weak_key(*made))


def test_a_request_with_a_weak_key_is_sent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sotepki.x509.csr_keys.weakness", lambda _key: "the modulus has a small factor")
    report = check_csr(csr(), CsrKind.SERVER)
    assert report.verdict == "invalid" and "csr.key.weak" in rules(report)


def test_the_key_of_a_certificate_is_known_by_the_same_digest() -> None:
    from x509_profile_world import issued_from

    expected = key_digest(w.ec_key("leaf", "secp384r1").public_key())
    assert certificate_key_digest(issued_from("citizen-signature-ec")) == expected
    assert certificate_key_digest(b"\x30\x00") == b""


def value_findings(names: Sequence[tuple[x509.ObjectIdentifier, str]]) -> list[tuple[str, str]]:
    report = check_csr(csr(names), CsrKind.SYSTEM_SIGNATURE)
    return [(one.where, one.message) for one in report.findings if one.rule == "csr.subject.value"]


@pytest.mark.parametrize(
    ("attribute", "text", "fault", "advice"),
    [
        (N.LOCALITY_NAME, "Kauhava ", "spaces at its ends", "without them"),
        (N.LOCALITY_NAME, "Kauhava\x07", "control characters", "without them"),
        (N.LOCALITY_NAME, "Kauhava " * 20, "longer than 128 characters", "it has 160 characters"),
    ],
)
def test_what_no_certificate_can_hold_is_told_before_the_request_is_sent(
    attribute: x509.ObjectIdentifier, text: str, fault: str, advice: str
) -> None:
    """The check of requests and the profiles judge length and ends of a value by one test."""
    names = [(oid, text if oid == attribute else value) for oid, value in SYSTEM]
    ((where, message),) = value_findings(names)
    assert where == "L" and fault in message and advice in message
    subject = {**w.SYSTEM, "locality": text}
    with pytest.raises(Refused, match=fault):
        w.service("test-system-signature", subject=subject)


def with_subject(parts: Sequence[tuple[str, int, bytes]]) -> bytes:
    """A request whose subject has string types that pyca does not write; signed."""
    request = der.parse(x509.load_pem_x509_csr(csr(SYSTEM)).tbs_certrequest_bytes).children()
    name = der.sequence(*(der.tlv(0x31, der.sequence(der.oid(oid), der.tlv(tag, text))) for oid, tag, text in parts))
    signed = der.sequence(request[0].raw, name, *(part.raw for part in request[2:]))
    key = w.rsa_key(2048, "service")
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    algorithm = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.NULL)
    return der.sequence(signed, algorithm, der.bit_string(signature))


def long_names() -> list[tuple[str, int, bytes]]:
    """The subject of a system whose name has 40 letters in 80 octets; pyca would not write it."""
    texts = {oid.dotted_string: text.encode() for oid, text in SYSTEM} | {"2.5.4.3": ("ä" * 40).encode()}
    return [(oid, 0x13 if oid in ("2.5.4.6", "2.5.4.5") else 0x0C, text) for oid, text in texts.items()]


def test_a_name_of_many_umlauts_is_counted_in_octets() -> None:
    """The certificate's maker counts a common name in octets, so the check does too."""
    report = check_csr(with_subject(long_names()), CsrKind.SYSTEM_SIGNATURE)
    (finding,) = report.findings
    assert (finding.rule, finding.where) == ("csr.subject.value", "CN")
    assert "longer than 64 octets" in finding.message and "80 octets" in finding.message


def test_a_name_in_an_old_encoding_is_read_and_told() -> None:
    """openssl writes T61String, which pyca cannot read, where an old configuration sets string_mask to default or
    nombstr; its giver would be told to add a line that is there, or is not needed.
    """
    names = [
        (oid, 0x14, "Hämeenlinna".encode("latin-1")) if oid == "2.5.4.7" else (oid, tag, text)
        for oid, tag, text in long_names()[:-1]
    ]
    report = check_csr(with_subject([*names, ("2.5.4.3", 0x0C, b"Jarjestelma")]), CsrKind.SYSTEM_SIGNATURE)
    (finding,) = report.findings
    assert (finding.rule, finding.where, finding.found) == ("csr.subject.value", "L", "Hämeenlinna")
    assert "T61String" in finding.message and finding.advice.startswith("Take 'string_mask' out")
    assert report.subject["locality"] == "Hämeenlinna"
    broken = with_subject([*names[:2], ("2.5.4.7", 0x0C, b"H\xe4meenlinna")])
    assert "csr.unreadable" in rules(check_csr(broken, CsrKind.SYSTEM_SIGNATURE))
