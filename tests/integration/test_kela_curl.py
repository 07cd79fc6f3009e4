"""The Kanta emulator met by programs that are not ours: curl and openssl s_client, a killed process, many clients."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from cryptography.hazmat.primitives.serialization import Encoding
from kela_world import HOST, Client, KelaWorld, new_world
from scs_world import MemoryCard

from sotepki.documents import build_frame
from sotepki.kela import Kanta, archive_service
from sotepki.kela.archive_service import ARCHIVE_PATH
from sotepki.kela.tables import ArchivedDocument
from sotepki.records import Database, first_break

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("curl") or not shutil.which("openssl"), reason="needs curl and openssl"),
]

TLS_FAILED = (35, 56)
SEND_FAILED = 55
"""curl's exit codes for a TLS handshake that the server ended (in TLS 1.3 the client notices while reading)."""


@dataclass
class Lab:
    """A world with publication and Kanta running, and curl at hand."""

    world: KelaWorld
    kanta: Kanta
    url: str
    directory: Path

    @cached_property
    def root(self) -> Path:
        path = self.directory / "root.pem"
        path.write_bytes(self.world.authorities.root.public_bytes(Encoding.PEM))
        return path

    @property
    def port(self) -> int:
        return int(urlsplit(self.url).port or 0)

    def curl(self, frame: bytes, client: Client | None, *more: str) -> subprocess.CompletedProcess[bytes]:
        """POST a frame with curl, which verifies the server by name against our root."""
        body = self.directory / f"{os.urandom(8).hex()}.xml"
        body.write_bytes(frame)
        identity = (
            ("--cert", str(client.files(self.directory, f"{client.certificate.serial_number:x}"))) if client else ()
        )
        return subprocess.run(
            [
                *("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60"),
                *("--cacert", str(self.root), "--resolve", f"{HOST}:{self.port}:127.0.0.1", *identity),
                *("--header", "Content-Type: application/xml", "--header", "Accept: application/json"),
                *("--data-binary", f"@{body}", *more, f"https://{HOST}:{self.port}{ARCHIVE_PATH}"),
            ],
            capture_output=True,
            check=False,
        )

    def refused(self, frame: bytes, client: Client | None) -> subprocess.CompletedProcess[bytes]:
        """What curl says where TLS fails.

        By TLS 1.3 it sends its message while the server still judges its certificate. Where the connection ends in
        the middle of that, it says so and has not read why; so it sends again.
        """
        for _ in range(20):
            done = self.curl(frame, client)
            if done.returncode != SEND_FAILED:
                break
        assert done.returncode in TLS_FAILED, done.stderr
        return done

    def answer(self, frame: bytes, client: Client | None, *more: str) -> dict[str, Any]:
        done = self.curl(frame, client, *more)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def s_client(self, *options: str) -> str:
        done = subprocess.run(
            [
                *("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", HOST),
                *("-verify_hostname", HOST, "-CAfile", str(self.root), "-showcerts", *options),
            ],
            input=b"",
            capture_output=True,
            timeout=60,
            check=False,
        )
        return (done.stdout + done.stderr).decode(errors="replace")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    world = new_world(tmp_path)
    with world.publication() as publication:
        kanta = world.kanta(publication)
        with archive_service.running(kanta, world.server_chain()) as url:
            yield Lab(world, kanta, url, tmp_path)
    world.records.database.close()


def _rules(answer: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in answer["findings"]}


def _handshake_rules(lab: Lab) -> tuple[str, ...]:
    for _ in range(100):
        found = [line.rules for line in lab.kanta.requests() if line.kind == "handshake"]
        if found:
            return found[0]
        time.sleep(0.05)
    return ()


def test_curl_with_the_client_certificate_gets_aa_for_both_kinds_of_signature(lab: Lab) -> None:
    for document in (lab.world.system_signed(), lab.world.card_signed()):
        answer = lab.answer(lab.world.frame(document), lab.world.client())
        assert answer["code"] == "AA", answer
        assert lab.kanta.retrieve(answer["document_id"], lab.world.client().certificate) == document


