"""``sotepki serve`` as a vendor meets it: real tokens, a real card, curl, signals, and a restart."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sotepki.documents import build_frame, build_social_document, sign_as_system
from sotepki.identifiers import Oid
from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, card_in_hand
from sotepki.journey.service_provider import ProviderSystem, provider_system
from sotepki.workspace import Workspace

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not shutil.which("curl") or not shutil.which("softhsm2-util"), reason="needs curl and SoftHSM"
    ),
]

FREE_PORTS = ("--publication-port", "0", "--kanta-port", "0", "--kela-port", "0", "--scs-port", "0")


@dataclass
class Office:
    """A workspace with a provider and a card, closed, so that the service may open it."""

    directory: Path
    provider: ProviderSystem
    card_number: str
    pins: Path
    frames: list[bytes]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    directory = tmp_path_factory.mktemp("serve") / "workspace"
    cast = load_cast()
    with Workspace.create(directory, card_keys=2) as workspace:
        organisation = workspace.thl.organisation(cast.organisation("social-services"))
        client = workspace.population.person(cast.person("nurse"))
        assert organisation is not None and client is not None
        provider = provider_system(workspace, organisation, user=cast.person("technical-contact"))
        card = card_in_hand(
            workspace, registrar=cast.person("registrar-county-1"), applicant=cast.person("social-worker")
        )
        frames = []
        for number in range(3):
            now = workspace.clock.now()
            unsigned = build_social_document(
                client=client,
                organisation=organisation,
                author=None,
                document_oid=organisation.oid.child(93, 2026, number + 1),
                created=now,
            )
            identity = provider.system_signature
            document = sign_as_system(unsigned, key=identity.key(), certificate=identity.certificate, at=now)
            message = organisation.oid.child(94, 2026, number + 1)
            frames.append(build_frame(document, message_id=message, sender=organisation.oid, at=now))
    pins = directory.parent / "pins"
    pins.write_text(f"{PIN1.reveal()}\n{PIN2.reveal()}\n", encoding="ascii")
    return Office(directory, provider, card.card_number, pins, frames)


@dataclass
class Serving:
    """The running command and what it printed."""

    office: Office
    process: subprocess.Popen[str]
    urls: dict[str, str]
    trust: str

    def curl(self, name: str, *arguments: str, path: str = "") -> str:
        done = subprocess.run(
            [
                "curl",
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--max-time",
                "60",
                *arguments,
                self.urls[name] + path,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def send(self, frame: bytes) -> dict[str, Any]:
        body = self.office.directory.parent / "frame.xml"
        body.write_bytes(frame)
        server = self.office.provider.server
        answer: dict[str, Any] = json.loads(
            self.curl(
                "kanta",
                *("--cacert", self.trust, "--cert", str(server.chain_file), "--key", str(server.key_file)),
                *("--header", "Content-Type: text/xml", "--header", "Accept: application/json"),
                *("--data-binary", f"@{body}"),
            )
        )
        return answer

    def document(self, document_id: str) -> str:
        server = self.office.provider.server
        return subprocess.run(
            [
                *("curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--cacert", self.trust),
                *("--cert", str(server.chain_file), "--key", str(server.key_file)),
                self.urls["kanta"].replace("/kanta/archive", f"/kanta/documents/{document_id}"),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextmanager
def serving(office: Office, *more: str) -> Iterator[Serving]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "sotepki", "serve", "--workspace", str(office.directory), "--format", "json"),
            *FREE_PORTS,
            *more,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        told = json.loads(text)
        yield Serving(office, process, {s["name"]: s["url"] for s in told["services"]}, told["trust"])
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_serve_archives_stops_on_sigterm_and_a_restart_has_lost_nothing(office: Office) -> None:
    with serving(office) as first:
        assert set(first.urls) == {"publication", "kanta", "validation", "status"}
        answer = first.send(office.frames[0])
        assert answer["code"] == "AA", answer
        assert "requests" in first.curl("status")
        assert first.stop(signal.SIGTERM) == 0
    with serving(office) as second:
        assert answer["document_id"] in second.document(answer["document_id"])
        assert second.send(office.frames[0]) == answer, "the same message gets the same acknowledgement"
        assert second.stop(signal.SIGINT) == 0


def test_killed_while_serving_the_acknowledged_document_is_kept(office: Office) -> None:
    with serving(office) as first:
        answer = first.send(office.frames[1])
        assert answer["code"] == "AA", answer
        first.process.kill()
        first.process.wait()
    with serving(office) as second:
        assert answer["document_id"] in second.document(answer["document_id"])


def test_a_page_signs_with_the_real_card_through_the_signature_service(office: Office) -> None:
    trust = str(office.directory / "scs" / "localhost.crt")
    with serving(office, "--card", office.card_number, "--pins", str(office.pins)) as running:
        version = json.loads(running.curl("scs", "--cacert", trust, path="/version"))
        assert version["version"] == "1.1"
        content = b"asiakirjan tiiviste"
        for hash_name in ("SHA256", "SHA512"):
            body = {
                "version": "1.1",
                "content": base64.b64encode(content).decode(),
                "contentType": "data",
                "hashAlgorithm": hash_name,
                "signatureType": "signature",
                "selector": {"keyusages": ["nonrepudiation"], "keyalgorithms": ["rsa"]},
            }
            answer = json.loads(running.curl("scs", "--cacert", trust, "--data", json.dumps(body), path="/sign"))
            assert (answer["status"], answer["reasonCode"]) == ("ok", 200), answer
            chain = [x509.load_der_x509_certificate(base64.b64decode(link)) for link in answer["chain"]]
            assert len(chain) == 3 and chain[2].issuer == chain[2].subject
            chain[0].verify_directly_issued_by(chain[1])
            key = chain[0].public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            signature = base64.b64decode(answer["signature"])
            key.verify(signature, content, padding.PKCS1v15(), getattr(hashes, hash_name)())
        login = {"content": base64.b64encode(b"no origin").decode(), "selector": {"keyusages": ["digitalSignature"]}}
        refused = json.loads(running.curl("scs", "--cacert", trust, "--data", json.dumps(login), path="/sign"))
        assert refused["reasonCode"] == 403
        assert running.stop(signal.SIGTERM) == 0


def test_an_organisation_known_by_its_name_and_no_other_may_send(office: Office) -> None:
    other = Oid("1.2.246.10.99000034.10.0")
    with serving(office) as running:
        text = office.frames[2].decode()
        sender = office.provider.organisation.oid.value
        head, tail = text.split("<sender", 1)
        answer = running.send((head + "<sender" + tail.replace(sender, other.value, 1)).encode())
    assert answer["code"] == "AR"
    assert [finding["rule"] for finding in answer["findings"]] == ["kanta.client.organisation-sender"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--card", "000000000"), ""),
        (("--scs", "--pins", "/nowhere"), "no file"),
        (("--kanta-port", "70000"), "70000"),
    ],
)
def test_wrong_usage_is_one_sentence_with_exit_code_1_or_2(
    office: Office, options: tuple[str, ...], sentence: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sotepki", "serve", "--workspace", str(office.directory), *FREE_PORTS, *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_a_taken_port_is_named_and_nothing_stays_running(office: Office) -> None:
    with serving(office) as running:
        port = running.urls["publication"].rsplit(":", 1)[1]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "sotepki",
                "serve",
                "--workspace",
                str(office.directory),
                *FREE_PORTS,
                "--publication-port",
                port,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert port in done.stderr and "Traceback" not in done.stderr
