"""What was asked of a service, without personal data: a trainer, or a case, sees whether a system asked at all."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

LONGEST_HISTORY = 10_000


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


class RequestHistory:
    """The last requests, and counts of all of them; safe to read while the services run."""

    def __init__(self, longest: int = LONGEST_HISTORY) -> None:
        self._records: deque[RequestRecord] = deque(maxlen=longest)
        self._counts: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def add(self, record: RequestRecord) -> None:
        """Append a request; the oldest one is forgotten when the history is full, its count stays."""
        with self._lock:
            self._records.append(record)
            self._counts[record.service, record.status] += 1

    def records(self, service: str | None = None) -> tuple[RequestRecord, ...]:
        """The requests that are remembered, the oldest first."""
        with self._lock:
            return tuple(record for record in self._records if service is None or record.service == service)

    def count(self, service: str | None = None, *, status: int | None = None) -> int:
        """How many requests there were since the beginning or the last ``clear``."""
        with self._lock:
            return sum(
                count
                for (name, answered), count in self._counts.items()
                if (service is None or name == service) and (status is None or answered == status)
            )

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._counts.clear()
