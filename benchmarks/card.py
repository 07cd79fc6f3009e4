"""The card: signing through PC/SC against the token's raw RSA-3072 rate, reading, inserting, personalising.

pcscd and vpcd run in namespaces of their own. Where they cannot be had, only personalising is measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pkcs11

from sotepki.card import CardShelf, KeyUse, Personalisation
from sotepki.card.client import CardClient, Role
from sotepki.card.kinds import card_layout
from sotepki.card.pcsc.binding import PcscCard, PcscContext
from sotepki.card.pcsc.private_readers import PrivateReaders, missing_for_private_readers
from sotepki.clock import SystemClock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.records import Database, Records
from sotepki.tokens import KeyKind, KeyPool, KeyRing, Pin, find_softhsm
from sotepki.tokens.keys import DIGEST_INFO_PREFIX
from sotepki.x509.profiles import load_profiles

CARDS = 20
CODE, PIN1, PIN2 = Pin("12345678"), Pin("1111"), Pin("222222")
PERSONS = "sote-persons"
PROFILES = {KeyUse.AUTHENTICATION: "professional-authentication-rsa", KeyUse.SIGNATURE: "professional-signature-rsa"}
SUBJECT = {
    "country": "FI",
    "title": "310 Sosiaalityöntekijä, Socialarbetare",
    "serial_number": "00000000001",
    "given_name": "Aino",
    "surname": "Testaaja",
    "common_name": "Testaaja Aino 00000000001",
}


def measure(seconds: float = 2.0) -> dict[str, Any]:
    """Rates, seconds, and the ratio of signing through PC/SC to the raw rate."""
    with tempfile.TemporaryDirectory(prefix="sotepki-bench-") as directory:
        home = Path(directory)
        rates = _personalise(home)
        ratios: dict[str, float] = {}
        if not missing_for_private_readers():
            with PrivateReaders() as readers:
                inside = subprocess.run(
                    readers.command([sys.executable, "-m", "benchmarks.card", directory, str(seconds)]),
                    env={**os.environ, **readers.environment}, check=True, stdout=subprocess.PIPE,
                )  # fmt: skip
            found = json.loads(inside.stdout)
            ratios, rates = found["ratios"], rates | found["rates"]
    return {"name": "card", "ratios": ratios, "rates": rates}


def _personalise(home: Path) -> dict[str, float]:
    """Cards made one after the other: keys from the pool, two recorded certificates each, the card itself."""
    pool = KeyPool(home / "pool")
    pool.fill({KeyKind.RSA_4096: 3, KeyKind.RSA_3072: 2 * CARDS + 3})
    ring = KeyRing(home / "hsm", "sotepki bench CA", pool)
    records = Records(Database(f"sqlite:///{home / 'sotepki.db'}"), SystemClock(), home / "outbox")
    records.database.create_tables()
    authorities = Authorities(records, ring, load_profiles())
    authorities.create_hierarchy(ring.create)
    chain = tuple(authorities.chain(PERSONS))
    with CardShelf(home / "cards") as shelf:
        _make(shelf, pool, authorities, chain, "B00")  # starts the personalising process
        started = time.perf_counter()
        for number in range(1, CARDS):
            _make(shelf, pool, authorities, chain, f"B{number:02}")
        spent = time.perf_counter() - started
        with shelf.insert("B00") as card:
            card.activate(CODE, PIN1, PIN2)
    ring.close()
    records.database.close()
    return {"card.personalise_per_second": round((CARDS - 1) / spent, 1)}


def _make(shelf: CardShelf, pool: KeyPool, authorities: Authorities, chain: tuple[Any, ...], number: str) -> None:
    keys = {use: pool.take(KeyKind.RSA_3072) for use in KeyUse}
    certificates = {
        use: authorities.issue_many(
            PERSONS, PROFILES[use], [CertificateOrder(SUBJECT, keys[use].public_key(), number)], actor="bench"
        )[0]
        for use in KeyUse
    }
    shelf.personalise(
        Personalisation(
            number=number, holder="Aino Testaaja", keys=keys, certificates=certificates, issuers=chain,
            activation_code=CODE,
        )
    )  # fmt: skip


def _inside(home: Path, seconds: float) -> dict[str, Any]:
    """Beside pcscd: insert, read, sign."""
    inserting = [_insert_and_remove(home) for _ in range(5)]
    _sotepki(home, "insert", "B00", "--background")
    try:
        with PcscContext() as context, context.connect("0") as card:
            reading = [_read(card) for _ in range(9)]
            raw, through, second = _signing(home, card, seconds)
    finally:
        _sotepki(home, "remove", "B00")
    return {
        "ratios": {
            "card.pcsc.authentication.vs_raw": round(through / raw, 3),
            "card.pcsc.signature.vs_raw": round(second / raw, 3),
        },
        "rates": {
            "card.raw.rsa3072_per_second": round(raw, 1),
            "card.pcsc.authentication_per_second": round(through, 1),
            "card.pcsc.signature_per_second": round(second, 1),
            "card.read_whole.seconds": round(statistics.median(reading), 4),
            "card.insert.seconds": round(statistics.median(inserting), 3),
            "card.disk_sync.seconds": round(_disk_sync(home), 5),
        },
    }


def _disk_sync(home: Path) -> float:
    """How long the disk takes for the one byte of a counter: part of every VERIFY, and not the program's."""
    spent = []
    with (home / "sync").open("wb", buffering=0) as stream:
        for _ in range(100):
            started = time.perf_counter()
            os.pwrite(stream.fileno(), b"5", 0)
            os.fdatasync(stream.fileno())
            spent.append(time.perf_counter() - started)
    return statistics.median(spent)


