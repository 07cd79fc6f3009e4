"""The archive over HTTP with mutual TLS: messages bare or in SOAP, answers as HL7 V3 XML or JSON.

Addresses are choices of this emulator (Kanta's are not public): ``POST /kanta/archive`` takes a message,
``GET /kanta/documents/<document id>`` gives a document back to its own custodian.

An acknowledgement of a message that could be read travels with HTTP 200, accepted or not, since it answers the
message; 4xx is for what is wrong with the HTTP request itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from cryptography import x509

from sotepki import loopback
from sotepki.errors import Refused, SotepkiError
from sotepki.kela import request_log
from sotepki.kela.acknowledgement import Acknowledgement
from sotepki.kela.http_requests import NotTaken, expect_handler, guarded, read_body, wants_json
from sotepki.kela.kanta import Kanta
from sotepki.kela.request_log import RequestKind
from sotepki.kela.rules import rulebook
from sotepki.kela.soap import MEDIA_TYPES, unwrap, wrap
from sotepki.kela.transport import RefusedHandshake, client_certificate, server_context

ARCHIVE_PATH = "/kanta/archive"
DOCUMENT_PATH = "/kanta/documents/{document_id}"

_TAKEN = frozenset({"text/xml", "application/xml", "application/soap+xml", "application/hl7-v3+xml"})

T = TypeVar("T")


@dataclass
class ArchiveService:
    """The aiohttp application; messages are judged in worker threads, so that nobody waits for a slow client."""

    kanta: Kanta

    def __post_init__(self) -> None:
        self._workers = ThreadPoolExecutor(self.kanta.settings.workers, thread_name_prefix="kanta")

    def application(self) -> web.Application:
        """Routes, limits and clean-up; one application serves one event loop."""
        limit = self.kanta.settings.max_message_bytes
        app = web.Application(client_max_size=limit, middlewares=[guarded(self._refuse)])
        app.router.add_post(ARCHIVE_PATH, self._archive, expect_handler=expect_handler(limit))
        app.router.add_get(DOCUMENT_PATH, self._retrieve)
        app.on_cleanup.append(self._close)
        return app

    def handshake_refused(self, refused: RefusedHandshake) -> None:
        """Log a refused handshake; called in the event loop's thread, the writing is done by a worker."""
        finding = rulebook().finding(refused.rule, refused.reason)
        line = request_log.entry(
            RequestKind.HANDSHAKE, "refused", (finding,), refused.certificate, reason=refused.reason
        )
        try:
            self._workers.submit(self.kanta.log, line)
        except RuntimeError:
            return  # the service is being stopped

    async def _archive(self, request: web.Request) -> web.StreamResponse:
        client = _client(request)
        if request.content_type not in _TAKEN:
            raise NotTaken(415, "kanta.message.content-type", f"{request.content_type[:60]} is not XML.")
        settings = self.kanta.settings
        body = await read_body(request, limit=settings.max_message_bytes, seconds=settings.read_seconds)
        status, answer, envelope = await self._work(self._judge, body, client)
        return _answer(request, answer, status, envelope)

    def _judge(self, body: bytes, client: x509.Certificate | None) -> tuple[int, Acknowledgement, str]:
        try:
            carried = unwrap(body, limit=self.kanta.settings.max_message_bytes)
        except Refused as error:
            return 400, self.kanta.refuse_error(error, client), ""
        answer = self.kanta.archive(carried.message, client)
        return 503 if "kanta.service.fault" in answer.rules else 200, answer, carried.envelope

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        client = _client(request)
        try:
            content = await self._work(self.kanta.retrieve, request.match_info["document_id"], client)
        except SotepkiError as error:
            status = 404 if error.rule == "kanta.document.unknown" else 403 if isinstance(error, Refused) else 503
            body = {"rule": error.rule, "message": error.sentence, "advice": error.advice}
            return web.json_response(body, status=status)
        return web.Response(body=content, content_type="application/xml")

    async def _refuse(self, request: web.Request, status: int, rule: str, sentence: str) -> web.StreamResponse:
        try:
            client = client_certificate(request.transport)
        except SotepkiError:
            client = None
        answer = await self._work(self.kanta.refuse, rule, sentence, client)
        return _answer(request, answer, status, "")

    async def _work(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *arguments)

    async def _close(self, _app: web.Application) -> None:
        await asyncio.to_thread(self._workers.shutdown, wait=True)


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
    service = ArchiveService(kanta)
    trust = (*kanta.trust.roots, *kanta.trust.authorities)
    tls = server_context(server_chain, trust, service.handshake_refused)
    with loopback.running(service.application(), tls, port=port) as url:
        yield url


def _client(request: web.Request) -> x509.Certificate | None:
    try:
        return client_certificate(request.transport)
    except SotepkiError as error:
        raise NotTaken(400, "kanta.client.chain", error.sentence) from error


def _answer(request: web.Request, answer: Acknowledgement, status: int, envelope: str) -> web.Response:
    if wants_json(request):
        return web.json_response(answer.as_dict(), status=status)
    body = wrap(answer, envelope)
    return web.Response(body=body, status=status, content_type=MEDIA_TYPES[envelope], charset="utf-8")
