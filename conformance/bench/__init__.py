"""The suite's own side of a test: an emulated environment with authorities, cards, documents, a Kanta."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from conformance.bench.card import CardSession, card_session
from conformance.bench.card_desk import DeskCards
from conformance.bench.documents import BenchDocuments, DocumentMaker
from conformance.bench.errands import CardInHand, organisation_of, professional_card
from conformance.bench.forging import forged
from conformance.bench.listener import ServerIdentity
from conformance.bench.listener_identities import ServerFaces
from conformance.bench.publication import Publication
from conformance.bench.rights import RightsBench
from conformance.sut.facets import Endpoint, SignerIdentity, Trust
from sotepki.card import InsertedCard
from sotepki.clock import AdjustableClock
from sotepki.documents import build_frame
from sotepki.dvv import ROOT, SOTE_PERSONS, SOTE_SERVICES, ApplicationKind
from sotepki.journey.cast import Cast, load_cast
from sotepki.journey.service_provider import ServiceIdentity, service_identity
from sotepki.kela import OcspOverHttp, reached_at
from sotepki.kela.archive_service import ARCHIVE_PATH
from sotepki.kela.request_log import newest
from sotepki.loopback import LOOPBACK
from sotepki.registers import Organisation
from sotepki.services import KANTA_HOST, RunningServices, running_services
from sotepki.tokens import PrivateKey
from sotepki.workspace import Workspace

_CARD_KEYS = 8


class Bench:
    """A workspace with everything that cases need. Parts are made when they are first used."""

    PROFESSIONAL: ClassVar = "social-worker"
    ORGANISATION: ClassVar = "care-home"

    def __init__(self, workspace: Workspace, resources: ExitStack) -> None:
        self.workspace = workspace
        self.cast: Cast = load_cast()
        self.maker = DocumentMaker(workspace, self.cast)
        self.guests: tuple[x509.Certificate, ...] = ()
        """Authorities of the system under test, where they are not the bench's own."""
        self._resources = resources

    @classmethod
    @contextmanager
    def temporary(cls, *, clock: AdjustableClock | None = None) -> Iterator[Self]:
        """A bench in a directory that is removed afterwards."""
        with tempfile.TemporaryDirectory(prefix="sotepki-bench-") as directory:
            with _own_database():
                workspace = Workspace.create(Path(directory) / "workspace", clock=clock, card_keys=_CARD_KEYS)
            with workspace, ExitStack() as resources:
                yield cls(workspace, resources)

    @property
    def clock(self) -> AdjustableClock:
        return self.workspace.clock

    @property
    def directory(self) -> Path:
        """Where the bench and the reference system keep their files."""
        return self.workspace.directory / "conformance"

    @cached_property
    def services(self) -> RunningServices:
        """Publication (OCSP, revocation lists) and the emulated Kanta, running on loopback."""
        return self._resources.enter_context(running_services(self.workspace))

    @cached_property
    def trust(self) -> Trust:
        """The test hierarchy of the bench; revocation is asked from its OCSP responders over HTTP."""
        authorities = self.workspace.authorities
        return Trust(
            roots=(authorities.root,),
            intermediates=(authorities.certificate(SOTE_PERSONS), authorities.certificate(SOTE_SERVICES)),
            status=OcspOverHttp(self.clock, reached_at(self.services.publication_url)),
        )

    def trust_now(self) -> Trust:
        """``trust`` with revocation lists that lack nothing, for a verifier that reads lists instead of asking."""
        authorities, published = self.workspace.authorities, self.workspace.published
        authorities.publish_if_due(published)
        plans = (authorities.plan.authorities[one] for one in (ROOT, SOTE_PERSONS, SOTE_SERVICES))
        lists = (published / "crl" / f"{plan.publication_id}.crl" for plan in plans)
        crls = tuple(x509.load_der_x509_crl(one.read_bytes()) for one in lists)
        return Trust(self.trust.roots, self.trust.intermediates, crls, self.trust.status)

    def authority_key(self, authority_id: str) -> PrivateKey:
        """The key of an authority, for certificates that the office would not issue."""
        return self.workspace.hsm(self.workspace.authorities.plan.authorities[authority_id].key_label)

    # --- people and documents --------------------------------------------------------------------------------

    @cached_property
    def organisation(self) -> Organisation:
        """The bench's own service provider."""
        return organisation_of(self.workspace, self.cast, self.ORGANISATION)

    @cached_property
    def card(self) -> CardInHand:
        """The card of the bench's own professional."""
        return professional_card(self.workspace, self.cast, self.PROFESSIONAL)

    @cached_property
    def _inserted(self) -> InsertedCard:
        """The bench's card in its reader, where it stays: each insertion starts a process."""
        assert self.card.certificates  # read before: a card is in one reader at a time
        return self._resources.enter_context(self.card.inserted())

    @contextmanager
    def in_reader(self, card: CardInHand) -> Iterator[InsertedCard]:
        """A card in a reader; another one than the bench's own is taken out again."""
        if card is self.card:
            yield self._inserted
        else:
            with card.inserted() as inserted:
                yield inserted

    @property
    def card_identity(self) -> SignerIdentity:
        """Who signs with the bench's card."""
        return SignerIdentity(self.organisation, self.card.professional)

    @cached_property
    def system_signature(self) -> ServiceIdentity:
        """The system signature certificate of the bench's own organisation."""
        user = self.cast.person("technical-contact")
        self.workspace.service_certificates.open_account(self.organisation.oid, user=user)
        subject = {"C": "FI", "ST": "Finland", "L": self.organisation.municipality, "O": self.organisation.name}
        return service_identity(
            self.workspace,
            self.organisation,
            ApplicationKind.SYSTEM_SIGNATURE,
            user,
            {**subject, "serialNumber": self.organisation.oid.value, "CN": "Koepenkki TEST"},
            (),
            self.directory / "bench-organisation",
        )

    @cached_property
    def documents(self) -> BenchDocuments:
        """Documents for verifiers, good and bad."""
        return BenchDocuments(self)

    @cached_property
    def some_frame(self) -> bytes:
        """A frame around a good document of the bench's own organisation."""
        oid = self.organisation.oid
        return build_frame(
            self.documents.good_system, message_id=self.maker.new_id(oid), sender=oid, at=self.clock.now()
        )

    def other_card(self, part: str) -> CardInHand:
        """A card of another person, to be closed or to lose its right."""
        return professional_card(self.workspace, self.cast, part)

    def unsigned(self, identity: SignerIdentity) -> bytes:
        """An unsigned document that names the signer as its author, or its organisation as the author."""
        return self.maker.unsigned(identity)

    def corrected(self, signed: bytes, identity: SignerIdentity) -> bytes:
        """The next version of a signed document, with the signatures of the old one still in it."""
        return self.maker.corrected(signed, identity)

    def card_session(self, *, wrong_pins: int = 0) -> AbstractContextManager[CardSession]:
        """Lend the bench's card to a system; the person enters that many wrong PINs first."""
        identity = self.card_identity
        return card_session(
            self.card, self._inserted, self.clock, lambda: self.unsigned(identity), wrong_pins=wrong_pins
        )

    @cached_property
    def desk_cards(self) -> DeskCards:
        """Cards to lay into the readers of a system."""
        return DeskCards(self, self._resources)

    @cached_property
    def rights(self) -> RightsBench:
        """The role and attribute service for a system, with its history."""
        return RightsBench(self, self._resources)

    # --- Kanta and other endpoints ---------------------------------------------------------------------------

    @cached_property
    def publication(self) -> Publication:
        """OCSP and revocation lists that fail on purpose and remember who asked."""
        service = Publication(self)
        self._resources.callback(service.close)
        return service

    def address(self, url: str) -> str:
        """Where an address in a certificate is reached: on loopback as it stands, a national one at ``services``."""
        return url if urlsplit(url).hostname == LOOPBACK else reached_at(self.services.publication_url)(url)

    @property
    def kanta_endpoint(self) -> Endpoint:
        """The emulated Kanta, by the name that its certificate bears."""
        url = self.services.kanta_url.replace(LOOPBACK, "localhost") + ARCHIVE_PATH
        return Endpoint(url, self.trust, guest=self.guest_identity.pem())

    def kanta_outcome(self) -> str:
        """The code of the last acknowledgement of the emulated Kanta; empty if nobody has sent anything."""
        with self.workspace.records.look() as session:
            last = newest(session, 1)
        return last[0].outcome if last else ""

    @cached_property
    def kanta_identity(self) -> ServerIdentity:
        """A certificate for a Kanta at ``localhost``."""
        return self._server_identity(KANTA_HOST, "localhost")

    @cached_property
    def guest_identity(self) -> ServerIdentity:
        """A certificate for a system under test that has none of the bench's own authorities."""
        return self._server_identity("guest.test.example")

    @property
    def client_authorities(self) -> tuple[x509.Certificate, ...]:
        """Whom the bench's endpoints let issue the certificate of a client."""
        return tuple(dict.fromkeys(self.trust.issuers + self.guests))

    @property
    def client_roots(self) -> tuple[x509.Certificate, ...]:
        """The roots among them."""
        return tuple(one for one in self.client_authorities if one.subject == one.issuer)

    @cached_property
    def server_faces(self) -> ServerFaces:
        """Certificates of a Kanta at ``localhost`` that are wrong in one thing."""
        return ServerFaces(self)

    @cached_property
    def other_name_identity(self) -> ServerIdentity:
        """A certificate of the right authority for another host."""
        return self._server_identity("kanta.elsewhere.test.example")

    @cached_property
    def foreign_identity(self) -> ServerIdentity:
        """A certificate for ``localhost`` of an authority that bears the right name and has another key."""
        genuine = self.kanta_identity
        authority_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        authority = forged(self.trust.intermediates[1], authority_key, public_key=authority_key.public_key())
        return ServerIdentity(forged(genuine.certificate, authority_key), (authority,), genuine.key)

    @cached_property
    def _server_key(self) -> rsa.RSAPrivateKey:
        """The key of the bench's own endpoints: which key it is, no case looks at."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _server_identity(self, host: str, *other_names: str) -> ServerIdentity:
        key = self._server_key
        authorities = self.workspace.authorities
        certificate = authorities.issue(
            SOTE_SERVICES,
            "test-server",
            subject={
                "country": "FI",
                "state": "Finland",
                "locality": "Helsinki",
                "organisation": "Kansanelakelaitos TEST",
                "common_name": host,
            },
            public_key=key.public_key(),
            actor="conformance bench",
            dns_names=(host, *other_names),
            holder=f"conformance bench: {host}",
        )
        return ServerIdentity(certificate, (authorities.certificate(SOTE_SERVICES),), key)


@contextmanager
def _own_database() -> Iterator[None]:
    """A bench has a database file of its own, also where the user's workspace is on a server."""
    kept = os.environ.pop("SOTEPKI_DATABASE_URL", None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ["SOTEPKI_DATABASE_URL"] = kept
