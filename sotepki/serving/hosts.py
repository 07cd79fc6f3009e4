"""Under which host names a service may be asked, so that no page of another site reaches it by a name of its own.

A browser lets a page read whatever comes from the host name and port of the page itself. If a foreign name suddenly
leads to 127.0.0.1 (DNS rebinding), the foreign page and a service on this machine are one site to the browser; only
the Host header still tells that somebody else is meant (RFC 9110 7.2, 15.5.20).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_ADVICE = (
    "Ask it at 127.0.0.1 or localhost. If the name leads to this machine on purpose, start 'sotepki serve' with "
    "--host-name NAME."
)


def asked_host(request: web.Request) -> str | None:
    """The name in the Host header: lower case, without port or final dot. Empty: none was sent; None: unreadable."""
    header = request.headers.get("Host", "")
    name = host_name(header)
    return "" if not header else name or None


def host_name(text: str) -> str:
    """The host of ``host`` or ``host:port``, as ``asked_host`` gives it; empty if there is none."""
    try:
        return (urlsplit(f"//{text}").hostname or "").rstrip(".")
    except ValueError:  # as "[::1"
        return ""


def is_loopback(name: str) -> bool:
    """Whether a name always leads to the machine itself: an address of loopback, or ``localhost`` (RFC 6761 6.3)."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def only_hosts(names: Iterable[str]) -> Middleware:
    """Middleware: 421 for who asks under another name than loopback's, the address that was asked, or ``names``.

    A request without a name passes: no browser sends one.
    """
    known = frozenset(name.lower() for name in names)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = asked_host(request)
        if name is not None and (not name or is_loopback(name) or name in known or name == _own_address(request)):
            return await handler(request)
        body = {"message": "This service does not answer under this host name.", "advice": _ADVICE}
        return web.json_response(body | {"hosts": sorted(known)}, status=421)

    return guard


def _own_address(request: web.Request) -> str | None:
    address = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return str(address[0]) if address else None
