"""A small world with certificate authorities on keys in memory, shared by the tests of the DVV rooms.

Making RSA-4096 keys takes seconds, so they are made once for each test run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from databases import database_url, on_postgresql

from sotepki.clock import SetClock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.authority.plan import load_plan
from sotepki.records import Database, Records
from sotepki.tokens import KeyKind, PrivateKey
from sotepki.tokens.pool import make_key
from sotepki.x509.profiles import load_profiles

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@cache
def authority_keys() -> dict[str, PrivateKey]:
    """The keys of all authorities and responders by label."""
    plan = load_plan()
    kinds = {authority.key_label: authority.key for authority in plan.authorities.values()}
    kinds |= {plan.responders.key_label(a.id): plan.responders.key_for(a) for a in plan.authorities.values()}
    with ThreadPoolExecutor(2) as workers:
        return dict(zip(kinds, workers.map(make_key, kinds.values()), strict=True))


@cache
def holder_key(number: int = 0, kind: KeyKind = KeyKind.RSA_3072) -> rsa.RSAPrivateKey:
    """A key of a holder; the same number gives the same key."""
    key = make_key(kind)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@dataclass
class World:
    """Records, clock and authorities of one test."""

    directory: Path
    clock: SetClock
    records: Records
    authorities: Authorities

    @property
    def published(self) -> Path:
        return self.directory / "published"

    def card_certificate(self, number: int = 1) -> x509.Certificate:
        """A signature certificate of a professional."""
        return self.authorities.issue(
            "sote-persons",
            "professional-signature-rsa",
            subject=card_subject(number),
            public_key=holder_key().public_key(),
            actor="test",
            holder=f"{number:011d}",
        )

    def server_certificate(self, name: str = "kanta.testi.example") -> x509.Certificate:
        """A test server certificate."""
        return self.authorities.issue(
            "sote-services",
            "test-server",
            subject={
                "country": "FI",
                "state": "Finland",
                "locality": "Helsinki",
                "organisation": "Testihyvinvointialue",
                "common_name": name,
            },
            public_key=holder_key(1, KeyKind.RSA_2048).public_key(),
            actor="test",
            dns_names=(name,),
            extended_key_usage=("client-auth", "server-auth"),
            holder="1.2.246.10.0000000.10.0",
        )


def card_subject(number: int = 1) -> dict[str, str]:
    """The subject of a professional's certificate."""
    registration = f"{number:011d}"
    return {
        "country": "FI",
        "title": "310 Sosiaalityöntekijä, Socialarbetare",
        "serial_number": registration,
        "given_name": "Aino",
        "surname": "Testaaja",
        "common_name": f"Testaaja Aino {registration}",
    }


def open_world(directory: Path, clock: SetClock | None = None) -> World:
    """The world in ``directory`` as another process would open it; nothing is created."""
    clock = clock or SetClock(START)
    records = Records(Database(database_url(directory / "sotepki.db")), clock, directory / "outbox")
    authorities = Authorities(
        records,
        authority_keys().__getitem__,
        load_profiles(),
        create_key=_existing_key,
    )
    return World(directory, clock, records, authorities)


def new_world(directory: Path, create: Callable[[str, KeyKind], PrivateKey] | None = None) -> World:
    """A world with its hierarchy: a copy of one that is made once for each test run, unless ``create`` makes keys."""
    if create is None and not on_postgresql():
        shutil.copytree(_hierarchy().name, directory, dirs_exist_ok=True)
        return open_world(directory)
    world = open_world(directory)
    world.records.database.create_tables()
    world.authorities.create_hierarchy(create or _existing_key)
    return world


@cache
def _hierarchy() -> TemporaryDirectory[str]:
    """A closed world with its hierarchy; signing it anew for every test would take most of the tests' time."""
    directory = TemporaryDirectory()
    new_world(Path(directory.name), _existing_key).records.database.close()
    return directory


def _existing_key(label: str, _kind: KeyKind) -> PrivateKey:
    return authority_keys()[label]
