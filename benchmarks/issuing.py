"""Issuing certificates with the CA key in SoftHSM, as a ratio to the token's raw RSA-4096 signing rate.

Three ways are measured beside the raw rate: through the profile alone, recorded one by one (two committed
transactions for each certificate), and recorded in batches of a hundred.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pkcs11

from sotepki.clock import SystemClock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.records import Database, Records
from sotepki.tokens import KeyKind, KeyPool, KeyRing, find_softhsm
from sotepki.tokens.keys import DIGEST_INFO_PREFIX
from sotepki.tokens.pool import make_key
from sotepki.x509.issuing import Issuer, issue
from sotepki.x509.profiles import load_profiles
from sotepki.x509.serials import person_serial

TOKEN = "sotepki bench CA"
AUTHORITY = "sote-persons"
PROFILE = "professional-signature-rsa"
ROUND = 20
BATCH = 100


def measure(seconds: float = 3.0) -> dict[str, Any]:
    """Rates and their ratios to the raw rate; the ways take turns until each has had ``seconds``."""
    with tempfile.TemporaryDirectory(prefix="sotepki-bench-") as directory, _ways(Path(directory)) as ways:
        spent = dict.fromkeys(ways, 0.0)
        done = dict.fromkeys(ways, 0)
        for work in ways.values():
            work()
        while min(spent.values()) < seconds:
            for name, work in ways.items():
                started = time.perf_counter()
                work()
                spent[name] += time.perf_counter() - started
                done[name] += BATCH if name.startswith("recorded_batch") else ROUND
    rates = {name: done[name] / spent[name] for name in ways}
    raw = rates.pop("raw")
    return {
        "name": "issuing",
        "ratios": {f"issuing.{name}.vs_raw": round(rate / raw, 3) for name, rate in rates.items()},
        "rates": {
            "issuing.softhsm.rsa4096.raw_per_second": round(raw, 1),
            **{f"issuing.{name}_per_second": round(rate, 1) for name, rate in rates.items()},
        },
    }


@contextmanager
def _ways(directory: Path) -> Iterator[dict[str, Callable[[], None]]]:
    pool = KeyPool(directory / "pool")
    pool.fill({KeyKind.RSA_4096: 3, KeyKind.RSA_3072: 3})
    ring = KeyRing(directory / "hsm", TOKEN, pool)
    records = Records(Database(f"sqlite:///{directory / 'sotepki.db'}"), SystemClock(), directory / "outbox")
    records.database.create_tables()
    authorities = Authorities(records, ring, load_profiles())
    authorities.create_hierarchy(ring.create)
    label = authorities.plan.authorities[AUTHORITY].key_label
    issuer = Issuer(authorities.certificate(AUTHORITY), ring(label))
    order = CertificateOrder(_subject(), make_key(KeyKind.RSA_3072).public_key(), "00000000001")
    try:
        yield {
            "raw": _raw(label),
            "softhsm.rsa4096": _profile_alone(order, issuer),
            "recorded.rsa4096": _one_by_one(authorities, order),
            "recorded_batch.rsa4096": lambda: _batch(authorities, order),
        }
    finally:
        ring.close()
        records.database.close()


def _raw(label: str) -> Callable[[], None]:
    """Sign a SHA-512 DigestInfo with python-pkcs11 directly, in a session that is logged in already."""
    session = pkcs11.lib(str(find_softhsm())).get_token(token_label=TOKEN).open()
    key: Any = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
    digest_info = DIGEST_INFO_PREFIX["sha512"] + bytes(64)

    def work() -> None:
        for _ in range(ROUND):
            key.sign(digest_info, mechanism=pkcs11.Mechanism.RSA_PKCS, buffer_size=512)

    return work


def _profile_alone(order: CertificateOrder, issuer: Issuer) -> Callable[[], None]:
    profile = load_profiles()[PROFILE]
    now = SystemClock().now()

    def work() -> None:
        for number in range(ROUND):
            issue(
                profile, subject=order.subject, public_key=order.public_key, issuer=issuer,
                serial_number=person_serial(number + 1), not_before=now,
            )  # fmt: skip

    return work


def _one_by_one(authorities: Authorities, order: CertificateOrder) -> Callable[[], None]:
    def work() -> None:
        for _ in range(ROUND):
            authorities.issue_many(AUTHORITY, PROFILE, [order], actor="bench")

    return work


def _batch(authorities: Authorities, order: CertificateOrder) -> None:
    authorities.issue_many(AUTHORITY, PROFILE, [order] * BATCH, actor="bench")


def _subject() -> dict[str, str]:
    return {
        "country": "FI",
        "title": "310 Sosiaalityöntekijä, Socialarbetare",
        "serial_number": "00000000001",
        "given_name": "Aino",
        "surname": "Testaaja",
        "common_name": "Testaaja Aino 00000000001",
    }
