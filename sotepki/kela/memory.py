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


@dataclass
class ShortMemory(Generic[V]):
    """Values by key, each for ``seconds`` of the machine's clock at most; with 0 nothing is remembered.

    The machine's clock and not the workspace's: how long an answer is kept is a matter of load, not of the field.
    """

    seconds: float
    _known: dict[Hashable, tuple[float, V]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def get(self, key: Hashable, ask: Callable[[], V], *, keep: Callable[[V], bool] = lambda _value: True) -> V:
        """The remembered value, or the one that ``ask`` gives; kept if ``keep`` agrees. Raises what it raises."""
        if not self.seconds:
            return ask()
        now = time.monotonic()
        until, value = self._known.get(key, (0.0, None))
        if value is not None and now < until:
            return value
        asked = ask()
        if keep(asked):
            with self._lock:
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
