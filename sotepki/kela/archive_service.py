"""The archive over HTTP with mutual TLS: messages bare or in SOAP, answers as HL7 V3 XML or JSON.

Addresses are choices of this emulator (Kanta's are not public): ``POST /kanta/archive`` takes a message,
``GET /kanta/documents/<document id>`` gives a document back to its owner, ``.../<document id>/versions`` what the
archive knows of it. ``POST /fhir`` is the FHIR corner (``fhir_service``).

An acknowledgement of a message that could be read travels with HTTP 200, accepted or not, since it answers the
message; 4xx is for what is wrong with the HTTP request itself.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from cryptography import x509

from sotepki import loopback
from sotepki.errors import Refused, SotepkiError
from sotepki.kela.acknowledgement import Acknowledgement
from sotepki.kela.fhir_service import FhirCorner, is_fhir
from sotepki.kela.grouping import CommitGroups
from sotepki.kela.http_requests import NotTaken, client_of, expect_handler, guarded, read_body, wants_json
from sotepki.kela.judging import Judgement
from sotepki.kela.kanta import Kanta
from sotepki.kela.request_log import RequestKind
from sotepki.kela.rules import finding_of, rulebook
from sotepki.kela.soap import MEDIA_TYPES, unwrap, wrap
from sotepki.kela.transport import RefusedHandshake, server_context

ARCHIVE_PATH = "/kanta/archive"
DOCUMENT_PATH = "/kanta/documents/{document_id}"

_TAKEN = frozenset({"text/xml", "application/xml", "application/soap+xml", "application/hl7-v3+xml"})

MOST_LINES = 100
"""Of refused handshakes that may wait to be written to the request log; more are only counted. Who knocks without
end, faster than lines are written, would otherwise hold the messages up and fill the memory."""

T = TypeVar("T")


@dataclass(frozen=True)
class _Message:
    """A judged message, and how its answer travels: the HTTP status and the namespace of the SOAP envelope."""

    judgement: Judgement
    status: int = 200
    envelope: str = ""


class ArchiveService:
    """The aiohttp application of one environment; for one event loop.

    Messages are judged by worker threads in turns, so that nobody waits for a slow client or responder, and are
    settled in groups.
    """

    def __init__(self, kanta: Kanta) -> None:
        self.kanta = kanta
        self.answered: Counter[str] = Counter()
        self.handshakes_refused: Counter[str] = Counter()
        self._lines = threading.BoundedSemaphore(MOST_LINES)
        self._workers = ThreadPoolExecutor(kanta.settings.workers, thread_name_prefix="kanta")
        self.fhir = FhirCorner(kanta, self._work)
        self.groups = CommitGroups(self._settle, self._workers, kanta.turn)

    def application(self) -> web.Application:
        """Routes, limits and clean-up; one application serves one event loop."""
        limit = self.kanta.settings.max_message_bytes
        app = web.Application(client_max_size=limit, middlewares=[guarded(self._refuse)])
        app.router.add_post(ARCHIVE_PATH, self._archive, expect_handler=expect_handler(limit))
        app.router.add_get(DOCUMENT_PATH, self._retrieve)
        app.router.add_get(DOCUMENT_PATH + "/versions", self._versions)
        self.fhir.add_to(app)
        app.on_cleanup.append(self._close)
        return app

    def handshake_refused(self, refused: RefusedHandshake) -> None:
        """Log a refused handshake; called in the event loop's thread, the writing is done by a worker."""
        self.handshakes_refused[refused.rule] += 1
        if not self._lines.acquire(blocking=False):
            return
        finding = rulebook().finding(refused.rule, refused.reason)
        line = self.kanta.entry(
            RequestKind.HANDSHAKE, "refused", (finding,), refused.certificate, reason=refused.reason
        )
        try:
            self._workers.submit(self.kanta.log, line, refused.certificate).add_done_callback(self._line_is_written)
        except RuntimeError:
            return  # the service is being stopped

    def _line_is_written(self, _line: Future[None]) -> None:
        self._lines.release()

    async def _archive(self, request: web.Request) -> web.StreamResponse:
        client = client_of(request)
        if request.content_type not in _TAKEN:
            raise NotTaken(415, "kanta.message.content-type", f"{request.content_type[:60]} is not XML.")
        settings = self.kanta.settings
        body = await read_body(request, limit=settings.max_message_bytes, seconds=settings.read_seconds)
        message, answer = await self.groups.made(partial(self._judge, body, client))
        self.answered[answer.code.value] += 1
        status = 503 if "kanta.service.fault" in answer.rules else message.status
        return _answer(request, answer, status, message.envelope)

    def _judge(self, body: bytes, client: x509.Certificate | None) -> _Message:
        try:
            carried = unwrap(body, limit=self.kanta.settings.max_message_bytes)
        except Refused as error:
            finding = finding_of(error, otherwise="kanta.message.empty")
            return _Message(self.kanta.refusal(finding, client), 400)
        judgement = self.kanta.judge.message(carried.message, client)
        unread = judgement.frame is None and any(finding.rule.startswith("xml.") for finding in judgement.findings)
        return _Message(judgement, 400 if unread else 200, carried.envelope)

    def _settle(self, messages: Sequence[_Message]) -> Sequence[Acknowledgement]:
        return self.kanta.books.settle([message.judgement for message in messages])

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        found = await self._own(request, self.kanta.retrieve)
        if isinstance(found, web.Response):
            return found
        return web.Response(body=found, content_type="application/xml")

    async def _versions(self, request: web.Request) -> web.StreamResponse:
        found = await self._own(request, self.kanta.describe)
        return found if isinstance(found, web.Response) else web.json_response(found)

    async def _own(self, request: web.Request, ask: Callable[[str, x509.Certificate | None], T]) -> T | web.Response:
        client = client_of(request)
        try:
            return await self._work(ask, request.match_info["document_id"], client)
        except SotepkiError as error:
            status = 404 if error.rule == "kanta.document.unknown" else 403 if isinstance(error, Refused) else 503
            body = {"rule": error.rule or "kanta.service.fault", "message": error.sentence, "advice": error.advice}
            return web.json_response(body, status=status)

    async def _refuse(self, request: web.Request, status: int, rule: str, sentence: str) -> web.StreamResponse:
        try:
            client = client_of(request)
        except NotTaken:
            client = None
        finding = rulebook().finding(rule, sentence)
        if is_fhir(request.path):
            return await self.fhir.refuse(status, finding, client)
        answer = await self.groups.settle(_Message(self.kanta.refusal(finding, client)))
        self.answered[answer.code.value] += 1
        return _answer(request, answer, status, "")

    async def _work(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *arguments)

    async def _close(self, _app: web.Application) -> None:
        await asyncio.to_thread(self._workers.shutdown, wait=True)
        await asyncio.to_thread(self.groups.close)


