"""What is seen of the services from outside: a line of the log for each request, and counters for Prometheus.

Neither holds personal data: of a path only the pattern that it matched, of a client nothing.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import cast

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from sotepki.loopback import Observer
from sotepki.services.log_lines import LogFields

REQUESTS = "sotepki_http_requests_total"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"})


class RequestCounts:
    """Requests by service, method and status, and the seconds that they took; safe to use from several threads."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, service: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        with self._lock:
            self._requests[service, method, status] += 1
            self._seconds[service] += seconds  # type: ignore[assignment]

    def samples(self) -> list[Sample]:
        """What was counted."""
        with self._lock:
            requests, seconds = dict(self._requests), dict(self._seconds)
        return [
            *(
                Sample(
                    REQUESTS,
                    {"service": service, "method": method, "status": str(status)},
                    count,
                )
                for (service, method, status), count in sorted(requests.items())
            ),
            *(
                Sample("sotepki_http_request_seconds_total", {"service": service}, round(total, 6))
                for service, total in sorted(seconds.items())
            ),
        ]


@dataclass(frozen=True)
class Sample:
    """One value of a counter."""

    metric: str
    labels: Mapping[str, str]
    value: float


def by_label(metric: str, label: str, counts: Mapping[str, int], **labels: str) -> list[Sample]:
    """A sample for each key of ``counts``."""
    return [Sample(metric, {**labels, label: key}, count) for key, count in sorted(dict(counts).items())]


def added(samples: Iterable[Sample]) -> list[Sample]:
    """Samples of several processes as if one had counted: a sum for each metric and its labels."""
    totals: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for sample in samples:
        key = sample.metric, tuple(sample.labels.items())
        totals[key] = totals.get(key, 0) + sample.value
    return [Sample(metric, dict(labels), round(value, 6)) for (metric, labels), value in totals.items()]


def requests_of(service: str, samples: Iterable[Sample]) -> int:
    """How many requests a service has answered."""
    return int(sum(one.value for one in samples if one.metric == REQUESTS and one.labels["service"] == service))


def exposition(samples: Iterable[Sample]) -> str:
    """Counters in the text format of Prometheus, all samples of a metric together.

    Values of labels are names of ours, which need no escaping.
    """
    lines: list[str] = []
    for metric, group in groupby(sorted(samples, key=lambda sample: sample.metric), key=lambda sample: sample.metric):
        lines.append(f"# TYPE {metric} counter")
        for sample in group:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            lines.append(f"{metric}{{{labels}}} {sample.value}" if labels else f"{metric} {sample.value}")
    return "\n".join(lines) + "\n"


def observer(service: str, counts: RequestCounts) -> Observer:
    """Writes one line of JSON for each request of a service to the logger ``sotepki.requests``, and counts it."""

    class RequestLines(AbstractAccessLogger):
        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            method = request.method if request.method in _METHODS else "other"
            counts.add(service, method, response.status, time)
            if self.logger.isEnabledFor(logging.INFO):
                pattern = _pattern(request)
                line = LogFields(
                    service=service,
                    method=method,
                    path=pattern or "unknown",
                    status=response.status,
                    ms=round(time * 1000, 1),
                    bytes=response.body_length,
                )
                if pattern is None:
                    line["rule"] = "kanta.service.http"
                self.logger.info("%s", line)

        @property
        def enabled(self) -> bool:
            return True

    return Observer(logging.getLogger("sotepki.requests"), RequestLines)


def _pattern(request: web.BaseRequest) -> str | None:
    """The pattern of the path, since a path itself may name a person or a document; None for octets that are no HTTP.

    aiohttp answers those itself, with a request that was never looked up.
    """
    try:
        resource = cast(web.Request, request).match_info.route.resource
    except (AssertionError, AttributeError):
        return None
    return resource.canonical if resource is not None else "unknown"
