"""Kela's plain HTTP side on loopback: the validation service and the operator's pages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from sotepki.documents import is_frame
from sotepki.errors import Refused
from sotepki.kela.fhir import MEDIA_TYPE as FHIR_TYPE
from sotepki.kela.fhir import operation_outcome
from sotepki.kela.http_requests import expect_handler, guarded, read_body
from sotepki.kela.kanta import Kanta
from sotepki.kela.operator_service import PAGES, OperatorPages, plain_refusal
from sotepki.kela.rules import finding_of, rulebook
from sotepki.kela.validation import (
    VALIDATION_PATH,
    SharkAnswer,
    ValidationReport,
    ValidationService,
    read_plain,
)
from sotepki.serving.operator_pages import HEADERS, operator_page

PAGE_PATH = "/validation"
PLAIN_PATH = "/validation/document"

_JSON = frozenset({"application/json", "text/json"})


@dataclass(frozen=True)
class _Validation:
    """The handlers of both forms."""

    kanta: Kanta
    service: ValidationService

    async def shark(self, request: web.Request) -> web.StreamResponse:
        answer: SharkAnswer
        if request.content_type in _JSON:
            answer = await asyncio.to_thread(self.service.shark, await self._body(request))
        else:
            finding = rulebook().finding("shark.request.json", "The request is not JSON by its content type.")
            answer = await asyncio.to_thread(self.service.not_taken, finding)
        return web.Response(body=answer.body, status=answer.status, content_type=answer.media_type, charset="utf-8")

    async def plain(self, request: web.Request) -> web.StreamResponse:
        report: ValidationReport = await asyncio.to_thread(self._judge, await self._body(request))
        if "fhir+json" in request.headers.get("Accept", ""):
            outcome = operation_outcome(report.findings, self.kanta.settings.refuses)
            return web.json_response(outcome, content_type=FHIR_TYPE)
        return web.json_response(report.as_dict())

    async def page(self, _request: web.Request) -> web.StreamResponse:
        return operator_page(PAGES, "validation.html.j2", environment=self.kanta.settings.environment)

    async def script(self, _request: web.Request) -> web.StreamResponse:
        text = (PAGES / "validation.js").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/javascript", headers=HEADERS)

    def _judge(self, body: bytes) -> ValidationReport:
        try:
            request = read_plain(body)
        except Refused as error:
            finding = finding_of(error, otherwise="shark.request.json")
            return self.service.unopened(finding) if is_frame(body) else self.service.rejected(finding)
        return self.service.explained(request)

    async def _body(self, request: web.Request) -> bytes:
        settings = self.kanta.settings
        return await read_body(request, limit=settings.max_message_bytes, seconds=settings.read_seconds)


def public_application(kanta: Kanta) -> web.Application:
    """``POST`` to ``VALIDATION_PATH`` and ``PLAIN_PATH``, the page ``PAGE_PATH``; ``GET /status`` and ``/health``.

    The plain form answers as a FHIR OperationOutcome to who asks for ``application/fhir+json``.
    """
    limit = kanta.settings.max_message_bytes
    validation = _Validation(kanta, ValidationService(kanta))
    app = web.Application(client_max_size=limit, middlewares=[guarded(plain_refusal)])
    app.router.add_post(VALIDATION_PATH, validation.shark, expect_handler=expect_handler(limit))
    app.router.add_post(PLAIN_PATH, validation.plain, expect_handler=expect_handler(limit))
    app.router.add_get(PAGE_PATH, validation.page)
    app.router.add_get(f"{PAGE_PATH}/page.js", validation.script)
    OperatorPages(kanta).add_to(app)
    return app
