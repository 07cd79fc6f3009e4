"""A whole small Finland for the tests of Kela's services: authorities with keys in memory, registers, publication.

The workspace's clock stands at the machine's time when the world is made, because curl and openssl look at the
machine's clock when they verify the server.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from authority_world import authority_keys
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from databases import database_url, on_postgresql

from sotepki.clock import SetClock
from sotepki.documents import build_frame, build_social_document, sign_as_professional, sign_as_system
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.population import Population
from sotepki.dvv.publication.service import serve_publication
from sotepki.identifiers import Oid
from sotepki.journey import Cast, load_cast
from sotepki.kela import Kanta, OcspOverHttp, Trust, load_settings, reached_at, server_chain
from sotepki.records import Database, Records
from sotepki.registers import Organisation, Professional
from sotepki.resources import fixtures
from sotepki.services.archive import trust_of
from sotepki.thl import Thl
from sotepki.valvira import Valvira
from sotepki.x509.profiles import load_profiles
from sotepki.x509.status import CertificateState, CertificateStatus

HOST = "kanta.kela.test.example"


@cache
def key(label: str) -> rsa.RSAPrivateKey:
    """One key per label and test run."""
    return rsa.generate_private_key(65537, 4096 if label.startswith("system") else 3072)


@dataclass(frozen=True)
class Client:
    """A TLS client: certificate, key, and the PEM files that curl takes."""

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...]

    def files(self, directory: Path, name: str = "client") -> Path:
        """One PEM file with key, certificate and issuing CA."""
        path = directory / f"{name}.pem"
        if path.exists():
            return path
        secret = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(secret + b"".join(c.public_bytes(Encoding.PEM) for c in (self.certificate, *self.chain)))
        return path


@dataclass
class KelaWorld:
    """Everything around one Kanta."""

    directory: Path
    clock: SetClock
    records: Records
    authorities: Authorities
    population: Population
    valvira: Valvira
    thl: Thl
    cast: Cast
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def organisation(self, part: str = "county") -> Organisation:
        found = self.thl.organisation(self.cast.organisation(part))
        assert found is not None
        return found

    def professional(self, part: str = "social-worker") -> Professional:
        found = self.valvira.professional_of(self.cast.person(part))
        assert found is not None
        return found

    # --- certificates ----------------------------------------------------------------------------------------

    def client(
        self, part: str = "county", *, usages: Sequence[str] = ("client-auth", "server-auth"), host: str = ""
    ) -> Client:
        """A server certificate of an organisation, for use as TLS client."""
        organisation, name = self.organisation(part), host or "jarjestelma.tunturilaakso.test.example"
        subject = self._subject(organisation) | {"common_name": name}
        return self._issue("test-server", subject, f"client-{part}", organisation, (name,), usages)

    def system(self, part: str = "county") -> Client:
        """A system signature certificate of an organisation."""
        organisation = self.organisation(part)
        subject = self._subject(organisation) | {
            "serial_number": organisation.oid.value,
            "common_name": "Asiakas TEST",
        }
        return self._issue("test-system-signature", subject, "system", organisation)

    def card(self, part: str = "social-worker", profile: str = "professional-signature-rsa") -> Client:
        """A card certificate of a professional, with the key in memory."""
        professional = self.professional(part)
        number, person = professional.registration_number.value, professional.person
        prescriber = {"pseudonym": professional.prescriber_id.value} if professional.prescriber_id else {}
        certificate = self.authorities.issue(
            "sote-persons",
            profile,
            subject={
                "country": "FI",
                "title": "310 Sosiaalityöntekijä, Socialarbetare",
                "serial_number": number,
                "given_name": person.first_name,
                "surname": person.surname,
                "common_name": f"{person.surname} {person.first_name} {number}",
            }
            | prescriber,
            public_key=key(f"card-{part}").public_key(),
            actor="test",
            holder=number,
        )
        return Client(certificate, key(f"card-{part}"), self.authorities.chain("sote-persons")[:1])

    def revoke(self, certificate: x509.Certificate) -> None:
        self.authorities.revoke(certificate, reason=x509.ReasonFlags.key_compromise, actor="test")

    def server_chain(self) -> Path:
        """Kanta's own key and certificate."""

        def certify(public_key: rsa.RSAPublicKey) -> Sequence[x509.Certificate]:
            kela = self.organisation("kela")
            certificate = self.authorities.issue(
                "sote-services",
                "test-server",
                subject=self._subject(kela) | {"common_name": HOST},
                public_key=public_key,
                actor="test",
                holder=kela.oid.value,
                dns_names=(HOST,),
                extended_key_usage=("server-auth",),
            )
            return certificate, self.authorities.certificate("sote-services")

        return server_chain(self.directory / "kanta" / "server.pem", certify, self.clock.now())

    # --- documents -------------------------------------------------------------------------------------------

    def oid(self) -> Oid:
        """A new id for a document or a message."""
        return self.organisation().oid.child(93, 2026, next(self.numbers))

    def document(self, part: str = "county", *, oid: Oid | None = None, author: str = "", client: str = "") -> bytes:
        """An unsigned document of an organisation."""
        person = self.population.person(self.cast.person(client or "nurse"))
        assert person is not None
        return build_social_document(
            client=person,
            organisation=self.organisation(part),
            author=self.professional(author) if author else None,
            document_oid=oid or self.oid(),
            created=self.clock.now(),
        )

    def system_signed(self, part: str = "county", *, oid: Oid | None = None) -> bytes:
        signer, document = self.system(part), self.document(part, oid=oid)
        return sign_as_system(document, key=signer.private_key, certificate=signer.certificate, at=self.clock.now())

    def card_signed(self, part: str = "social-worker", *, card: Client | None = None) -> bytes:
        signer = card or self.card(part)
        return sign_as_professional(
            self.document(author=part),
            key=signer.private_key,
            certificate=signer.certificate,
            professional=self.professional(part),
            at=self.clock.now(),
        )

    def frame(self, document: bytes, part: str = "county", *, message_id: Oid | None = None) -> bytes:
        return build_frame(
            document,
            message_id=message_id or self.oid(),
            sender=self.organisation(part).oid,
            at=self.clock.now(),
            service_request="SP17",
        )

    # --- Kanta -----------------------------------------------------------------------------------------------

    def trust(self) -> Trust:
        """The trust of ``sotepki serve``: both trees, and CAs that are founded later."""
        return trust_of(self.authorities, load_settings())

    def kanta(self, publication_url: str = "") -> Kanta:
        """An archive that asks the publication service, or the records themselves if there is none."""
        if publication_url:
            return Kanta(
                self.records,
                self.trust(),
                self.valvira,
                self.thl,
                OcspOverHttp(self.clock, reached_at(publication_url)),
            )
        return Kanta(self.records, self.trust(), self.valvira, self.thl, self._recorded)

    @contextmanager
    def publication(self) -> Iterator[str]:
        """CRL, OCSP and CA certificates over HTTP."""
        with serve_publication(self.authorities, self.directory / "published", self.clock) as running:
            yield running.base_url

    def advance(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))

    def _recorded(self, certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        return self.authorities.status(key_id, certificate.serial_number)

    def _subject(self, organisation: Organisation) -> dict[str, str]:
        return {
            "country": "FI",
            "state": "Finland",
            "locality": organisation.municipality,
            "organisation": organisation.name,
        }

    def _issue(
        self,
        profile: str,
        subject: dict[str, str],
        label: str,
        organisation: Organisation,
        dns_names: Sequence[str] = (),
        usages: Sequence[str] = (),
    ) -> Client:
        certificate = self.authorities.issue(
            "sote-services",
            profile,
            subject=subject,
            public_key=key(label).public_key(),
            actor="test",
            holder=organisation.oid.value,
            dns_names=dns_names,
            extended_key_usage=usages,
        )
        return Client(certificate, key(label), self.authorities.chain("sote-services")[:1])


GOOD = CertificateStatus(CertificateState.GOOD)


def new_world(directory: Path, *, now: datetime | None = None, url: str = "") -> KelaWorld:
    """A new world in ``directory``, loaded from the test world of the project.

    In a file it is a copy of one that is made once for each test run.
    """
    copied = not url and not on_postgresql()
    if copied:
        shutil.copytree(_founded(now).name, directory, dirs_exist_ok=True)
    world = _over(directory, now, url)
    if not copied:
        _found(world)
    return world


def _over(directory: Path, now: datetime | None, url: str) -> KelaWorld:
    clock = SetClock((now or datetime.now(UTC)).replace(microsecond=0))
    records = Records(Database(url or database_url(directory / "sotepki.db")), clock, directory / "outbox")
    authorities = Authorities(records, authority_keys().__getitem__, load_profiles())
    return KelaWorld(
        directory, clock, records, authorities, Population(records), Valvira(records), Thl(records), load_cast()
    )


def _found(world: KelaWorld) -> None:
    world.records.database.create_tables()
    world.authorities.create_hierarchy(lambda label, _kind: authority_keys()[label])
    data = fixtures() / "world"
    world.population.load_world(data)
    world.thl.load_world(data)
    world.valvira.load_world(data)


@cache
def _founded(now: datetime | None) -> TemporaryDirectory[str]:
    """A closed world; making it anew for every test would take most of the tests' time."""
    directory = TemporaryDirectory()
    world = _over(Path(directory.name), now, "")
    _found(world)
    world.records.database.close()
    return directory
