"""Documents of the bench: unsigned ones for signers, good and bad ones for verifiers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from conformance.bench.errands import CardInHand, organisation_of
from conformance.bench.forging import edited, forged
from conformance.bench.forging_corpus import BenchCorpus
from conformance.sut.facets import SignerIdentity
from sotepki.documents import (
    SignatureKind,
    Signer,
    build_document,
    build_social_document,
    sign_as_professional,
    sign_as_system,
    sign_document,
)
from sotepki.documents.vocabulary import finland, hl7
from sotepki.errors import Fault
from sotepki.identifiers import Oid
from sotepki.journey.card_holder import PIN1, PIN2
from sotepki.journey.cast import Cast
from sotepki.registers import Person
from sotepki.workspace import Workspace

if TYPE_CHECKING:
    from conformance.bench import Bench

_CLIENT = "client-adult"
_ACTOR = "conformance bench"
_REMOVED = "The test of this suite needs a professional without a right."


class DocumentMaker:
    """Makes unsigned documents; every document has an id of its own."""

    def __init__(self, workspace: Workspace, cast: Cast) -> None:
        self._workspace = workspace
        self._cast = cast
        self._made = 0

    @cached_property
    def client(self) -> Person:
        """The client of all documents, a person of the test world."""
        person = self._workspace.population.person(self._cast.person(_CLIENT))
        if person is None:
            raise Fault(f"The part {_CLIENT} of the test world is not in the population register.")
        return person

    def new_id(self, organisation: Oid) -> Oid:
        """An id for a document or a message, below the organisation's own node."""
        self._made += 1
        node = organisation.value.rsplit(".", 2)[0]
        year = self._workspace.clock.now().year
        return Oid.parse(f"{node}.11.{year}.{self._made}")

    def large(self, identity: SignerIdentity) -> bytes:
        """A document like ``unsigned`` of about a million bytes."""
        return self.unsigned(identity, paragraphs=("Pitkä kirjaus, joka jatkuu sivusta toiseen. TEST " * 20,) * 380)

    def unsigned(
        self, identity: SignerIdentity, *, client: Person | None = None, paragraphs: Sequence[str] = ()
    ) -> bytes:
        """A client plan by a professional, or a client-relationship document by a system."""
        return build_social_document(
            client=client or self.client,
            organisation=identity.organisation,
            author=identity.professional,
            document_oid=self.new_id(identity.organisation.oid),
            created=self._workspace.clock.now(),
            kind="client-plan" if identity.professional else "client-relationship",
            paragraphs=paragraphs,
        )

    def of_kind(self, kind: str, identity: SignerIdentity) -> bytes:
        """An unsigned document of a kind of ``sotepki.documents.kinds_of_documents``."""
        return build_document(
            kind,
            client=self.client,
            organisation=identity.organisation,
            author=identity.professional,
            document_oid=self.new_id(identity.organisation.oid),
            created=self._workspace.clock.now(),
        )

    def corrected(self, signed: bytes, identity: SignerIdentity) -> bytes:
        """The next version of ``signed``, still unsigned itself, with the old signatureCollection left standing."""
        old = etree.fromstring(signed)
        old_id = Oid.parse(str(old.find(hl7("id")).get("root")))  # type: ignore[union-attr]
        fresh = etree.fromstring(
            build_social_document(
                client=self.client,
                organisation=identity.organisation,
                author=identity.professional,
                document_oid=self.new_id(identity.organisation.oid),
                created=self._workspace.clock.now(),
                kind="client-plan" if identity.professional else "client-relationship",
                paragraphs=("Korjattu kirjaus. TEST",),
                set_oid=old_id,
                version=2,
                replaces=old_id,
            )
        )
        collection = old.find(f"{finland('localSocialHeader')}/{finland('signatureCollection')}")
        header = fresh.find(finland("localSocialHeader"))
        if collection is None or header is None:
            raise Fault("A document without signatures was to be corrected.")
        header.append(deepcopy(collection))
        return etree.tostring(fresh.getroottree(), xml_declaration=True, encoding="UTF-8")


