"""Issuing for a class by one and by two processes, recorded, as ratios to the token's raw RSA-4096 signing rate.

The raw rate is that of one process signing a DigestInfo with python-pkcs11 directly. The processes are started and
warm before anything is timed; raw signing and issuing take turns. ``raw_by_two`` is raw signing by two processes at
once: what two processors are worth on this machine at this time, the most that issuing by two can reach.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.issuing import AUTHORITY, PROFILE, ROUND, TOKEN, _raw, _subject
from sotepki.clock import SystemClock
from sotepki.dvv.authority.bulk import Workshop, bulk_issuing
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.tokens import KeyKind, KeyPool
from sotepki.tokens.pool import make_key

CLASS = 300


def measure(rounds: int = 4) -> dict[str, Any]:
    """Certificates per second by one and two processes, and their ratios to the raw rate.

    The best of some rounds counts on every side: another process on the machine only ever takes away.
    """
    with tempfile.TemporaryDirectory(prefix="sotepki-bench-") as name:
        directory = Path(name)
        pool = KeyPool(directory / "pool")
        pool.fill({KeyKind.RSA_4096: 3, KeyKind.RSA_3072: 3})
        workshop = Workshop(
            f"sqlite:///{directory / 'sotepki.db'}",
            directory / "outbox",
            directory / "hsm",
            TOKEN,
            directory / "pool",
            SystemClock(),
        )
        records, ring, authorities = workshop.open()
        records.database.create_tables()
        authorities.create_hierarchy(ring.create)
        raw = _raw(authorities.plan.authorities[AUTHORITY].key_label)
        orders = [CertificateOrder(_subject(), make_key(KeyKind.RSA_3072).public_key(), "00000000001")] * CLASS
        found: dict[str, list[float]] = {"raw": [], "raw_two": [], "one": [], "two": []}
        label = authorities.plan.authorities[AUTHORITY].key_label
        pair = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
        with pair, bulk_issuing(workshop, 1) as one, bulk_issuing(workshop, 2) as two:

            def raw_by_two() -> float:
                return sum(pair.map(_raw_rate, [workshop] * 2, [label] * 2))

            def by_one() -> None:
                for _ in one.issue(AUTHORITY, PROFILE, orders[: CLASS // 2], actor="bench"):
                    pass

            def by_two() -> None:
                for _ in two.issue(AUTHORITY, PROFILE, orders, actor="bench"):
                    pass

            raw_by_two()
            for work in (by_one, by_two, raw):
                work()
            for _ in range(rounds):
                found["raw"].append(_rate(raw, ROUND, times=8))
                found["raw_two"].append(raw_by_two())
                found["one"].append(_rate(by_one, CLASS // 2))
                found["two"].append(_rate(by_two, CLASS))
        ring.close()
        records.database.close()
    rates = {key: max(values) for key, values in found.items()}
    return {
        "name": "bulk",
        "ratios": {
            **{f"bulk.{key}.vs_raw": round(rates[key] / rates["raw"], 3) for key in ("one", "two")},
            "bulk.two.vs_one": round(rates["two"] / rates["one"], 3),
            "bulk.two.vs_raw_by_two": round(rates["two"] / rates["raw_two"], 3),
            "bulk.raw_by_two.vs_raw": round(rates["raw_two"] / rates["raw"], 3),
        },
        "rates": {f"bulk.softhsm.rsa4096.{key}_per_second": round(rate, 1) for key, rate in rates.items()},
    }


_ready: dict[str, Callable[[], None]] = {}


def _raw_rate(workshop: Workshop, label: str) -> float:
    """The raw rate of this process; two at once say what the machine has to give."""
    if label not in _ready:
        workshop.open()[1](label)
        _ready[label] = _raw(label)
        time.sleep(0.5)  # so that the other process takes part in the round that starts both
    return _rate(_ready[label], ROUND, times=8)


def _rate(work: Callable[[], None], amount: int, times: int = 1) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return amount * times / (time.perf_counter() - started)


if __name__ == "__main__":
    print(json.dumps(measure()))
