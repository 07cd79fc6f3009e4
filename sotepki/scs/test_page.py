"""A page that drives any SCS on the machine; what comes back is judged here, not in the browser."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sotepki.clock import Clock
from sotepki.errors import Misuse, Refused
from sotepki.scs.answers import read_answer
from sotepki.scs.explaining import Asked, Trusted, explain
from sotepki.scs.login_challenges import LoginChallenges
from sotepki.scs.settings import ChallengeForm, load_settings, ports
from sotepki.scs.web_pages import Pages, json_object, own_origin, text_of

PORT = 53961
"""Where the page is; the next after the workstation's page."""

_LARGEST = 8 * 1024 * 1024
_CALLS = ("https://127.0.0.1:*", "https://localhost:*", "http://127.0.0.1:*", "http://localhost:*")


@dataclass
class TestPage:
    """The page's application. It trusts whom ``trusted`` says, by the time of ``clock``."""

    __test__ = False  # not a case for pytest

    trusted: Trusted
    clock: Clock
    scs_url: str = ""
    pages: Pages = field(default_factory=lambda: Pages(calls=_CALLS))
    challenges: LoginChallenges = field(default_factory=LoginChallenges)

    def application(self) -> web.Application:
        """The page and what its script calls."""
        app = self.pages.application(limit=_LARGEST)
        app.router.add_get("/", self._page)
        app.router.add_post("/challenge", self._challenge)
        app.router.add_post("/verify/login", self._login)
        app.router.add_post("/verify/document", self._document)
        return app

    async def _page(self, request: web.Request) -> web.StreamResponse:
        known = ports()
        usual = [f"https://127.0.0.1:{port}" for port in (known.https, *known.old_https)]
        addresses = [*([self.scs_url] if self.scs_url else []), *usual]
        addresses += [f"http://127.0.0.1:{port}" for port in known.old_http]
        return self.pages.show(request, "test_page.html.j2", addresses=list(dict.fromkeys(addresses)))

    async def _challenge(self, request: web.Request) -> web.StreamResponse:
        form = challenge_form(text_of(await json_object(request), "version", 20))
        made = self.challenges.give(own_origin(request), "", self.clock.now(), form)
        return web.json_response({"id": made.id, "content": base64.b64encode(made.content).decode("ascii")})

    async def _login(self, request: web.Request) -> web.StreamResponse:
        row = await json_object(request)
        challenge = self.challenges.take(text_of(row, "id", 64), "", self.clock.now())
        return await self._judged(Asked(challenge.content, wants_signature_key=False), row)

    async def _document(self, request: web.Request) -> web.StreamResponse:
        row = await json_object(request)
        try:
            content = base64.b64decode(text_of(row, "content", _LARGEST), validate=True)
        except (binascii.Error, ValueError):
            raise Refused("content is not base64.", rule="scs.page.request") from None
        digest = text_of(row, "contentType", 20) == "digest"
        return await self._judged(Asked(content, digest, text_of(row, "hashAlgorithm", 20)), row)

    async def _judged(self, asked: Asked, row: Mapping[str, Any]) -> web.StreamResponse:
        answer = row.get("answer")
        if not isinstance(answer, dict):
            raise Refused("The request lacks the answer of the service.", rule="scs.page.request")
        read = read_answer(answer)
        result = await asyncio.to_thread(explain, asked, read, self.trusted, self.clock.now())
        return web.json_response(result.as_dict())


def challenge_form(version: str) -> ChallengeForm:
    """The form of a login challenge that a version wants; for an unknown one that of the oldest."""
    try:
        return load_settings(version).challenge
    except Misuse:
        return ChallengeForm.LINE