class BenchDocuments:
    """Signed documents for verifiers, each made when it is first asked for; only one thing is wrong with it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def _now(self) -> datetime:
        return self._bench.clock.now()

    @cached_property
    def good_professional(self) -> bytes:
        """Signed by a professional with the signature key of the card."""
        return self._signed_with(self._bench.card)

    @cached_property
    def good_system(self) -> bytes:
        """Signed by the organisation's system."""
        system = self._bench.system_signature
        return sign_as_system(
            self._bench.unsigned(SignerIdentity(self._bench.organisation)),
            key=system.key(),
            certificate=system.certificate,
            at=self._now,
        )

    def signed_at(self, moment: datetime) -> bytes:
        """Signed by a professional whose clock shows ``moment``."""
        return self._signed_with(self._bench.card, moment)

    @cached_property
    def changed_body(self) -> bytes:
        """One word of the body text is another one than was signed."""
        return edited(self.good_professional, change_body)

    @cached_property
    def foreign_authority(self) -> bytes:
        """Signed with a certificate that another key than the authority's has issued under the authority's name."""
        model = self._bench.card.certificates["signature"]
        authority_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate = forged(model, authority_key, public_key=key.public_key())
        signer = Signer(SignatureKind.PROFESSIONAL, key, certificate, self._bench.card.professional)
        return sign_document(self._bench.unsigned(self._bench.card_identity), signer, self._now)

    @cached_property
    def revoked_signer(self) -> bytes:
        """Signed with a card that had been closed as lost."""
        card = self._bench.other_card("sosionomi")
        self._bench.workspace.vartti.close_card(card.number, "lost", "dvv")
        return self._signed_with(card)

    @cached_property
    def wrapped_body(self) -> bytes:
        """The signed body stands in the header, a forged one with the same ID in its place."""
        return edited(self.good_professional, _wrap)

    @cached_property
    def authentication_key(self) -> bytes:
        """Signed as a professional with the authentication key of the card."""
        with self._bench.in_reader(self._bench.card) as card:
            card.verify_pin1(PIN1)
            signer = Signer(
                SignatureKind.PROFESSIONAL,
                card.authentication_key,
                card.certificate("authentication"),
                self._bench.card.professional,
            )
            return sign_document(self._bench.unsigned(self._bench.card_identity), signer, self._now)

    @cached_property
    def removed_right(self) -> bytes:
        """Signed by a professional whose only right had been removed; the card is still valid."""
        card = self._bench.other_card("psychologist")
        for right in card.professional.rights:
            self._bench.workspace.valvira.remove_right(
                card.professional.registration_number, right.code, actor=_ACTOR, reason=_REMOVED
            )
        return self._signed_with(card)

    @cached_property
    def corpus(self) -> BenchCorpus:
        """Good and bad social-welfare documents of the bench's professional."""
        return self._corpus_of(self._bench.card)

    @cached_property
    def health_corpus(self) -> BenchCorpus:
        """Good and bad patient records and prescriptions of a physician."""
        return self._corpus_of(self._bench.other_card("physician"))

    def _corpus_of(self, card: CardInHand) -> BenchCorpus:
        return BenchCorpus(self._bench, card.certificates["signature"], card.professional)

    def _signed_with(self, card: CardInHand, at: datetime | None = None) -> bytes:
        organisation = organisation_of(self._bench.workspace, self._bench.cast, self._bench.ORGANISATION)
        document = self._bench.unsigned(SignerIdentity(organisation, card.professional))
        with self._bench.in_reader(card) as inserted:
            inserted.verify_pin2(PIN2)
            return sign_as_professional(
                document,
                key=inserted.signature_key,
                certificate=inserted.certificate("signature"),
                professional=card.professional,
                at=at or self._now,
            )


def change_body(root: etree._Element) -> None:
    """Change one word of the text in the body; its form stays right."""
    text = _body(root).find(hl7("text"))
    assert text is not None and text.text
    content = base64.b64decode(text.text).replace(b"TEST", b"TSET", 1)
    if content == base64.b64decode(text.text):
        content += b"<!-- changed -->"
    text.text = base64.b64encode(content).decode()


def _wrap(root: etree._Element) -> None:
    signed = _body(root)
    forgery = deepcopy(signed)
    component = signed.getparent()
    header = root.find(finland("localSocialHeader"))
    assert component is not None and header is not None
    component.replace(signed, forgery)
    header.insert(0, signed)
    change_body(root)


def _body(root: etree._Element) -> etree._Element:
    body = root.find(f"{hl7('component')}/{hl7('nonXMLBody')}")
    assert body is not None
    return body
