"""A reader of the workstation for cards of the workspace, in process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from sotepki.card import CardShelf, InsertedCard


@dataclass
class ShelfReader:
    """A reader of this process. Call it for the card that is in it."""

    shelf: CardShelf
    _card: InsertedCard | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self) -> InsertedCard | None:
        """The card, while its chip is there."""
        with self._lock:
            if self._card is not None and self._card.chip_process is None:
                self._card = None
            return self._card

    def insert(self, number: str) -> None:
        """Put a card in; the one before goes out.

        Raises:
            Misuse, Refused, Fault: see ``CardShelf.insert``.
        """
        self.remove()
        card = self.shelf.insert(number)
        with self._lock:
            self._card = card

    def remove(self) -> None:
        """Pull the card; without one nothing happens."""
        with self._lock:
            card, self._card = self._card, None
        if card is not None:
            card.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()
