"""Paths: the judge's verdict, told as stable rule ids and sentences, at a point in time and for a purpose."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sotepki.clock import SetClock
from sotepki.errors import Misuse
from sotepki.evidence import Severity, Verdict
from sotepki.x509.crl import RevokedEntry, build_crl
from sotepki.x509.extensions import extended_key_usage_of, key_usage_of
from sotepki.x509.issuing import Issuer, issue
from sotepki.x509.keys import PrivateKey
from sotepki.x509.ocsp import Responder
from sotepki.x509.path import PathReport, Purpose, validate_path
from sotepki.x509.profiles import load_profiles
from sotepki.x509.serials import service_serial
from sotepki.x509.status import CertificateState, CertificateStatus


def crl(issuer: Issuer, *revoked: x509.Certificate, at: datetime = w.LATER, since: datetime = w.NOW) -> Any:
    entries = [RevokedEntry(c.serial_number, since, x509.ReasonFlags.key_compromise) for c in revoked]
    return build_crl(issuer, entries, number=1, this_update=at)


def response(
    certificate: x509.Certificate, state: CertificateState = CertificateState.GOOD, at: datetime = w.LATER
) -> ocsp.OCSPResponse:
    since = w.NOW if state is CertificateState.REVOKED else None
    by = Responder(
        w.world().services_certificate,
        w.responder_certificate(),
        w.rsa_key(2048, "responder"),
        w.Records({certificate.serial_number: CertificateStatus(state, since)}),
        SetClock(at),
    )
    issuer = w.world().services_certificate
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
    return ocsp.load_der_ocsp_response(by.respond(asked.public_bytes(Encoding.DER)))


def check(certificate: x509.Certificate | None = None, **changes: Any) -> PathReport:
    world = w.world()
    arguments: dict[str, Any] = {
        "trust": [world.root_certificate],
        "intermediates": [world.persons_certificate, world.services_certificate],
        "at": w.LATER,
        "purpose": Purpose.CARD_SIGNATURE,
        "crls": [crl(world.root), crl(world.persons), crl(world.services)],
    }
    return validate_path(certificate or w.signature_certificate(), **(arguments | changes))


def rules(report: PathReport) -> list[str]:
    return [finding.rule for finding in report.findings]


@pytest.mark.parametrize(
    ("make", "purpose"),
    [
        (w.signature_certificate, Purpose.CARD_SIGNATURE),
        (w.authentication_certificate, Purpose.CARD_AUTHENTICATION),
        (w.system_certificate, Purpose.SYSTEM_SIGNATURE),
        (w.server_certificate, Purpose.TLS_SERVER),
        (w.server_certificate, Purpose.TLS_CLIENT),
    ],
)
def test_every_certificate_is_valid_for_what_it_is_made_for(make: Any, purpose: Purpose) -> None:
    report = check(make(), purpose=purpose)
    assert (report.verdict, report.findings) == (Verdict.VALID, ())
    assert [step.role for step in report.steps] == ["certificate", "issuing CA", "root"]


@pytest.mark.parametrize(
    ("make", "purpose", "rule"),
    [
        (w.authentication_certificate, Purpose.CARD_SIGNATURE, "path.purpose.key-usage"),
        (w.signature_certificate, Purpose.CARD_AUTHENTICATION, "path.purpose.key-usage"),
        (w.system_certificate, Purpose.CARD_SIGNATURE, "path.purpose.signature-alone"),
        (w.signature_certificate, Purpose.SYSTEM_SIGNATURE, "path.purpose.key-usage"),
        (w.server_certificate, Purpose.SYSTEM_SIGNATURE, "path.purpose.key-usage"),
        (w.server_certificate, Purpose.CARD_SIGNATURE, "path.purpose.key-usage"),
        (w.signature_certificate, Purpose.TLS_CLIENT, "path.purpose.key-usage"),
        (lambda: w.world().persons_certificate, Purpose.CARD_SIGNATURE, "path.purpose.ca"),
        (
            lambda: w.service("test-server", extended_key_usage=["server-auth"]),
            Purpose.TLS_CLIENT,
            "path.purpose.extended-key-usage",
        ),
    ],
)
def test_no_certificate_serves_another_purpose(make: Any, purpose: Purpose, rule: str) -> None:
    report = check(make(), purpose=purpose)
    assert report.verdict is Verdict.INVALID and rule in rules(report)


def test_a_revoked_certificate_is_refused_with_time_and_reason() -> None:
    report = check(crls=[crl(w.world().root), crl(w.world().persons, w.signature_certificate())])
    assert rules(report) == ["path.revoked"]
    assert f"{w.NOW:%Y-%m-%d %H:%M:%SZ}" in report.findings[0].message


def test_what_was_signed_before_the_revocation_stays_valid() -> None:
    """A document of yesterday does not become invalid because the card is lost today."""
    world = w.world()
    lists = [crl(world.root), crl(world.persons, w.signature_certificate(), since=w.NOW + timedelta(days=10))]
    assert check(crls=lists, at=w.NOW + timedelta(days=9)).verdict is Verdict.VALID
    assert rules(check(crls=lists, at=w.NOW + timedelta(days=11))) == ["path.revoked"]


def test_a_revoked_issuing_ca_takes_its_certificates_with_it() -> None:
    report = check(crls=[crl(w.world().root, w.world().persons_certificate), crl(w.world().persons)])
    assert rules(report) == ["path.revoked"]


def test_without_revocation_data_nothing_is_believed_unless_asked_so() -> None:
    assert rules(check(crls=[])) == ["path.revocation.missing", "path.revocation.ca"]
    assert check(crls=[], revocation=False).findings == ()


def test_missing_data_about_the_ca_is_a_warning() -> None:
    report = check(crls=[crl(w.world().persons)])
    assert report.verdict is Verdict.VALID
    assert [(f.rule, f.severity) for f in report.findings] == [("path.revocation.ca", Severity.WARNING)]


def test_a_stale_list_is_no_list() -> None:
    old = [crl(w.world().root), crl(w.world().persons, at=w.NOW)]
    assert rules(check(crls=old)) == ["path.revocation.stale"]


@pytest.mark.parametrize("key", [w.rsa_key(2048, "thief"), w.ec_key("thief")], ids=["rsa", "ec"])
def test_a_list_of_a_namesake_is_no_list(key: PrivateKey) -> None:
    """Trust is decided by key: a list signed with another key under the CA's name counts for nothing."""
    thief = Issuer(w.world().persons_certificate, key)
    report = check(crls=[crl(w.world().root), crl(thief)])
    assert report.verdict is Verdict.INVALID and rules(report)[0].startswith("path.revocation")


