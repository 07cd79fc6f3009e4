"""Activation codes: sealed while DVV keeps them, sent in a letter of their own, sent again by a registrar's order.

The code on the chip cannot be changed (docs/field/card.md 3.3, row PUK), so a letter that was lost can only be
replaced by another one with the same code. Vartti's books keep it sealed; the key of the seal lies beside them and
not in them, so that a copy of the database opens no card.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from sotepki.card import pin_letter
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.errors import Fault
from sotepki.records import Channel, Posting
from sotepki.registers import Person
from sotepki.tokens import Pin
from sotepki.tokens.storage import locked, private_directory, write_private

_KEY = "activation-codes.key"


@dataclass(frozen=True)
class CodeSeal:
    """Seals activation codes; ``directory`` keeps the key, which is made when it is first needed."""

    directory: Path

    def seal(self, code: Pin) -> bytes:
        """The code as it may be stored."""
        return self._fernet().encrypt(code.reveal().encode("ascii"))

    def open(self, sealed: bytes) -> Pin:
        """The code of ``seal``.

        Raises:
            Fault: the key is not the one it was sealed with, or the text was changed.
        """
        try:
            return Pin(self._fernet().decrypt(sealed).decode("ascii"))
        except InvalidToken as error:
            raise Fault(
                "An activation code cannot be opened: the key of the code store is another one.",
                advice=f"Restore {_KEY}, or close the card and order a new one.",
            ) from error

    def _fernet(self) -> Fernet:
        path = self.directory / _KEY
        if not path.exists():
            with locked(private_directory(self.directory) / f"{_KEY}.lock"):
                if not path.exists():
                    write_private(path, Fernet.generate_key())
        try:
            return Fernet(path.read_bytes())
        except (OSError, ValueError) as error:
            raise Fault(f"The key of the code store {path.name} cannot be read.") from error


def code_letter(row: CardOrderRow, person: Person, code: Pin, sent: date) -> Posting:
    """The letter with the activation code of a card, to the address of the order."""
    holder = f"{person.first_name} {person.surname}"
    content = pin_letter(
        holder=holder,
        card_number=row.card_number or "",
        activation_code=code,
        sent=sent,
        address=row.letter_address,
        kind=row.kind,
    )
    recipient = f"{holder}, {row.letter_address}"
    return Posting(Channel.LETTER, recipient, f"activation-code-{row.card_number}.txt", content)
