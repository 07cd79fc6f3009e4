"""What we issue, openssl reads, accepts and rejects as we do."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.clock import SystemClock
from sotepki.x509.crl import RevokedEntry, build_crl
from sotepki.x509.csr import CsrKind, check_csr
from sotepki.x509.extensions import AlternativeNames
from sotepki.x509.issuing import Issuer, issue, issue_der, responder_subject
from sotepki.x509.lint import lint_certificate
from sotepki.x509.ocsp import Responder
from sotepki.x509.ocsp_client import ask_status
from sotepki.x509.path import Purpose, validate_path
from sotepki.x509.profiles import load_profiles
from sotepki.x509.serials import person_serial, service_serial
from sotepki.x509.status import CertificateState, CertificateStatus

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]

CARD = "professional-signature-rsa"
PERSON = {
    "title": "001 laillistettu lääkäri, legitimerad läkare",
    "serial_number": "90000000017",
    "pseudonym": "900017",
    "given_name": "Testi",
    "surname": "Esimerkki",
    "common_name": "Esimerkki Testi 90000000017",
}


def openssl(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done


@dataclass
class Tree:
    """Files of a small hierarchy; the card is revoked, the system's certificate is not."""

    directory: Path
    now: datetime
    root: Issuer
    persons: Issuer
    services: Issuer
    card: x509.Certificate
    system: x509.Certificate
    responder: x509.Certificate
    responder_key: rsa.RSAPrivateKey

    def file(self, name: str) -> Path:
        return self.directory / name

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        if serial_number == self.card.serial_number:
            reason = x509.ReasonFlags.key_compromise
            return CertificateStatus(CertificateState.REVOKED, self.now - timedelta(minutes=5), reason)
        known = serial_number in (self.system.serial_number, self.card.serial_number)
        return CertificateStatus(CertificateState.GOOD if known else CertificateState.UNKNOWN)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    profiles = load_profiles()
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    keys = {name: rsa.generate_private_key(65537, 4096) for name in ("root", "persons", "services")}
    leaf_keys = {
        name: rsa.generate_private_key(65537, 3072 if name == "card" else 2048) for name in ("card", "system")
    }

    def made(profile_id: str, key: rsa.RSAPrivateKey, issuer: Issuer, **more: object) -> x509.Certificate:
        arguments: dict[str, object] = {"subject": {}, "serial_number": service_serial(now), "not_before": now}
        return issue(profiles[profile_id], public_key=key.public_key(), issuer=issuer, **(arguments | more))  # type: ignore[arg-type]

    root = Issuer(made("test-root-rsa", keys["root"], Issuer(None, keys["root"])), keys["root"])
    persons = Issuer(made("test-sote-person-ca-rsa", keys["persons"], root), keys["persons"])
    services = Issuer(made("test-sote-service-ca-rsa", keys["services"], root), keys["services"])
    card = made(CARD, leaf_keys["card"], persons, subject=PERSON, serial_number=person_serial(1))
    subject = {
        "state": "Finland",
        "locality": "Turku",
        "organisation": "Testipalvelu Oy",
        "serial_number": "1.2.246.10.12345671.10.0",
        "common_name": "Testijärjestelmä",
    }
    system = made("test-system-signature", leaf_keys["system"], services, subject=subject)
    assert persons.certificate is not None and root.certificate is not None and services.certificate is not None
    responder = made("ocsp-responder", leaf_keys["system"], persons, subject=responder_subject(persons.certificate))
    directory = tmp_path_factory.mktemp("tree")
    made_files = {
        "root.pem": root.certificate,
        "persons.pem": persons.certificate,
        "services.pem": services.certificate,
        "card.pem": card,
        "system.pem": system,
        "responder.pem": responder,
        "root.crl": build_crl(root, [], number=1, this_update=now),
        "persons.crl": build_crl(
            persons,
            [RevokedEntry(card.serial_number, now, x509.ReasonFlags.key_compromise)],
            number=17,
            this_update=now,
        ),
        "services.crl": build_crl(services, [], number=1, this_update=now),
    }
    for name, thing in made_files.items():
        (directory / name).write_bytes(thing.public_bytes(Encoding.PEM))
    return Tree(directory, now, root, persons, services, card, system, responder, leaf_keys["system"])


def verify(tree: Tree, leaf: str, authority: str, *more: str) -> subprocess.CompletedProcess[str]:
    lists = [argument for name in ("root", authority) for argument in ("-CRLfile", str(tree.file(f"{name}.crl")))]
    return openssl(
        *("verify", "-x509_strict", "-CAfile", tree.file("root.pem"), "-untrusted", tree.file(f"{authority}.pem")),
        *(*lists, *more, tree.file(f"{leaf}.pem")),
        check=False,
    )


@pytest.mark.parametrize(
    ("leaf", "authority"), [("card", "persons"), ("system", "services"), ("responder", "persons")]
)
def test_openssl_accepts_every_chain_strictly(tree: Tree, leaf: str, authority: str) -> None:
    done = verify(tree, leaf, authority)
    assert done.returncode == 0, done.stderr