def test_ocsp_responses_are_believed_and_a_list_that_says_revoked_is_believed_more() -> None:
    world, server = w.world(), w.server_certificate()
    tls = Purpose.TLS_SERVER
    good = {"ocsp_responses": [response(server)], "purpose": tls}
    assert check(server, crls=[crl(world.root)], **good).findings == ()
    assert rules(check(server, crls=[crl(world.root), crl(world.services, server)], **good)) == ["path.revoked"]
    bad = response(server, CertificateState.REVOKED)
    assert rules(check(server, crls=[crl(world.root)], ocsp_responses=[bad], purpose=tls)) == ["path.revoked"]
    unknown = response(server, CertificateState.UNKNOWN)
    report = check(server, crls=[crl(world.root)], ocsp_responses=[unknown], purpose=tls)
    assert rules(report) == ["path.revocation.unknown"]
    stale = response(server, at=w.LATER - timedelta(days=2))
    assert rules(check(server, crls=[crl(world.root)], ocsp_responses=[stale], purpose=tls)) == [
        "path.revocation.stale"
    ]


def test_unknown_said_of_another_certificate_is_no_answer_about_this_one() -> None:
    """Who is told that the responder does not know the certificate looks for the fault at the authority."""
    of_another = response(w.system_certificate(), CertificateState.UNKNOWN)
    report = check(
        w.server_certificate(),
        purpose=Purpose.TLS_SERVER,
        crls=[crl(w.world().root)],
        ocsp_responses=[of_another],
    )
    assert rules(report) == ["path.revocation.missing"]


def test_a_response_made_after_the_moment_in_question_counts() -> None:
    """Kanta asks seconds after the signature was made; the answer must serve for the moment of the signature."""
    server = w.server_certificate()
    report = check(
        server,
        purpose=Purpose.TLS_CLIENT,
        at=w.LATER - timedelta(minutes=3),
        crls=[crl(w.world().root)],
        ocsp_responses=[response(server)],
    )
    assert report.findings == ()


