"""Kela's services over HTTP and mutual TLS: curl's part is in the integration tests, the corners are here."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import re
import select
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from kela_world import HOST, Client, KelaWorld, new_world
from lxml import etree

from sotepki import loopback
from sotepki.documents.diagnosis import accidents
from sotepki.errors import Misuse
from sotepki.kela import (
    VALIDATION_PATH,
    Kanta,
    RequestEntry,
    RequestKind,
    SharkQuirk,
    archive_service,
    load_settings,
)
from sotepki.kela.acknowledgement import HL7
from sotepki.kela.archive_service import ARCHIVE_PATH, MOST_LINES, ArchiveService
from sotepki.kela.public_service import public_application
from sotepki.kela.soap import SOAP_11, SOAP_12
from sotepki.kela.transport import RefusedHandshake, server_context
from sotepki.kela.turns import Turn
from sotepki.x509.serials import serial_text

SMALL = 200_000
"""The size limit in these tests, in bytes."""


@dataclass
class Served:
    """A running Kanta and what a client needs for it."""

    world: KelaWorld
    kanta: Kanta
    url: str
    public: str
    directory: Path
    client: Client
    since: int = 0

    def context(self, client: Client | None = None, **limits: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.world.authorities.root.public_bytes(Encoding.PEM).decode())
        if client is not None:
            context.load_cert_chain(client.files(self.directory, f"{client.certificate.serial_number:x}"))
        for name, value in limits.items():
            setattr(context, name, value)
        return context

    def connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        parts = urlsplit(self.url)
        plain = socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=15)
        return context.wrap_socket(plain, server_hostname=HOST)

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPSConnection("unused", timeout=30)
        connection.sock = self.connect(self.context(self.client))
        connection.request(method, path, body, {"Content-Type": "application/xml"} | (headers or {}))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def post(self, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, _, content = self.call("POST", ARCHIVE_PATH, body, {"Accept": "application/json"} | named)
        return status, json.loads(content)

    def rules_of_the_newest(self, kind: str) -> tuple[str, ...]:
        """The rules of the newest request of a kind; the log of handshakes is written a moment later."""
        for _ in range(100):
            found = [line for line in self.kanta.requests() if line.kind == kind and line.number > self.since]
            if found:
                return found[0].rules
            time.sleep(0.05)
        return ()


@contextmanager
def _running(directory: Path) -> Iterator[Served]:
    world = new_world(directory)
    settings = replace(load_settings(), max_message_bytes=SMALL, read_seconds=2.0)
    kanta = replace(world.kanta(), settings=settings)
    with (
        archive_service.running(kanta, world.server_chain()) as url,
        loopback.running(public_application(kanta)) as public,
    ):
        yield Served(world, kanta, url, public, directory, world.client())
    world.records.database.close()


@pytest.fixture(scope="module")
def _served_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with _running(tmp_path_factory.mktemp("kanta")) as running:
        yield running


@pytest.fixture
def served(_served_once: Served) -> Served:
    """A Kanta that the tests of this module share; lines of earlier tests are left out of its log."""
    newest = _served_once.kanta.requests(1)
    return replace(_served_once, since=newest[0].number if newest else 0)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A Kanta for one test that changes its world."""
    with _running(tmp_path) as running:
        yield running


def _rules(answer: dict[str, Any]) -> list[str]:
    return [finding["rule"] for finding in answer["findings"]]


# ------------------------------------------------------------------------------------------------------- messages


def test_a_message_is_archived_over_mutual_tls_and_comes_back_to_its_sender(served: Served) -> None:
    document = served.world.system_signed()
    status, answer = served.post(served.world.frame(document))
    assert (status, answer["code"]) == (200, "AA"), answer
    status, headers, content = served.call("GET", f"/kanta/documents/{answer['document_id']}")
    assert (status, content) == (200, document)
    assert headers.get_content_type() == "application/xml"


