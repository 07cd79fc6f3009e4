"""The transaction of 1.3 that a service waits to execute: one at a time, whichever of its ports it was begun on."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from sotepki.scs.request import Selector
from sotepki.scs.settings import rulebook


@dataclass(frozen=True)
class Begun:
    """A transaction between its two steps."""

    origin: str
    selector: Selector
    server_key: str
    key: bytes = field(repr=False)
    until: float = 0.0

    @property
    def over(self) -> bool:
        """Whether its second step comes too late."""
        return time.monotonic() > self.until


@dataclass
class PendingTransaction:
    """The place for the transaction that is pending."""

    _begun: Begun | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def check_no_other(self, origin: str) -> None:
        """One page can neither push another's transaction aside nor end it; who begins anew gives the own one up.

        Raises:
            Refused: ``scs.jwt.transaction``.
        """
        with self._lock:
            begun = self._begun
        if begun is not None and begun.origin != origin and not begun.over:
            raise rulebook().refusal("scs.jwt.transaction", "A transaction of another origin is pending.")

    def begin(self, begun: Begun) -> None:
        """Wait for the second step."""
        with self._lock:
            self._begun = begun

    def take(self) -> Begun:
        """The transaction, which is not pending any more.

        Raises:
            Refused: ``scs.jwt.transaction``: there is none, or it is over.
        """
        with self._lock:
            begun, self._begun = self._begun, None
        if begun is None or begun.over:
            raise rulebook().refusal("scs.jwt.transaction", "No transaction is pending.")
        return begun