def test_time_is_the_moment_asked_for() -> None:
    assert rules(check(at=w.NOW + timedelta(days=365 * 6), revocation=False)) == ["path.expired"]
    assert set(rules(check(at=w.NOW - timedelta(days=1), revocation=False))) == {"path.not-yet-valid"}


def test_an_unknown_issuer_is_untrusted() -> None:
    report = check(intermediates=[])
    assert rules(report) == ["path.untrusted"] and "Prof. Certs - G2R" in report.findings[0].found


def namesake_root() -> x509.Certificate:
    key = w.rsa_key(4096, "test-sote-person-ca-rsa")
    return issue(
        load_profiles()["test-root-rsa"],
        subject={},
        public_key=key.public_key(),
        issuer=Issuer(None, key),
        serial_number=service_serial(w.NOW),
        not_before=w.NOW,
    )


def test_a_root_with_the_same_name_is_another_root() -> None:
    """Every workspace has a root of this name; certificates of one must not verify in another."""
    report = check(trust=[namesake_root()], revocation=False)
    assert rules(report) == ["path.signature", "path.issuer-key"]
    assert check(trust=[namesake_root(), w.world().root_certificate]).verdict is Verdict.VALID


def test_a_namesake_with_a_key_of_another_kind_is_passed_over() -> None:
    """A file with every CA in it may hold one of the same name whose key nobody here can verify with."""
    subject = w.world().persons_certificate.subject
    key = ed25519.Ed25519PrivateKey.generate()
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 9, w.NOW, w.LATER + timedelta(days=9))
    assert check(intermediates=[builder.sign(key, None), w.world().persons_certificate]).verdict is Verdict.VALID


def test_an_untrusted_root_stands_in_the_chain_once() -> None:
    """A stranger's root leads to itself for ever; the tree that a person reads must still end."""
    world = w.world()
    above = [world.persons_certificate, world.root_certificate]
    assert check(trust=[world.services_certificate], intermediates=above).chain == (w.signature_certificate(), *above)


def test_a_changed_certificate_does_not_verify() -> None:
    data = bytearray(w.signature_certificate().public_bytes(Encoding.DER))
    place = bytes(data).index(b"Esimerkki Testi")
    data[place : place + 1] = b"A"
    assert rules(check(x509.load_der_x509_certificate(bytes(data)))) == ["path.signature"]


def leaf(issuer: Issuer, **changes: Any) -> x509.Certificate:
    usage = (key_usage_of(["nonRepudiation"]), True)
    return w.odd_certificate(issuer=issuer, **({"extensions": [usage]} | changes))


def authority(name: str, *extensions: tuple[x509.ExtensionType, bool], by: Issuer | None = None) -> Issuer:
    key = w.ec_key(name)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} TEST")])
    certificate = w.odd_certificate(subject=subject, key=key, issuer=by or w.world().root, extensions=extensions)
    return Issuer(certificate, key)


