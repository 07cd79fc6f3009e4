"""What every HTTP service of this office does with a request before it looks at its meaning."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from cryptography import x509

from sotepki.errors import SotepkiError
from sotepki.kela.transport import client_certificate

Refuser = Callable[[web.Request, int, str, str], Awaitable[web.StreamResponse]]
"""(request, HTTP status, rule id, sentence) -> the answer in the form of the service."""

_LOG = logging.getLogger("sotepki.kela")


class NotTaken(Exception):
    """A request that is not taken: HTTP status, rule id, sentence."""

    def __init__(self, status: int, rule: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.rule = rule
        self.sentence = sentence


def client_of(request: web.Request) -> x509.Certificate | None:
    """The certificate of the TLS client; None on a connection without TLS.

    Raises:
        NotTaken: it passed OpenSSL and cannot be read by us (400).
    """
    try:
        return client_certificate(request.transport)
    except SotepkiError as error:
        raise NotTaken(400, "kanta.client.chain", error.sentence) from error


async def read_body(request: web.Request, *, limit: int, seconds: float) -> bytes:
    """The whole body, at most ``limit`` bytes (counted after decompression), within ``seconds``.

    Raises:
        NotTaken: it is longer (413), slower (408), broken off (400) or absent (400).
    """
    if request.content_length is not None and request.content_length > limit:
        raise NotTaken(413, "kanta.message.size", _too_long(limit))
    chunks: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                chunks.append(chunk)
                length += len(chunk)
                if length > limit:
                    raise NotTaken(413, "kanta.message.size", _too_long(limit))
    except TimeoutError:
        raise NotTaken(
            408, "kanta.message.slow", f"The message did not arrive within {seconds:.0f} seconds."
        ) from None
    except (ClientError, HttpProcessingError, web.RequestPayloadError, ConnectionError) as error:
        raise NotTaken(400, "kanta.message.empty", f"The message broke off: {type(error).__name__}.") from error
    if not length:
        raise NotTaken(400, "kanta.message.empty", "The request has no body.")
    return b"".join(chunks)


def expect_handler(limit: int) -> Callable[[web.Request], Awaitable[None]]:
    """Says ``100 Continue`` only to a body that will be taken, so that a client need not send 50 MB for nothing."""

    async def expect(request: web.Request) -> None:
        if request.headers.get("Expect", "").lower() != "100-continue":
            raise web.HTTPExpectationFailed(text="The server knows only 100-continue.")
        if (request.content_length or 0) <= limit:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0

    return expect


def guarded(refuse: Refuser) -> Middleware:
    """Middleware: every refusal in the service's own form, never a traceback."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await handler(request)
        except NotTaken as error:
            answer = await refuse(request, error.status, error.rule, error.sentence)
            answer.force_close()
        except web.HTTPException as error:
            sentence = f"There is no {request.method} {request.path[:80]} here."
            answer = await refuse(request, error.status, "kanta.service.path", sentence)
            if isinstance(error, web.HTTPMethodNotAllowed):
                answer.headers["Allow"] = error.headers["Allow"]  # RFC 9110 15.5.6
        except SotepkiError as error:
            _LOG.error("%s", error.sentence)
            answer = await refuse(request, 503, "kanta.service.fault", error.sentence)
        except Exception:  # noqa: BLE001 - a client never sees a traceback; the operator's log does
            _LOG.exception("request failed")
            answer = await refuse(request, 503, "kanta.service.fault", "The service failed, nothing was taken.")
        return answer

    return guard


def wants_json(request: web.Request) -> bool:
    """Whether the Accept header prefers JSON to XML (RFC 9110 12.5.1); without a header XML is sent."""
    json_quality = xml_quality = 0.0
    for part in request.headers.get("Accept", "").lower().split(","):
        media, _, parameters = part.strip().partition(";")
        quality = _quality(parameters)
        if media.endswith(("/json", "+json")):
            json_quality = max(json_quality, quality)
        elif media.endswith(("/xml", "+xml")):
            xml_quality = max(xml_quality, quality)
    return json_quality > xml_quality


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _too_long(limit: int) -> str:
    return f"The message is longer than {limit} bytes, which is the limit."
