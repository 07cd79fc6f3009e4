"""The service over https on 127.0.0.1: two paths, CORS, limits, one exchange per connection (docs/field/scs.md 2, 7).

``/sign`` always answers HTTP 200; the outcome is in the JSON. PINs and contents are never logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from sotepki import loopback
from sotepki.errors import Misuse
from sotepki.scs.service import SignatureService
from sotepki.scs.settings import PORT, ports
from sotepki.scs.transactions import Transactions

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger("sotepki.scs")
_WORKERS = 4
_JSON, _JWT = "application/json", "application/jwt"


@dataclass
class ScsHttp:
    """The aiohttp application of one service."""

    service: SignatureService

    def __post_init__(self) -> None:
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="scs")
        self._stopping = False

    def application(self) -> web.Application:
        """Routes and limits."""
        settings = self.service.settings
        app = web.Application(
            client_max_size=settings.max_content,
            middlewares=[self._plainly],
            handler_args={"max_field_size": settings.max_head, "max_line_size": settings.max_head},
        )
        app.router.add_get("/version", self._version)
        app.router.add_post("/sign", self._sign)
        app.router.add_route("OPTIONS", "/{path:version|sign}", self._preflight)
        app.on_shutdown.append(self._stop)
        app.on_cleanup.append(self._close)
        if not settings.content_type:
            app.on_response_prepare.append(self._untyped)
        return app

    async def _version(self, request: web.Request) -> web.StreamResponse:
        return self._answer(request, await asyncio.to_thread(self.service.version))

    async def _sign(self, request: web.Request) -> web.StreamResponse:
        settings = self.service.settings
        if (request.content_length or 0) > settings.max_content:
            return self._refused(request, "scs.request.size", "The request is too long.")
        # A program's request without a type is read. A page's is not: a browser sends it without asking first.
        typed = "Content-Type" in request.headers or "Origin" in request.headers
        kind = request.content_type if typed else _JSON
        if kind != _JSON and not settings.any_media_type and not (settings.transactions and kind == _JWT):
            return self._refused(request, "scs.request.media-type", "The request's Content-Type is not taken.")
        try:
            async with asyncio.timeout(settings.read_seconds):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refused(request, "scs.request.size", "The request is too long.")
        except TimeoutError:
            return self._refused(request, "scs.request.slow", "The request came too slowly.")
        except (ClientError, HttpProcessingError, web.RequestPayloadError, ConnectionError):
            return self._refused(request, "scs.request.json", "The request broke off.")
        origin = request.headers.get("Origin", "")
        service = replace(self.service, wanted=lambda: self._waits(request))
        if settings.transactions and kind == _JWT:
            return self._answer(request, await self._work(Transactions(service).answer, body, origin))
        return self._answer(request, await self._work(service.sign, body, origin))

    def _waits(self, request: web.Request) -> bool:
        """Whether there is somebody to answer: a tab that was closed or a fetch that was given up closes its line."""
        return request.transport is not None and not self._stopping

    def _refused(self, request: web.Request, rule: str, sentence: str) -> web.Response:
        answer = self.service.failure(rule, sentence)
        self.service.outcome(request.headers.get("Origin", ""), answer["reasonText"])
        return self._answer(request, answer)

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        answer = web.Response(status=200)
        asked = request.headers.get("Access-Control-Request-Private-Network", "").lower() == "true"
        if asked and self.service.settings.private_network:
            # Browsers that guard the local network ask; those that do not ask are told nothing.
            answer.headers["Access-Control-Allow-Private-Network"] = "true"
        return _shared(request, answer)

    @web.middleware
    async def _plainly(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            answer = _shared(request, web.Response(status=error.status, text="There is nothing here.\n"))
        except Exception:  # noqa: BLE001 - a page never sees a traceback; the log does
            _LOG.exception("request failed")
            answer = self._answer(request, self.service.failure("scs.card.failed", "The service failed."))
        route = request.match_info.route.resource
        where = route.canonical if route else "unknown path"
        _LOG.info("method=%s path=%s status=%d", request.method, where, answer.status)
        return answer

    def _answer(self, request: web.Request, row: dict[str, Any] | str) -> web.Response:
        if isinstance(row, str):
            answer = web.Response(body=row.encode("ascii"), content_type=_JWT)
        else:
            answer = web.Response(body=json.dumps(row).encode(), content_type=_JSON, charset="utf-8")
        return _shared(request, answer)

    async def _untyped(self, _request: web.Request, answer: web.StreamResponse) -> None:
        """Take the type away last of all: aiohttp puts one of its own in the place of a missing one."""
        answer.headers.pop("Content-Type", None)

    async def _work(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *arguments)

    async def _stop(self, _app: web.Application) -> None:
        """End the open requests while they can still be answered."""
        self._stopping = True

    async def _close(self, _app: web.Application) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)


def tls_context(chain: Path) -> ssl.SSLContext:
    """The TLS context of the local listener; ``chain`` is the PEM file of ``local_certificate``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    return context


@contextmanager
def running(service: SignatureService, chain: Path, *, port: int = PORT) -> Iterator[str]:
    """Serve on 127.0.0.1 until the block ends, and give the base URL.

    Raises:
        Misuse: the port is taken: other signing software uses the same one (docs/field/scs.md 2, row port clash).
    """
    with loopback.running(ScsHttp(service).application(), tls_context(chain), port=port) as url:
        yield url


@contextmanager
def running_on_old_ports(service: SignatureService, chain: Path) -> Iterator[list[str]]:
    """Serve also where older pages look: both old HTTPS ports, and the first free one of the HTTP ports.

    A port that is taken is left out, as the field's software does; gives the base URLs.
    """
    known = ports()
    with ExitStack() as stack:
        urls = [url for port in known.old_https for url in _listener(stack, service, port, tls_context(chain))]
        for port in known.old_http:
            found = _listener(stack, service, port, None)
            if found:
                urls += found
                break
        yield urls


def _listener(stack: ExitStack, service: SignatureService, port: int, context: ssl.SSLContext | None) -> list[str]:
    try:
        return [stack.enter_context(loopback.running(ScsHttp(service).application(), context, port=port))]
    except Misuse:
        return []


def _shared(request: web.Request, answer: web.Response) -> web.Response:
    """Any site may call (docs/field/scs.md 7: no allow-list); the origin rule and the PIN are what protects."""
    answer.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
    answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
    answer.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type"
    answer.headers["Access-Control-Max-Age"] = "3600"
    answer.headers["Vary"] = "Origin"
    answer.force_close()
    return answer
