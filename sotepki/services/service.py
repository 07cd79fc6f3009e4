"""What a service is to the house that runs it: a row of the catalogue."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from sotepki.services.observing import Sample

if TYPE_CHECKING:
    from sotepki.services.house import House


@dataclass(frozen=True)
class Application:
    """An application ready to be served.

    Attributes:
        tls: None for plain HTTP.
        health: a sentence on what is wrong; empty if nothing is. May read the database.
        any_host: its clients prove who they are, what it publishes is meant for everybody, or it looks at the Host
            itself; otherwise the house lets it answer only under names of its own.
        fails: it shows the faults of the board itself; otherwise the house puts them in front of it.
        samples: counters of its own, beside those that every service has.
        warning: a sentence for who starts it: it runs, and some clients will not reach it. Empty without one.
    """

    app: web.Application
    tls: ssl.SSLContext | None = None
    any_host: bool = False
    fails: bool = False
    health: Callable[[], str] = str
    samples: Callable[[], Sequence[Sample]] = tuple
    warning: str = ""


Builder = Callable[["House"], Application]
"""Makes the application of a service in a house."""


@dataclass(frozen=True)
class Service:
    """One service.

    Attributes:
        name: as on the command line.
        purpose: what it is for, in a line.
        port: the default.
        build: makes the application; may ask the house where other services are, which stand before it in the
            catalogue.
        path: of its most useful page or resource.
        hosts: names in certificates and documents by which its clients know it.
        asked: started only when it is asked for by name.
        spread: may be served by several processes at once (``House.master``).
    """

    name: str
    purpose: str
    port: int
    build: Builder
    path: str = ""
    hosts: tuple[str, ...] = ()
    asked: bool = False
    spread: bool = False
