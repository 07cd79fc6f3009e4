"""A chip in the process of its reader: for a process that does nothing but hold one card."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import IO

from sotepki.card.chip import Answer, chip_of, take_card
from sotepki.card.wire import Message
from sotepki.errors import Fault, SotepkiError
from sotepki.tokens.storage import no_core_file


class ChipHere:
    """``link.ChipLink`` without a process between: which saves two process switches for each command.

    SoftHSM has one configuration in a process; other work with tokens here costs the card a new login to its own.
    """

    process_id: int | None = None

    def __init__(self, name: str, directory: Path) -> None:
        """Take the card in ``directory``; ``name`` is for messages, for example ``The card 12345``.

        Raises:
            Misuse: rule ``card.unknown``.
            Refused: rule ``card.in-use``.
            Fault: rule ``card.state-file``.
        """
        no_core_file()
        self._name = name
        self._lock = threading.Lock()
        self._card: IO[bytes] = take_card(directory)
        self._answer: Answer | None = chip_of(directory)

    def ask(self, request: Message) -> Message:
        """See ``ChipLink``; an unexpected error becomes a ``Fault`` with its class only: texts may hold PINs."""
        with self._lock:
            if self._answer is None:
                raise Fault(f"{self._name} is not in the reader.", rule="card.removed", advice="Insert it first.")
            try:
                return self._answer(request)
            except SotepkiError:
                raise
            except Exception as error:  # noqa: BLE001  any request gets an answer
                raise Fault(f"The card's chip failed with {type(error).__name__}.", rule="card.chip.failed") from None

    def close(self) -> None:
        """The contact is lost: the chip gets no chance to put anything in order. Closing twice is no error."""
        with self._lock:
            self._answer = None
            self._card.close()
