"""What a hostile, broken or hasty client does to a running ``sotepki serve``: TLS, HTTP, stalls, kills.

The long versions: SOTEPKI_KILLS=50 and SOTEPKI_CONNECTIONS=500 (docs/kanta.md has their figures).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from serve_world import Office, Serving, made_office, serving

from sotepki.documents import SignatureKind, Signer, sign_document
from sotepki.kela.tables import ArchivedDocument
from sotepki.records import first_break
from sotepki.workspace import Workspace

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("openssl") or not shutil.which("curl"), reason="needs openssl and curl"),
]

KILLS = int(os.environ.get("SOTEPKI_KILLS", "3"))
CONNECTIONS = int(os.environ.get("SOTEPKI_CONNECTIONS", "120"))
STALLED = CONNECTIONS // 5
ONLY = ("--only", "publication", "--only", "kanta", "--only", "kela", "--only", "status")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return made_office(tmp_path_factory.mktemp("adversity") / "workspace")


@pytest.fixture(scope="module")
def house(office: Office) -> Iterator[Serving]:
    with serving(office, *ONLY) as running:
        yield running
        assert running.process.poll() is None, "the service outlived everything"
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


def _refused(house: Serving, since: int) -> tuple[str, ...]:
    """The rules of the newest refused handshake; its line is written a moment later."""
    for _ in range(100):
        rows = json.loads(house.curl(house.bases["kela"] + "/status?format=json"))
        found = [row for row in rows if row["kind"] == "handshake" and row["number"] > since]
        if found:
            return tuple(found[0]["rules"])
        time.sleep(0.05)
    return ()


def _newest(house: Serving) -> int:
    rows = json.loads(house.curl(house.bases["kela"] + "/status?format=json"))
    return max((int(row["number"]) for row in rows), default=0)


def _s_client(house: Serving, *options: str, asks: str = "GET /kanta/documents/1.2.3 HTTP/1.1") -> str:
    done = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{house.port('kanta')}", "-CAfile", house.trust),
            *options,
        ],
        input=f"{asks}\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def _context(house: Serving) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=house.trust)
    context.load_cert_chain(*house.office.client_files)
    return context


def _connected(house: Serving, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", house.port("kanta")), timeout=60)
    return (context or _context(house)).wrap_socket(plain, server_hostname="localhost")


def _asked(house: Serving, request: bytes) -> bytes:
    """What Kanta answers to raw octets, up to the end of the connection or a second of silence."""
    with _connected(house) as connection:
        connection.sendall(request)
        connection.settimeout(3)
        data = b""
        try:
            while chunk := connection.recv(65536):
                data += chunk
        except (TimeoutError, ConnectionError):
            pass
        return data


# --------------------------------------------------------------------------------------------------------- TLS


def test_a_certificate_of_another_ca_is_refused_and_can_be_looked_at_afterwards(
    house: Serving, tmp_path: Path
) -> None:
    since, key, certificate = _newest(house), tmp_path / "key.pem", tmp_path / "other.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out"),
            *(str(certificate), "-subj", "/CN=muu.test.example", "-days", "3"),
        ],
        check=True,
        capture_output=True,
    )
    _s_client(house, "-cert", str(certificate), "-key", str(key))
    assert _refused(house, since) == ("tls.client.issuer",)
    (line, *_) = house.command("kanta", "requests", "--handshakes")
    assert "self" in line["reason"], "OpenSSL's own words"
    out = tmp_path / "refused.pem"
    house.command("kanta", "certificate", line["certificate"]["sha256"], "--output", str(out))
    assert x509.load_pem_x509_certificate(out.read_bytes()) == x509.load_pem_x509_certificate(
        certificate.read_bytes()
    )


def test_no_certificate_and_old_versions_are_refused_by_rule(house: Serving) -> None:
    since = _newest(house)
    _s_client(house)
    assert _refused(house, since) == ("tls.client.missing",)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        since, context = _newest(house), _context(house)
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _connected(house, context)
        assert _refused(house, since) == ("tls.version",)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize(
    "oddity",
    [("-servername", "muu.example"), ("-noservername",), ("-alpn", "h2"), ("-alpn", "h2,http/1.1,x")],
    ids=["other-name", "no-name", "alpn-h2", "alpn-many"],
)
def test_names_and_protocols_that_are_odd_change_nothing(
    house: Serving, version: str, oddity: tuple[str, ...]
) -> None:
    chain, key = house.office.client_files
    said = _s_client(house, version, *oddity, "-cert", chain, "-key", key, "-ign_eof")
    assert "HTTP/1.1 404" in said and "kanta.document.unknown" in said


def test_renegotiation_is_not_done(house: Serving) -> None:
    chain, key = house.office.client_files
    done = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{house.port('kanta')}", "-tls1_2", "-cert", chain),
            *("-key", key),
        ],
        input="R\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "RENEGOTIATING" in done.stdout + done.stderr
    assert "no renegotiation" in done.stderr or "Error" in done.stderr or done.returncode != 0


def test_a_server_certificate_signs_no_document(house: Serving) -> None:
    identity, document = house.office.provider.server, house.office.document()
    begin, end = document.index(b"<hl7fi:signature "), document.index(b"</hl7fi:signatureCollection>")
    signer = Signer(SignatureKind.SYSTEM, identity.key(), identity.certificate)
    signed = sign_document(document[:begin] + document[end:], signer, datetime.now(UTC))
    answer = house.send(house.office.frame(signed))
    assert answer["code"] == "AE"
    assert "doc.key-usage" in {finding["rule"] for finding in answer["findings"]}


def test_a_system_signature_certificate_opens_no_connection(house: Serving, tmp_path: Path) -> None:
    identity = house.office.provider.system_signature
    answer = house.curl(
        house.urls["kanta"],
        *("--cacert", house.trust, "--cert", str(identity.chain_file), "--key", str(identity.key_file)),
        *("--header", "Content-Type: text/xml", "--header", "Accept: application/json", "--data", "<a/>"),
    )
    assert "kanta.client.key-usage" in answer


# -------------------------------------------------------------------------------------------------------- HTTP

_FHIR = b"POST /fhir HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"
_HEAD = b"POST /kanta/archive HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"


@pytest.mark.parametrize(
    ("request_octets", "status"),
    [
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n", b"400"),
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n", b"400"),
        (_HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", b"400"),
        (_HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", b"400"),
        (_HEAD + b"Content-Length: -5\r\n\r\nabcdef", b"400"),
        (_HEAD + b"Content-Length: 5 5\r\n\r\nabcdef", b"400"),
        (_HEAD + b"Content-Length: 99999999999999999999\r\n\r\nabc", b"400"),
        (_HEAD + b"Content-Length: 99999999999\r\n\r\nabc", b"413"),
        (_HEAD + b"X: " + b"a" * 20_000 + b"\r\n\r\n", b"400"),
        (_HEAD + b"X: a\r\n" * 500 + b"\r\n", b"400"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET /kanta/documents/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /kanta/documents/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET //kanta//archive HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /kanta/archive%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"DELETE /kanta/archive HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
        (b"\x00\xff\x16\x03 garbage\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (_HEAD.replace(b"text/xml", b"image/png") + b"Content-Length: 1\r\n\r\nx", b"415"),
        (_HEAD.replace(b"kanta/archive", b"fhir") + b"Content-Length: 2\r\n\r\n{]", b"400"),
        (_FHIR + b"Content-Length: 2\r\n\r\n{]", b"400"),
    ],
)  # fmt: skip
def test_a_broken_request_is_refused_with_its_status_and_nothing_breaks(
    house: Serving, request_octets: bytes, status: bytes
) -> None:
    answer = _asked(house, request_octets)
    assert answer.startswith((b"HTTP/1.1 " + status, b"HTTP/1.0 " + status)), answer[:300]
    assert b"Traceback" not in answer and b"/site-packages/" not in answer


@pytest.mark.parametrize(
    "body",
    [b"\x00" * 100, b"{", b"[" * 50_000, b'{"messageId": 1e999}', b'"\\ud800"', b"<a>" * 50_000, b"\xff\xfe<\x00"],
    ids=["zeros", "brace", "deep-json", "number", "surrogate", "deep-xml", "utf-16"],
)  # fmt: skip
def test_garbage_in_every_door_is_told_by_rule(house: Serving, tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "body"
    path.write_bytes(body)
    answer = house.send(body)
    assert answer["code"] == "AR" and answer["findings"][0]["rule"]
    for place in ("/validation/document", "/shark-validointi/validoi/asiakirja/tulos"):
        told = house.curl(
            house.bases["kela"] + place,
            *(
                "--header",
                "Content-Type: application/json",
                "--data-binary",
                f"@{path}",
                "--write-out",
                "\n%{http_code}",
            ),
        )
        assert told.splitlines()[-1] in ("200", "400") and "Traceback" not in told


# ------------------------------------------------------------------------------------------------ stalls and kills


def test_stalled_and_half_open_connections_do_not_hold_up_the_others(house: Serving) -> None:
    frames, context = house.office.frames(20), _context(house)
    with ExitStack() as open_:
        half_open = [
            open_.enter_context(socket.create_connection(("127.0.0.1", house.port("kanta")), timeout=60))
            for _ in range(STALLED // 2)
        ]
        half_open[0].sendall(b"\x16\x03\x01")
        with ThreadPoolExecutor(16) as pool:
            rest = range(CONNECTIONS - len(half_open))
            connections = list(pool.map(lambda _: open_.enter_context(_connected(house, context)), rest))
        for stalled in connections[: STALLED - len(half_open)]:
            stalled.sendall(_HEAD + b"Content-Length: 1000\r\n\r\n<RCMR")
        workers = connections[STALLED - len(half_open) :]

        def send(number: int) -> bytes:
            connection, frame = workers[number % len(workers)], frames[number]
            connection.sendall(_HEAD + f"Content-Length: {len(frame)}\r\n\r\n".encode() + frame)
            return connection.recv(65536)

        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(send, range(len(frames))))
        assert time.monotonic() - began < 30
        assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)


def test_a_head_that_does_not_come_is_not_waited_for(house: Serving) -> None:
    with _connected(house) as connection:
        connection.sendall(b"POST /kanta/archive HTT")
        began = time.monotonic()
        connection.settimeout(60)
        try:
            ended = connection.recv(100)
        except (ConnectionError, ssl.SSLError):
            ended = b""
        assert ended == b"" and 5 < time.monotonic() - began < 40


def test_killed_during_a_stream_every_acknowledged_document_is_there_and_none_twice(office: Office) -> None:
    frames = office.frames(12 * KILLS)
    acknowledged: dict[str, dict[str, Any]] = {}
    rest = list(frames)
    for _ in range(KILLS):
        with serving(office, "--only", "publication", "--only", "kanta") as running:
            rest = _streamed_until_killed(running, rest, acknowledged)
    with serving(office, "--only", "publication", "--only", "kanta") as last:
        rest = _streamed_until_killed(last, rest, acknowledged, kill=False)
        assert rest == [] and len(acknowledged) == len(frames)
        for frame in frames[:6]:
            answer = last.send(frame)
            assert answer == acknowledged[answer["message_id"]], "a repeated message gets its own acknowledgement"
        for answer in list(acknowledged.values())[:: max(1, KILLS)]:
            assert answer["document_id"] in last.document(answer["document_id"])
    with Workspace.open(office.directory) as workspace, workspace.records.look() as session:
        ids = {answer["document_id"] for answer in acknowledged.values()}
        assert session.query(ArchivedDocument).filter(ArchivedDocument.document_id.in_(ids)).count() == len(ids)
        assert first_break(session) is None


def _streamed_until_killed(
    running: Serving, frames: list[bytes], acknowledged: dict[str, dict[str, Any]], *, kill: bool = True
) -> list[bytes]:
    """Send frames by several connections and kill the service in the middle; those without an answer."""
    waiting, left, lock = list(frames), [], threading.Lock()
    enough = len(acknowledged) + 8

    def client() -> None:
        try:
            connection = _connected(running)
        except (OSError, ssl.SSLError):
            return
        with connection:
            while True:
                with lock:
                    if not waiting:
                        return
                    frame = waiting.pop()
                try:
                    head = f"Accept: application/json\r\nContent-Length: {len(frame)}\r\n\r\n".encode()
                    connection.sendall(_HEAD + head + frame)
                    answer = _json(connection)
                except (OSError, ssl.SSLError, ValueError):
                    with lock:
                        left.append(frame)
                    return
                with lock:
                    assert answer["code"] == "AA", answer
                    acknowledged[answer["message_id"]] = answer
                    if kill and len(acknowledged) >= enough and running.process.poll() is None:
                        running.process.kill()

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if kill and running.process.poll() is None:
        running.process.kill()
    if kill:
        running.process.wait()
    return [*waiting, *left]


def _json(connection: ssl.SSLSocket) -> dict[str, Any]:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError("closed")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError("closed")
        body += chunk
    answer: dict[str, Any] = json.loads(body)
    return answer
