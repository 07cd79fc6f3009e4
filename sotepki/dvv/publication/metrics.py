"""What the publication services did, for people and machines: Prometheus text and JSON."""

from __future__ import annotations

from typing import Any

from sotepki.dvv.publication.ocsp import OcspService
from sotepki.dvv.publication.request_history import RequestHistory, RequestRecord, Service
from sotepki.x509.serials import serial_text

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_RECORDS = 1000


def metrics_text(history: RequestHistory, ocsp: OcspService) -> str:
    """Counters in the text format of Prometheus; the names begin with ``sotepki_``."""
    lines = ["# TYPE sotepki_requests_total counter"]
    for (service, name, outcome), count in sorted(history.counts().items()):
        lines.append(f'sotepki_requests_total{{service="{service}",id="{name}",outcome="{outcome}"}} {count}')
    values: dict[str, tuple[str, float]] = {
        "sotepki_ocsp_cache_hits_total": ("counter", ocsp.cache.hits),
        "sotepki_ocsp_cache_misses_total": ("counter", ocsp.cache.misses),
        "sotepki_ocsp_cache_entries": ("gauge", len(ocsp.cache)),
        "sotepki_ocsp_signed_total": ("counter", ocsp.signing.answers),
        "sotepki_ocsp_signing_seconds_total": ("counter", round(ocsp.signing.seconds, 6)),
    }
    for metric, (kind, value) in values.items():
        lines += [f"# TYPE {metric} {kind}", f"{metric} {value}"]
    return "\n".join(lines) + "\n"


def history_rows(history: RequestHistory, service: Service | None, limit: int) -> list[dict[str, Any]]:
    """The last ``limit`` requests, the oldest first, ready for JSON."""
    records = history.records(service)
    return [_row(record) for record in records[max(0, len(records) - limit) :]]


def _row(record: RequestRecord) -> dict[str, Any]:
    return {
        "at": record.at.isoformat(),
        "service": str(record.service),
        "id": record.publication_id,
        "method": record.method,
        "outcome": record.outcome,
        "serials": [serial_text(serial) for serial in record.serials],
        "answer": record.answer,
        "size": record.size,
        "faulty": record.faulty,
    }
