"""Answers about revocation lists that are worked out once for each list, since one may have a million entries."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from cryptography import x509

Answer = TypeVar("Answer")

#: More lists at a time than those of all issuers and parts of a PKI. With one list more than are remembered, each
#: document would read all of them through.
MOST_ANSWERS = 256
#: Each list is kept alive with its answers, also when nobody else needs it any more; a service gets new ones daily.
MOST_OCTETS = 256 * 1024 * 1024


class _Kept(NamedTuple, Generic[Answer]):
    crl: x509.CertificateRevocationList
    octets: int
    answer: Answer


@dataclass(frozen=True)
class ListMemory(Generic[Answer]):
    """Remembers what was answered last. Lists are told apart as objects: reading one through is what costs.

    Attributes:
        most_octets: of all lists together that are kept; the last one is kept in any case.
    """

    most_octets: int = MOST_OCTETS
    _kept: OrderedDict[tuple[int, Hashable], _Kept[Answer]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, crl: x509.CertificateRevocationList, about: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer about a list (and ``about``), from memory or from ``ask``."""
        key = (id(crl), about)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept.answer
        answer, octets = ask(), len(crl.tbs_certlist_bytes)
        with self._lock:
            self._kept[key] = _Kept(crl, octets, answer)  # the list is kept alive, so that no other gets its id
            while len(self._kept) > MOST_ANSWERS or (len(self._kept) > 1 and self._octets() > self.most_octets):
                self._kept.popitem(last=False)
        return answer

    def _octets(self) -> int:
        return sum(kept.octets for kept in self._kept.values())