def test_curl_without_a_certificate_fails_in_tls_and_the_status_page_says_why(lab: Lab) -> None:
    done = lab.refused(lab.world.frame(lab.world.system_signed()), None)
    assert b"certificate required" in done.stderr.lower(), "the TLS alert must reach the client"
    assert _handshake_rules(lab) == ("tls.client.missing",)


def test_curl_with_a_certificate_of_another_ca_fails_in_tls(lab: Lab) -> None:
    card = MemoryCard()
    stranger = Client(card.certificates["authentication"], card.authentication, card.issuers)  # type: ignore[arg-type]
    done = lab.refused(lab.world.frame(lab.world.system_signed()), stranger)
    assert b"unknown ca" in done.stderr.lower(), "the TLS alert must reach the client"
    assert _handshake_rules(lab) == ("tls.client.issuer",)


def test_a_revoked_client_certificate_gets_ar_with_the_rule_through_real_ocsp(lab: Lab) -> None:
    client, frame = lab.world.client(), lab.world.frame(lab.world.system_signed())
    lab.world.revoke(client.certificate)
    answer = lab.answer(frame, client)
    assert (answer["code"], _rules(answer)) == ("AR", {"kanta.client.revoked"})


def test_when_the_responder_is_down_the_client_is_told_so(lab: Lab) -> None:
    with lab.world.publication() as gone:
        pass
    with archive_service.running(lab.world.kanta(gone), lab.world.server_chain()) as url:
        answer = replace(lab, url=url).answer(lab.world.frame(lab.world.system_signed()), lab.world.client())
    assert (answer["code"], _rules(answer)) == ("AR", {"kanta.client.status-unavailable"})


def test_a_card_as_tls_client_is_refused(lab: Lab) -> None:
    frame = lab.world.frame(lab.world.system_signed())
    signing = lab.world.card(profile="professional-signature-rsa")
    lab.refused(frame, signing)
    assert _handshake_rules(lab) == ("tls.client.purpose",)
    answer = lab.answer(frame, lab.world.card(profile="professional-authentication-rsa"))
    assert (answer["code"], _rules(answer)) == ("AR", {"kanta.client.issuer"})


def test_a_client_certificate_expired_by_the_workspaces_clock_is_refused_by_rule(lab: Lab) -> None:
    client, frame = lab.world.client(), lab.world.frame(lab.world.system_signed())
    lab.world.advance(days=370)
    answer = lab.answer(frame, client)
    assert answer["code"] == "AR"
    assert "kanta.client.validity" in _rules(answer)