@pytest.mark.parametrize(("envelope", "media_type"), [(SOAP_11, "text/xml"), (SOAP_12, "application/soap+xml")])
def test_a_message_in_a_soap_envelope_is_answered_in_one(served: Served, envelope: str, media_type: str) -> None:
    frame = served.world.frame(served.world.system_signed())
    inner = etree.tostring(etree.fromstring(frame))
    body = f'<s:Envelope xmlns:s="{envelope}"><s:Header/><s:Body>'.encode() + inner + b"</s:Body></s:Envelope>"
    status, headers, content = served.call("POST", ARCHIVE_PATH, body, {"Content-Type": media_type})
    assert status == 200 and headers.get_content_type() == media_type
    acknowledgement = etree.fromstring(content).find(f"{{{envelope}}}Body/*/{{{HL7}}}acknowledgement")
    assert acknowledgement is not None and acknowledgement.get("typeCode") == "AA"


def test_an_envelope_with_two_messages_is_refused(served: Served) -> None:
    body = f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body><a/><b/></s:Body></s:Envelope>'.encode()
    status, answer = served.post(body)
    assert (status, _rules(answer)) == (400, ["kanta.message.soap"])


@pytest.mark.parametrize(
    ("body", "headers", "status", "rule"),
    [
        (b"<a/>", {"Content_Type": "application/json"}, 415, "kanta.message.content-type"),
        (b"", {}, 400, "kanta.message.empty"),
        (b"<a>\x01 garbage", {}, 400, "xml.not-well-formed"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", {}, 400, "xml.dtd"),
        (b"<a>" * 20_000, {}, 400, ""),
        (b"<a/>", {}, 200, "frame.structure"),
        (b"a" * (SMALL + 1), {}, 413, "kanta.message.size"),
        (b"not gzip", {"Content_Encoding": "gzip"}, 400, "kanta.message.empty"),
    ],
    ids=["json", "empty", "garbage", "dtd", "deep", "other", "long", "gzip"],
)
def test_a_faulty_request_gets_an_acknowledgement_and_never_a_traceback(
    served: Served, body: bytes, headers: dict[str, str], status: int, rule: str
) -> None:
    found, answer = served.post(body, **headers)
    assert (found, answer["code"]) == (status, "AR")
    assert not rule or _rules(answer) == [rule]
    assert served.rules_of_the_newest("archive") == tuple(_rules(answer))


def test_chunks_beyond_the_limit_are_refused_without_reading_on(served: Served) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"a" * 10_000

    connection = http.client.HTTPSConnection("unused", timeout=30)
    connection.sock = served.connect(served.context(served.client))
    connection.request("POST", ARCHIVE_PATH, chunks(), {"Content-Type": "text/xml"}, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_unknown_paths_and_methods_are_refused_by_rule(served: Served) -> None:
    for method, path, status in (("GET", "/", 404), ("GET", ARCHIVE_PATH, 405), ("GET", "/kanta/../../etc", 404)):
        found, _, content = served.call(method, path, headers={"Accept": "application/json"})
        assert found == status
        assert _rules(json.loads(content)) == ["kanta.service.path"]


def test_a_method_that_is_not_taken_is_told_which_one_is(served: Served) -> None:
    """RFC 9110 15.5.6: an answer 405 names the methods that are taken."""
    status, headers, _ = served.call("PUT", ARCHIVE_PATH, b"<a/>")
    assert (status, headers["Allow"]) == (405, "POST")
    connection = http.client.HTTPConnection(served.public.removeprefix("http://"), timeout=30)
    connection.request("GET", VALIDATION_PATH)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    connection.close()


def test_the_answer_is_xml_unless_json_is_preferred(served: Served) -> None:
    for accept, media_type in (
        ("*/*", "application/xml"),
        ("application/xml, application/json;q=0.5", "application/xml"),
        ("application/json", "application/json"),
        ("text/html, application/json;q=0.9, text/xml;q=0.1", "application/json"),
    ):
        _, headers, _ = served.call("POST", ARCHIVE_PATH, b"<a/>", {"Accept": accept})
        assert headers.get_content_type() == media_type, accept


def test_an_unknown_document_is_404_and_a_refused_client_403(own: Served) -> None:
    status, _, content = own.call("GET", "/kanta/documents/1.2.3")
    assert (status, json.loads(content)["rule"]) == (404, "kanta.document.unknown")
    own.world.revoke(own.client.certificate)
    status, _, content = own.call("GET", "/kanta/documents/1.2.3")
    assert (status, json.loads(content)["rule"]) == (403, "kanta.client.revoked")


# ------------------------------------------------------------------------------------------------------ handshakes


def test_refused_handshakes_without_end_hold_no_message_up() -> None:
    """Each waits for its line in the log, and lines are written by the workers that judge messages."""
    written, release = [], threading.Event()

    def log(line: object, _certificate: object) -> None:
        assert release.wait(10)
        written.append(line)

    settings = SimpleNamespace(workers=2)
    kanta = SimpleNamespace(settings=settings, turn=Turn(), log=log, entry=lambda *_, **more: more)
    service = ArchiveService(cast(Any, kanta))
    for _ in range(3 * MOST_LINES):
        service.handshake_refused(RefusedHandshake("tls.client.missing", "", None))
    assert service.handshakes_refused["tls.client.missing"] == 3 * MOST_LINES, "all of them are counted"
    assert service._workers._work_queue.qsize() <= MOST_LINES
    release.set()
    end = time.monotonic() + 10
    while len(written) <= MOST_LINES and time.monotonic() < end:
        service.handshake_refused(RefusedHandshake("tls.client.missing", "", None))
        time.sleep(0.01)
    service._workers.shutdown()
    assert len(written) > MOST_LINES, "lines are written again when there is room"


def _handshake_refused(served: Served, context: ssl.SSLContext) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)), served.connect(context) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        if not connection.recv(1):
            raise ConnectionResetError("closed without an answer")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_without_a_certificate_is_refused_and_the_reason_kept(
    served: Served, version: ssl.TLSVersion
) -> None:
    _handshake_refused(served, served.context(None, maximum_version=version))
    assert served.rules_of_the_newest("handshake") == ("tls.client.missing",)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_of_another_ca_is_refused_and_kept_with_the_reason_of_openssl(
    served: Served, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    from scs_world import MemoryCard

    card = MemoryCard()
    stranger = Client(card.certificates["authentication"], card.authentication, card.issuers)  # type: ignore[arg-type]
    _handshake_refused(served, served.context(stranger, maximum_version=version))
    assert served.rules_of_the_newest("handshake") == ("tls.client.issuer",)
    line = served.kanta.requests()[0]
    assert line.certificate_serial == serial_text(stranger.certificate.serial_number)
    assert line.certificate_issuer == "TEST ammattivarmenteet"
    assert "OpenSSL" in line.reason


def test_a_card_certificate_as_tls_client_is_refused(served: Served) -> None:
    card = served.world.card(profile="professional-signature-rsa")
    _handshake_refused(served, served.context(card))
    assert served.rules_of_the_newest("handshake") == ("tls.client.purpose",)
    authentication = served.world.card(profile="professional-authentication-rsa")
    _, answer = replace(served, client=authentication).post(served.world.frame(served.world.system_signed()))
    assert _rules(answer) == ["kanta.client.issuer"]


def test_an_old_tls_version_is_refused(served: Served) -> None:
    context = served.context(served.client)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    _handshake_refused(served, context)
    assert served.rules_of_the_newest("handshake") == ("tls.version",)


def test_plain_http_on_the_tls_port_is_refused_and_the_service_lives_on(served: Served) -> None:
    parts = urlsplit(served.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=5) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"200" not in plain.recv(100)
    assert served.rules_of_the_newest("handshake") == ("tls.handshake",)
    assert served.call("GET", "/")[0] == 404


def test_the_handshake_leaves_the_time_to_the_clock_of_the_workspace(own: Served) -> None:
    own.world.advance(days=400)
    status, answer = own.post(b"<a/>")
    assert (status, _rules(answer)) == (200, ["kanta.client.validity"])


def test_a_server_key_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    with pytest.raises(Misuse, match="no server certificate"):
        server_context(path, [], lambda _refused: None)
    path.write_text("nothing")
    with pytest.raises(Misuse, match=r"server\.pem does not hold"):
        server_context(path, [], lambda _refused: None)


# ------------------------------------------------------------------------------------------------------------ load


def test_sixteen_clients_at_once_are_all_answered_and_all_archived(served: Served) -> None:
    frames = [served.world.frame(served.world.system_signed()) for _ in range(16)]
    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda frame: served.post(frame)[1], frames))
    assert {answer["code"] for answer in answers} == {"AA"}
    assert len({answer["document_id"] for answer in answers}) == 16


