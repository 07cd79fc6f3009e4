"""JulkiTerhikki and JulkiSuosikki over HTTP: a page for people and JSON for programs, open to anybody.

``GET /`` leads to ``/julkiterhikki`` and ``/julkisuosikki``; there a form is sent by POST, so that no name stands in
an address or a log. ``/<service>/api/search`` answers JSON: ``GET ?number=``, or POST of an object with ``number``,
or ``surname`` and ``given_names``. The names in the answer that the real service is known to use (``etunimet``,
``sukunimi``, ``oikeudet``, ``nimi`` with FI, SV, EN, ``rajoituksia``) are used (docs/field/registration.md 9.1:
confirmed); the others, and the plain JSON instead of its transit+json, are choices.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sotepki.clock import HELSINKI, Clock
from sotepki.evidence import load_yaml
from sotepki.identifiers import RegistrationNumber
from sotepki.registers import Register
from sotepki.resources import package_file
from sotepki.serving.bodies import form_fields, json_object, text_fields
from sotepki.serving.desk import MOMENT, Desk, Refusal, json_refusal
from sotepki.serving.faults import ServiceFaultBoard
from sotepki.serving.history import RequestHistory
from sotepki.valvira.authority import authority_name
from sotepki.valvira.office import Valvira
from sotepki.valvira.public_service import PublicEntry

NAME = "public-rights"
"""The service, as the fault board and the history know it."""

FIELDS = ("number", "surname", "given_names")

_TYPED = web.RequestKey("sotepki.public-rights.typed", dict[str, str])
"""Key of a request: what was typed into the form, which stands there again beside the answer or the refusal."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def public_application(
    valvira: Valvira,
    *,
    clock: Clock,
    faults: ServiceFaultBoard | None = None,
    history: RequestHistory | None = None,
) -> web.Application:
    """The application; ``faults`` and ``history`` are shared with other services where they are given."""
    service = _PublicService(valvira)
    desk = Desk(NAME, clock, faults or ServiceFaultBoard(), history or RequestHistory(), service.refuse)
    names = "|".join(service.services)
    return desk.application(
        [
            web.get("/", service.front),
            web.get(f"/{{service:{names}}}", service.form),
            web.post(f"/{{service:{names}}}", service.answer),
            web.get(f"/{{service:{names}}}/api/search", service.search_number),
            web.post(f"/{{service:{names}}}/api/search", service.search),
        ]
    )


@dataclass(frozen=True)
class _PublicService:
    """The handlers."""

    valvira: Valvira

    @cached_property
    def services(self) -> Mapping[str, Mapping[str, str]]:
        return _data()["services"]  # type: ignore[no-any-return]

    async def front(self, request: web.Request) -> web.Response:
        return self._page(request)

    async def form(self, request: web.Request) -> web.Response:
        return self._page(request)

    async def answer(self, request: web.Request) -> web.Response:
        fields = request[_TYPED] = text_fields(await form_fields(request), FIELDS)
        return self._page(request, entries=await self._found(request, fields))

    async def search_number(self, request: web.Request) -> web.Response:
        return self._json(await self._found(request, text_fields(dict(request.query), FIELDS)))

    async def search(self, request: web.Request) -> web.Response:
        return self._json(await self._found(request, text_fields(await json_object(request), FIELDS)))

    def refuse(self, request: web.Request, refusal: Refusal) -> web.Response:
        if "api" in request.path.split("/") or request.match_info.route.resource is None:
            return json_refusal(request, refusal)
        return self._page(request, refusal=refusal)

    async def _found(self, request: web.Request, fields: Mapping[str, str]) -> Sequence[PublicEntry]:
        number = fields["number"].strip()
        return await asyncio.to_thread(
            self.valvira.search,
            registration_number=RegistrationNumber.parse(number) if number else None,
            surname=fields["surname"],
            given_names=fields["given_names"],
            register=Register(self.services[request.match_info["service"]]["register"]),
            at=request[MOMENT],
        )

    def _page(
        self, request: web.Request, *, entries: Sequence[PublicEntry] | None = None, refusal: Refusal | None = None
    ) -> web.Response:
        texts = _data()["texts"]
        language = request.query.get("lang", "")
        language = language if language in texts else "fi"
        service = request.match_info.get("service")
        authority = authority_name(request[MOMENT])
        page = _template().render(
            texts=texts,
            text=texts[language],
            language=language,
            services=self.services,
            service=service,
            title=self.services[service]["title"] if service else authority.short,
            authority=getattr(authority, language),
            entries=entries,
            refusal=refusal,
            typed=request.get(_TYPED, {}),
            helsinki=HELSINKI,
        )
        status = refusal.status if refusal else 200
        return web.Response(text=page, content_type="text/html", headers=_HEADERS, status=status)

    def _json(self, entries: Sequence[PublicEntry]) -> web.Response:
        return web.json_response([public_json(entry) for entry in entries], headers=_HEADERS)


def public_json(entry: PublicEntry) -> dict[str, Any]:
    """What the public sees of a professional, in the JSON of the service."""
    return {
        "rekisterointinumero": entry.registration_number.value,
        "sukunimi": entry.surname,
        "etunimet": entry.given_names,
        "syntymavuosi": entry.birth_year,
        "oikeudet": [
            {
                "nimi": {"FI": right.title_fi, "SV": right.title_sv, "EN": right.title_en},
                "rajoituksia": right.restricted,
            }
            for right in entry.rights
        ],
        "tilanne": entry.as_of.isoformat(),
    }


@cache
def _data() -> Any:
    return load_yaml(package_file("valvira", "public_web.yaml"))


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(package_file("valvira")), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("public_web.html.j2")