def test_s_client_sees_tls_12_or_13_and_the_chain_up_to_our_root(lab: Lab) -> None:
    client = lab.world.client().files(lab.directory)
    for option, name in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
        seen = lab.s_client("-cert", str(client), "-key", str(client), option)
        assert name in seen
        assert "Verify return code: 0 (ok)" in seen or "Verification: OK" in seen
        assert seen.count("BEGIN CERTIFICATE") >= 2, "leaf and issuing CA"
        assert "Requested Signature Algorithms" in seen, "the server asks for a client certificate"
    assert "Secure Renegotiation IS NOT" not in seen or "TLSv1.3" in seen
    old = lab.s_client("-cert", str(client), "-key", str(client), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "New, (NONE)" in old or "Cipher is (NONE)" in old


def test_sixteen_curls_at_once_all_get_aa(lab: Lab) -> None:
    frames = [lab.world.frame(lab.world.system_signed()) for _ in range(16)]
    client = lab.world.client()
    assert lab.root.exists() and client.files(lab.directory, f"{client.certificate.serial_number:x}").exists()
    with ThreadPoolExecutor(16) as curls:
        answers = list(curls.map(lambda frame: lab.answer(frame, client), frames))
    assert [answer["code"] for answer in answers] == ["AA"] * 16


def test_fifty_megabytes_are_refused_and_the_next_message_is_taken(lab: Lab) -> None:
    large, client = b"<a>" + b"a" * 50_000_000, lab.world.client()
    answer = lab.answer(large, client)
    assert (answer["code"], _rules(answer)) == ("AR", {"kanta.message.size"})
    done = lab.curl(large, client, "--header", "Transfer-Encoding: chunked", "--header", "Expect:")
    assert done.returncode != 0 or _rules(json.loads(done.stdout)) == {"kanta.message.size"}
    assert lab.answer(lab.world.frame(lab.world.system_signed()), client)["code"] == "AA"


def test_a_slow_curl_does_not_hold_up_a_fast_one(lab: Lab) -> None:
    frame, client = lab.world.frame(lab.world.system_signed()), lab.world.client()
    body = lab.directory / "slow.xml"
    body.write_bytes(lab.world.frame(lab.world.system_signed()))
    slow = subprocess.Popen(
        [
            *("curl", "--silent", "--noproxy", "*", "--limit-rate", "1k", "--insecure", "--data-binary", f"@{body}"),
            *("--header", "Content-Type: application/xml", "--header", "Expect:"),
            *("--cert", str(client.files(lab.directory)), f"{lab.url}{ARCHIVE_PATH}"),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        time.sleep(0.5)
        began = time.monotonic()
        assert lab.answer(frame, client)["code"] == "AA"
        assert time.monotonic() - began < 10
        assert slow.poll() is None, "the slow client was still sending"
    finally:
        slow.kill()
        slow.wait()


_CHILD = """
import sys
from pathlib import Path
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sotepki.clock import SystemClock
from sotepki.kela import Kanta, Trust
from sotepki.records import Database, Records
from sotepki.thl import Thl
from sotepki.valvira import Valvira
from sotepki.x509.status import CertificateState, CertificateStatus

directory = Path(sys.argv[1])
records = Records(Database(f"sqlite:///{directory / 'sotepki.db'}"), SystemClock(), directory / "outbox")
cas = x509.load_pem_x509_certificates((directory / "cas.pem").read_bytes())
trust = Trust((cas[0],), tuple(cas[1:]), (cas[2],))
good = CertificateStatus(CertificateState.GOOD)
kanta = Kanta(records, trust, Valvira(records), Thl(records), lambda certificate, issuer: good)
client = x509.load_pem_x509_certificate((directory / "client.crt").read_bytes())
for frame in sorted((directory / "frames").iterdir()):
    answer = kanta.archive(frame.read_bytes(), client)
    print(answer.code, answer.document_id, flush=True)
"""


def test_sigkill_after_an_acknowledgement_keeps_the_document_and_no_half_of_the_next(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    signed = world.system()
    (tmp_path / "frames").mkdir()
    from sotepki.documents import sign_as_system

    for number in range(40):
        document = sign_as_system(
            world.document(), key=signed.private_key, certificate=signed.certificate, at=world.clock.now()
        )
        frame = build_frame(document, message_id=world.oid(), sender=world.organisation().oid, at=world.clock.now())
        (tmp_path / "frames" / f"{number:03d}.xml").write_bytes(frame)
    cas = [world.authorities.certificate(name) for name in ("root", "sote-persons", "sote-services")]
    (tmp_path / "cas.pem").write_bytes(b"".join(ca.public_bytes(Encoding.PEM) for ca in cas))
    (tmp_path / "client.crt").write_bytes(world.client().certificate.public_bytes(Encoding.PEM))
    world.records.database.close()
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_CHILD), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    acknowledged = []
    for line in child.stdout:
        code, document_id = line.split()
        assert code == "AA"
        acknowledged.append(document_id)
        if len(acknowledged) == 7:
            os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert len(acknowledged) < 40, "the process was killed in the middle"
    database = Database(f"sqlite:///{tmp_path / 'sotepki.db'}")
    with database.reading() as session:
        kept = [row.document_id for row in session.query(ArchivedDocument)]
        assert first_break(session) is None
    database.close()
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept)) and len(kept) <= len(acknowledged) + 1
