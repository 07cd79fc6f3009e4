"""A workspace with a provider, a card and signed documents, and ``sotepki serve`` running on it as a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sotepki.documents import build_frame, build_social_document, sign_as_system
from sotepki.identifiers import Oid
from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, card_in_hand
from sotepki.journey.service_provider import ProviderSystem, provider_system
from sotepki.registers import Organisation, Person
from sotepki.workspace import Workspace


@dataclass
class Office:
    """A workspace with a provider and a card, closed, so that the service may open it."""

    directory: Path
    provider: ProviderSystem
    client: Person
    card_number: str
    pins: Path
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def document(self) -> bytes:
        """A signed document, made with the machine's time as the workspace's clock has it."""
        with Workspace.open(self.directory) as workspace:
            now = workspace.clock.now()
        organisation, identity = self.provider.organisation, self.provider.system_signature
        unsigned = build_social_document(
            client=self.client,
            organisation=organisation,
            author=None,
            document_oid=self.oid(93),
            created=now,
        )
        return sign_as_system(unsigned, key=identity.key(), certificate=identity.certificate, at=now)

    def frame(self, document: bytes | None = None, *, message: Oid | None = None) -> bytes:
        """A frame around a document."""
        sender = self.provider.organisation.oid
        with Workspace.open(self.directory) as workspace:
            now = workspace.clock.now()
        return build_frame(document or self.document(), message_id=message or self.oid(94), sender=sender, at=now)

    def frames(self, count: int) -> list[bytes]:
        """Frames around documents of their own."""
        with Workspace.open(self.directory) as workspace:
            now = workspace.clock.now()
        organisation, identity = self.provider.organisation, self.provider.system_signature
        key, made = identity.key(), []
        for _ in range(count):
            unsigned = build_social_document(
                client=self.client, organisation=organisation, author=None, document_oid=self.oid(93), created=now
            )
            document = sign_as_system(unsigned, key=key, certificate=identity.certificate, at=now)
            made.append(build_frame(document, message_id=self.oid(94), sender=organisation.oid, at=now))
        return made

    def oid(self, arc: int) -> Oid:
        """A new id under the provider."""
        return self.provider.organisation.oid.child(arc, 2026, next(self.numbers))

    @property
    def client_files(self) -> tuple[str, str]:
        """Certificate chain and key of the provider's TLS client."""
        return str(self.provider.server.chain_file), str(self.provider.server.key_file)


def made_office(directory: Path) -> Office:
    """A new workspace with everything in it."""
    cast = load_cast()
    with Workspace.create(directory, card_keys=2) as workspace:
        organisation: Organisation | None = workspace.thl.organisation(cast.organisation("social-services"))
        client = workspace.population.person(cast.person("nurse"))
        assert organisation is not None and client is not None
        provider = provider_system(workspace, organisation, user=cast.person("technical-contact"))
        card = card_in_hand(
            workspace, registrar=cast.person("registrar-county-1"), applicant=cast.person("social-worker")
        )
    pins = directory.parent / "pins"
    pins.write_text(f"{PIN1.reveal()}\n{PIN2.reveal()}\n", encoding="ascii")
    return Office(directory, provider, client, card.card_number, pins)


@dataclass
class Serving:
    """The running command, what it printed, and where it logs."""

    office: Office
    process: subprocess.Popen[str]
    urls: dict[str, str]
    bases: dict[str, str]
    trust: str
    hosts: list[str]
    log: Path

    def port(self, name: str) -> int:
        return int(urlsplit(self.bases[name]).port or 0)

    def curl(self, url: str, *arguments: str) -> str:
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60", *arguments, url],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def as_client(self, url: str, *arguments: str) -> str:
        """curl with the provider's server certificate."""
        chain, key = self.office.client_files
        return self.curl(url, "--cacert", self.trust, "--cert", chain, "--key", key, *arguments)

    def send(self, frame: bytes, name: str = "kanta", **headers: str) -> dict[str, Any]:
        """A message to Kanta; the acknowledgement as JSON."""
        body = self.office.directory.parent / "frame.xml"
        body.write_bytes(frame)
        sent = {"Content-Type": "text/xml", "Accept": "application/json"} | headers
        options = [option for key, value in sent.items() for option in ("--header", f"{key}: {value}")]
        answer: dict[str, Any] = json.loads(self.as_client(self.urls[name], *options, "--data-binary", f"@{body}"))
        return answer

    def document(self, document_id: str, name: str = "kanta") -> str:
        url = self.urls[name].replace("/kanta/archive", f"/kanta/documents/{document_id}")
        return self.as_client(url, "--fail")

    def command(self, *arguments: str) -> Any:
        """The JSON answer of another command on the same workspace, while the services run."""
        done = subprocess.run(
            [*_SOTEPKI, *arguments, "--workspace", str(self.office.directory), "--format", "json"],
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    def refused(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command on the same workspace that is not done, as it ended."""
        return subprocess.run(
            [*_SOTEPKI, *arguments, "--workspace", str(self.office.directory)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


_SOTEPKI = (sys.executable, "-m", "sotepki")


@contextmanager
def serving(office: Office, *more: str) -> Iterator[Serving]:
    """``sotepki serve`` on free ports until the block ends."""
    log = office.directory.parent / "serve.log"
    with open(log, "w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [
                *(*_SOTEPKI, "serve", "--workspace", str(office.directory), "--format", "json", "--free-ports"),
                *more,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    assert process.stdout is not None
    try:
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        assert text, log.read_text(encoding="utf-8")
        told = json.loads(text)
        rows = told["services"]
        yield Serving(
            office,
            process,
            {row["name"]: row["url"] for row in rows},
            {row["name"]: row["base"] for row in rows},
            told["trust"],
            told["hosts"],
            log,
        )
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