def test_a_slow_client_blocks_nobody_and_is_sent_away(served: Served) -> None:
    slow = served.connect(served.context(served.client))
    slow.sendall(f"POST {ARCHIVE_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n".encode())
    slow.sendall(b"Content-Length: 1000\r\n\r\n<a>")
    half_open = [served.connect(served.context(served.client)) for _ in range(20)]
    parts = urlsplit(served.url)
    silent = [socket.create_connection((str(parts.hostname), int(parts.port or 0))) for _ in range(20)]
    assert served.post(served.world.frame(served.world.system_signed()))[1]["code"] == "AA"
    assert not select.select([slow], [], [], 0)[0], "the slow one was sent away before the others were served"
    assert b" 408 " in slow.recv(100)
    assert served.rules_of_the_newest("archive") == ("kanta.message.slow",)
    for connection in (slow, *half_open, *silent):
        connection.close()


# ------------------------------------------------------------------------------------------ validation and status


def _ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST" if body is not None else "GET", parts.path + "?" + parts.query, body, named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers.get_content_type(), content


def _shark(frame: bytes, document: bytes, **fields: Any) -> bytes:
    row = {
        "messageId": str(uuid.uuid4()),
        "palveluPyynto": "SP17",
        "level": "1",
        "siirtokehysXml": frame.decode(),
        "asiakirjaXml": document.decode(),
    }
    return json.dumps(row | fields).encode()


