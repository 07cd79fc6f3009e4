"""Publication over HTTP: revocation lists, CA certificates and OCSP under the ids that stand in the certificates.

Routes, for a publication id such as ``dvvtshp2rc`` (docs/field/pki.md 3, URL templates: confirmed):
``/crl/<id>.crl``, ``/ca/<id>.crt``, and OCSP at ``/<id>`` by POST or at ``/<id>/<base64>`` by GET (RFC 6960 A.1).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sotepki.clock import Clock
from sotepki.dvv.authority import Authorities
from sotepki.dvv.request_history import RequestHistory, RequestRecord, Service, read_answer, serials_asked
from sotepki.errors import SotepkiError
from sotepki.loopback import LOOPBACK, running

CRL_TYPE = "application/pkix-crl"
CERTIFICATE_TYPE = "application/pkix-cert"
REQUEST_TYPE = "application/ocsp-request"
RESPONSE_TYPE = "application/ocsp-response"

LARGEST_REQUEST = 16 * 1024
"""Bytes of an OCSP request; hundreds of certificate ids fit in it."""

REFRESH_SECONDS = 30.0
"""How often a running service looks whether a list is due."""

_log = logging.getLogger(__name__)
_INTERNAL_ERROR = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.INTERNAL_ERROR).public_bytes(
    Encoding.DER
)
_FRESH = {"Cache-Control": "no-cache"}


@dataclass(frozen=True)
class RunningPublication:
    """A publication service that answers at ``base_url``, and what it was asked."""

    base_url: str
    history: RequestHistory


@contextmanager
def serve_publication(
    authorities: Authorities,
    directory: Path,
    clock: Clock,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    history: RequestHistory | None = None,
) -> Iterator[RunningPublication]:
    """Run the publication services in a thread until the block ends."""
    history = history if history is not None else RequestHistory()
    app = publication_app(authorities, directory, clock, history=history)
    with running(app, host=host, port=port) as base_url:
        yield RunningPublication(base_url, history)


def publication_app(
    authorities: Authorities,
    directory: Path,
    clock: Clock,
    *,
    history: RequestHistory | None = None,
    refresh_seconds: float | None = REFRESH_SECONDS,
) -> web.Application:
    """The application that serves what ``authorities`` publish in ``directory``, and answers OCSP.

    Lists that are due are published at the start and then every ``refresh_seconds``; None leaves the directory as
    it is (a stale list stays stale).
    """
    publication = _Publication(authorities, directory, clock, history if history is not None else RequestHistory())
    app = web.Application(client_max_size=LARGEST_REQUEST)
    app.add_routes(
        [
            web.get("/crl/{name}.crl", publication.revocation_list),
            web.get("/ca/{name}.crt", publication.ca_certificate),
            web.post("/{name}", publication.ocsp_post),
            web.post("/{name}/", publication.ocsp_post),
            web.get("/{name}/{request:.*}", publication.ocsp_get),
        ]
    )
    if refresh_seconds is not None:
        app.cleanup_ctx.append(_refreshing(authorities, directory, refresh_seconds))
    return app


class _Publication:
    """The handlers. Signing and reading happen in worker threads, so that one slow answer delays no other."""

    def __init__(self, authorities: Authorities, directory: Path, clock: Clock, history: RequestHistory) -> None:
        self._authorities = authorities
        self._directory = directory
        self._clock = clock
        self._history = history
        self._ids = {plan.publication_id: plan.id for plan in authorities.plan.authorities.values()}

    async def revocation_list(self, request: web.Request) -> web.Response:
        return await self._file(request, Service.CRL, ".crl", CRL_TYPE)

    async def ca_certificate(self, request: web.Request) -> web.Response:
        return await self._file(request, Service.CA, ".crt", CERTIFICATE_TYPE)

    async def ocsp_post(self, request: web.Request) -> web.Response:
        name = self._known(request, Service.OCSP)
        if request.content_type != REQUEST_TYPE:
            self._note(request, Service.OCSP, name, "wrong-type")
            raise web.HTTPUnsupportedMediaType(text=f"An OCSP request has the content type {REQUEST_TYPE}.\n")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            self._note(request, Service.OCSP, name, "too-large")
            raise
        return await self._answer(request, name, body)

    async def ocsp_get(self, request: web.Request) -> web.Response:
        name = self._known(request, Service.OCSP)
        return await self._answer(request, name, _request_in_path(request.raw_path))

    async def _file(self, request: web.Request, service: Service, suffix: str, content_type: str) -> web.Response:
        name = self._known(request, service)
        path = self._directory / service / f"{name}{suffix}"
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError:
            self._note(request, service, name, "missing")
            raise web.HTTPNotFound(text=f"{path.name} has not been published.\n") from None
        self._note(request, service, name, "served", size=len(content))
        return web.Response(body=content, content_type=content_type, headers=_FRESH)

    async def _answer(self, request: web.Request, name: str, body: bytes) -> web.Response:
        response, outcome, answer = await asyncio.to_thread(self._respond, self._ids[name], body)
        serials = serials_asked(body)
        self._note(request, Service.OCSP, name, outcome, size=len(body), serials=serials, answer=answer)
        return web.Response(body=response, content_type=RESPONSE_TYPE, headers=_FRESH)

    def _respond(self, authority_id: str, body: bytes) -> tuple[bytes, str, str]:
        try:
            response = self._authorities.responder(authority_id).respond(body)
            return response, *read_answer(response)
        except Exception:  # noqa: BLE001 - a client gets an answer of OCSP whatever fails here
            # RFC 6960 2.3: a responder in trouble says so in its own protocol. The cause goes to the log.
            _log.exception("The OCSP responder of %s could not answer.", authority_id)
            return _INTERNAL_ERROR, "internal_error", ""

    def _known(self, request: web.Request, service: Service) -> str:
        name = request.match_info["name"]
        if name not in self._ids:
            self._note(request, service, "", "missing")
            raise web.HTTPNotFound(text="No authority publishes under this address.\n")
        return name

    def _note(
        self,
        request: web.Request,
        service: Service,
        name: str,
        outcome: str,
        *,
        size: int = 0,
        serials: tuple[int, ...] = (),
        answer: str = "",
    ) -> None:
        self._history.add(
            RequestRecord(self._clock.now(), service, name, request.method, outcome, serials, answer, size)
        )


def _request_in_path(raw_path: str) -> bytes:
    """The request in the path of a GET: base64, url-encoded; what does not decode becomes an empty request.

    The path is read as it was sent, since base64 may hold ``/`` and ``+`` with or without url-encoding.
    """
    encoded = unquote_to_bytes(raw_path.split("?", 1)[0].lstrip("/").partition("/")[2])
    try:
        return base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        return b""


def _refreshing(
    authorities: Authorities, directory: Path, seconds: float
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def context(_app: web.Application) -> AsyncIterator[None]:
        await asyncio.to_thread(authorities.publish_if_due, directory)
        task = asyncio.create_task(_refresh(authorities, directory, seconds))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return context


async def _refresh(authorities: Authorities, directory: Path, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(authorities.publish_if_due, directory)
        except SotepkiError as error:
            # The service goes on with the list that it has; a relying party sees when it becomes stale.
            _log.error("No new revocation list: %s", error)
