"""The reference system: a provider's information system built from this package, with everything right.

It has a professional's card in its reader, its server and system signature keys in files, and certificates that it
got from the offices like anybody else. It passes every case; the mutants are built from it by one fault each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from conformance.bench import Bench
from conformance.bench.errands import CardInHand, organisation_of, professional_card
from conformance.sut.facets import (
    Answer,
    Card,
    CertificateRole,
    PinPad,
    SignatureKind,
    SignerIdentity,
    SystemFailed,
    SystemUnderTest,
    Trust,
)
from conformance.sut.reference_client import KantaClient
from conformance.sut.reference_renewal import earlier_certificates
from conformance.sut.reference_revocation import StatusAsker
from conformance.sut.reference_tls_server import TlsServer
from conformance.sut.reference_workplace import Workplace, workplace_of
from sotepki.card import InsertedCard
from sotepki.clock import Clock
from sotepki.documents import (
    DocumentReport,
    VerificationContext,
    build_frame,
    sign_as_professional,
    sign_as_system,
    verify_document,
)
from sotepki.documents.vocabulary import finland
from sotepki.errors import Refused
from sotepki.evidence import Severity, Verdict
from sotepki.identifiers import Oid
from sotepki.journey.card_holder import PIN2
from sotepki.journey.service_provider import ProviderSystem, provider_system
from sotepki.registers import RightsRegister
from sotepki.tokens import PrivateKey
from sotepki.x509.csr import CsrKind
from sotepki.xmldsig import parse

_PART = "nurse"
_ORGANISATION = "clinic"
_PATIENCE = 2.5
"""Seconds for an answer about revocation: few, since some cases make the system wait it out, but enough for a machine
that is busy with other things; who gives up then refuses good certificates."""
_CHANGED_IN_A_CORRECTION = ("assignedAuthorSigner", "signer", "authenticationMethod", "time", "signatureCollection")


@dataclass(frozen=True)
class Certificates:
    """The certificates of the system, DER."""

    held: Mapping[CertificateRole, bytes]

    def certificates(self) -> Mapping[CertificateRole, bytes]:
        return self.held


@dataclass(frozen=True)
class Requests:
    """The requests that the certificates came of."""

    made: Mapping[CsrKind, bytes]

    def csrs(self) -> Mapping[CsrKind, bytes]:
        return self.made


@dataclass(frozen=True)
class DocumentSigner:
    """Signs as the professional whose card is in the reader, or with the key of the system."""

    card: InsertedCard
    professional: SignerIdentity
    system: SignerIdentity
    system_key: PrivateKey = field(repr=False)
    system_certificate: x509.Certificate
    clock: Clock

    def identity(self, kind: SignatureKind) -> SignerIdentity | None:
        return self.professional if kind is SignatureKind.PROFESSIONAL else self.system

    def sign(self, document: bytes, kind: SignatureKind, *, correction: bool = False) -> bytes:
        if correction:
            document = without_signatures(document)
        if kind is SignatureKind.SYSTEM:
            return sign_as_system(
                document, key=self.system_key, certificate=self.system_certificate, at=self.clock.now()
            )
        assert self.professional.professional is not None
        return sign_as_professional(
            document,
            key=self.card_key(),
            certificate=self.card.certificate("signature"),
            professional=self.professional.professional,
            at=self.clock.now(),
        )

    def card_key(self) -> PrivateKey:
        """The signature key of the card, ready for one signature."""
        self.card.verify_pin2(PIN2)
        return self.card.signature_key


@dataclass(frozen=True)
class Framer:
    """Frames documents in the name of the system's organisation."""

    sender: Oid
    bench: Bench
    clock: Clock

    def frame(self, document: bytes) -> bytes:
        message_id = self.bench.maker.new_id(self.sender)
        try:
            return build_frame(document, message_id=message_id, sender=self.sender, at=self.clock.now())
        except Refused as error:
            raise SystemFailed(f"The system cannot frame its own document: {error.sentence}") from None


@dataclass(frozen=True)
class Verifier:
    """Verifies with the package's own verifier and asks the role and attribute service for the signer's right."""

    clock: Clock
    rights: RightsRegister | None
    asker: StatusAsker
    tolerance: timedelta = timedelta(minutes=5)

    def verify(self, document: bytes, trust: Trust) -> Answer:
        report = self.report(document, trust)
        errors = tuple(f"{f.rule}: {f.message}" for f in report.findings if f.severity is Severity.ERROR)
        return Answer(report.verdict is Verdict.VALID, errors)

    def report(self, document: bytes, trust: Trust) -> DocumentReport:
        """All that the package's verifier says of a document."""
        context = VerificationContext(
            trust=trust.roots,
            intermediates=trust.intermediates,
            at=self.clock.now(),
            crls=trust.crls,
            status=trust.status or (None if trust.crls else self.asker),
            rights=self.rights,
            tolerance=self.tolerance,
        )
        return verify_document(document, context)


