"""Pages on loopback: templates, texts in three languages, static files, and what keeps other sites out.

The test page, the page of the workstation and the reference system are built with it and share one style.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from sotepki.errors import Refused, SotepkiError
from sotepki.evidence import load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.serving import operator_pages
from sotepki.serving.bodies import whole_body
from sotepki.serving.desk import HttpRefusal
from sotepki.serving.hosts import asked_host, is_loopback

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LANGUAGES = ("fi", "sv", "en")
_LANGUAGE_COOKIE = "language"
_LOG = logging.getLogger("sotepki.pages")
_TYPES = {".css": "text/css", ".js": "text/javascript"}
_SHARED = package_file("scs", "web")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; connect-src 'self'{}"
)


@dataclass(frozen=True)
class Pages:
    """The pages of one application.

    Attributes:
        directory: templates, static files and ``texts.yaml`` of the application; those of the package come second.
        calls: address patterns that the pages' scripts call besides their own server (CSP ``connect-src``).
        rule: of the refusal when another site sends a request.
        refused: template for refusals of requests that a browser shows; without one they are JSON like the others.
    """

    directory: Path = _SHARED
    calls: Sequence[str] = ()
    rule: str = "scs.page.origin"
    refused: str = ""

    @cached_property
    def _environment(self) -> jinja2.Environment:
        loader = jinja2.FileSystemLoader([self.directory, _SHARED])
        return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)

    @cached_property
    def texts(self) -> Mapping[str, Mapping[str, str]]:
        """Texts by language and name."""
        rows: dict[str, dict[str, str]] = {}
        for directory in dict.fromkeys((_SHARED, self.directory)):
            for name, row in load_yaml(directory / "texts.yaml").items():
                refuse_unknown_keys(row, LANGUAGES, f"texts.yaml, {name}")
                rows[str(name)] = row
        return {language: {name: str(row[language]) for name, row in rows.items()} for language in LANGUAGES}

    def language(self, request: web.Request) -> str:
        """The language that was chosen; Finnish first."""
        chosen = request.query.get("lang") or request.cookies.get(_LANGUAGE_COOKIE, "")
        return chosen if chosen in LANGUAGES else "fi"

    def show(self, request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page; ``t`` holds the texts of its language, ``texts_json`` the same for its script."""
        language = self.language(request)
        texts = self.texts[language]
        known = {"lang": language, "t": texts, "texts_json": json.dumps(texts), "csrf": "", **values}
        text = self._environment.get_template(template).render(known)
        answer = web.Response(text=text, content_type="text/html", status=status)
        if request.query.get("lang") in LANGUAGES:
            answer.set_cookie(_LANGUAGE_COOKIE, language, samesite="Strict", secure=True, httponly=True, path="/")
        return answer

    async def static(self, request: web.Request) -> web.StreamResponse:
        """A style sheet or script, by its name."""
        name = request.match_info["name"]
        for directory in (self.directory, _SHARED, operator_pages.SHARED):
            path = directory / name
            if path.suffix in _TYPES and path.parent == directory and path.is_file():
                return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8")
        raise web.HTTPNotFound

    def application(self, *, limit: int, middlewares: Sequence[Any] = ()) -> web.Application:
        """An application with the static files, the guards, and a limit for bodies in bytes."""
        app = web.Application(client_max_size=limit, middlewares=[self._guarded, *middlewares])
        app.router.add_get("/static/{name:[a-z_]+\\.(?:css|js)}", self.static)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Only this machine's own pages may act; refusals are sentences; nothing is framed or cached."""
        try:
            self._own_page(request)
            await whole_body(request)
            answer = await handler(request)
        except HttpRefusal as refused:
            rule = "scs.page.request" if refused.refusal.status == 400 else refused.refusal.rule
            answer = self._sentence(request, refused.refusal.status, refused.refusal.sentence, rule)
            answer.force_close()
        except web.HTTPException as error:
            onward = web.Response(status=error.status, headers={"Location": error.headers.get("Location", "/")})
            answer = onward if error.status < 400 else self._sentence(request, error.status, error.reason)
        except SotepkiError as error:
            answer = self._sentence(request, 403 if error.rule == self.rule else 400, str(error), error.rule)
        except Exception:  # noqa: BLE001 - a page never sees a traceback; the log does
            _LOG.exception("request failed")
            answer = self._sentence(request, 500, "The service failed; its log says where.")
        answer.headers["Content-Security-Policy"] = _POLICY.format("".join(f" {one}" for one in self.calls))
        answer.headers["X-Content-Type-Options"] = "nosniff"
        # Not no-referrer: with it, browsers send "null" as the Origin of a form.
        answer.headers["Referrer-Policy"] = "same-origin"
        answer.headers["Cache-Control"] = "no-store"
        _LOG.info("method=%s path=%s status=%d", request.method, _route(request), answer.status)
        return answer

    def _sentence(self, request: web.Request, status: int, sentence: str, rule: str = "") -> web.Response:
        if self.refused and "text/html" in request.headers.get("Accept", ""):
            return self.show(request, self.refused, status=status, sentence=sentence)
        return web.json_response({"sentence": sentence, "rule": rule}, status=status)

    def _own_page(self, request: web.Request) -> None:
        if not is_loopback(asked_host(request) or ""):
            raise Refused("The page is asked for under a foreign name.", rule=self.rule)
        if request.method in ("GET", "HEAD"):
            return
        if request.headers.get("Origin", "") != own_origin(request):
            raise Refused("The request comes from a page of another origin.", rule=self.rule)


def own_origin(request: web.Request) -> str:
    """The origin under which the browser sees this server."""
    return f"{'https' if request.secure else 'http'}://{request.host}"


async def json_object(request: web.Request) -> Mapping[str, Any]:
    """The JSON object of a request.

    Raises:
        Refused: ``scs.page.request``: another type, or no JSON object.
    """
    if request.content_type != "application/json":
        raise Refused("The request is not of type application/json.", rule="scs.page.request")
    try:
        row = json.loads(await request.read())
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise Refused("The request is not a JSON object.", rule="scs.page.request")
    return row


def text_of(row: Mapping[str, Any], name: str, longest: int = 10_000) -> str:
    """A text of a JSON object.

    Raises:
        Refused: ``scs.page.request``: it is missing, no text, or too long.
    """
    value = row.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise Refused(f"The request lacks {name}, or it is no text of this length.", rule="scs.page.request")
    return value


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown path"
