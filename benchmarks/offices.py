"""The offices at the size of a wellbeing services county: 10,000 people, 5,000 cards, 500 service certificates.

Everything goes through the offices' own rules. What is loaded in bulk: registers from a generated world, card orders
by ``Vartti.place_orders``, the two certificates of every card by two processes (``bulk_issuing``), and service
certificates by ``process_many``. What a load cannot do in two minutes and does not pretend to: make 10,000 RSA-3072
keys and 5,000 chips. The certificates of the cards therefore carry a few keys that are made for the load alone and
used again and again (holder ``load test ...``), and no chip is made; a card that somebody wants to use is ordered and
personalised as ever. The customers' own keys are made before the clock starts.

``python -m benchmarks offices`` measures the whole size; ``measure(scale=0.02)`` a small part of it.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sotepki.dvv import IdentityProof, TechnicalContact
from sotepki.dvv.authority.bulk import Workshop, bulk_issuing
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.vartti.ordering import CardRequest
from sotepki.evidence import load_yaml
from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.resources import fixtures
from sotepki.tokens import KeyKind
from sotepki.tokens.pool import make_key
from sotepki.workspace import Workspace

PEOPLE, CARDS, SERVICES, STAFF = 10_000, 5_000, 500, 5_000
COUNTY = Oid("1.2.246.10.99000018.10.0")
NURSE = "T06"
LOAD_KEYS = 8
AUTHORITY = "sote-persons"
PROFILES = ("professional-authentication-rsa", "professional-signature-rsa")
_FIRST_NUMBER = 950_000_000


def measure(scale: float = 1.0) -> dict[str, Any]:
    """Seconds of every part of the load and of a sweep, and how much of two minutes and five seconds they take."""
    people, cards, services = (max(4, round(size * scale)) for size in (PEOPLE, CARDS, SERVICES))
    with tempfile.TemporaryDirectory(prefix="sotepki-load-") as name:
        directory = Path(name)
        world = _world(directory / "fixtures", people, cards)
        requests = _requests(services)
        load_keys = [make_key(KeyKind.RSA_3072) for _ in range(LOAD_KEYS)]
        seconds: dict[str, float] = {}
        with patch("sotepki.workspace.workspace.fixtures", lambda: world), _timed(seconds, "registers and hierarchy"):
            workspace = Workspace.create(directory / "workspace", card_keys=0)
        with workspace:
            holders = [workspace.valvira.professional(_number(place)) for place in range(cards)]
            with _timed(seconds, "card orders"):
                _order(workspace, [one.person.hetu for one in holders if one])
            with _timed(seconds, "card certificates"):
                issued = _certify(workspace, load_keys, cards)
            with _timed(seconds, "service certificates"):
                _serve(workspace, requests)
            provider = workspace.provider(COUNTY)
            for place in range(min(cards, round(STAFF * scale))):
                provider.grant_access(_number(place), "patient-records", actor="load")
            with _timed(seconds, "sweep"):
                swept = provider.sweep()
            counts = workspace.counts()
    assert (counts["people"] >= people, issued, swept.checked) == (True, 2 * cards, min(cards, round(STAFF * scale)))
    sweep = seconds.pop("sweep")
    total = sum(seconds.values())
    return {
        "name": "offices",
        "ratios": {
            "offices.load.of_two_minutes": round(total / 120, 3),
            "offices.sweep.of_five_seconds": round(sweep / 5, 3),
        },
        "rates": {
            **{f"offices.load.{part.replace(' ', '_')}_seconds": round(took, 1) for part, took in seconds.items()},
            "offices.load.people": people, "offices.load.cards": cards, "offices.load.services": services,
            "offices.sweep_seconds": round(sweep, 2), "offices.sweep.staff_rights": swept.checked,
        },
    }  # fmt: skip


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - started


def _number(place: int) -> RegistrationNumber:
    return RegistrationNumber(f"{_FIRST_NUMBER + place:011d}")


def _world(target: Path, people: int, professionals: int) -> Path:
    """The test world with so many more people, the first of them nurses."""
    shutil.copytree(fixtures(), target)
    codes = _codes({row["hetu"] for row in csv.DictReader((target / "world" / "people.csv").open(encoding="utf-8"))})
    hetus = [next(codes) for _ in range(people)]
    _append(
        target, "people.csv", lambda place: (hetus[place].value, f"Kuormanen{place}", "Testi", "fi", "Katu 1"), people
    )
    _append(target, "professionals.csv", lambda place: (_number(place).value, hetus[place].value, ""), professionals)
    _append(target, "rights.csv", lambda place: (_number(place).value, NURSE, "2010-01-01", "", ""), professionals)
    return target


def _append(target: Path, name: str, row: Callable[[int], tuple[str, ...]], count: int) -> None:
    with (target / "world" / name).open("a", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(row(place) for place in range(count))


def _codes(taken: set[str]) -> Iterator[Hetu]:
    """Identity codes of the 900 series that nobody in the test world has."""
    day = date(1950, 1, 1)
    while True:
        for individual in range(900, 990):
            code = Hetu.of(day, "-", individual)
            if code.value not in taken:
                yield code
        day += timedelta(days=1)


def _order(workspace: Workspace, applicants: list[Hetu]) -> None:
    rows = load_yaml(fixtures() / "world" / "registration_points.yaml")["registrars"]
    registrar = next(Hetu(row["hetu"]) for row in rows if row["point"] == "TEST-RP-01" and row["trained_on"])
    passport = IdentityProof("passport", date(2100, 1, 1))
    batch = workspace.vartti.place_orders([CardRequest(one, passport) for one in applicants], registrar=registrar)
    if batch.refused:
        raise batch.refused[0][1]


def _certify(workspace: Workspace, keys: list[Any], cards: int) -> int:
    workshop = Workshop(
        workspace.records.database.address,
        workspace.records.outbox_directory,
        workspace.directory / "hsm",
        "sotepki TEST CA",
        workspace.directory / "key-pool",
        workspace.clock,
    )
    orders = [
        CertificateOrder(_subject(place), keys[place % len(keys)].public_key(), f"load test {_number(place)}")
        for place in range(cards)
    ]
    with bulk_issuing(workshop, 2) as bulk:
        return sum(
            len(batch.certificates)
            for profile in PROFILES
            for batch in bulk.issue(AUTHORITY, profile, orders, actor="load test")
        )


def _subject(place: int) -> dict[str, str]:
    number = _number(place).value
    return {
        "country": "FI", "title": "T06 Laillistettu sairaanhoitaja, Legitimerad sjukskötare", "serial_number": number,
        "given_name": "Testi", "surname": f"Kuormanen{place}", "common_name": f"Kuormanen{place} Testi {number}",
    }  # fmt: skip


def _requests(count: int) -> list[bytes]:
    return [_request(f"palvelin{place}.tunturilaakso.test.example") for place in range(count)]


def _request(host: str) -> bytes:
    names = (
        (NameOID.COUNTRY_NAME, "FI"), (NameOID.STATE_OR_PROVINCE_NAME, "Finland"), (NameOID.LOCALITY_NAME, "Testila"),
        (NameOID.ORGANIZATION_NAME, "Tunturilaakson hyvinvointialue TEST"), (NameOID.COMMON_NAME, host),
    )  # fmt: skip
    builder = x509.CertificateSigningRequestBuilder(x509.Name([x509.NameAttribute(oid, v) for oid, v in names]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(rsa.generate_private_key(65537, 2048), hashes.SHA256()).public_bytes(Encoding.PEM)


def _serve(workspace: Workspace, requests: list[bytes]) -> None:
    office = workspace.service_certificates
    user = Hetu(load_yaml(fixtures() / "world" / "cast.yaml")["physician"]["hetu"])
    office.open_account(COUNTY, user=user)
    contact = TechnicalContact("Tekla Tekninen", "tekla@kaarna.test.example")
    waiting = []
    for request in requests:
        application = office.apply(organisation=COUNTY, kind="server", user=user, contact=contact)
        office.attach_csr(application, request)
        waiting.append(application)
    done = office.process_many(waiting, "load test")
    if done.refused:
        raise next(iter(done.refused.values()))
