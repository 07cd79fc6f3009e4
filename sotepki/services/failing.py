"""The fault knobs in front of a service that does not show them itself: down, slow."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sotepki.serving.faults import Down, ServiceFaultBoard

_LOOK_AGAIN_SECONDS = 0.1
"""How long an honest service does not look at the board again, which is a file."""


def failing(name: str, board: ServiceFaultBoard) -> Middleware:
    """Middleware that lets a service be down or slow as the board says; its data are never stale."""

    honest_until = 0.0

    @web.middleware
    async def fail(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal honest_until
        if time.monotonic() < honest_until:
            return await handler(request)
        faults = board.of(name)
        if not faults:
            honest_until = time.monotonic() + _LOOK_AGAIN_SECONDS
            return await handler(request)
        if faults.slow_seconds:
            await asyncio.sleep(faults.slow_seconds)
        if faults.down is Down.NO:
            return await handler(request)
        if faults.down is Down.DROPPED and request.transport is not None:
            request.transport.abort()
        return web.json_response({"message": "The service is not available."}, status=503)

    return fail
