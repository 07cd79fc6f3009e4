"""OCSP answers that are given again: same request, no nonce, and nothing was revoked since."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

MOST_ENTRIES = 20_000
MOST_OCTETS = 64 * 1024 * 1024


@dataclass(frozen=True)
class CachedAnswer:
    """A response with what the history notes of it.

    Attributes:
        serials, answer: the certificates asked about, and the state told, as in ``RequestRecord``.
        made_at, fresh_until: given again in between only; a clock that was put back makes it useless too.
        valid_until: nextUpdate of the response; None if it has none.
        mark: the count of revocations before the records were read.
        headers: of HTTP, those that are the same each time the answer is given.
    """

    response: bytes
    serials: tuple[int, ...]
    answer: str
    made_at: datetime
    fresh_until: datetime
    valid_until: datetime | None
    mark: int
    headers: Mapping[str, str] = field(default_factory=dict)


class OcspCache:
    """Answers by publication id and request bytes; bounded, the one unused for longest goes first.

    An entry is valid for the count of revocations it was made under, so a revocation drops every answer at once.
    """

    def __init__(self, entries: int = MOST_ENTRIES, octets: int = MOST_OCTETS) -> None:
        self._entries, self._octets = entries, octets
        self._answers: OrderedDict[tuple[str, bytes], CachedAnswer] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, name: str, request: bytes, *, mark: int, now: datetime) -> CachedAnswer | None:
        """The answer to a request, if it may still be given."""
        key = (name, request)
        with self._lock:
            found = self._answers.get(key)
            if found is not None and found.mark == mark and found.made_at <= now < found.fresh_until:
                self._answers.move_to_end(key)
                self.hits += 1
                return found
            if found is not None:
                self._remove(key)
            self.misses += 1
            return None

    def put(self, name: str, request: bytes, answer: CachedAnswer) -> None:
        """Keep an answer."""
        key = (name, request)
        with self._lock:
            if key in self._answers:
                self._remove(key)
            self._answers[key] = answer
            self._size += _octets(key, answer)
            while len(self._answers) > self._entries or self._size > self._octets:
                self._remove(next(iter(self._answers)))

    def clear(self) -> None:
        """Forget all answers; the counts of hits and misses stay."""
        with self._lock:
            self._answers.clear()
            self._size = 0

    def _remove(self, key: tuple[str, bytes]) -> None:
        self._size -= _octets(key, self._answers.pop(key))


def _octets(key: tuple[str, bytes], answer: CachedAnswer) -> int:
    return len(key[1]) + len(answer.response)
