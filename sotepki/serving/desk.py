"""The desk of a service: an aiohttp application in which no request ends in a traceback.

Around every handler it shows the faults that are set, turns refusals into the service's own form, keeps the history
and writes one log line per request. Neither holds what was asked, only the pattern of the route.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from sotepki.clock import Clock
from sotepki.errors import Fault, SotepkiError
from sotepki.serving.faults import Down, ServiceFaultBoard
from sotepki.serving.history import RequestHistory, RequestRecord

LARGEST_BODY = 16 * 1024
LONGEST_HISTORY_ANSWER = 1000

MOMENT = web.RequestKey("sotepki.moment", datetime)
"""Key of a request: the moment whose data it is answered with; the present, or earlier for a stale service."""

STALE = web.RequestKey("sotepki.stale", bool)
"""Key of a request: whether ``MOMENT`` lies in the past on purpose."""

CLIENT = web.RequestKey("sotepki.client", str)
"""Key of a request: the system that asks, once its certificate has told."""

_OWN_PAGES = frozenset({"/health", "/history"})
_log = logging.getLogger("sotepki.serving")


@dataclass(frozen=True)
class Refusal:
    """What a client is told when it gets no answer: HTTP status, rule id (may be empty), sentence, advice."""

    status: int
    rule: str
    sentence: str
    advice: str = ""


Refuser = Callable[[web.Request, Refusal], web.Response]


def json_refusal(_request: web.Request, refusal: Refusal) -> web.Response:
    """A refusal as plain JSON."""
    return web.json_response(
        {"rule": refusal.rule, "message": refusal.sentence, "advice": refusal.advice}, status=refusal.status
    )


@dataclass(frozen=True)
class Desk:
    """What a service needs besides its handlers.

    Attributes:
        name: of the service, as the fault board and the history know it.
        faults, history: give one's own to watch and steer the service from outside.
        refuse: writes a refusal in the form that the service's clients read.
    """

    name: str
    clock: Clock
    faults: ServiceFaultBoard = field(default_factory=ServiceFaultBoard)
    history: RequestHistory = field(default_factory=RequestHistory)
    refuse: Refuser = json_refusal

    def application(self, routes: list[web.RouteDef], *, largest_body: int = LARGEST_BODY) -> web.Application:
        """The application with ``routes``, and ``/health`` and ``/history`` beside them."""
        app = web.Application(client_max_size=largest_body, middlewares=[self._guard()])
        app.add_routes(routes)
        app.add_routes([web.get("/health", self._health), web.get("/history", self._history)])
        return app

    def _guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guarded(request, handler)

        return guard

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown path"
        own = route.endswith(tuple(_OWN_PAGES))
        faults = self.faults.of(self.name) if not own else None
        now = self.clock.now()
        request[MOMENT] = now - faults.staleness if faults else now
        request[STALE] = request[MOMENT] < now
        began = time.perf_counter()
        rule = ""
        if faults and faults.slow_seconds:
            await asyncio.sleep(faults.slow_seconds)
        if faults and faults.down is Down.DROPPED:
            if request.transport is not None:
                request.transport.abort()
            self._note(request, route, 0, "", began, faulty=True)
            return web.Response(status=503)
        try:
            if faults and faults.down is Down.UNAVAILABLE:
                answer: web.StreamResponse = self.refuse(request, Refusal(503, "", "The service is not available."))
            else:
                answer = await handler(request)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a client never sees a traceback; the operator's log does
            refusal = _refusal(request, error)
            rule = refusal.rule
            answer = self.refuse(request, refusal)
            if isinstance(error, web.HTTPMethodNotAllowed):
                answer.headers["Allow"] = error.headers["Allow"]
            if refusal.status in (408, 413):
                answer.force_close()
        self._note(request, route, answer.status, rule, began, faulty=bool(faults))
        return answer

    def _note(self, request: web.Request, route: str, status: int, rule: str, began: float, *, faulty: bool) -> None:
        client = request.get(CLIENT, "")
        self.history.add(
            RequestRecord(self.clock.now(), self.name, request.method, route, status, rule, client, faulty)
        )
        milliseconds = (time.perf_counter() - began) * 1000
        _log.info(
            "service=%s method=%s path=%s status=%d ms=%.1f", self.name, request.method, route, status, milliseconds
        )

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "service": self.name})

    async def _history(self, request: web.Request) -> web.Response:
        asked = request.query.get("limit", "100")
        limit = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 100
        records = self.history.records(self.name)
        newest = records[len(records) - min(limit, LONGEST_HISTORY_ANSWER, len(records)) :]
        return web.json_response([record.as_dict() for record in newest], headers={"Cache-Control": "no-store"})


def _refusal(request: web.Request, error: Exception) -> Refusal:
    if isinstance(error, HttpRefusal):
        return error.refusal
    if isinstance(error, Fault):
        _log.error("%s", error)
        return Refusal(503, error.rule, "The service failed.", "Ask again later.")
    if isinstance(error, SotepkiError):
        return Refusal(400, error.rule, error.sentence, error.advice)
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Refusal(413, "", "The request is too long.")
    if isinstance(error, web.HTTPException):
        return Refusal(error.status, "", f"There is no {request.method} {request.path[:80]!a} here: {error.reason}.")
    if isinstance(error, UnicodeError | web.RequestPayloadError | HttpProcessingError):
        return Refusal(400, "", "The request cannot be read.")
    _log.error("a request failed", exc_info=error)
    return Refusal(503, "", "The service failed.", "Ask again later.")


class HttpRefusal(Exception):
    """A refusal with an HTTP status of its own."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal
