"""OCSP over HTTP: POST and GET (RFC 6960 A.1), caching (RFC 5019 6), a cache of answers, faults on purpose."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import unquote_to_bytes

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sotepki.clock import Clock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.publication.ocsp_cache import CachedAnswer, OcspCache
from sotepki.dvv.publication.ocsp_fault_board import FaultBoard
from sotepki.dvv.publication.request_history import RequestHistory, RequestRecord, Service
from sotepki.dvv.publication.revocation_watch import RememberedStatus, RevocationWatch
from sotepki.errors import Refused, SotepkiError
from sotepki.serving.bodies import asked_path, whole_body
from sotepki.serving.desk import HttpRefusal
from sotepki.x509.ocsp import Answered, Responder
from sotepki.x509.ocsp_faults import NO_FAULTS, OcspFaults

REQUEST_TYPE = "application/ocsp-request"
RESPONSE_TYPE = "application/ocsp-response"

_log = logging.getLogger(__name__)
_INTERNAL_ERROR = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.INTERNAL_ERROR).public_bytes(
    Encoding.DER
)
_NOT_TAKEN: Mapping[int, tuple[str, type[web.HTTPClientError]]] = {
    400: ("unreadable", web.HTTPBadRequest),
    408: ("too-slow", web.HTTPRequestTimeout),
}
_UNMARKED = -1
_FRESH = {"Cache-Control": "no-cache"}


@dataclass
class Signing:
    """How many answers were made, and the seconds that took; for the metrics."""

    answers: int = 0
    seconds: float = 0.0


class OcspService:
    """The OCSP handlers. Signing happens in a worker thread, an answer from the cache in the event loop at once."""

    def __init__(
        self,
        authorities: Authorities,
        clock: Clock,
        history: RequestHistory,
        faults: FaultBoard,
        watch: RevocationWatch,
    ) -> None:
        self.cache = OcspCache()
        self.signing = Signing()
        self._authorities = authorities
        self._clock = clock
        self._history = history
        self._faults = faults
        self._watch = watch
        # A token signs one at a time, and preparing an answer is a twentieth of signing it: a second thread would
        # only take the processor's cache from the first (measured).
        self._signers = ThreadPoolExecutor(1, thread_name_prefix="ocsp")
        self._status = RememberedStatus(authorities, watch)
        self._responders: dict[str, tuple[Responder, Responder]] = {}
        self._lock = threading.Lock()
        self._made: set[str] = {plan.id for plan in authorities.plan.authorities.values() if not plan.on_demand}
        self._ids = {plan.publication_id: plan.id for plan in authorities.plan.authorities.values()}

    async def post(self, request: web.Request) -> web.StreamResponse:
        """OCSP by POST."""
        name = self._known(request)
        if request.content_type != REQUEST_TYPE:
            self._note(request, name, "wrong-type")
            raise web.HTTPUnsupportedMediaType(text=f"An OCSP request has the content type {REQUEST_TYPE}.\n")
        try:
            body = await whole_body(request)
        except web.HTTPRequestEntityTooLarge:
            self._note(request, name, "too-large")
            raise
        except HttpRefusal as refused:
            outcome, answer = _NOT_TAKEN[refused.refusal.status]
            self._note(request, name, outcome)
            raise answer(text=f"{refused.refusal.sentence}\n") from None
        return await self._answer(request, name, body)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """OCSP by GET."""
        return await self._answer(request, self._known(request), request_in_path(asked_path(request)))

    async def _answer(self, request: web.Request, name: str, body: bytes) -> web.StreamResponse:
        faults = self._faults.of(name)
        if faults:
            return await self._faulty(request, name, body, faults)
        mark, now = self._mark(), self._clock.now()
        found = self.cache.get(name, body, mark=mark, now=now) if mark != _UNMARKED else None
        if found is None:
            return await self._fresh(request, name, body, mark)
        self._note(request, name, "successful", size=len(body), serials=found.serials, answer=found.answer)
        return _response(found, now)

    def _mark(self) -> int:
        """The count of revocations, or ``_UNMARKED`` if the records cannot be asked: then nothing is cached."""
        try:
            return self._watch.mark()
        except SotepkiError:
            return _UNMARKED

    async def _fresh(self, request: web.Request, name: str, body: bytes, mark: int) -> web.StreamResponse:
        answered = await self._work(self._ids[name], body, NO_FAULTS)
        if answered is None:
            self._note(request, name, "internal_error", size=len(body))
            return web.Response(body=_INTERNAL_ERROR, content_type=RESPONSE_TYPE, headers=_FRESH)
        self._note_answer(request, name, body, answered)
        if not answered.lasting:
            return web.Response(body=answered.response, content_type=RESPONSE_TYPE, headers=_FRESH)
        kept = self._kept(answered, mark)
        if mark != _UNMARKED:
            self.cache.put(name, body, kept)
        return _response(kept, kept.made_at)

    async def _faulty(self, request: web.Request, name: str, body: bytes, faults: OcspFaults) -> web.StreamResponse:
        if faults.delay_seconds:
            await asyncio.sleep(faults.delay_seconds)
        if faults.http_status:
            self._note(request, name, f"http-{faults.http_status}", size=len(body), faulty=True)
            return web.Response(status=faults.http_status, text="TEST: this error was asked for.\n")
        answered = await self._work(self._ids[name], body, faults)
        if answered is None:
            self._note(request, name, "internal_error", size=len(body))
            return web.Response(body=_INTERNAL_ERROR, content_type=RESPONSE_TYPE, headers=_FRESH)
        self._note_answer(request, name, body, answered)
        headers = _FRESH | {"Content-Type": faults.content_type or RESPONSE_TYPE}
        return web.Response(body=answered.response, headers=headers)

    async def _work(self, authority_id: str, body: bytes, faults: OcspFaults) -> Answered | None:
        return await asyncio.get_running_loop().run_in_executor(
            self._signers, self._respond, authority_id, body, faults
        )

    def close(self) -> None:
        """End the worker thread."""
        self._signers.shutdown(wait=False, cancel_futures=True)

    def _respond(self, authority_id: str, body: bytes, faults: OcspFaults) -> Answered | None:
        started = time.perf_counter()
        try:
            return self._responder(authority_id).answer(body, faults)
        except Refused as refused:
            # Nothing is broken: an authority that has ended, or is revoked, gets no responder any more.
            _log.error("The OCSP responder of %s could not answer: %s", authority_id, refused)
            return None
        except Exception:  # noqa: BLE001 - a client gets an answer of OCSP whatever fails here
            # RFC 6960 2.3: a responder in trouble says so in its own protocol. The cause goes to the log.
            _log.exception("The OCSP responder of %s could not answer.", authority_id)
            return None
        finally:
            with self._lock:
                self.signing.answers += 1
                self.signing.seconds += time.perf_counter() - started

    def _responder(self, authority_id: str) -> Responder:
        """The responder of an authority, with records that are remembered while nothing is revoked."""
        current = self._authorities.responder(authority_id)
        known = self._responders.get(authority_id)
        if known is None or known[0] is not current:
            known = self._responders[authority_id] = (current, replace(current, status=self._status))
        return known[1]

    def _kept(self, answered: Answered, mark: int) -> CachedAnswer:
        now = self._clock.now()
        until = answered.until
        # Half of the validity: whoever gets an old answer still has half of it left.
        fresh = now if until is None else now + (until - now) / 2
        serials, answer = _told(answered)
        headers = _lasting_headers(answered.response, now, until)
        return CachedAnswer(answered.response, serials, answer, now, fresh, until, mark, headers)

    def _known(self, request: web.Request) -> str:
        name = request.match_info["name"]
        if name not in self._ids or not self._there(self._ids[name]):
            self._note(request, "", "missing")
            raise web.HTTPNotFound(text="No authority publishes under this address.\n")
        return name

    def _there(self, authority_id: str) -> bool:
        """Whether there is such an authority; one that is made on demand may not be there yet."""
        if authority_id in self._made:
            return True
        if not self._authorities.is_made(authority_id):
            return False
        self._made.add(authority_id)
        return True

    def _note_answer(self, request: web.Request, name: str, body: bytes, answered: Answered) -> None:
        serials, answer = _told(answered)
        outcome = answered.outcome.name.lower()
        self._note(request, name, outcome, size=len(body), serials=serials, answer=answer, faulty=answered.faulty)

    def _note(
        self,
        request: web.Request,
        name: str,
        outcome: str,
        *,
        size: int = 0,
        serials: tuple[int, ...] = (),
        answer: str = "",
        faulty: bool = False,
    ) -> None:
        now = self._clock.now()
        self._history.add(
            RequestRecord(now, Service.OCSP, name, request.method, outcome, serials, answer, size, faulty)
        )


def _told(answered: Answered) -> tuple[tuple[int, ...], str]:
    """The serial numbers asked about, and the state told if it is one, as the history keeps them."""
    asked = answered.request.certificates if answered.request is not None else ()
    state = str(answered.statuses[0].state) if len(answered.statuses) == 1 else ""
    return tuple(certificate.serial_number for certificate in asked), state


def _response(answer: CachedAnswer, now: datetime) -> web.Response:
    """A response that HTTP caches may keep until its nextUpdate (RFC 5019 6.2)."""
    if answer.valid_until is None:
        return web.Response(body=answer.response, content_type=RESPONSE_TYPE, headers=_FRESH)
    seconds = max(0, int((answer.valid_until - now).total_seconds()))
    headers = {"Cache-Control": f"max-age={seconds}, public, no-transform, must-revalidate", **answer.headers}
    return web.Response(body=answer.response, headers=headers)


def _lasting_headers(response: bytes, made_at: datetime, valid_until: datetime | None) -> dict[str, str]:
    """The headers of an answer that HTTP caches may keep, but for ``Cache-Control``, which counts down."""
    headers = {
        "Content-Type": RESPONSE_TYPE,
        "Last-Modified": format_datetime(made_at, usegmt=True),
        "ETag": f'"{hashlib.sha256(response).hexdigest()}"',
    }
    if valid_until is not None:
        headers["Expires"] = format_datetime(valid_until, usegmt=True)
    return headers


def request_in_path(raw_path: str) -> bytes:
    """The request in the path of a GET: base64, url-encoded; what does not decode becomes an empty request.

    The path is read as it was sent, since base64 may hold ``/`` and ``+`` with or without url-encoding.
    """
    encoded = unquote_to_bytes(raw_path.split("?", 1)[0].lstrip("/").partition("/")[2])
    try:
        return base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        return b""
