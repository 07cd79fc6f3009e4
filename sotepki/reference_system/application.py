"""The web application: which page does what, and for whom."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sotepki.clock import HELSINKI
from sotepki.errors import Refused
from sotepki.evidence import Severity
from sotepki.reference_system.audit import AuditLog
from sotepki.reference_system.casework import Casework, State, Work
from sotepki.reference_system.login import log_in
from sotepki.reference_system.rights import Told, check_rights
from sotepki.reference_system.sessions import COOKIE, IDLE, Session, Sessions, User
from sotepki.reference_system.surroundings import Surroundings, rules
from sotepki.resources import package_file
from sotepki.scs.answers import read_answer
from sotepki.scs.login_challenges import LoginChallenges
from sotepki.scs.test_page import challenge_form
from sotepki.scs.web_pages import Pages, json_object, own_origin, text_of

PORT = 53962
"""Where the system is; the next after the test page of the SCS."""

_LARGEST = 1024 * 1024
_SESSION = web.RequestKey("session", Session)
_OPEN = frozenset({"/", "/login/challenge", "/login"})


@dataclass
class ReferenceSystem:
    """The system; ``scs_url`` is where the browser finds the SCS of its workstation."""

    world: Surroundings
    scs_url: str = "https://127.0.0.1:53952"
    sessions: Sessions = field(default_factory=Sessions)
    challenges: LoginChallenges = field(default_factory=LoginChallenges)

    def __post_init__(self) -> None:
        self.audit = AuditLog(self.world.directory / "audit.jsonl", self.world.clock)
        self.casework = Casework(self.world)
        self.pages = Pages(package_file("reference_system", "pages"), (self.scs_url,), "ref.csrf", "refused.html.j2")

    def application(self) -> web.Application:
        """Routes. Everything but the login needs a session (``_open_session``)."""
        app = self.pages.application(limit=_LARGEST, middlewares=[self._open_session])
        app.router.add_get("/", self._front)
        app.router.add_post("/login/challenge", self._challenge)
        app.router.add_post("/login", self._login)
        app.router.add_post("/logout", self._logout)
        app.router.add_get("/documents", self._list)
        app.router.add_get("/documents/new", self._form)
        app.router.add_post("/documents", self._write)
        app.router.add_get("/documents/{oid}", self._show)
        app.router.add_post("/documents/{oid}/prepare", self._prepare)
        app.router.add_post("/documents/{oid}/sign", self._sign)
        app.router.add_post("/documents/{oid}/send", self._send)
        return app

    # --- sessions --------------------------------------------------------------------------------------------

    @web.middleware
    async def _open_session(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path.startswith("/static/"):
            return await handler(request)
        now = self.world.clock.now()
        session = self.sessions.find(request.cookies.get(COOKIE, ""), now)
        if request.path not in _OPEN and (session is None or session.user is None):
            if request.method == "GET":
                raise web.HTTPSeeOther("/")
            raise rules().refusal("ref.session", "You are not logged in, or your session has ended.")
        if session is None:
            session = self.sessions.begin(now)
        request[_SESSION] = session
        if request.method != "GET":
            await self._check_token(request, session)
            if session.user is not None and request.path != "/logout":
                await asyncio.to_thread(self._check_rights, session.user)
        answer = await handler(request)
        if request.cookies.get(COOKIE) != request[_SESSION].id:
            answer.set_cookie(COOKIE, request[_SESSION].id, secure=True, httponly=True, samesite="Strict", path="/")
        return answer

    async def _check_token(self, request: web.Request, session: Session) -> None:
        """The token of the session, from a script's header or a form's field."""
        try:
            given = request.headers.get("X-CSRF-Token") or str((await request.post()).get("csrf", ""))
        except (ValueError, LookupError):  # not a form, or in an unknown encoding
            given = ""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), session.csrf.encode()):
            raise rules().refusal("ref.csrf", "The request lacks the token of its session.")

    def _user(self, request: web.Request) -> User:
        """Who asks."""
        user = request[_SESSION].user
        if user is None:
            raise rules().refusal("ref.session", "You are not logged in, or your session has ended.")
        return user

    def _check_rights(self, user: User) -> None:
        """Rights and access are looked at anew with every request that changes something."""
        try:
            check_rights(self.world, user.professional.registration_number, self._told(user.number))
        except Refused as refused:
            self.audit.note("refused", user.number, rule=refused.rule)
            raise

    def _told(self, number: str = "") -> Told:
        return lambda sentence: self.audit.note("rights of another time", number, said=sentence)

    # --- login and logout ------------------------------------------------------------------------------------

    async def _front(self, request: web.Request) -> web.StreamResponse:
        if request[_SESSION].user is not None:
            raise web.HTTPSeeOther("/documents")
        return self._page(request, "login.html.j2")

    async def _challenge(self, request: web.Request) -> web.StreamResponse:
        form = challenge_form(text_of(await json_object(request), "version", 20))
        visitor = request[_SESSION].id
        made = self.challenges.give(own_origin(request), visitor, self.world.clock.now(), form)
        return web.json_response({"id": made.id, "content": base64.b64encode(made.content).decode("ascii")})

    async def _login(self, request: web.Request) -> web.StreamResponse:
        row = await json_object(request)
        try:
            challenge = self.challenges.take(text_of(row, "id", 64), request[_SESSION].id, self.world.clock.now())
            user = await asyncio.to_thread(log_in, challenge, _answer_in(row), self.world, self._told())
        except Refused as refused:
            self.audit.note("login refused", rule=refused.rule)
            raise
        self.sessions.end(request[_SESSION])
        request[_SESSION] = self.sessions.begin(self.world.clock.now(), user)
        self.audit.note("logged in", user.number)
        return web.json_response({"next": "/documents"})

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        self.audit.note("logged out", self._user_number(request))
        self.sessions.end(request[_SESSION])
        answer = web.Response(status=303, headers={"Location": "/"})
        request[_SESSION] = self.sessions.begin(self.world.clock.now())
        return answer

    def _user_number(self, request: web.Request) -> str:
        user = request[_SESSION].user
        return user.number if user else ""

    # --- documents -------------------------------------------------------------------------------------------

    async def _list(self, request: web.Request) -> web.StreamResponse:
        return self._page(request, "documents.html.j2", works=self.casework.of(self._user(request)))

    async def _form(self, request: web.Request) -> web.StreamResponse:
        return self._page(request, "new.html.j2", clients=self.world.clients)

    async def _write(self, request: web.Request) -> web.StreamResponse:
        user, row = self._user(request), await request.post()
        given = {name: str(row.get(name, "")) for name in ("client", "title", "text")}
        work = self.casework.write(user, **given)
        self.audit.note("document written", user.number, document=str(work.oid))
        return web.Response(status=303, headers={"Location": f"/documents/{work.oid}"})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        work = self._work(request)
        findings = work.acknowledgement.findings if work.acknowledgement else ()
        shown = [one for one in findings if one.severity is not Severity.NOTICE]
        answered = f"{work.acknowledgement.at.astimezone(HELSINKI):%d.%m.%Y %H:%M:%S}" if work.acknowledgement else ""
        return self._page(request, "document.html.j2", work=work, findings=shown, answered=answered, State=State)

    async def _prepare(self, request: web.Request) -> web.StreamResponse:
        user, work = self._user(request), self._work(request)
        octets = await asyncio.to_thread(self.casework.prepare, work, user)
        return web.json_response({"content": base64.b64encode(octets).decode("ascii")})

    async def _sign(self, request: web.Request) -> web.StreamResponse:
        user, work = self._user(request), self._work(request)
        answer = read_answer(_answer_in(await json_object(request)))
        try:
            await asyncio.to_thread(self.casework.sign, work, answer)
        except Refused as refused:
            self.audit.note("signature refused", user.number, document=str(work.oid), rule=refused.rule)
            raise
        self.audit.note("document signed", user.number, document=str(work.oid))
        return await self._send(request)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        user, work = self._user(request), self._work(request)
        await asyncio.to_thread(self.casework.send, work)
        code = str(work.acknowledgement.code) if work.acknowledgement else "none"
        self.audit.note("document sent", user.number, document=str(work.oid), answer=code)
        return web.json_response({"next": f"/documents/{work.oid}"})

    def _work(self, request: web.Request) -> Work:
        return self.casework.find(self._user(request), request.match_info["oid"])

    def _page(self, request: web.Request, template: str, **values: Any) -> web.Response:
        session = request[_SESSION]
        known: dict[str, Any] = {
            "user": session.user,
            "organisation": self.world.organisation,
            "scs_url": self.scs_url,
            "rest_seconds": int(IDLE.total_seconds()),
        }
        return self.pages.show(request, template, csrf=session.csrf, **known, **values)


def _answer_in(row: Any) -> dict[str, Any]:
    answer = row.get("answer")
    if not isinstance(answer, dict):
        raise rules().refusal("ref.request", "The request lacks the answer of the SCS.")
    return answer
