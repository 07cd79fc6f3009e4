"""Publication over HTTP: revocation lists, CA certificates and OCSP under the ids that stand in the certificates.

Routes, for a publication id such as ``dvvtshp2rc`` (docs/field/pki.md 3, URL templates: confirmed):
``/crl/<id>.crl``, ``/ca/<id>.crt``, and OCSP at ``/<id>`` by POST or at ``/<id>/<base64>`` by GET (RFC 6960 A.1).
Beside them, of our own: ``/metrics`` (Prometheus text) and ``/history?service=ocsp&limit=100`` (JSON).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sotepki.clock import Clock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.publication.metrics import METRICS_TYPE, MOST_RECORDS, history_rows, metrics_text
from sotepki.dvv.publication.ocsp import REQUEST_TYPE, RESPONSE_TYPE, OcspService
from sotepki.dvv.publication.ocsp_fault_board import FaultBoard
from sotepki.dvv.publication.request_history import RequestHistory, RequestRecord, Service
from sotepki.dvv.publication.revocation_watch import RevocationWatch
from sotepki.errors import SotepkiError
from sotepki.loopback import LOOPBACK, running

__all__ = [
    "CERTIFICATE_TYPE",
    "CRL_TYPE",
    "LARGEST_REQUEST",
    "REQUEST_TYPE",
    "RESPONSE_TYPE",
    "RunningPublication",
    "publication_app",
    "serve_publication",
]

CRL_TYPE = "application/pkix-crl"
CERTIFICATE_TYPE = "application/pkix-cert"

LARGEST_REQUEST = 16 * 1024
"""Bytes of an OCSP request; the 64 certificate ids that are answered together (``MAX_CERTIFICATES``) fit in it."""

REFRESH_SECONDS = 30.0
"""How often a running service looks whether a list is due."""

NOT_PUBLISHED = "No revocation list could be published; the log of the service says why."

_log = logging.getLogger(__name__)
_FRESH = {"Cache-Control": "no-cache"}


@dataclass(frozen=True)
class RunningPublication:
    """A publication service that answers at ``base_url``, what it was asked, and the faults that it may show."""

    base_url: str
    history: RequestHistory
    faults: FaultBoard


@contextmanager
def serve_publication(
    authorities: Authorities,
    directory: Path,
    clock: Clock,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    history: RequestHistory | None = None,
    faults: FaultBoard | None = None,
) -> Iterator[RunningPublication]:
    """Run the publication services in a thread until the block ends."""
    history = history if history is not None else RequestHistory()
    faults = faults if faults is not None else FaultBoard()
    app = publication_app(authorities, directory, clock, history=history, faults=faults)
    with running(app, host=host, port=port) as base_url:
        yield RunningPublication(base_url, history, faults)


def publication_app(
    authorities: Authorities,
    directory: Path,
    clock: Clock,
    *,
    history: RequestHistory | None = None,
    faults: FaultBoard | None = None,
    refresh_seconds: float | None = REFRESH_SECONDS,
) -> web.Application:
    """The application that serves what ``authorities`` publish in ``directory``, and answers OCSP.

    Lists that are due are published at the start and then every ``refresh_seconds``; None leaves the directory as
    it is (a stale list stays stale). ``faults`` says which OCSP responder is to fail on purpose, and how.
    """
    history = history if history is not None else RequestHistory()
    files = _Files(authorities, directory, clock, history)
    watch = authorities.revocation_watch()
    ocsp = OcspService(authorities, clock, history, faults if faults is not None else FaultBoard(), watch)
    numbers = _Numbers(history, ocsp)
    app = web.Application(client_max_size=LARGEST_REQUEST)
    app.add_routes(
        [
            web.get("/", files.front),
            web.get("/crl/{name}.crl", files.revocation_list),
            web.get("/ca/{name}.crt", files.ca_certificate),
            web.get("/metrics", numbers.metrics),
            web.get("/history", numbers.history),
            web.post("/{name}", ocsp.post),
            web.post("/{name}/", ocsp.post),
            web.get("/{name}/{request:.*}", ocsp.get),
        ]
    )
    app.cleanup_ctx.append(_watching(watch, ocsp))
    refreshing = app[_REFRESHING] = _Refreshing(authorities, directory)
    if refresh_seconds is not None:
        app.cleanup_ctx.append(refreshing.every(refresh_seconds))
    return app


def publication_trouble(app: web.Application) -> str:
    """Why the application of ``publication_app`` could not publish the last time; empty if it could."""
    return app[_REFRESHING].trouble


class _Files:
    """The handlers of files. Reading happens in worker threads, so that a slow disk delays no answer."""

    def __init__(self, authorities: Authorities, directory: Path, clock: Clock, history: RequestHistory) -> None:
        self._directory = directory
        self._clock = clock
        self._history = history
        self._ids = {plan.publication_id for plan in authorities.plan.authorities.values()}

    async def front(self, _request: web.Request) -> web.Response:
        """A page that lists what is published, at the address that 'sotepki serve' prints."""
        return web.Response(text=await asyncio.to_thread(self._contents), headers=_FRESH)

    def _contents(self) -> str:
        lines = ["Revocation lists, CA certificates and OCSP of the TEST authorities:", ""]
        for name in sorted(self._ids):
            files = [f"/crl/{name}.crl", f"/ca/{name}.crt"]
            there = [path for path in files if (self._directory / path.removeprefix("/")).is_file()]
            if there:
                lines.append("  ".join([*there, f"/{name} (OCSP, POST)"]))
        return "\n".join(lines) + "\n"

    async def revocation_list(self, request: web.Request) -> web.Response:
        return await self._file(request, Service.CRL, ".crl", CRL_TYPE)

    async def ca_certificate(self, request: web.Request) -> web.Response:
        return await self._file(request, Service.CA, ".crt", CERTIFICATE_TYPE)

    async def _file(self, request: web.Request, service: Service, suffix: str, content_type: str) -> web.Response:
        name = request.match_info["name"]
        if name not in self._ids:
            self._note(request, service, "", "missing")
            raise web.HTTPNotFound(text="No authority publishes under this address.\n")
        path = self._directory / service / f"{name}{suffix}"
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError:
            self._note(request, service, name, "missing")
            raise web.HTTPNotFound(text=f"{path.name} has not been published.\n") from None
        self._note(request, service, name, "served", size=len(content))
        return web.Response(body=content, content_type=content_type, headers=_FRESH)

    def _note(self, request: web.Request, service: Service, name: str, outcome: str, *, size: int = 0) -> None:
        self._history.add(RequestRecord(self._clock.now(), service, name, request.method, outcome, size=size))


class _Numbers:
    """The handlers of metrics and history."""

    def __init__(self, history: RequestHistory, ocsp: OcspService) -> None:
        self._history = history
        self._ocsp = ocsp

    async def metrics(self, _request: web.Request) -> web.Response:
        text = metrics_text(self._history, self._ocsp)
        return web.Response(body=text.encode(), headers=_FRESH | {"Content-Type": METRICS_TYPE})

    async def history(self, request: web.Request) -> web.Response:
        try:
            asked = request.query.get("service")
            service = Service(asked) if asked else None
            limit = min(int(request.query.get("limit", "100")), MOST_RECORDS)
        except ValueError:
            raise web.HTTPBadRequest(text="service is crl, ca or ocsp; limit is a number.\n") from None
        return web.json_response(history_rows(self._history, service, max(0, limit)), headers=_FRESH)


def _watching(watch: RevocationWatch, ocsp: OcspService) -> Callable[[web.Application], AsyncIterator[None]]:
    async def context(_app: web.Application) -> AsyncIterator[None]:
        yield
        ocsp.close()
        watch.close()

    return context


class _Refreshing:
    """Publishes the lists that are due, and keeps what was wrong the last time in ``trouble``."""

    def __init__(self, authorities: Authorities, directory: Path) -> None:
        self.trouble = ""
        self._authorities = authorities
        self._directory = directory

    def every(self, seconds: float) -> Callable[[web.Application], AsyncIterator[None]]:
        """Once as the application starts, which fails with it, and then every ``seconds``."""

        async def context(_app: web.Application) -> AsyncIterator[None]:
            await asyncio.to_thread(self._authorities.publish_if_due, self._directory)
            task = asyncio.create_task(self._repeat(seconds))
            yield
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        return context

    async def _repeat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self._authorities.publish_if_due, self._directory)
            except SotepkiError as error:
                # The service goes on with the lists that it has; a relying party sees when they become stale.
                self.trouble = error.sentence
                _log.error("No new revocation list: %s", error)
            except Exception:  # noqa: BLE001 - a task that has ended would publish nothing any more
                self.trouble = NOT_PUBLISHED
                _log.exception("No new revocation list.")
            else:
                self.trouble = ""


_REFRESHING = web.AppKey("refreshing", _Refreshing)