def _insert_and_remove(home: Path) -> float:
    """From the command to the card that PC/SC programs can use, the start of both processes included."""
    started = time.perf_counter()
    _sotepki(home, "insert", "B00", "--background")
    spent = time.perf_counter() - started
    _sotepki(home, "remove", "B00")
    return spent


def _sotepki(home: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "sotepki", "card", *arguments, "--workspace", str(home)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _read(card: PcscCard) -> float:
    """Everything that is free to read: description, directories, four certificates, the PIN counters."""
    started = time.perf_counter()
    client = CardClient(card)
    assert len([one for one in client.objects().certificates if one.certificate]) == 4
    client.pins()
    return time.perf_counter() - started


def _signing(home: Path, card: PcscCard, seconds: float) -> tuple[float, float, float]:
    """Signatures per second: raw, PIN1's key and PIN2's key through PC/SC; the three take turns."""
    digest = hashlib.sha256(b"bench").digest()
    ways: list[Callable[[], None]] = [
        _raw(home, digest),
        lambda: _sign(card, 0x03, PIN1, 0x01, digest),
        lambda: _sign(card, 0x04, PIN2, 0x82, digest),
    ]
    CardClient(card).certificate(Role.PIN2)  # leaves the application or DF.ESIGN current
    _command(card, "00A4000C023F00")
    _command(card, "00A4040C06452E5349474E")
    spent, done = [0.0] * len(ways), [0] * len(ways)
    for way in ways:
        way()
    while min(spent) < seconds:
        for place, way in enumerate(ways):
            started = time.perf_counter()
            for _ in range(10):
                way()
            spent[place] += time.perf_counter() - started
            done[place] += 10
    raw, first, second = (count / time_spent for count, time_spent in zip(done, spent, strict=True))
    return raw, first, second


def _raw(home: Path, digest: bytes) -> Callable[[], None]:
    """The signature token of another card, by python-pkcs11 directly, in a session that is logged in already."""
    with CardShelf(home / "cards").insert("B01") as card:
        card.activate(CODE, PIN1, PIN2)
    os.environ["SOFTHSM2_CONF"] = str(home / "cards" / "B01" / "softhsm2.conf")
    place = card_layout().places[KeyUse.SIGNATURE]
    token = pkcs11.lib(str(find_softhsm())).get_token(token_label=place.token_label)
    session = token.open(user_pin=PIN2.reveal())
    key: Any = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=place.key_label)
    digest_info = DIGEST_INFO_PREFIX["sha256"] + digest
    return lambda: key.sign(digest_info, mechanism=pkcs11.Mechanism.RSA_PKCS, buffer_size=384)


def _sign(card: PcscCard, reference: int, pin: Pin, key: int, digest: bytes) -> None:
    """VERIFY, MSE SET, PSO COMPUTE DIGITAL SIGNATURE, GET RESPONSE."""
    digits = pin.reveal().encode()
    _command(card, (bytes((0, 0x20, 0, reference, len(digits))) + digits).hex())
    _command(card, f"002241B6068001428401{key:02X}")
    first = card.transmit(bytes.fromhex("002A9E9A20") + digest + b"\0")
    rest = card.transmit(bytes((0, 0xC0, 0, 0, first[-1])))
    assert len(first) + len(rest) - 4 == 384


def _command(card: PcscCard, command: str) -> None:
    answer = card.transmit(bytes.fromhex(command))
    assert answer[-2:] == b"\x90\x00", (command, answer.hex())


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(_inside(Path(sys.argv[1]), float(sys.argv[2]))))
    else:
        print(json.dumps(measure()))
