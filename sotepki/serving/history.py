"""What was asked of a service, without personal data: a trainer, or a case, sees whether a system asked at all."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

LONGEST_HISTORY = 10_000

R = TypeVar("R")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class RequestRecord:
    """One request and its outcome.

    Attributes:
        service: name of the service.
        method, route: the method and the route's pattern. Never the path or the query as sent: they hold numbers
            and names.
        status: HTTP status; 0 if the connection was closed without an answer.
        rule: the rule of a refusal, else empty.
        client: the system that asked, where it is known by its certificate; else empty.
        faulty: the answer was late, old or missing on purpose.
    """

    at: datetime
    service: str
    method: str
    route: str
    status: int
    rule: str = ""
    client: str = ""
    faulty: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self) | {"at": self.at.isoformat()}


class History(Generic[R, K]):
    """The last requests, and counts of all of them by ``key``; safe to read while the services run."""

    def __init__(self, key: Callable[[R], K], longest: int = LONGEST_HISTORY) -> None:
        self._key = key
        self._records: deque[R] = deque(maxlen=longest)
        self._counts: Counter[K] = Counter()
        self._lock = threading.Lock()

    def add(self, record: R) -> None:
        """Append a request; the oldest one is forgotten when the history is full, its count stays."""
        with self._lock:
            self._records.append(record)
            self._counts[self._key(record)] += 1

    def remembered(self) -> tuple[R, ...]:
        """The requests that are remembered, the oldest first."""
        with self._lock:
            return tuple(self._records)

    def counts(self) -> dict[K, int]:
        """How many requests there were by key since the beginning or the last ``clear``."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._counts.clear()


class RequestHistory(History[RequestRecord, tuple[str, int]]):
    """The last requests to the services of the offices, counted by service and HTTP status."""

    def __init__(self, longest: int = LONGEST_HISTORY) -> None:
        super().__init__(lambda record: (record.service, record.status), longest)

    def records(self, service: str | None = None) -> tuple[RequestRecord, ...]:
        """The requests that are remembered, the oldest first."""
        return tuple(record for record in self.remembered() if service in (None, record.service))

    def count(self, service: str | None = None, *, status: int | None = None) -> int:
        """How many requests there were since the beginning or the last ``clear``."""
        return sum(
            number
            for (name, answered), number in self.counts().items()
            if service in (None, name) and status in (None, answered)
        )
