"""Where PINs come from without a terminal: a list for build servers, and a desk where a page answers for the user."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from sotepki.errors import Misuse
from sotepki.scs.service import PinKind, PinRequest, PinSource
from sotepki.tokens import Pin

CANCEL = "cancel"
PATIENCE = 120.0
"""Seconds that a question waits for the user."""

_LOOK = 0.2


def scripted_pins(text: str) -> PinSource:
    """PIN1 and PIN2 from two lines; the word ``cancel`` in the place of a PIN is a user who cancels.

    Raises:
        Misuse: there are not two lines.
        Refused: a line is no PIN (``token.pin.digits``).
    """
    lines = text.split()
    if len(lines) != 2:
        raise Misuse(
            f"The PIN file holds {len(lines)} of 2 lines: PIN1, then PIN2.",
            advice="The word 'cancel' in the place of a PIN stands for a user who cancels.",
        )
    pins: Mapping[PinKind, Pin | None] = {
        kind: None if line.lower() == CANCEL else Pin(line) for kind, line in zip(PinKind, lines, strict=True)
    }
    return lambda request: pins[request.kind]


@dataclass(frozen=True)
class Question:
    """A PIN that is asked for; ``id`` is needed to answer and is not to be guessed."""

    id: str
    request: PinRequest


@dataclass
class PinDesk:
    """A ``PinSource`` that waits until somebody answers the open question. One question is open at a time."""

    patience: float = PATIENCE
    _question: Question | None = None
    _answer: Pin | None = None
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def __call__(self, request: PinRequest) -> Pin | None:
        """Ask, and wait for the answer; None when the user cancels, the card or the page goes, or nobody answers."""
        question = Question(secrets.token_urlsafe(16), request)
        with self._changed:
            self._question, self._answer = question, None
            waited = 0.0
            try:
                while self._question is question and waited < self.patience and request.present():
                    self._changed.wait(_LOOK)
                    waited += _LOOK
                return self._answer
            finally:  # also when the reader fails: a question without a waiter would swallow a PIN, and keep it
                self._question = self._answer = None

    @property
    def question(self) -> Question | None:
        """The open question."""
        with self._changed:
            return self._question

    def answer(self, question_id: str, pin: Pin | None) -> bool:
        """Answer the open question, or cancel it with None; whether it was still open."""
        with self._changed:
            if self._question is None or not secrets.compare_digest(self._question.id.encode(), question_id.encode()):
                return False
            self._question, self._answer = None, pin
            self._changed.notify_all()
            return True
