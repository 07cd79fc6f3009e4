"""A revocation list of a million entries, from the database to signed bytes, beside pyca's bare list.

pyca's side gets its serial numbers, times and reasons in memory and makes a signed list of them with its builder.
Ours reads them from the database first, as ``sotepki`` does when it publishes. Both sign with the same key, both give
DER. Each side runs in a process of its own, so that the peak of its memory can be told; processor time is counted.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import insert

from sotepki.clock import SetClock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.authority.tables import RevocationRow
from sotepki.records import Database, Records
from sotepki.tokens import KeyKind, PrivateKey
from sotepki.tokens.pool import make_key
from sotepki.x509.profiles import load_profiles

ENTRIES = 1_000_000
AUTHORITY = "sote-persons"
_NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_FIRST = 100_000_000
_REASONS = ("keyCompromise", "superseded", "cessationOfOperation", "affiliationChanged")


def measure(entries: int = ENTRIES) -> dict[str, Any]:
    """Seconds and peak memory of both sides, and their ratio (at most 2 is wanted)."""
    ours, bare = _side("ours", entries), _side("bare", entries)
    seconds, bare_seconds = float(ours["seconds"]), float(bare["seconds"])
    if ours["entries"] != entries or bare["entries"] != entries:
        raise SystemExit("A list lacks entries, so there is nothing to compare.")
    return {
        "name": "crl",
        "ratios": {f"crl.{entries}.time_vs_pyca": round(seconds / bare_seconds, 3)},
        "rates": {
            f"crl.{entries}.seconds": round(seconds, 2),
            f"crl.{entries}.pyca_seconds": round(bare_seconds, 2),
            f"crl.{entries}.peak_mib": ours["peak_mib"],
            f"crl.{entries}.pyca_peak_mib": bare["peak_mib"],
            f"crl.{entries}.octets": ours["octets"],
        },
    }


def _side(name: str, entries: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.crl", name, str(entries)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _moment(number: int) -> datetime:
    return _NOW - timedelta(seconds=number * 31 % 31_536_000)


def _bare(entries: int) -> dict[str, Any]:
    key = make_key(KeyKind.RSA_4096)
    data = [(_FIRST + number, _moment(number), _REASONS[number % 4]) for number in range(entries)]
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST bare")])
    started = time.process_time()
    reasons = {}
    for word in _REASONS:
        value = x509.CRLReason(x509.ReasonFlags(word))
        reasons[word] = [x509.Extension(value.oid, False, value)]
    revoked = [
        # pyca keeps naive UTC inside; handing it over saves pyca the conversion.
        x509.RevokedCertificateBuilder(serial, when.replace(tzinfo=None), reasons[word]).build()  # type: ignore[arg-type]
        for serial, when, word in data
    ]
    builder = x509.CertificateRevocationListBuilder(
        name, _NOW.replace(tzinfo=None), (_NOW + timedelta(days=1)).replace(tzinfo=None), revoked_certificates=revoked
    )
    crl = builder.sign(key, hashes.SHA512())
    octets = len(crl.public_bytes(Encoding.DER))
    return {"seconds": time.process_time() - started, "entries": len(crl), "octets": octets}


def _ours(entries: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sotepki-bench-") as directory:
        records = Records(Database(f"sqlite:///{directory}/sotepki.db"), SetClock(_NOW), Path(directory) / "outbox")
        records.database.create_tables()
        keys: dict[str, PrivateKey] = {}

        def key(label: str, kind: KeyKind) -> PrivateKey:
            return keys.setdefault(label, make_key(kind))

        authorities = Authorities(records, keys.__getitem__, load_profiles())
        authorities.create_hierarchy(key)
        _revoke(records, entries)
        started = time.process_time()
        signed = authorities.sign_crl(AUTHORITY)
        octets = len(signed.crl.public_bytes(Encoding.DER))
        seconds = time.process_time() - started
        records.database.close()
    return {"seconds": seconds, "entries": len(signed.crl), "octets": octets}


def _revoke(records: Records, entries: int) -> None:
    """Rows as ``revoke`` would have written them; the certificates themselves are not needed for a list."""
    with records.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN")
        for start in range(0, entries, 50_000):
            rows = [
                {
                    "certificate_id": _FIRST + number,
                    "authority_id": AUTHORITY,
                    "serial": f"{_FIRST + number:08x}",
                    "expires_at": _NOW + timedelta(days=700),
                    "revoked_at": _moment(number),
                    "reason": _REASONS[number % 4],
                }
                for number in range(start, min(start + 50_000, entries))
            ]
            connection.execute(insert(RevocationRow), rows)
        connection.exec_driver_sql("COMMIT")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        side = {"ours": _ours, "bare": _bare}[sys.argv[1]](int(sys.argv[2]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps(side | {"peak_mib": peak}))
    else:
        print(json.dumps(measure()))