CA = (x509.BasicConstraints(True, None), True)
EXCLUDED = x509.NameConstraints(
    None, [x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Odd TEST")]))]
)
PERMITTED = x509.NameConstraints(
    [x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Other")]))], None
)


@pytest.mark.parametrize(
    ("issuer", "changes", "rule"),
    [
        (lambda: authority("plain"), {}, "path.not-a-ca"),
        (lambda: authority("mute", CA, (key_usage_of(["digitalSignature"]), True)), {}, "path.not-a-ca"),
        (lambda: authority("excluding", CA, (EXCLUDED, True)), {}, "path.name-constraints"),
        (lambda: authority("permitting", CA, (PERMITTED, True)), {}, "path.name-constraints"),
        (
            lambda: authority("strict", CA),
            {"extensions": [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]},
            "path.critical-extension",
        ),
        (
            lambda: authority("policies", CA, (x509.PolicyConstraints(0, None), True)),
            {},
            "path.policy",
        ),
    ],
)
def test_each_objection_of_the_judge_has_its_rule(issuer: Any, changes: dict[str, Any], rule: str) -> None:
    """The library tells some apart in words only; a change of its wording must be noticed here."""
    by = issuer()
    report = check(leaf(by, **changes), intermediates=[by.certificate], revocation=False)
    assert rule in rules(report)
    assert all(finding.message and finding.source for finding in report.findings)


def test_an_issuer_without_a_key_identifier_is_no_stranger() -> None:
    """RFC 5280 wants the identifier of CAs, but old ones go without; there is nothing to compare then."""
    by = authority("without identifier", CA)
    named = x509.AuthorityKeyIdentifier(b"\x07" * 20, None, None)
    certificate = leaf(by, extensions=[(key_usage_of(["nonRepudiation"]), True), (named, False)])
    assert check(certificate, intermediates=[by.certificate], revocation=False).findings == ()


def test_sha1_is_no_signature() -> None:
    old = w.signed_with_sha1(w.signature_certificate(), w.rsa_key(4096, "test-sote-person-ca-rsa"))
    assert rules(check(old)) == ["path.algorithm"]


def test_a_path_longer_than_a_ca_allows_is_refused() -> None:
    below = authority("below", CA, by=w.world().persons)
    chain = [below.certificate, w.world().persons_certificate]
    assert "path.length" in rules(check(leaf(below), intermediates=chain, revocation=False))


def test_it_works_inside_a_running_event_loop() -> None:
    """The Kanta emulator and notebooks validate inside one; asyncio.run would refuse."""

    async def inside() -> Verdict:
        return check().verdict

    assert asyncio.run(inside()) is Verdict.VALID


def test_the_machines_trust_list_is_never_touched() -> None:
    """oscrypto cannot load current OpenSSL; certvalidator works only while that code sleeps."""
    script = (
        "import sys, datetime as d; sys.path.insert(0, sys.argv[1])\n"
        "import x509_world as w\n"
        "from sotepki.x509.path import *\n"
        "key = w.ec_key()\n"
        "from sotepki.x509.issuing import Issuer\n"
        "from cryptography import x509\n"
        "n = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'T')])\n"
        "b = x509.CertificateBuilder().subject_name(n).issuer_name(n).public_key(key.public_key()).serial_number(5)\n"
        "c = b.not_valid_before(w.NOW).not_valid_after(w.LATER).sign(key, __import__('cryptography.hazmat."
        "primitives.hashes', fromlist=['x']).SHA256())\n"
        "validate_path(c, trust=[c], at=w.NOW, purpose=Purpose.CARD_SIGNATURE)\n"
        "print([m for m in sys.modules if m.startswith('oscrypto')])\n"
    )
    here = str(__import__("pathlib").Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", script, here], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_questions_that_make_no_sense_are_misuse() -> None:
    with pytest.raises(Misuse, match="time zone"):
        check(at=datetime(2026, 3, 3))
    with pytest.raises(Misuse, match="root"):
        check(trust=[])
    with pytest.raises(Misuse, match="calendar"):
        check(at=datetime.max.replace(tzinfo=timezone(-timedelta(hours=5))))


def test_the_report_reads_as_a_tree_and_as_data() -> None:
    report = check(purpose=Purpose.TLS_CLIENT)
    text = report.explanation()
    assert text.index("root: C=FI") < text.index("issuing CA: C=FI") < text.index("certificate: C=FI")
    assert "[path.purpose.key-usage]" in text
    data = report.as_dict()
    assert data["verdict"] == "invalid" and data["chain"][0]["serial_number"] == "05f5e101"
    assert {"rule", "severity", "message", "expected", "found", "source", "grade", "advice"} <= set(
        data["findings"][0]
    )


def test_an_extended_usage_counts_for_cards_too() -> None:
    usages = (key_usage_of(["digitalSignature"]), True), (extended_key_usage_of(("code-signing",)), False)
    certificate = w.odd_certificate(extensions=usages)
    report = check(certificate, purpose=Purpose.CARD_AUTHENTICATION, revocation=False)
    assert rules(report) == ["path.purpose.extended-key-usage"]


@pytest.mark.parametrize("usage", ["client-auth", "smartcard-logon"])
def test_a_card_may_name_its_login_as_clients_or_as_windows_do(usage: str) -> None:
    """docs/field/pki.md 5.3, row EKU: both occur; a card with one of them logs in."""
    usages = (key_usage_of(["digitalSignature"]), True), (extended_key_usage_of((usage,)), False)
    certificate = w.odd_certificate(extensions=usages)
    assert check(certificate, purpose=Purpose.CARD_AUTHENTICATION, revocation=False).findings == ()
