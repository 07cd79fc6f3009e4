"""The page of the workstation: the reader and the PIN pad that card software shows in a window of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sotepki.card import CardShelf
from sotepki.errors import Refused, SotepkiError
from sotepki.scs.pins import PinDesk
from sotepki.scs.readers import ShelfReader
from sotepki.scs.selecting import holder_of
from sotepki.scs.service import CardInReader
from sotepki.scs.web_pages import Pages, json_object, text_of
from sotepki.tokens import Pin

PORT = 53960
"""Where the page is; chosen above the ports of other signing software (docs/field/scs.md 2, row port clash)."""

_LONGEST_REQUEST = 4096
_NAMELESS = "?"


@dataclass
class Workstation:
    """What stands on the user's desk.

    Attributes:
        reader: gives the card that is in it.
        pins: the desk where PINs are asked for.
        shelf_reader: the reader again, where cards of the workspace can be put into it.
    """

    reader: Callable[[], CardInReader | None]
    pins: PinDesk
    shelf_reader: ShelfReader | None = None
    pages: Pages = field(default_factory=Pages)
    _last: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note(self, origin: str, text: str) -> None:
        """Show how a request ended; an ``Outcome`` of the service."""
        with self._lock:
            self._last = f"{origin}: {text}" if origin else text

    def application(self) -> web.Application:
        """The page and what its script calls."""
        app = self.pages.application(limit=_LONGEST_REQUEST)
        app.router.add_get("/", self._page)
        app.router.add_get("/state", self._state)
        app.router.add_post("/pin", self._pin)
        if self.shelf_reader is not None:
            app.router.add_post("/insert", self._insert)
            app.router.add_post("/remove", self._remove)
        return app

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        question, last = self.pins.question, self._last
        try:
            card = self.reader()
        except SotepkiError as error:  # a card or a driver that fails: the service still runs, and says what it is
            card, last = None, error.sentence
        cards = []
        if self.shelf_reader is not None:
            shelf = self.shelf_reader.shelf
            cards = [{"number": number, "holder": _owner(shelf, number)} for number in shelf.numbers()]
        return {
            "holder": _holder(card) if card else "",
            "cards": cards,
            "last": last,
            "question": None
            if question is None
            else {
                "id": question.id,
                "kind": question.request.kind,
                "origin": question.request.origin,
                "holder": question.request.holder,
                "tries": question.request.tries,
            },
        }

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return self.pages.show(request, "workstation.html.j2", shelf=self.shelf_reader is not None)

    async def _state(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(await asyncio.to_thread(self.state))

    async def _pin(self, request: web.Request) -> web.StreamResponse:
        row = await json_object(request)
        pin = None if row.get("pin") is None else Pin(text_of(row, "pin", 64))
        self.pins.answer(text_of(row, "id", 64), pin)
        return await self._state(request)

    async def _insert(self, request: web.Request) -> web.StreamResponse:
        assert self.shelf_reader is not None
        number = text_of(await json_object(request), "number", 64)
        await asyncio.to_thread(self.shelf_reader.insert, number)
        return await self._state(request)

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        assert self.shelf_reader is not None
        await asyncio.to_thread(self.shelf_reader.remove)
        return await self._state(request)


def _holder(card: CardInReader) -> str:
    """Whose card it is: by a certificate that can be read, else by its print; empty would be no card."""
    for use in ("signature", "authentication"):
        try:
            name = holder_of(card.certificate(use))
        except Refused:  # a card for login only, or a certificate that strict readers refuse
            continue
        if name:
            return name
    return str(getattr(card, "holder", "")) or _NAMELESS


def _owner(shelf: CardShelf, number: str) -> str:
    """The name on a card of the shelf; empty for one that is damaged, or that was just taken away."""
    try:
        return shelf.read(number).holder
    except SotepkiError:
        return ""
