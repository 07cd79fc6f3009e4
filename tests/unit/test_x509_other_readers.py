"""GnuTLS and the JDK read what is issued here: certificates of every TEST profile, revocation lists, OCSP answers.

A vendor's program that stumbles over one of these would stumble over a real card, too late.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import x509_world as w
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from x509_profile_world import issued_from, issuer_from, key_for

from sotepki.clock import SetClock
from sotepki.x509.crl import RevokedEntry, build_crl
from sotepki.x509.issuing import Issuer, issue, responder_subject
from sotepki.x509.keys import PrivateKey
from sotepki.x509.ocsp import Responder, key_hash, name_hash
from sotepki.x509.profiles import Profile, ProfileKind, load_profiles
from sotepki.x509.second_opinions import pem
from sotepki.x509.serials import service_serial
from sotepki.x509.status import CertificateState, CertificateStatus

pytestmark = pytest.mark.integration

JAVA = Path(__file__).parents[2] / "conformance" / "examples" / "java" / "PathValidator.java"
PROFILES = [name for name in load_profiles() if not name.startswith("production-")]
AUTHORITIES = [name for name in PROFILES if load_profiles()[name].kind is ProfileKind.ISSUING_CA]
REASONS = [reason for reason in x509.ReasonFlags if reason is not x509.ReasonFlags.remove_from_crl]
MOMENT = w.NOW + timedelta(hours=2)

needs_gnutls = pytest.mark.skipif(shutil.which("certtool") is None, reason="no certtool (Debian: gnutls-bin)")
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="no java (Debian: default-jdk-headless)")

COMPLAINTS = re.compile(r"error|warning|invalid|insecure|broken|unsupported|unknown", re.IGNORECASE)
#: Extensions that GnuTLS 3.7 has no name for: QC statements (RFC 3739) and id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1).
NAMELESS = (
    "Unknown extension 1.3.6.1.5.5.7.1.3 (not critical):",
    "Unknown extension 1.3.6.1.5.5.7.48.1.5 (not critical):",
)


@needs_gnutls
@pytest.mark.parametrize("profile_id", PROFILES)
def test_gnutls_reads_a_certificate_of_every_profile_without_complaint(profile_id: str) -> None:
    assert complaints(["certtool", "-i", "--inder"], issued_from(profile_id)) <= set(NAMELESS)


@needs_gnutls
def test_what_gnutls_cannot_read_is_a_complaint() -> None:
    assert complaints(["certtool", "-i", "--inder"], issued_from("test-server-ec")[:-100])


@needs_gnutls
@pytest.mark.parametrize("authority", AUTHORITIES)
def test_gnutls_reads_a_list_and_an_ocsp_answer_of_every_authority(authority: str) -> None:
    issuer = issuer_from(authority)
    assert not complaints(["certtool", "--crl-info", "--inder"], crl_of(issuer, revoked=True))
    for state in (CertificateState.GOOD, CertificateState.REVOKED):
        answer = answer_about(900, issuer, state)
        assert not complaints(["ocsptool", "-j", "--inder"], answer)


@needs_java
def test_the_jdk_finds_every_profile_valid_by_list_and_by_ocsp_answer(tmp_path: Path) -> None:
    rows = []
    for profile_id in PROFILES:
        profile = load_profiles()[profile_id]
        if profile.kind is not ProfileKind.ROOT:
            rows += [write_row(tmp_path, profile, by_ocsp=by_ocsp) for by_ocsp in (False, True)]
    index = {"at": f"{MOMENT:%Y-%m-%dT%H:%M:%SZ}", "vectors": rows}
    (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    done = subprocess.run(["java", str(JAVA), str(tmp_path)], capture_output=True, text=True, timeout=120, check=True)
    said = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(said) == len(rows) > 2 * len(AUTHORITIES)
    assert [row for row in said if row[1] != "valid"] == []


def complaints(command: list[str], data: bytes) -> set[str]:
    done = subprocess.run(command, input=data, capture_output=True, timeout=30, check=False)
    lines = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
    found = {line.strip() for line in lines if COMPLAINTS.search(line)}
    return found | ({f"exit {done.returncode}"} if done.returncode else set())


def write_row(directory: Path, profile: Profile, *, by_ocsp: bool) -> dict[str, str]:
    """The files of one question, as the vectors have them."""
    name = f"{profile.id}-{'ocsp' if by_ocsp else 'list'}"
    place = directory / name
    place.mkdir()
    chain = list(issuers_of(profile))
    leaf = issued_from(profile.id)
    write(place / "certificate.pem", "CERTIFICATE", leaf)
    write(place / "issuers.pem", "CERTIFICATE", *(der_of(one) for one in chain[:-1]))
    write(place / "trust.pem", "CERTIFICATE", der_of(chain[-1]))
    write(place / "crl.pem", "X509 CRL", *(crl_of(one) for one in (chain[1:] if by_ocsp else chain)))
    if by_ocsp:
        answer = answer_about(asn1_x509.Certificate.load(leaf).serial_number, chain[0], CertificateState.GOOD)
        (place / "ocsp.der").write_bytes(answer)
    return {"id": name, "purpose": "system-signature"}


def issuers_of(profile: Profile) -> Iterator[Issuer]:
    while profile.kind is not ProfileKind.ROOT:
        profile = load_profiles()[profile.issuers[0]]
        yield issuer_from(profile.id)


def crl_of(issuer: Issuer, *, revoked: bool = False) -> bytes:
    entries = [RevokedEntry(900 + number, MOMENT, reason) for number, reason in enumerate(REASONS)] if revoked else []
    made = build_crl(issuer, entries, number=1, this_update=MOMENT - timedelta(minutes=1))
    return made.public_bytes(Encoding.DER)


class Fixed:
    """Records that say the same of every certificate."""

    def __init__(self, state: CertificateState) -> None:
        self.state = state

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        revoked = self.state is CertificateState.REVOKED
        return CertificateStatus(
            self.state, w.NOW if revoked else None, x509.ReasonFlags.superseded if revoked else None
        )


def answer_about(serial_number: int, issuer: Issuer, state: CertificateState) -> bytes:
    """What the responder of an authority answers to a request with SHA-1, as the JDK makes it."""
    own = w.certificate_of(issuer)
    delegate, key = responder_of(issuer)
    sha1 = hashes.SHA1()
    ids = name_hash(own.subject, sha1), key_hash(own, sha1)
    request = ocsp.OCSPRequestBuilder().add_certificate_by_hash(*ids, serial_number, sha1).build()
    responder = Responder(own, delegate, key, Fixed(state), SetClock(MOMENT - timedelta(minutes=1)))
    return responder.respond(request.public_bytes(Encoding.DER))


def responder_of(issuer: Issuer) -> tuple[x509.Certificate, PrivateKey]:
    """The delegated responder of an issuing CA; the CA itself where no profile has a responder for it."""
    own = w.certificate_of(issuer)
    for profile_id in ("ocsp-responder", "ocsp-responder-ec"):
        profile = load_profiles()[profile_id]
        if any(issuer_from(one).certificate == own for one in profile.issuers):
            key = key_for(profile, "responder")
            certificate = issue(
                profile,
                subject=responder_subject(own),
                public_key=key.public_key(),
                issuer=issuer,
                serial_number=service_serial(w.NOW),
                not_before=w.NOW,
            )
            return certificate, key
    return own, issuer.key


def der_of(issuer: Issuer) -> bytes:
    return w.certificate_of(issuer).public_bytes(Encoding.DER)


def write(path: Path, label: str, *blocks: bytes) -> None:
    path.write_text("".join(pem(label, block) for block in blocks), encoding="ascii")
