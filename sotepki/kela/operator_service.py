"""What the operator sees, over plain HTTP on loopback: recent requests with their rules, and the state of health.

Separate from the archive's own port: a browser has no server certificate to show there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.errors import SotepkiError
from sotepki.kela.http_requests import guarded, wants_json
from sotepki.kela.kanta import Kanta
from sotepki.kela.rules import all_rules
from sotepki.resources import package_file
from sotepki.serving.operator_pages import HEADERS, add_style, operator_page

STATUS_PATH = "/status"
HEALTH_PATH = "/health"
CERTIFICATE_PATH = "/status/certificates/{sha256:[0-9a-f]{64}}"

_SHOWN = 100
PAGES = package_file("kela", "pages")


@dataclass(frozen=True)
class OperatorPages:
    """Adds the status pages to an application."""

    kanta: Kanta

    def application(self) -> web.Application:
        """An application of its own, with nothing but these pages."""
        app = web.Application(middlewares=[guarded(plain_refusal)])
        self.add_to(app)
        return app

    def add_to(self, app: web.Application) -> None:
        """Put the pages into an application that serves others too."""
        app.router.add_get("/", self._status)
        app.router.add_get(STATUS_PATH, self._status)
        app.router.add_get(CERTIFICATE_PATH, self._certificate)
        app.router.add_get(HEALTH_PATH, self._health)
        add_style(app)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        refused = "refused" in request.query
        lines = await asyncio.to_thread(self.kanta.requests, _SHOWN, refused=refused)
        if request.query.get("format") == "json" or wants_json(request):
            return web.json_response([line.as_dict() for line in lines], headers=HEADERS)
        texts = {rule.id: rule.text for rule in all_rules()}
        now = self.kanta.records.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC")
        environment = self.kanta.settings.environment
        return operator_page(
            PAGES, "requests.html.j2", lines=lines, texts=texts, now=now, environment=environment, refused=refused
        )

    async def _certificate(self, request: web.Request) -> web.StreamResponse:
        certificate = await asyncio.to_thread(self.kanta.refused_certificate, request.match_info["sha256"])
        if certificate is None:
            raise web.HTTPNotFound()
        pem = certificate.public_bytes(Encoding.PEM)
        return web.Response(body=pem, content_type="application/x-pem-file", headers=HEADERS)

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        try:
            await asyncio.to_thread(self.kanta.requests, 1)
        except SotepkiError as error:
            return web.json_response({"status": "failed", "message": error.sentence}, status=503)
        return web.json_response({"status": "ok"})


async def plain_refusal(_request: web.Request, status: int, rule: str, sentence: str) -> web.StreamResponse:
    """A refusal as plain JSON."""
    return web.json_response({"rule": rule, "message": sentence, "advice": all_rules()[rule].advice}, status=status)
