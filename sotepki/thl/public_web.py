"""THL's registers over HTTP, as JSON: organisations, Kanta intermediaries, the code service. Open to anybody.

Lists come in pages: ``offset`` and ``limit`` in the query; ``total``, ``items`` and the address of the ``next`` page
in the answer. How the real services answer is not described in docs/field/registration.md 9.3; the paths and names
here are choices of this project.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from sotepki.clock import Clock
from sotepki.errors import Misuse, Refused, SotepkiError
from sotepki.identifiers import BusinessId, Oid
from sotepki.serving.bodies import count_in
from sotepki.serving.desk import MOMENT, Desk, HttpRefusal, Refusal
from sotepki.serving.faults import ServiceFaultBoard
from sotepki.serving.history import RequestHistory
from sotepki.thl.codes import Code, CodeSystem
from sotepki.thl.history import Wanted
from sotepki.thl.office import Thl
from sotepki.thl.organisation_form import organisation_dict
from sotepki.thl.rules import thl_rules

NAME = "thl-registers"
"""The service, as the fault board and the history know it."""

LANGUAGES = ("fi", "sv", "en")
PAGE, LARGEST_PAGE = 100, 1000
REFRESH_SECONDS = 30.0

_LONGEST = 500
_log = logging.getLogger(__name__)
_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


def thl_application(
    thl: Thl,
    *,
    clock: Clock,
    faults: ServiceFaultBoard | None = None,
    history: RequestHistory | None = None,
    refresh_seconds: float | None = REFRESH_SECONDS,
) -> web.Application:
    """The application. What arrives from Valveri is entered every ``refresh_seconds``; None leaves that to others."""
    service = _Registers(thl)
    desk = Desk(NAME, clock, faults or ServiceFaultBoard(), history or RequestHistory())
    app = desk.application(
        [
            web.get("/", service.front),
            web.get("/organisations", service.organisations),
            web.get("/organisations/{oid}", service.organisation),
            web.get("/organisations/{oid}/units", service.units),
            web.get("/intermediaries", service.intermediaries),
            web.get("/codesystems", service.code_systems),
            web.get("/codesystems/{oid}", service.code_system),
            web.get("/codesystems/{oid}/versions/{version}", service.code_system),
            web.get("/codesystems/{oid}/codes/{code}", service.code),
            web.get("/codesystems/{oid}/versions/{version}/codes/{code}", service.code),
        ]
    )
    if refresh_seconds is not None:
        app.cleanup_ctx.append(_following_time(thl, refresh_seconds))
    return app


@dataclass(frozen=True)
class _Registers:
    """The handlers."""

    thl: Thl

    async def front(self, _request: web.Request) -> web.Response:
        """A page that names the lists, at the address that 'sotepki serve' prints."""
        return _json({"lists": [f"/{name}" for name in ("organisations", "intermediaries", "codesystems")]})

    async def organisations(self, request: web.Request) -> web.Response:
        return await self._page(request, _wanted(request))

    async def intermediaries(self, request: web.Request) -> web.Response:
        _known_query(request, "offset", "limit")
        return await self._page(request, Wanted(intermediaries=True))

    async def organisation(self, request: web.Request) -> web.Response:
        oid = _oid(request)
        found = await asyncio.to_thread(self.thl.organisation_at, oid, request[MOMENT])
        if found is None:
            raise _not_found("thl.organisation.known", f"There is no organisation {oid}.")
        return _json(organisation_dict(found))

    async def units(self, request: web.Request) -> web.Response:
        """The organisation of an OID and everything that has its Business ID."""
        _known_query(request, "offset", "limit")
        oid = _oid(request)
        found = await asyncio.to_thread(self.thl.organisation_at, oid, request[MOMENT])
        if found is None:
            raise _not_found("thl.organisation.known", f"There is no organisation {oid}.")
        return await self._page(request, Wanted(business_id=found.business_id))

    async def code_systems(self, request: web.Request) -> web.Response:
        _known_query(request, "offset", "limit", "lang")
        systems = await asyncio.to_thread(self.thl.code_systems, at=request[MOMENT])
        offset, limit = _bounds(request)
        return _paged(
            request, len(systems), [_described(one, _languages(request)) for one in systems[offset : offset + limit]]
        )

    async def code_system(self, request: web.Request) -> web.Response:
        _known_query(request, "offset", "limit", "lang")
        system = await self._system(request)
        languages = _languages(request)
        offset, limit = _bounds(request)
        codes = [_code(code, languages) for code in system.codes[offset : offset + limit]]
        return _paged(request, len(system.codes), codes, _described(system, languages))

    async def code(self, request: web.Request) -> web.Response:
        system = await self._system(request)
        found = system.code(request.match_info["code"])
        if found is None:
            raise _not_found("thl.code.system-known", f"The code system {system.oid} has no such code.")
        return _json({"system": _described(system, _languages(request)), **_code(found, _languages(request))})

    async def _system(self, request: web.Request) -> CodeSystem:
        oid, version = _oid(request), request.match_info.get("version")
        try:
            return await asyncio.to_thread(self.thl.codes, oid, version, at=request[MOMENT])
        except (Refused, Misuse):  # Misuse: a version that is no text at all
            raise _not_found("thl.code.system-known", f"The code service has no such version of {oid}.") from None

    async def _page(self, request: web.Request, wanted: Wanted) -> web.Response:
        offset, limit = _bounds(request)
        page = await asyncio.to_thread(self.thl.page, request[MOMENT], wanted, offset=offset, limit=limit)
        return _paged(request, page.total, [organisation_dict(one) for one in page.organisations])


def _wanted(request: web.Request) -> Wanted:
    _known_query(request, "offset", "limit", "business_id", "kind", "name")
    business_id = request.query.get("business_id", "")
    return Wanted(
        business_id=BusinessId.parse(business_id) if business_id else None,
        kind=request.query.get("kind", ""),
        name=request.query.get("name", ""),
    )


def _known_query(request: web.Request, *known: str) -> None:
    for name, value in request.query.items():
        if name not in known:
            raise HttpRefusal(Refusal(400, "", f"There is no parameter {name[:40]!r}; there are {', '.join(known)}."))
        if len(value) > _LONGEST or not value.isprintable():
            raise HttpRefusal(Refusal(400, "", f"The parameter {name} is too long, or not text."))


def _languages(request: web.Request) -> tuple[str, ...]:
    asked = request.query.get("lang")
    if asked is None:
        return LANGUAGES
    if asked not in LANGUAGES:
        raise HttpRefusal(Refusal(400, "", f"lang is one of {', '.join(LANGUAGES)}."))
    return (asked,)


def _bounds(request: web.Request) -> tuple[int, int]:
    return count_in(request, "offset", 0), count_in(request, "limit", PAGE, most=LARGEST_PAGE)


def _oid(request: web.Request) -> Oid:
    return Oid.parse(request.match_info["oid"])


def _described(system: CodeSystem, languages: Sequence[str]) -> dict[str, Any]:
    return {
        "oid": system.oid.value,
        "version": system.version,
        "name": {language: getattr(system, f"name_{language}") for language in languages},
        "owner": system.owner,
        "codes": len(system.codes),
        "source": system.source,
        "grade": system.grade.value,
    }


def _code(code: Code, languages: Sequence[str]) -> dict[str, Any]:
    return {
        "code": code.code,
        "name": {language: getattr(code, f"name_{language}") for language in languages},
        "source": code.source,
        "grade": code.grade.value,
    }


def _paged(
    request: web.Request, total: int, items: Sequence[Mapping[str, Any]], head: Mapping[str, Any] | None = None
) -> web.Response:
    offset, limit = _bounds(request)
    following = None
    if limit and offset + limit < total:  # of no items there is no next page
        following = "?" + urlencode({**request.query, "offset": str(offset + limit), "limit": str(limit)})
    return _json({**(head or {}), "total": total, "offset": offset, "items": items, "next": following})


def _json(content: Mapping[str, Any]) -> web.Response:
    return web.json_response(content, headers=_HEADERS)


def _not_found(rule: str, sentence: str) -> HttpRefusal:
    return HttpRefusal(Refusal(404, rule, sentence, thl_rules()[rule].advice))


def _following_time(thl: Thl, seconds: float) -> Callable[[web.Application], AsyncIterator[None]]:
    async def follow() -> None:
        while True:
            try:
                await asyncio.to_thread(thl.follow_time)
            except SotepkiError as error:
                _log.error("What came from Valveri waits: %s", error)
            await asyncio.sleep(seconds)

    async def context(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(follow())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return context
