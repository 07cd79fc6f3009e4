"""Every fault of the OCSP responder over HTTP, as ``openssl ocsp`` sees it; and openssl's own view of the lists."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.clock import SystemClock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.publication.service import RunningPublication, serve_publication
from sotepki.records import Database, Records
from sotepki.tokens import KeyKind, PrivateKey
from sotepki.tokens.pool import make_key
from sotepki.x509.defects import BASES, DefectWorld, find_defect, fresh_keys
from sotepki.x509.ocsp_faults import NO_FAULTS, OcspFaults
from sotepki.x509.profiles import load_profiles

pytestmark = pytest.mark.integration

ID = "dvvtshsp3rc"
SYSTEM = {
    "state": "Finland",
    "locality": "Turku",
    "organisation": "Testipalvelu Oy",
    "serial_number": "1.2.246.10.12345671.10.0",
    "common_name": "Testijärjestelmä",
}


@dataclass
class Lab:
    service: RunningPublication
    directory: Path
    records: Records

    def ask(self, *options: str, timeout: float = 20) -> str:
        """What ``openssl ocsp`` says, standard output and standard error together."""
        command = ["openssl", "ocsp", "-url", f"{self.service.base_url}/{ID}", "-issuer", "ca.pem"]
        command += ["-sha256", "-cert", "leaf.pem", "-CAfile", "root.pem", "-partial_chain", "-no-CApath", *options]
        done = subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, timeout=timeout, check=False
        )
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    directory = tmp_path_factory.mktemp("faults")
    records = Records(Database(f"sqlite:///{directory / 'sotepki.db'}"), SystemClock(), directory / "outbox")
    records.database.create_tables()
    keys: dict[str, PrivateKey] = {}

    def create(label: str, kind: KeyKind) -> PrivateKey:
        return keys.setdefault(label, make_key(kind))

    authorities = Authorities(records, keys.__getitem__, load_profiles())
    authorities.create_hierarchy(create)
    order = CertificateOrder(SYSTEM, make_key(KeyKind.RSA_2048).public_key(), "test")
    (leaf,) = authorities.issue_many("sote-services", "test-system-signature", [order], actor="test")
    issuer, root = authorities.certificate("sote-services"), authorities.root
    for name, certificates in (("leaf", [leaf]), ("ca", [issuer]), ("root", [root, issuer])):
        data = b"".join(one.public_bytes(Encoding.PEM) for one in certificates)
        (directory / f"{name}.pem").write_bytes(data)
    with serve_publication(authorities, directory / "published", records.clock) as service:
        yield Lab(service, directory, records)
    records.database.close()


@pytest.fixture(autouse=True)
def _honest(lab: Lab) -> Iterator[None]:
    yield
    lab.service.faults.clear()


GOOD = ("Response verify OK", "leaf.pem: good")

CASES: dict[str, tuple[OcspFaults, tuple[str, ...]]] = {
    "none": (NO_FAULTS, GOOD),
    "http error": (OcspFaults(http_status=503), ("Error querying OCSP responder",)),
    "content type": (OcspFaults(content_type="text/html"), ("Error querying OCSP responder", "content type")),
    "empty body": (OcspFaults.from_dict({"body": "empty"}), ("Error querying OCSP responder",)),
    "truncated body": (OcspFaults.from_dict({"body": "truncated"}), ("Error querying OCSP responder",)),
    "garbage body": (OcspFaults.from_dict({"body": "garbage"}), ("Error querying OCSP responder",)),
    "html body": (OcspFaults.from_dict({"body": "html"}), ("Error querying OCSP responder",)),
    "no response bytes": (OcspFaults.from_dict({"body": "no-response-bytes"}), ("Error parsing response",)),
    "malformed request": (OcspFaults.from_dict({"response_status": "malformed-request"}), ("malformedrequest (1)",)),
    "internal error": (OcspFaults.from_dict({"response_status": "internal-error"}), ("internalerror (2)",)),
    "try later": (OcspFaults.from_dict({"response_status": "try-later"}), ("trylater (3)",)),
    "sig required": (OcspFaults.from_dict({"response_status": "sig-required"}), ("sigrequired (5)",)),
    "unauthorized": (OcspFaults.from_dict({"response_status": "unauthorized"}), ("unauthorized (6)",)),
    "says revoked": (
        OcspFaults.from_dict({"certificate_status": "revoked"}),
        ("Response verify OK", "leaf.pem: revoked"),
    ),
    "says unknown": (
        OcspFaults.from_dict({"certificate_status": "unknown"}),
        ("Response verify OK", "leaf.pem: unknown"),
    ),
    "signature broken": (OcspFaults.from_dict({"signature": "broken"}), ("Response Verify Failure",)),
    "signature of another key": (OcspFaults.from_dict({"signature": "other-key"}), ("Response Verify Failure",)),
    "stranger": (OcspFaults.from_dict({"responder": "stranger"}), ("Response Verify Failure",)),
    "certificate missing": (OcspFaults(certificate_missing=True), ("signer certificate not found",)),
    "responder by name": (OcspFaults.from_dict({"responder_id": "name"}), GOOD),
    "responder wrong": (OcspFaults.from_dict({"responder_id": "wrong"}), ("signer certificate not found",)),
    "other serial": (OcspFaults.from_dict({"certificate_id": "serial"}), ("No Status found",)),
    "other issuer name": (OcspFaults.from_dict({"certificate_id": "issuer-name"}), ("Response Verify Failure",)),
    "other issuer key": (OcspFaults.from_dict({"certificate_id": "issuer-key"}), ("Response Verify Failure",)),
    "other hash": (OcspFaults.from_dict({"certificate_id": "hash"}), ("No Status found",)),
    "null present": (OcspFaults.from_dict({"null_parameters": "present"}), GOOD),
    "null absent": (OcspFaults.from_dict({"null_parameters": "absent"}), GOOD),
    "nonce omitted": (OcspFaults.from_dict({"nonce": "omit"}), ("WARNING: no nonce in response", *GOOD)),
    "nonce changed": (OcspFaults.from_dict({"nonce": "other"}), ("Nonce Verify error",)),
    "this update tomorrow": (
        OcspFaults.from_dict({"this_update_shift": 86400, "next_update_shift": 86400}),
        ("status not yet valid",),
    ),
    "next update yesterday": (
        OcspFaults.from_dict({"this_update_shift": -90000, "next_update_shift": -90000}),
        ("status expired",),
    ),
    "next update before this": (
        OcspFaults.from_dict({"next_update_shift": -7200}),
        ("nextupdate before thisupdate",),
    ),
    "next update missing": (OcspFaults(next_update_missing=True), GOOD),
    "produced at shifted": (OcspFaults.from_dict({"produced_at_shift": -86400}), GOOD),
}


@pytest.mark.parametrize("name", CASES)
def test_openssl_sees_the_fault(lab: Lab, name: str) -> None:
    faults, words = CASES[name]
    lab.service.faults.set(ID, faults)
    said = lab.ask()
    for word in words:
        assert word in said, f"{word!r} is missing in:\n{said}"
    assert all(word in said for word in GOOD) == (set(GOOD) <= set(words))


def test_every_knob_is_provoked_by_a_case() -> None:
    turned = {name for faults, _ in CASES.values() for name in faults.as_dict()}
    assert turned | {"delay_seconds", "answers"} == set(OcspFaults.__dataclass_fields__)


def test_produced_at_is_moved(lab: Lab) -> None:
    lab.service.faults.set(ID, OcspFaults.from_dict({"produced_at_shift": -86400 * 400}))
    said = lab.ask("-resp_text")
    (line,) = [line for line in said.splitlines() if "Produced At" in line]
    assert str(lab.records.clock.now().year) not in line


def test_a_delay_is_waited_for(lab: Lab) -> None:
    lab.service.faults.set(ID, OcspFaults(delay_seconds=0.8))
    started = time.monotonic()
    assert "leaf.pem: good" in lab.ask()
    assert time.monotonic() - started > 0.75


def test_so_many_answers_are_faulty_and_then_it_is_honest(lab: Lab) -> None:
    lab.service.faults.set(ID, OcspFaults.from_dict({"response_status": "try-later", "answers": 2}))
    said = ["trylater" in lab.ask() for _ in range(3)]
    assert said == [True, True, False]


def test_several_certificates_are_asked_about_in_one_request(lab: Lab) -> None:
    said = lab.ask("-serial", "0x1234", "-cert", "leaf.pem")
    assert "Response verify OK" in said
    assert "0x1234: unknown" in said
    assert said.count("leaf.pem: good") == 2


@pytest.mark.parametrize(
    ("defect", "genuine"),
    [
        ("revoked", True),
        ("crl-stale", True),
        ("crl-forged", False),
        ("crl-spoilt", False),
        ("crl-wrong-issuer", False),
    ],
)
def test_openssl_crl_judges_the_lists_of_the_defects(
    lab: Lab, tmp_path: Path, defect_vectors: DefectWorld, defect: str, genuine: bool
) -> None:
    found = find_defect(defect)
    setting = found.build(defect_vectors)
    (tmp_path / "crl.der").write_bytes(setting.crls[0])
    issuer = x509.load_der_x509_certificate(setting.issuers[0])
    (tmp_path / "ca.pem").write_bytes(issuer.public_bytes(Encoding.PEM))
    command = ["openssl", "crl", "-inform", "DER", "-in", "crl.der", "-noout", "-CAfile", "ca.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert ("verify OK" in done.stdout + done.stderr) == genuine, done.stderr
    assert found.base in BASES


@pytest.fixture(scope="module")
def defect_vectors() -> DefectWorld:
    return DefectWorld(SystemClock().now(), fresh_keys())
