"""The hierarchy in SoftHSM, judged by openssl and asked by openssl and curl."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sotepki.clock import SystemClock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.publication.service import RunningPublication, serve_publication
from sotepki.records import Database, Records
from sotepki.tokens import KeyKind, KeyPool, KeyRing
from sotepki.tokens.pool import make_key
from sotepki.x509.profiles import load_profiles

pytestmark = pytest.mark.integration

HOST = "kanta.testi.example"


@dataclass
class Lab:
    directory: Path
    authorities: Authorities
    service: RunningPublication

    def pem(self, name: str, *certificates: x509.Certificate) -> str:
        path = self.directory / name
        path.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))
        return str(path)

    def server_certificate(self) -> x509.Certificate:
        return self.authorities.issue(
            "sote-services",
            "test-server",
            subject={
                "country": "FI",
                "state": "Finland",
                "locality": "Helsinki",
                "organisation": "Testihyvinvointialue",
                "common_name": HOST,
            },
            public_key=make_key(KeyKind.RSA_2048).public_key(),
            actor="test",
            dns_names=(HOST,),
            holder="1.2.246.10.0000000.10.0",
        )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    directory = tmp_path_factory.mktemp("lab")
    clock = SystemClock()
    records = Records(Database(f"sqlite:///{directory / 'sotepki.db'}"), clock, directory / "outbox")
    records.database.create_tables()
    pool = KeyPool(directory / "pool")
    pool.fill({KeyKind.RSA_4096: 3, KeyKind.RSA_3072: 3})
    ring = KeyRing(directory / "hsm", "sotepki TEST CA", pool)
    authorities = Authorities(records, ring, load_profiles())
    authorities.create_hierarchy(ring.create)
    with serve_publication(authorities, directory / "published", clock) as service:
        yield Lab(directory, authorities, service)
    ring.close()
    records.database.close()


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _chain_arguments(lab: Lab) -> tuple[str, str, str, str]:
    return (
        "-CAfile",
        lab.pem("root.pem", lab.authorities.root),
        "-untrusted",
        lab.pem("ca.pem", lab.authorities.certificate("sote-services")),
    )


def _ask_openssl(lab: Lab, certificate: x509.Certificate, authority_id: str = "sote-services") -> str:
    return _ask(lab, authority_id, "-cert", lab.pem("asked.pem", certificate))


def _ask(lab: Lab, authority_id: str, *about: str) -> str:
    plan = lab.authorities.plan.authorities[authority_id]
    answer = _run(
        "openssl", "ocsp", "-issuer", lab.pem("issuer.pem", lab.authorities.certificate(authority_id)),
        *about, "-url", f"{lab.service.base_url}/{plan.publication_id}",
        "-CAfile", lab.pem("root.pem", lab.authorities.root),
        "-verify_other", lab.pem("ca.pem", lab.authorities.certificate(authority_id)),
    )  # fmt: skip
    assert "Response verify OK" in answer.stderr, answer.stderr
    assert "WARNING" not in answer.stderr, answer.stderr
    return answer.stdout


def test_the_keys_of_the_authorities_are_in_the_token_and_do_not_come_out(lab: Lab) -> None:
    configuration = lab.directory / "hsm" / "softhsm2.conf"
    pin = (lab.directory / "hsm" / "pin").read_text().strip()
    from sotepki.tokens import find_softhsm

    listing = subprocess.run(
        ["pkcs11-tool", "--module", str(find_softhsm()), "--token-label", "sotepki TEST CA", "--login", "--pin", pin,
         "--list-objects", "--type", "privkey"],
        env={"SOFTHSM2_CONF": str(configuration), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    for label in ("ca-root", "ca-sote-persons", "ca-sote-services"):
        assert label in listing
    assert listing.count("never extractable") + listing.count("sensitive") > 0
    assert "extractable" not in listing.replace("never extractable", "")


def test_openssl_verifies_the_chain_for_the_purposes_of_a_server_certificate(lab: Lab) -> None:
    leaf = lab.pem("leaf.pem", lab.server_certificate())
    for purpose in ("sslserver", "sslclient"):
        answer = _run("openssl", "verify", *_chain_arguments(lab), "-purpose", purpose, "-x509_strict", leaf)
        assert answer.returncode == 0, answer.stderr


def test_openssl_rejects_a_leaf_that_another_authority_signed(lab: Lab) -> None:
    leaf = lab.pem("leaf.pem", lab.server_certificate())
    answer = _run(
        "openssl", "verify", "-CAfile", lab.pem("root.pem", lab.authorities.root),
        "-untrusted", lab.pem("ca.pem", lab.authorities.certificate("sote-persons")), leaf,
    )  # fmt: skip
    assert answer.returncode != 0


def test_openssl_ocsp_and_crl_say_good_and_then_revoked(lab: Lab) -> None:
    certificate = lab.server_certificate()
    assert "asked.pem: good" in _ask_openssl(lab, certificate)
    lab.authorities.revoke(certificate, reason=x509.ReasonFlags.key_compromise, actor="test")
    told = _ask_openssl(lab, certificate)
    assert "asked.pem: revoked" in told and "Reason: keyCompromise" in told

    numbers = lab.authorities.publish(lab.directory / "published")
    crl = str(lab.directory / "crl.pem")
    fetched = _run("curl", "-sS", "-f", "-o", f"{crl}.der", f"{lab.service.base_url}/crl/dvvtshsp3rc.crl")
    assert fetched.returncode == 0, fetched.stderr
    issuer = lab.pem("ca.pem", lab.authorities.certificate("sote-services"))
    shown = _run(
        "openssl", "crl", "-inform", "DER", "-in", f"{crl}.der", "-CAfile", issuer, "-text", "-crlnumber", "-out", crl
    )
    assert shown.returncode == 0 and "verify OK" in shown.stderr, shown.stderr
    text = _run("openssl", "crl", "-in", crl, "-noout", "-text").stdout
    assert f"{certificate.serial_number:030X}" in text.upper()
    assert "Key Compromise" in text
    assert (
        f"crlNumber=0x{numbers['sote-services']:02X}"
        in _run("openssl", "crl", "-in", crl, "-noout", "-crlnumber").stdout
    )

    leaf = lab.pem("leaf.pem", certificate)
    root_crl = _fetch_root_list(lab)
    both = lab.directory / "both.pem"
    both.write_bytes(Path(crl).read_bytes() + root_crl)
    checked = _run("openssl", "verify", *_chain_arguments(lab), "-crl_check_all", "-CRLfile", str(both), leaf)
    assert checked.returncode != 0 and "certificate revoked" in checked.stderr
    other = lab.pem("leaf.pem", lab.server_certificate())
    checked = _run("openssl", "verify", *_chain_arguments(lab), "-crl_check_all", "-CRLfile", str(both), other)
    assert checked.returncode == 0, checked.stderr


def _fetch_root_list(lab: Lab) -> bytes:
    path = lab.directory / "root.crl"
    _run("curl", "-sS", "-f", "-o", str(path), f"{lab.service.base_url}/crl/dvvtest3rc.crl")
    return x509.load_der_x509_crl(path.read_bytes()).public_bytes(Encoding.PEM)


def test_the_roots_responder_answers_for_the_issuing_authorities(lab: Lab) -> None:
    """The issuing CAs' certificates carry the root's OCSP address, so somebody must answer there."""
    assert "good" in _ask_openssl(lab, lab.authorities.certificate("sote-persons"), "root")


def test_openssl_hears_unknown_about_a_serial_number_that_was_never_given(lab: Lab) -> None:
    assert "0x1234567890: unknown" in _ask(lab, "sote-services", "-serial", "0x1234567890")


def test_curl_gets_an_ocsp_answer_by_get_and_by_post(lab: Lab) -> None:
    issuer = lab.authorities.certificate("sote-services")
    builder = ocsp.OCSPRequestBuilder().add_certificate(lab.server_certificate(), issuer, hashes.SHA1())
    request = builder.build().public_bytes(Encoding.DER)
    (lab.directory / "request.der").write_bytes(request)
    encoded = quote(base64.b64encode(request).decode(), safe="")
    ways = [
        [f"{lab.service.base_url}/dvvtshsp3rc/{encoded}"],
        ["-H", "Content-Type: application/ocsp-request", "--data-binary", f"@{lab.directory / 'request.der'}",
         f"{lab.service.base_url}/dvvtshsp3rc"],
    ]  # fmt: skip
    for way in ways:
        answer = _run("curl", "-sS", "-f", "-w", "%{content_type}", "-o", str(lab.directory / "answer.der"), *way)
        assert answer.stdout == "application/ocsp-response", answer.stderr
        response = ocsp.load_der_ocsp_response((lab.directory / "answer.der").read_bytes())
        assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
        shown = _run("openssl", "ocsp", "-respin", str(lab.directory / "answer.der"), "-resp_text", "-noverify")
        assert "OCSP Response Status: successful" in shown.stdout


def test_openssl_reads_the_published_ca_certificate(lab: Lab) -> None:
    path = lab.directory / "fetched.crt"
    _run("curl", "-sS", "-f", "-o", str(path), f"{lab.service.base_url}/ca/dvvtshp2rc.crt")
    shown = _run("openssl", "x509", "-inform", "DER", "-in", str(path), "-noout", "-subject", "-enddate")
    assert "DVV TEST Social Welfare and Healthcare Prof. Certs - G2R" in shown.stdout
    assert f"{datetime.now(UTC).year + 20}" in shown.stdout or f"{datetime.now(UTC).year + 19}" in shown.stdout


def test_the_history_has_what_openssl_and_curl_asked(lab: Lab) -> None:
    certificate = lab.server_certificate()
    _ask_openssl(lab, certificate)
    (record,) = lab.service.history.asked(certificate.serial_number)
    assert (record.publication_id, record.answer) == ("dvvtshsp3rc", "good")