def _shark_rules(content: bytes) -> str:
    return str(json.loads(content)["description"])


def test_the_validation_service_answers_as_the_public_one_does(served: Served) -> None:
    world, url = served.world, served.public + VALIDATION_PATH
    document = world.system_signed()
    good = _ask(url, _shark(world.frame(document), document), Content_Type="application/json")
    assert (good[0], good[2]) == (200, b"")
    other = world.system_signed()
    status, media_type, content = _ask(
        url, _shark(world.frame(other), document, palveluPyynto="SP1"), Content_Type="application/json"
    )
    assert (status, media_type) == (400, "application/json")
    assert _shark_rules(content).startswith("1. ")
    assert "2. " in _shark_rules(content) and "frame.document-id" in _shark_rules(content)


def test_a_frame_without_the_document_is_validated_beside_it(served: Served) -> None:
    document = served.world.system_signed()
    root = etree.fromstring(served.world.frame(document))
    carrier = next(root.iter(f"{{{HL7}}}clinicalDocument"))
    text = carrier.find(f"{{{HL7}}}text")
    assert text is not None
    carrier.remove(text)
    answer = _ask(
        served.public + VALIDATION_PATH,
        _shark(etree.tostring(root), document),
        Content_Type="application/json; charset=utf-8",
    )
    assert (answer[0], answer[2]) == (200, b"")


def test_signatures_are_judged_by_the_plain_form_and_by_the_other_only_when_asked(served: Served) -> None:
    world = served.world
    document = world.document()
    body = _shark(world.frame(document), document)
    assert _ask(served.public + VALIDATION_PATH, body, Content_Type="application/json")[0] == 200
    status, _, content = _ask(served.public + "/validation/document", body)
    report = json.loads(content)
    assert (status, report["verdict"]) == (200, "invalid")
    assert "doc.signature.missing" in _rules(report)
    strict = replace(served.kanta, settings=replace(load_settings(), shark_checks_signatures=True))
    with loopback.running(public_application(strict)) as url:
        assert "doc.signature.missing" in _shark_rules(
            _ask(url + VALIDATION_PATH, body, Content_Type="application/json")[2]
        )


