"""Corners of the archive's port: the FHIR root answers as FHIR does whatever comes, and ids that are none."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from kela_world import KelaWorld, new_world

from sotepki.errors import Fault, Refused
from sotepki.kela import Kanta, RequestKind, archive_service, load_settings
from sotepki.kela.fhir_service import FHIR_PATH
from sotepki.kela.request_log import issuer_name

SMALL = 5_000


@dataclass
class Port:
    """The archive's port and a client with a certificate."""

    world: KelaWorld
    kanta: Kanta
    url: str
    tls: ssl.SSLContext

    def call(
        self, method: str, path: str, body: bytes = b"", *, announced: int | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """``announced`` octets are promised, and only those of ``body`` sent."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, context=self.tls, timeout=20)
        connection.putrequest(method, path)
        connection.putheader("Content-Type", "application/fhir+json")
        connection.putheader("Content-Length", str(len(body) if announced is None else announced))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Port]:
    world = new_world(tmp_path_factory.mktemp("kanta"))
    settings = replace(load_settings(), max_message_bytes=SMALL, read_seconds=0.3)
    kanta = replace(world.kanta(), settings=settings)
    context = ssl.create_default_context(cadata=world.authorities.root.public_bytes(Encoding.PEM).decode())
    context.check_hostname = False  # the certificate names the host of the field
    context.load_cert_chain(world.client().files(world.directory))
    with archive_service.running(kanta, world.server_chain()) as url:
        yield Port(world, kanta, url, context)
    world.records.database.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "announced", "status", "rule"),
    [
        ("POST", FHIR_PATH, b"", None, 400, "kanta.message.empty"),
        ("POST", FHIR_PATH, b"{", 100, 408, "kanta.message.slow"),
        ("POST", FHIR_PATH, b"{", SMALL + 1, 413, "kanta.message.size"),
        ("GET", FHIR_PATH, b"", None, 405, "kanta.service.path"),
        ("POST", f"{FHIR_PATH}/AuditEvent", b"{}", None, 404, "kanta.service.path"),
    ],
)
def test_a_request_that_is_no_message_gets_the_answer_of_fhir(
    port: Port, method: str, path: str, body: bytes, announced: int | None, status: int, rule: str
) -> None:
    """A FHIR client got an acknowledgement of HL7 V3, which its parser cannot read, and no x-request-id."""
    answered, headers, content = port.call(method, path, body, announced=announced)
    assert answered == status
    assert re.fullmatch(r"2(\.\d+)+", headers["x-request-id"])
    if status == 400:
        assert content == b"", "as the guide has it for an invalid message"
    else:
        outcome = json.loads(content)
        assert (outcome["resourceType"], outcome["issue"][0]["severity"]) == ("OperationOutcome", "error")
        assert headers.get_content_type() == "application/fhir+json" and f"[{rule}]" in content.decode()
    line = port.kanta.requests(1)[0]
    assert (line.kind, line.outcome, line.rules) == (RequestKind.FHIR, "refused", (rule,))


def test_what_goes_to_the_archive_is_answered_by_the_archive(port: Port) -> None:
    """A sender of documents would get FHIR for a message that it misaddressed."""
    status, headers, _ = port.call("POST", "/fhirst", b"{}")
    assert (status, headers.get_content_type()) == (404, "application/xml")
    assert port.kanta.requests(1)[0].kind is RequestKind.ARCHIVE


@pytest.mark.parametrize("text", ["\x00", "", "x", "1.2.3\x00", "\ud800"])
def test_what_is_no_id_is_the_id_of_no_document(port: Port, text: str) -> None:
    """PostgreSQL takes no NUL: asking for such a document was answered with 503 as if the service were down."""
    looked: list[Any] = []
    records = SimpleNamespace(look=lambda: looked.append(1), clock=port.world.clock, change=port.world.records.change)
    kanta = replace(port.kanta, records=records)  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        kanta.retrieve(text, port.world.client().certificate)
    assert (refused.value.rule, looked) == ("kanta.document.unknown", [])
    assert port.call("GET", "/kanta/documents/%00")[0] == 404


def test_a_fault_of_the_books_bears_a_rule(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks the rule up to learn whether to send again found an empty one."""

    def broken(*_: object) -> None:
        raise Fault("The books cannot be read.")

    monkeypatch.setitem(port.kanta.__dict__, "judge", SimpleNamespace(client=broken))
    status, _, content = port.call("GET", "/kanta/documents/1.2.3")
    assert (status, json.loads(content)["rule"]) == (503, "kanta.service.fault")


@pytest.mark.parametrize(("name", "kept"), [("CA\x00\x1b[2J", "CA\ufffd\ufffd[2J"), ("Äijä TEST CA", "Äijä TEST CA")])
def test_an_issuer_is_logged_by_what_can_be_printed_of_its_name(name: str, kept: str) -> None:
    """A refused client whose issuer's name holds NUL left no line in the request log on PostgreSQL."""
    key, when = ec.generate_private_key(ec.SECP256R1()), datetime(2026, 1, 1, tzinfo=UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 7, when, when.replace(year=2030))
    assert issuer_name(builder.sign(key, hashes.SHA256())) == kept
