"""The work that is interrupted: a card from order to revocation, a service certificate, a list, letters."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sotepki.clock import SetClock
from sotepki.dvv import IdentityProof, TechnicalContact
from sotepki.evidence import load_yaml
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Channel, Posting
from sotepki.resources import fixtures
from sotepki.workspace import Workspace

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
COUNTY = Oid("1.2.246.10.99000018.10.0")
HOST = "kanta.tunturilaakso.test.example"
PARTS = ("physician", "psychologist", "nurse", "social-worker", "sosionomi", "pharmacist")
_ORGANISATION = "Tunturilaakson hyvinvointialue TEST"
_PASSPORT = IdentityProof("passport", date(2030, 1, 1))

Tell = Callable[[str, str], None]
"""Notes what an office acknowledged: a kind and a subject."""


def opened(directory: Path) -> Workspace:
    """The workspace at the moment at which every test stands."""
    return Workspace.open(directory, clock=SetClock(NOW))


@cache
def cast(part: str) -> Hetu:
    """The identity code of a part of the test world."""
    return Hetu(load_yaml(fixtures() / "world" / "cast.yaml")[part]["hetu"])


@cache
def registrars() -> tuple[Hetu, Hetu]:
    """Two trained registrars of the public point."""
    rows = load_yaml(fixtures() / "world" / "registration_points.yaml")["registrars"]
    first, second, *_ = (Hetu(row["hetu"]) for row in rows if row["point"] == "TEST-RP-01" and row["trained_on"])
    return first, second


def request(host: str = HOST) -> bytes:
    """A CSR for a server certificate with a key that nobody had before."""
    names = (
        (NameOID.COUNTRY_NAME, "FI"), (NameOID.STATE_OR_PROVINCE_NAME, "Finland"), (NameOID.LOCALITY_NAME, "Testila"),
        (NameOID.ORGANIZATION_NAME, _ORGANISATION), (NameOID.COMMON_NAME, host),
    )  # fmt: skip
    builder = x509.CertificateSigningRequestBuilder(x509.Name([x509.NameAttribute(oid, v) for oid, v in names]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    signed = builder.sign(rsa.generate_private_key(65537, 2048), hashes.SHA256())
    return signed.public_bytes(Encoding.PEM)


def order_card(workspace: Workspace, applicant: Hetu, registrar: Hetu | None = None) -> str:
    """Order a professional card at the desk; the order's id."""
    order = workspace.vartti.order_professional_card(
        registrar=registrar or registrars()[0], applicant=applicant, identity=_PASSPORT
    )
    return order.id


def card(workspace: Workspace, tell: Tell, part: str) -> None:
    """A card from the order to the closing that revokes both certificates."""
    person = cast(part)
    order = order_card(workspace, person)
    tell("ordered", order)
    made = workspace.vartti.personalise(order)
    tell("delivered", order)
    workspace.vartti.hand_over(made.card_number, registrar=registrars()[1], identity=_PASSPORT)
    tell("handed-over", order)
    workspace.vartti.close_card(made.card_number, "lost", "dvv")
    tell("closed", order)


def apply(workspace: Workspace, csr: bytes) -> str:
    """An application for a server certificate with its CSR; the application's id."""
    workspace.service_certificates.open_account(COUNTY, user=cast("physician"))
    application = workspace.service_certificates.apply(
        organisation=COUNTY, kind="server", user=cast("physician"),
        contact=TechnicalContact("Tekla Tekninen", "tekla@kaarna.test.example"),
    )  # fmt: skip
    workspace.service_certificates.attach_csr(application, csr)
    return application


def service_certificate(workspace: Workspace, tell: Tell, part: str) -> None:
    """A service certificate from the application to its revocation."""
    application = apply(workspace, request())
    tell("applied", application)
    issued = workspace.service_certificates.process(application, "officer 1")
    tell("issued", application)
    workspace.service_certificates.request_revocation(application, serial=issued.serial, reason="key-compromise")
    tell("revoked", application)


def publish(workspace: Workspace, tell: Tell, part: str) -> None:
    """A certificate of the authority itself, revoked at once, and the list that says so."""
    certificate = workspace.authorities.issue(
        "sote-services",
        "test-server",
        subject={"country": "FI", "state": "Finland", "locality": "Testila", "organisation": "Testi",
                 "common_name": HOST},
        public_key=_key().public_key(), actor="test", dns_names=(HOST,), extended_key_usage=("server-auth",),
        holder=f"reliability {secrets.token_hex(4)}",
    )  # fmt: skip
    tell("certificate", f"{certificate.serial_number:x}")
    workspace.authorities.revoke(certificate, reason=x509.ReasonFlags.key_compromise, actor="test")
    tell("revoked-certificate", f"{certificate.serial_number:x}")
    workspace.authorities.publish(workspace.published)
    tell("published", f"{certificate.serial_number:x}")


def letters(workspace: Workspace, tell: Tell, part: str) -> None:
    """Three changes with two letters each."""
    for _ in range(3):
        name = secrets.token_hex(4)
        with workspace.records.change("trainer", "reliability") as tx:
            for number in (1, 2):
                tx.post(Posting(Channel.LETTER, "Somebody", f"{name}-{number}.txt", name.encode() * 200))
            tx.journal("wrote", name)
        tell("wrote", name)


WORK: Mapping[str, Callable[[Workspace, Tell, str], None]] = MappingProxyType(
    {"card": card, "service certificate": service_certificate, "publication": publish, "letters": letters}
)


def witness(path: Path) -> list[tuple[str, str]]:
    """What was acknowledged so far."""
    if not path.exists():
        return []
    return [(kind, subject) for kind, subject in map(json.loads, path.read_text().splitlines())]


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)
