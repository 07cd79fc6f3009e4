"""The status page of a house: which services run, what for, and how they fare; as HTML, JSON and Prometheus text."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sotepki.errors import SotepkiError
from sotepki.kela.http_requests import wants_json
from sotepki.resources import package_file
from sotepki.services.house import House
from sotepki.services.observing import METRICS_TYPE, exposition, requests_of
from sotepki.services.service import Application
from sotepki.serving.faults import NO_FAULTS, ServiceFaults
from sotepki.serving.operator_pages import HEADERS, add_style, operator_page

_PAGES = package_file("services", "pages")


def status_application(house: House) -> Application:
    """``/`` (HTML or JSON), ``/health`` and ``/metrics``."""
    pages = _Pages(house)
    app = web.Application()
    app.add_routes(
        [web.get("/", pages.overview), web.get("/health", pages.health), web.get("/metrics", pages.metrics)]
    )
    add_style(app)
    return Application(app)


def overview(house: House) -> dict[str, Any]:
    """What the status page says, ready for JSON."""
    health, samples = house.health(), house.samples()
    faults, damage = _faults(house)
    return {
        "now": house.workspace.clock.now().isoformat(),
        "services": [
            {
                "name": name,
                "url": one.address,
                "purpose": one.service.purpose,
                "healthy": not health.get(name),
                "trouble": health.get(name, ""),
                "requests": requests_of(name, samples),
                "faults": faults.get(name, NO_FAULTS).as_dict(),
                "hosts": list(one.service.hosts),
            }
            for name, one in list(house.started.items())
        ],
        "damage": damage,
        "processes": house.master.state() if house.master is not None else None,
        "trust": str(house.trust_file),
        "hosts": house.hosts(),
    }


def _faults(house: House) -> tuple[Mapping[str, ServiceFaults], str]:
    """The faults that are set, and what is wrong with their file: who looks why a service fails must see that too."""
    try:
        return house.faults.all(), ""
    except SotepkiError as error:
        return {}, str(error)
    except OSError as error:
        return {}, f"The board of faults cannot be read: {error.strerror}."


class _Pages:
    def __init__(self, house: House) -> None:
        self._house = house

    async def overview(self, request: web.Request) -> web.StreamResponse:
        data = await asyncio.to_thread(overview, self._house)
        if request.query.get("format") == "json" or wants_json(request):
            return web.json_response(data, headers=HEADERS)
        return operator_page(_PAGES, "status.html.j2", **data)

    async def health(self, _request: web.Request) -> web.StreamResponse:
        troubles = {name: said for name, said in (await asyncio.to_thread(self._house.health)).items() if said}
        status = "failed" if troubles else "ok"
        return web.json_response({"status": status, "troubles": troubles}, status=503 if troubles else 200)

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        # Not here: while a process is being begun, the master's counters are held.
        body = exposition(await asyncio.to_thread(self._house.samples)).encode()
        return web.Response(body=body, headers={"Content-Type": METRICS_TYPE})