def test_openssl_and_we_reject_the_revoked_card_and_accept_the_system(tree: Tree) -> None:
    done = verify(tree, "card", "persons", "-crl_check_all")
    assert done.returncode != 0 and "certificate revoked" in done.stdout + done.stderr
    assert verify(tree, "system", "services", "-crl_check_all").returncode == 0
    lists = [x509.load_pem_x509_crl(tree.file(f"{n}.crl").read_bytes()) for n in ("root", "persons", "services")]
    assert tree.root.certificate is not None
    assert tree.persons.certificate is not None and tree.services.certificate is not None
    for certificate, purpose, rules in (
        (tree.card, Purpose.CARD_SIGNATURE, ["path.revoked"]),
        (tree.system, Purpose.SYSTEM_SIGNATURE, []),
    ):
        report = validate_path(
            certificate,
            trust=[tree.root.certificate],
            intermediates=[tree.persons.certificate, tree.services.certificate],
            at=datetime.now(UTC),
            purpose=purpose,
            crls=lists,
        )
        assert [finding.rule for finding in report.findings] == rules


def test_openssl_rejects_a_chain_from_another_workspace(tree: Tree) -> None:
    """Same names, other keys."""
    key = rsa.generate_private_key(65537, 4096)
    stranger = issue(
        load_profiles()["test-root-rsa"],
        subject={},
        public_key=key.public_key(),
        issuer=Issuer(None, key),
        serial_number=service_serial(tree.now),
        not_before=tree.now,
    )
    tree.file("stranger.pem").write_bytes(stranger.public_bytes(Encoding.PEM))
    done = openssl(
        *("verify", "-CAfile", tree.file("stranger.pem"), "-untrusted", tree.file("persons.pem")),
        tree.file("card.pem"),
        check=False,
    )
    assert done.returncode != 0


def test_openssl_prints_the_exact_subject_order_and_string_types(tree: Tree) -> None:
    options = "esc_ctrl,esc_msb,sep_comma_plus_space,show_type,utf8,sname"
    done = openssl("x509", "-in", tree.file("card.pem"), "-noout", "-subject", "-nameopt", options)
    subject = done.stdout.removeprefix("subject=").strip()
    assert re.findall(r"(?:^|, )(\w+)=(\w+):", subject) == [
        ("C", "PRINTABLESTRING"),
        ("title", "UTF8STRING"),
        ("serialNumber", "PRINTABLESTRING"),
        ("pseudonym", "PRINTABLESTRING"),
        ("GN", "UTF8STRING"),
        ("SN", "UTF8STRING"),
        ("CN", "UTF8STRING"),
    ]


def test_openssl_prints_policy_usage_and_addresses(tree: Tree) -> None:
    text = openssl("x509", "-in", tree.file("card.pem"), "-noout", "-text").stdout
    for words in (
        "Signature Algorithm: sha512WithRSAEncryption",
        "Policy: 1.2.246.517.99.10.306.1",
        "CPS: http://www.fineid.fi/cps99/",
        "X509v3 Key Usage: critical\n                Non Repudiation\n",
        "URI:http://proxy.fineid.fi/crl/dvvtshp2rc.crl",
        "CA Issuers - URI:http://proxy.fineid.fi/ca/dvvtshp2rc.crt",
        "OCSP - URI:http://ocsptest.fineid.fi/dvvtshp2rc",
        "Serial Number: 100000001",
    ):
        assert words in text, words
    assert "Extended Key Usage" not in text and "Subject Alternative" not in text


def parsed(tree: Tree, name: str, extension: str) -> str:
    """The asn1parse listing of an extension's value."""
    listing = openssl("asn1parse", "-in", tree.file(f"{name}.pem")).stdout.splitlines()
    start = next(number for number, line in enumerate(listing) if extension in line)
    holder = next(line for line in listing[start:] if "OCTET STRING" in line)
    return openssl("asn1parse", "-in", tree.file(f"{name}.pem"), "-strparse", holder.split(":")[0].strip()).stdout


def test_the_notice_is_a_visible_string_after_the_address_and_before_it_in_a_ca(tree: Tree) -> None:
    leaf, authority = (parsed(tree, name, "Certificate Policies") for name in ("card", "persons"))
    for listing in (leaf, authority):
        assert re.search(r"VISIBLESTRING\s+:TESTIVARMENNE, .*http://www\.fineid\.fi/cps99$", listing, re.MULTILINE)
    assert leaf.index("Policy Qualifier CPS") < leaf.index("VISIBLESTRING")
    assert authority.index("VISIBLESTRING") < authority.index("Policy Qualifier CPS")
    assert re.findall(r"OBJECT\s+:([\d.]+)$", parsed(tree, "system", "Certificate Policies"), re.MULTILINE) == [
        "0.4.0.2042.1.7",
        "1.2.246.517.99.10.308.2",
    ]


def test_openssl_reads_the_revocation_list(tree: Tree) -> None:
    done = openssl("crl", "-in", tree.file("persons.crl"), "-noout", "-text", "-CAfile", tree.file("persons.pem"))
    assert "verify OK" in done.stderr + done.stdout
    for words in ("sha512WithRSAEncryption", "Serial Number: 05F5E101", "Key Compromise"):
        assert words in done.stdout, words
    assert re.search(r"X509v3 CRL Number:\s+17", done.stdout)