@dataclass(frozen=True)
class CardUser:
    """Signs documents with a card that is put into its reader."""

    def sign_all(self, card: Card, pin_pad: PinPad, documents: Sequence[bytes]) -> Sequence[bytes]:
        signed = []
        for document in documents:
            if not self.unlock(card, pin_pad):
                break
            signed.append(card.sign(document))
        return signed

    def unlock(self, card: Card, pin_pad: PinPad) -> bool:
        """Ask the person until the card takes the PIN, as long as two tries are left."""
        while card.tries()["pin2"] > 1:
            try:
                card.verify_pin2(pin_pad.pin2())
            except Refused:
                continue
            return True
        return False


@dataclass(frozen=True)
class Reference:
    """The parts of the reference system; a mutant replaces one of them."""

    name: str
    bench: Bench
    provider: ProviderSystem
    card: CardInHand
    certificates: Certificates
    earlier: Certificates
    csrs: Requests
    signer: DocumentSigner
    framer: Framer
    verifier: Verifier
    card_user: CardUser
    client: KantaClient
    tls_server: TlsServer
    workplace: Workplace

    def system(self, *, name: str = "", kind: str = "reference", **facets: Any) -> SystemUnderTest:
        """The system, with ``facets`` in the place of its own ones."""
        whole = SystemUnderTest(
            name=name or self.name,
            kind=kind,
            trust=self.bench.trust,
            certificates=self.certificates,
            earlier=self.earlier,
            csrs=self.csrs,
            signer=self.signer,
            framer=self.framer,
            verifier=self.verifier,
            card_user=self.card_user,
            client=self.client,
            tls_server=self.tls_server,
            **self.workplace.facets(),
        )
        return replace(whole, **facets)


@contextmanager
def reference_system(bench: Bench) -> Iterator[Reference]:
    """Set up the reference system in a bench; its card stays in the reader until the block ends."""
    workspace, cast = bench.workspace, bench.cast
    organisation = organisation_of(workspace, cast, _ORGANISATION)
    provider = provider_system(
        workspace, organisation, user=cast.person("technical-contact"), directory=bench.directory / "reference"
    )
    card = professional_card(workspace, cast, _PART)
    with card.inserted() as inserted:
        yield Reference(
            name="Reference system TEST",
            bench=bench,
            provider=provider,
            card=card,
            certificates=Certificates(
                {
                    CertificateRole.SERVER: provider.server.chain_file.read_bytes(),
                    CertificateRole.SYSTEM_SIGNATURE: der(provider.system_signature.certificate),
                    CertificateRole.CARD_AUTHENTICATION: der(inserted.certificate("authentication")),
                    CertificateRole.CARD_SIGNATURE: der(inserted.certificate("signature")),
                }
            ),
            earlier=Certificates(earlier_certificates(bench, provider)),
            csrs=Requests(
                {
                    CsrKind.SERVER: provider.server.request_file.read_bytes(),
                    CsrKind.SYSTEM_SIGNATURE: provider.system_signature.request_file.read_bytes(),
                }
            ),
            signer=DocumentSigner(
                card=inserted,
                professional=SignerIdentity(organisation, card.professional),
                system=SignerIdentity(organisation),
                system_key=provider.system_signature.key(),
                system_certificate=provider.system_signature.certificate,
                clock=bench.clock,
            ),
            framer=Framer(organisation.oid, bench, bench.clock),
            verifier=Verifier(bench.clock, workspace.valvira, StatusAsker(bench.clock, bench.address, _PATIENCE)),
            card_user=CardUser(),
            client=KantaClient(provider.server, StatusAsker(bench.clock, bench.address), bench.clock),
            tls_server=TlsServer(provider.server, provider.host_name, lambda: bench.trust),
            workplace=workplace_of(bench, organisation, card, inserted, provider.server, provider.system_signature),
        )


def without_signatures(document: bytes) -> bytes:
    """A document without signatureCollection and the professional's block, as a correction begins."""
    root = parse(document)
    header = root.find(finland("localSocialHeader"))
    for name in _CHANGED_IN_A_CORRECTION:
        for element in [] if header is None else header.findall(finland(name)):
            element.getparent().remove(element)  # type: ignore[union-attr]
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


def der(certificate: x509.Certificate) -> bytes:
    """A certificate in DER."""
    return certificate.public_bytes(Encoding.DER)