def test_the_plain_form_says_what_probably_happened_to_a_broken_signature(served: Served) -> None:
    """That the body was changed is the same sentence for every accident; the page shows the cause with it."""
    url = served.public + "/validation/document"
    document = served.world.system_signed()
    assert json.loads(_ask(url, document)[2])["causes"] == []
    (cause,) = json.loads(_ask(url, re.sub(rb"(<ds:SignatureMethod)", rb"\n  \1", document))[2])["causes"]
    assert accidents()["whitespace.indented"].text in cause


def test_the_plain_form_takes_a_document_a_frame_or_garbage(served: Served) -> None:
    url = served.public + "/validation/document"
    document = served.world.system_signed()
    assert json.loads(_ask(url, document)[2])["verdict"] == "valid"
    assert json.loads(_ask(url, served.world.frame(document))[2])["verdict"] == "valid"
    for garbage in (b"\x00", b"<a/>", b"{}", b"{" * 5000):
        status, _, content = _ask(url, garbage)
        assert status == 200
        assert json.loads(content)["verdict"] != "valid" and _rules(json.loads(content))
    assert _ask(url, b"")[0] == 400
    assert _ask(url, b"a" * (SMALL + 1))[0] == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b"{}", b'{"messageId": "1"}', b'{"messageId": {}}', b'{"asiakirjaXml": "\\ud800"}'],
)
def test_a_faulty_validation_request_is_400_with_a_description(served: Served, body: bytes) -> None:
    status, _, content = _ask(served.public + VALIDATION_PATH, body, Content_Type="application/json")
    assert status == 400
    assert json.loads(content)


def test_a_validation_request_that_is_not_json_by_its_type_is_refused_and_logged(served: Served) -> None:
    status, _, content = _ask(served.public + VALIDATION_PATH, b"{}", Content_Type="text/plain")
    assert status == 400 and "[shark.request.json]" in _shark_rules(content)
    assert served.rules_of_the_newest("validate") == ("shark.request.json",)


def test_the_known_quirks_of_the_public_service_are_behind_a_switch(served: Served) -> None:
    world = served.world
    document = world.system_signed()
    bare = document.split(b"?>", 1)[1] if document.startswith(b"<?xml") else document
    settings = replace(load_settings(), shark_quirks=frozenset(SharkQuirk))
    with loopback.running(public_application(replace(served.kanta, settings=settings))) as url:
        frame = world.frame(document)
        status, media_type, content = _ask(
            url + VALIDATION_PATH, _shark(frame, bare), Content_Type="application/json"
        )
        assert (status, media_type) == (200, "text/html") and b"Request Rejected" in content
        windows = b'<?xml version="1.0"?>\r\n' + bare.replace(b"\n", b"\r\n")
        status, _, content = _ask(url + VALIDATION_PATH, _shark(frame, windows), Content_Type="application/json")
        assert status == 400 and "nonXMLBody missing" in _shark_rules(content)


def test_the_status_page_shows_refused_handshakes_with_rule_and_text(served: Served) -> None:
    _handshake_refused(served, served.context(None))
    assert served.rules_of_the_newest("handshake")
    status, media_type, page = _ask(served.public + "/status")
    assert (status, media_type) == (200, "text/html")
    assert b"tls.client.missing" in page and b"The client shows a certificate" in page
    rows = json.loads(_ask(served.public + "/status?format=json")[2])
    assert rows[0]["rules"] == ["tls.client.missing"]
    assert json.loads(_ask(served.public + "/health")[2]) == {"status": "ok"}


def test_what_a_client_sends_cannot_put_markup_on_the_status_page(served: Served) -> None:
    served.kanta.log(RequestEntry(RequestKind.ARCHIVE, "AR", ("<script>",), message_id="<script>alert(1)</script>"))
    assert b"<script>" not in _ask(served.public + "/status")[2]
