"""Answers that are remembered for a moment, so that a stream of messages does not ask the same thing every time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cryptography import x509

from sotepki.kela.revocation import StatusLookup
from sotepki.x509.status import CertificateState, CertificateStatus

V = TypeVar("V")

_MOST = 4096

_RENEWED_AT = 0.7
"""Part of its time after which a value is asked for anew."""


@dataclass
class ShortMemory(Generic[V]):
    """Values by key, each for ``seconds`` of the machine's clock at most; with 0 nothing is remembered.

    Somewhat before its end a value is asked for anew by one thread, while the others go on with it: otherwise all of
    them would ask the same at once, every time that it ends.

    The machine's clock and not the workspace's: how long an answer is kept is a matter of load, not of the field.
    """

    seconds: float
    _known: dict[Hashable, tuple[float, V]] = field(default_factory=dict, repr=False)
    _renewing: set[Hashable] = field(default_factory=set, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def get(self, key: Hashable, ask: Callable[[], V], *, keep: Callable[[V], bool] = lambda _value: True) -> V:
        """The remembered value, or the one that ``ask`` gives; kept if ``keep`` agrees. Raises what it raises."""
        if not self.seconds:
            return ask()
        now = time.monotonic()
        until, value = self._known.get(key, (0.0, None))
        if value is not None and now < until:
            early = until - now < self.seconds * (1 - _RENEWED_AT)
            return self._renewed(key, value, ask, keep) if early else value
        return self._asked(key, ask, keep)

    def _renewed(self, key: Hashable, value: V, ask: Callable[[], V], keep: Callable[[V], bool]) -> V:
        with self._lock:
            if key in self._renewing:
                return value
            self._renewing.add(key)
        try:
            return self._asked(key, ask, keep)
        finally:
            with self._lock:
                self._renewing.discard(key)

    def _asked(self, key: Hashable, ask: Callable[[], V], keep: Callable[[V], bool]) -> V:
        now = time.monotonic()
        asked = ask()
        with self._lock:
            self._known.pop(key, None)
            if keep(asked):
                while len(self._known) >= _MOST:
                    del self._known[next(iter(self._known))]
                self._known[key] = now + self.seconds, asked
        return asked


def remembering(lookup: StatusLookup, seconds: float) -> StatusLookup:
    """A ``StatusLookup`` that remembers answers "good" for a moment; every other answer is asked for again.

    They are known by what identifies a certificate to a responder (RFC 6960 4.1.1): its issuer and its number.
    Hashing the certificates themselves would parse all of them for every question.
    """
    memory: ShortMemory[CertificateStatus] = ShortMemory(seconds)

    def remembered(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        key = (issuer.subject, issuer.serial_number, certificate.serial_number)
        return memory.get(key, lambda: lookup(certificate, issuer), keep=lambda s: s.state is CertificateState.GOOD)

    return remembered