@contextmanager
def running(kanta: Kanta, server_chain: Path, *, port: int = 0) -> Iterator[str]:
    """Serve the archive on loopback until the block ends, and give its base URL.

    Args:
        kanta: the archive.
        server_chain: PEM file with the server's key and chain (``server_identity``).
        port: 0 takes a free one.

    Raises:
        Misuse: the port is taken, or the file is no key with its certificate.
    """
    app, tls, _service = archive_application(kanta, server_chain)
    with loopback.running(app, tls, port=port) as url:
        yield url


def archive_application(kanta: Kanta, server_chain: Path) -> tuple[web.Application, ssl.SSLContext, ArchiveService]:
    """The application of an archive, the TLS context that it is served with, and its counters.

    Raises:
        Misuse: the file is no key with its certificate.
    """
    service = ArchiveService(kanta)
    trust = (*kanta.trust.roots, *kanta.trust.authorities)
    return service.application(), server_context(server_chain, trust, service.handshake_refused), service


def _answer(request: web.Request, answer: Acknowledgement, status: int, envelope: str) -> web.Response:
    if wants_json(request):
        return web.json_response(answer.as_dict(), status=status)
    body = wrap(answer, envelope)
    return web.Response(body=body, status=status, content_type=MEDIA_TYPES[envelope], charset="utf-8")
