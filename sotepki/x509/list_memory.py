"""Answers about revocation lists that are worked out once for each list, since one may have a million entries."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cryptography import x509

Answer = TypeVar("Answer")

#: More lists at a time than those of all issuers and parts of a PKI; each is kept alive with its answers. With one
#: list more than are remembered, each document would read all of them through.
MOST_ANSWERS = 256


@dataclass(frozen=True)
class ListMemory(Generic[Answer]):
    """Remembers what was answered last. Lists are told apart as objects: reading one through is what costs."""

    _kept: OrderedDict[tuple[int, Hashable], tuple[x509.CertificateRevocationList, Answer]] = field(
        default_factory=OrderedDict
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, crl: x509.CertificateRevocationList, about: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer about a list (and ``about``), from memory or from ``ask``."""
        key = (id(crl), about)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept[1]
        answer = ask()
        with self._lock:
            self._kept[key] = (crl, answer)  # the list is kept alive, so that no other gets its id
            while len(self._kept) > MOST_ANSWERS:
                self._kept.popitem(last=False)
        return answer