@pytest.fixture
def responder_url(tree: Tree) -> Iterator[str]:
    """The responder over HTTP on loopback."""
    certificate = tree.persons.certificate
    assert certificate is not None
    responder = Responder(certificate, tree.responder, tree.responder_key, tree, SystemClock(), timedelta(hours=1))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = responder.respond(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/ocsp-response")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/dvvtshp2rc"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(tree: Tree, url: str, *asked: str | Path) -> str:
    done = openssl(
        *("ocsp", "-issuer", tree.file("persons.pem"), *asked, "-url", url, "-resp_text"),
        *("-CAfile", tree.file("root.pem"), "-verify_other", tree.file("persons.pem")),
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
def test_openssl_ocsp_hears_that_the_card_is_revoked(tree: Tree, responder_url: str, digest: str) -> None:
    text = ask(tree, responder_url, digest, "-cert", tree.file("card.pem"))
    assert "Response verify OK" in text and "card.pem: revoked" in text and "Reason: keyCompromise" in text
    assert "WARNING" not in text, "no nonce came back"


def test_openssl_ocsp_asks_for_several_at_once(tree: Tree, responder_url: str) -> None:
    serials = ("-serial", "0x05F5E101", "-serial", "0x05F5E1FF", "-serial", f"{tree.system.serial_number:#x}")
    text = ask(tree, responder_url, *serials)
    assert "Response verify OK" in text
    assert re.findall(r"^(0x\w+): (\w+)", text, re.MULTILINE) == [
        ("0x05F5E101", "revoked"),
        ("0x05F5E1FF", "unknown"),
        (f"{tree.system.serial_number:#x}", "good"),
    ]


def test_our_client_hears_the_same(tree: Tree, responder_url: str) -> None:
    assert tree.persons.certificate is not None
    asked = ask_status(responder_url, tree.card, tree.persons.certificate, at=datetime.now(UTC))
    assert asked.status.state is CertificateState.REVOKED


def test_openssl_reads_the_card_certificate_with_null_parameters(tmp_path: Path) -> None:
    """pyca refuses the form that the EC test cards carry; openssl reads and verifies it."""
    profiles = load_profiles()
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    keys = [ec.generate_private_key(ec.SECP384R1()) for _ in range(3)]
    above = Issuer(None, keys[0])
    for profile_id, key in (("test-root-ec", keys[0]), ("test-general-ca-ec", keys[1])):
        made = issue(
            profiles[profile_id],
            subject={},
            public_key=key.public_key(),
            issuer=above,
            serial_number=service_serial(now),
            not_before=now,
        )
        (tmp_path / f"{profile_id}.pem").write_bytes(made.public_bytes(Encoding.PEM))
        above = Issuer(made, key)
    card = issue_der(
        profiles["citizen-signature-ec"],
        subject={
            "serial_number": "90000013K",
            "given_name": "Testi",
            "surname": "Esimerkki",
            "common_name": "ESIMERKKI TESTI 90000013K",
        },
        public_key=keys[2].public_key(),
        issuer=above,
        serial_number=person_serial(1),
        not_before=now,
        names=AlternativeNames(email="testi@example.fi"),
    )
    (tmp_path / "card.der").write_bytes(card)
    openssl("x509", "-inform", "DER", "-in", tmp_path / "card.der", "-out", tmp_path / "card.pem")
    root, ca = (tmp_path / f"{name}.pem" for name in ("test-root-ec", "test-general-ca-ec"))
    done = openssl("verify", "-CAfile", root, "-untrusted", ca, tmp_path / "card.pem")
    assert done.stdout.strip().endswith("OK")
    assert any(finding.rule == "cert.signature.null" for finding in lint_certificate(card).findings)


@pytest.mark.parametrize(
    ("subject", "bits", "rules"),
    [
        ("/C=FI/ST=Finland/L=Turku/O=Testipalvelu Oy/CN=kanta.testi.example.fi", 2048, set()),
        ("/C=FI/ST=Finland/L=Turku/O=Testipalvelu Oy/CN=192.0.2.7", 2048, {"csr.ip-only"}),
        ("/C=FI/ST=Finland/L=Turku/O=Testipalvelu Oy/CN=kanta.testi.example.fi", 1024, {"csr.key.size"}),
    ],
)
def test_requests_made_by_openssl_are_checked(tmp_path: Path, subject: str, bits: int, rules: set[str]) -> None:
    request = tmp_path / "request.csr"
    openssl(
        *("req", "-new", "-newkey", f"rsa:{bits}", "-nodes", "-keyout", tmp_path / "key.pem", "-out", request),
        *(
            "-subj",
            subject,
            "-addext",
            "subjectAltName=DNS:kanta.testi.example.fi" if not rules else "keyUsage=digitalSignature",
        ),
    )
    report = check_csr(request.read_bytes(), CsrKind.SERVER)
    errors = {finding.rule for finding in report.findings if finding.severity == "error"}
    assert errors == rules
