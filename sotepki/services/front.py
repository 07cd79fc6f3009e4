"""The front door: the host names that stand in certificates and documents, served on one port by the Host header.

With the names in the hosts file and this service on port 80, a system under test follows the very addresses of its
certificates. It passes requests on to the plain services of the house.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from sotepki.services.house import House
from sotepki.services.service import Application
from sotepki.serving.bodies import asked_path, whole_body
from sotepki.serving.desk import HttpRefusal, Refusal
from sotepki.serving.faults import SLOWEST_SECONDS
from sotepki.serving.hosts import asked_host

_LARGEST = 32 * 1024 * 1024
_SECONDS = SLOWEST_SECONDS + 60.0
"""How long a service may take for its answer: a fault on purpose reaches the client as it is, not as a 502."""

_OF_THE_CONNECTION = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "upgrade", "te",
     "trailer", "proxy-authorization", "proxy-authenticate", "expect"}
)  # fmt: skip
"""Header fields that belong to one connection (RFC 9110 7.6.1), or that the body is no longer as."""

_SESSION = web.AppKey("session", ClientSession)


def front_application(house: House) -> Application:
    """An application that passes a request on to the service that its Host names, of those that started before."""
    targets = {
        host: one.url for one in house.started.values() if one.application.tls is None for host in one.service.hosts
    }
    app = web.Application(client_max_size=_LARGEST)
    app.cleanup_ctx.append(_session)
    app.router.add_route("*", "/{path:.*}", _Door(targets).passed_on)
    return Application(app, any_host=True)


class _Door:
    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets

    async def passed_on(self, request: web.Request) -> web.StreamResponse:
        target = self._targets.get(asked_host(request) or "")
        if target is None:
            told = {"message": "No service of this house has this host name.", "hosts": sorted(self._targets)}
            return web.json_response(told, status=421)
        try:
            body = await whole_body(request)
        except HttpRefusal as refused:
            return _not_taken(refused.refusal)
        try:
            async with request.app[_SESSION].request(
                request.method,
                f"{target}{asked_path(request)}",
                headers=_kept(request.headers),
                data=body,
                allow_redirects=False,
            ) as answer:
                return web.Response(status=answer.status, body=await answer.read(), headers=_kept(answer.headers))
        except (ClientError, TimeoutError):
            return web.json_response({"message": "The service behind this name does not answer."}, status=502)


def _not_taken(refusal: Refusal) -> web.Response:
    answer = web.json_response({"message": refusal.sentence}, status=refusal.status)
    answer.force_close()  # what is left of the body is not read as a request
    return answer


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with ClientSession(timeout=ClientTimeout(total=_SECONDS)) as session:
        app[_SESSION] = session
        yield


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_THE_CONNECTION}
