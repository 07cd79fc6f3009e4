"""A TEST hierarchy made for defects alone: its keys are thrown away, so nothing it signs is trusted anywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sotepki.clock import end_of_finnish_day, finnish_day
from sotepki.errors import Fault
from sotepki.x509.crl import RevokedEntry, build_crl
from sotepki.x509.issuing import Issuer, issue, responder_subject
from sotepki.x509.keys import PrivateKey
from sotepki.x509.profiles import Profile, load_profiles
from sotepki.x509.serials import person_serial, service_serial

KeyMaker = Callable[[str, str], PrivateKey]
"""Gives the key with a name and a kind (``rsa-4096``, ``p-384``); the same name gives the same key."""

BEGUN = timedelta(hours=2)
"""How long before the moment of judgement the good certificates begin, so that clocks may differ a little."""

HOST = "kanta.testi.example.fi"
_PLACE = {"state": "Finland", "locality": "Turku", "organisation": "Testipalvelu Oy"}
_PERSON = {
    "title": "001 laillistettu lääkäri, legitimerad läkare",
    "serial_number": "90000000017",
    "pseudonym": "900017",
    "given_name": "Testi",
    "surname": "Esimerkki",
    "common_name": "Esimerkki Testi 90000000017",
}


class Base(StrEnum):
    """The good certificates that defects start from."""

    SIGNATURE = "signature"
    AUTHENTICATION = "authentication"
    SYSTEM = "system"
    SERVER = "server"


@dataclass(frozen=True)
class BasePlan:
    """How a good certificate is issued, and what it is used for."""

    profile: str
    authority: str
    purpose: str
    key: str
    subject: Mapping[str, str]
    dns_names: tuple[str, ...] = ()


BASES: Mapping[Base, BasePlan] = {
    Base.SIGNATURE: BasePlan("professional-signature-rsa", "persons", "card-signature", "rsa-3072", _PERSON),
    Base.AUTHENTICATION: BasePlan(
        "professional-authentication-rsa", "persons", "card-authentication", "rsa-3072", _PERSON
    ),
    Base.SYSTEM: BasePlan(
        "test-system-signature",
        "services",
        "system-signature",
        "rsa-2048",
        _PLACE | {"serial_number": "1.2.246.10.12345671.10.0", "common_name": "Testijärjestelmä"},
    ),
    Base.SERVER: BasePlan(
        "test-server", "services", "tls-server", "rsa-2048", _PLACE | {"common_name": HOST}, (HOST,)
    ),
}

_AUTHORITIES = {"persons": "test-sote-person-ca-rsa", "services": "test-sote-service-ca-rsa"}


@dataclass(eq=False)
class DefectWorld:
    """Root, two issuing CAs and what they sign, made when it is first asked for.

    ``at`` is the moment of judgement; certificates begin a little earlier.
    """

    at: datetime
    key: KeyMaker
    profiles: Mapping[str, Profile] = field(default_factory=load_profiles)

    def __post_init__(self) -> None:
        self.at = self.at.replace(microsecond=0)

    @property
    def begin(self) -> datetime:
        """When good certificates begin."""
        return self.at - BEGUN

    @functools.cached_property
    def root(self) -> Issuer:
        """The root, begun a day before everything else."""
        key = self.key("root", "rsa-4096")
        profile = self.profiles["test-root-rsa"]
        return Issuer(self._issue_authority(profile, key, Issuer(None, key), timedelta(days=2)), key)

    @functools.cached_property
    def authorities(self) -> Mapping[str, Issuer]:
        """The issuing CAs by short name: ``persons``, ``services``."""
        made = {}
        for name, profile_id in _AUTHORITIES.items():
            key = self.key(name, "rsa-4096")
            profile = self.profiles[profile_id]
            made[name] = Issuer(self._issue_authority(profile, key, self.root, timedelta(days=1)), key)
        return made

    @functools.cached_property
    def _good(self) -> dict[Base, x509.Certificate]:
        return {}

    def good(self, base: Base) -> x509.Certificate:
        """The good certificate of a kind."""
        if base not in self._good:
            plan = BASES[base]
            number = list(Base).index(base) + 1
            self._good[base] = issue(
                self.profiles[plan.profile],
                subject=plan.subject,
                public_key=self.key(base, plan.key).public_key(),
                issuer=self.authorities[plan.authority],
                serial_number=person_serial(number) if plan.authority == "persons" else service_serial(self.begin),
                not_before=self.begin,
                not_after=self.end(300),
                dns_names=plan.dns_names,
            )
        return self._good[base]

    def issuer(self, base: Base) -> Issuer:
        """The CA that issues a kind of certificate."""
        return self.authorities[BASES[base].authority]

    def responder(self, authority: str) -> tuple[x509.Certificate, PrivateKey]:
        """A delegated OCSP responder of a CA, with its key."""
        made = self._responders
        if authority not in made:
            key = self.key(f"responder-{authority}", "rsa-2048")
            issuer = self.authorities[authority]
            if issuer.certificate is None:
                raise Fault("An issuing CA has no certificate.")
            made[authority] = issue(
                self.profiles["ocsp-responder"],
                subject=responder_subject(issuer.certificate),
                public_key=key.public_key(),
                issuer=issuer,
                serial_number=service_serial(self.begin),
                not_before=self.begin,
            )
        return made[authority], self.key(f"responder-{authority}", "rsa-2048")

    @functools.cached_property
    def _responders(self) -> dict[str, x509.Certificate]:
        return {}

    def crl(
        self,
        issuer: Issuer,
        revoked: tuple[RevokedEntry, ...] = (),
        *,
        this_update: datetime | None = None,
        next_update: datetime | None = None,
    ) -> x509.CertificateRevocationList:
        """A revocation list of a CA, current at ``at`` unless other times are given."""
        start = this_update or self.at - timedelta(hours=1)
        return build_crl(issuer, revoked, number=1, this_update=start, next_update=next_update)

    def end(self, days: int) -> datetime:
        """The end of the Finnish day that is ``days`` days after ``at``."""
        return end_of_finnish_day(finnish_day(self.at + timedelta(days=days)))

    def _issue_authority(
        self, profile: Profile, key: PrivateKey, issuer: Issuer, before: timedelta
    ) -> x509.Certificate:
        start = self.begin - before
        return issue(
            profile,
            subject={},
            public_key=key.public_key(),
            issuer=issuer,
            serial_number=service_serial(start),
            not_before=start,
        )


def fresh_keys() -> KeyMaker:
    """Keys that are made when they are needed and exist in memory only; those of the CAs are made side by side."""
    kinds = {("root", "rsa-4096"), *((name, "rsa-4096") for name in _AUTHORITIES)}
    with ThreadPoolExecutor(2) as workers:
        made = dict(zip(kinds, workers.map(lambda kind: make_key(kind[1]), kinds), strict=True))

    def key(name: str, kind: str) -> PrivateKey:
        if (name, kind) not in made:
            made[name, kind] = make_key(kind)
        return made[name, kind]

    return key


def make_key(kind: str) -> PrivateKey:
    """A key in memory of a kind such as ``rsa-2048`` or ``p-384``."""
    if kind in ("p-256", "p-384"):
        return ec.generate_private_key(ec.SECP256R1() if kind == "p-256" else ec.SECP384R1())
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))
