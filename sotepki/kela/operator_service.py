"""What the operator sees, over plain HTTP on loopback: recent requests with their rules, and the state of health.

Separate from the archive's own port: a browser has no server certificate to show there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web
from jinja2 import Environment

from sotepki.errors import SotepkiError
from sotepki.kela.http_requests import guarded, wants_json
from sotepki.kela.kanta import Kanta
from sotepki.kela.rules import rulebook

STATUS_PATH = "/status"
HEALTH_PATH = "/health"

_SHOWN = 100
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Kanta emulator (TEST)</title>
<style>
 body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1a1a1a }
 table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .4rem .6rem;
 vertical-align: top }
 th { border-bottom: 2px solid #00357a } tr + tr td { border-top: 1px solid #d5d9e0 }
 code { font-size: .9em } .AA, .given, .valid { color: #12652b } .AE, .AR, .refused, .invalid { color: #a3122b }
 dl { margin: 0 } dt { font-weight: 600 } dd { margin: 0 0 .3rem 0 }
</style></head><body>
<h1>Kanta emulator <small>(TEST)</small></h1>
<p>The newest {{ lines|length }} requests, newest first, by the workspace's clock ({{ now }}).
A refused TLS handshake says little to the client: its reason stands here.</p>
<table><thead><tr><th>When</th><th>Request</th><th>Outcome</th><th>Broken rules</th><th>Client certificate</th>
</tr></thead><tbody>
{% for line in lines %}<tr>
<td>{{ line.at.strftime("%Y-%m-%d %H:%M:%S") }}</td>
<td>{{ line.kind }}{% if line.message_id %}<br><code>{{ line.message_id }}</code>{% endif %}
{% if line.sender %}<br>from <code>{{ line.sender }}</code>{% endif %}</td>
<td class="{{ line.outcome }}"><strong>{{ line.outcome }}</strong>
{% if line.reason %}<br>{{ line.reason }}{% endif %}</td>
<td><dl>{% for rule in line.rules %}<dt><code>{{ rule }}</code></dt><dd>{{ texts.get(rule, "") }}</dd>
{% endfor %}</dl></td>
<td>{% if line.certificate_sha256 %}{{ line.certificate_issuer }}<br>serial <code>{{ line.certificate_serial }}</code>
{% else %}none{% endif %}</td></tr>
{% else %}<tr><td colspan="5">No request yet.</td></tr>{% endfor %}
</tbody></table></body></html>
"""


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
        app.router.add_get(HEALTH_PATH, self._health)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        lines = await asyncio.to_thread(self.kanta.requests, _SHOWN)
        if request.query.get("format") == "json" or wants_json(request):
            return web.json_response([line.as_dict() for line in lines], headers=_HEADERS)
        texts = {rule.id: rule.text for rule in rulebook()}
        now = self.kanta.records.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC")
        page = Environment(autoescape=True).from_string(_PAGE).render(lines=lines, texts=texts, now=now)
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        try:
            await asyncio.to_thread(self.kanta.requests, 1)
        except SotepkiError as error:
            return web.json_response({"status": "failed", "message": error.sentence}, status=503)
        return web.json_response({"status": "ok"})


async def plain_refusal(_request: web.Request, status: int, rule: str, sentence: str) -> web.StreamResponse:
    """A refusal as plain JSON."""
    return web.json_response({"rule": rule, "message": sentence, "advice": rulebook()[rule].advice}, status=status)
