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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientError, web

from sotepki import loopback
from sotepki.scs.service import SignatureService
from sotepki.scs.settings import PORT

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger("sotepki.scs")
_WORKERS = 2


@dataclass
class ScsHttp:
    """The aiohttp application of one service."""

    service: SignatureService

    def __post_init__(self) -> None:
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="scs")

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
        app.on_cleanup.append(self._close)
        return app

    async def _version(self, request: web.Request) -> web.StreamResponse:
        return self._answer(request, await asyncio.to_thread(self.service.version))

    async def _sign(self, request: web.Request) -> web.StreamResponse:
        settings = self.service.settings
        if (request.content_length or 0) > settings.max_content:
            return self._answer(request, self.service.failure("scs.request.size", "The request is too long."))
        try:
            async with asyncio.timeout(settings.read_seconds):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._answer(request, self.service.failure("scs.request.size", "The request is too long."))
        except TimeoutError:
            return self._answer(request, self.service.failure("scs.request.slow", "The request came too slowly."))
        except (ClientError, web.RequestPayloadError, ConnectionError):
            return self._answer(request, self.service.failure("scs.request.json", "The request broke off."))
        answer = await self._work(self.service.sign, body, request.headers.get("Origin", ""))
        return self._answer(request, answer)

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        answer = web.Response(status=200)
        if request.headers.get("Access-Control-Request-Private-Network", "").lower() == "true":
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

    def _answer(self, request: web.Request, row: dict[str, Any]) -> web.Response:
        answer = web.Response(body=json.dumps(row).encode(), content_type="application/json", charset="utf-8")
        if not self.service.settings.content_type:
            del answer.headers["Content-Type"]
        return _shared(request, answer)

    async def _work(self, function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *arguments)

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


def _shared(request: web.Request, answer: web.Response) -> web.Response:
    """Any site may call (docs/field/scs.md 7: no allow-list); the origin rule and the PIN are what protects."""
    answer.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
    answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
    answer.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type"
    answer.headers["Access-Control-Max-Age"] = "3600"
    answer.headers["Vary"] = "Origin"
    answer.force_close()
    return answer
