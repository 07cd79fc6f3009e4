"""The system under test as the suite sees it: a handful of facets, each of which may be attached or not.

A facet is a Protocol. The reference system, the mutants, a directory of files and a command that speaks JSON all
implement the same ones, so that no case knows what it talks to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from cryptography import x509

from conformance.sut.facets_tls_server import ServesTls
from sotepki.registers import Organisation, Professional
from sotepki.tokens import Pin
from sotepki.x509.csr import CsrKind
from sotepki.x509.status import CertificateStatus

if TYPE_CHECKING:
    from conformance.sut.facets_card import WorksAtDesk
    from conformance.sut.facets_paperwork import HoldsPaperwork
    from conformance.sut.facets_rights import ChecksRights
    from conformance.sut.facets_scs import OffersScs, UsesScs
    from conformance.sut.facets_token import SignsByToken

StatusQuestion = Callable[[x509.Certificate, x509.Certificate], CertificateStatus]
"""Asks for the state of a certificate, given the certificate and its issuer."""


class Facet(StrEnum):
    """The parts of a system that can be attached; the names are also the tables of the TOML file."""

    TRUST = "trust"
    CERTIFICATES = "certificates"
    EARLIER = "earlier-certificates"
    CSRS = "csrs"
    DOCUMENTS = "documents"
    FRAMES = "frames"
    SIGNER = "sign"
    VERIFIER = "verify"
    CARD = "card"
    CLIENT = "client"
    TLS_SERVER = "tls-server"
    CARD_DESK = "card-desk"
    TOKEN = "token"
    SCS = "scs"
    SCS_USER = "scs-user"
    RIGHTS = "rights"
    PAPERWORK = "paperwork"


class CertificateRole(StrEnum):
    """What a certificate of the system is for."""

    SERVER = "server"
    SYSTEM_SIGNATURE = "system-signature"
    CARD_AUTHENTICATION = "card-authentication"
    CARD_SIGNATURE = "card-signature"


class SignatureKind(StrEnum):
    """Who signs: a professional with a card, or the system with its own key (docs/field/kanta.md 3.3)."""

    PROFESSIONAL = "professional"
    SYSTEM = "system"


@dataclass(frozen=True)
class NamedBytes:
    """A file or message with a name that a report can show."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Trust:
    """What the suite judges the system's certificates and documents by.

    Attributes:
        roots, intermediates: certificates of the authorities.
        crls: revocation lists; may be empty.
        status: asks an OCSP responder; None if there is none.
    """

    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...] = ()
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    status: StatusQuestion | None = None

    @property
    def knows_revocation(self) -> bool:
        """Whether revocation can be judged at all."""
        return bool(self.crls) or self.status is not None

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]:
        """Every authority."""
        return self.intermediates + self.roots


@dataclass(frozen=True)
class SignerIdentity:
    """Whose signature the system makes: a document for it must name the same."""

    organisation: Organisation
    professional: Professional | None = None


@dataclass(frozen=True)
class Answer:
    """What a verifier said of a document; ``reasons`` are its own words."""

    accepted: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """What a client made of one attempt to send a frame.

    Attributes:
        connected: it carried out the TLS handshake and sent the message.
        accepted: it holds the message for archived; None if it got no answer.
        detail: its own words.
    """

    connected: bool
    accepted: bool | None = None
    detail: str = ""


@dataclass(frozen=True)
class Endpoint:
    """Where a client is to send.

    Attributes:
        trust: the authorities that it may trust there.
        guest: certificate chain and key, both PEM, for a system whose own certificate is not let in there; empty
            where the certificates of its own authorities are.
    """

    url: str
    trust: Trust
    wait_for_contact: Callable[[float], bool] = field(default=lambda seconds: False, compare=False)
    guest: tuple[str, str] = field(default=("", ""), repr=False)


class HoldsCertificates(Protocol):
    """The system's own certificates, as DER or PEM bytes."""

    def certificates(self) -> Mapping[CertificateRole, bytes]: ...


class HoldsCsrs(Protocol):
    """The certificate requests that the system made."""

    def csrs(self) -> Mapping[CsrKind, bytes]: ...


class HoldsFiles(Protocol):
    """Documents or frames that the system produced earlier."""

    def files(self) -> Sequence[NamedBytes]: ...


class Signs(Protocol):
    """Signs a given document. ``sign`` gives the document as the system would send it."""

    def identity(self, kind: SignatureKind) -> SignerIdentity | None:
        """Who signs; None if the system does not make this kind of signature."""
        ...

    def sign(self, document: bytes, kind: SignatureKind, *, correction: bool = False) -> bytes:
        """Sign. With ``correction`` the document is a later version that still holds the earlier signatures."""
        ...


class Frames(Protocol):
    """Wraps a signed document in a message frame."""

    def frame(self, document: bytes) -> bytes: ...


class Verifies(Protocol):
    """Says whether a document that somebody else signed is to be accepted; ``trust`` is what it may rely on."""

    def verify(self, document: bytes, trust: Trust) -> Answer: ...


class Card(Protocol):
    """A card in a reader, as software sees it."""

    def certificate(self, which: str) -> x509.Certificate: ...

    def verify_pin2(self, pin: Pin) -> None: ...

    def sign(self, document: bytes) -> bytes:
        """Sign a document with the signature key; one verified PIN2 is good for one signature."""
        ...

    def tries(self) -> Mapping[str, int]: ...


class PinPad(Protocol):
    """The person at the keyboard: each call is one question for PIN2 on the screen."""

    @property
    def wrong_pins(self) -> int:
        """So often the person types a wrong PIN2 before the right one."""
        ...

    def pin2(self) -> Pin: ...


class UsesCard(Protocol):
    """Signs documents one after another with a card that somebody else owns."""

    def sign_all(self, card: Card, pin_pad: PinPad, documents: Sequence[bytes]) -> Sequence[bytes]: ...


class Sends(Protocol):
    """Sends a frame to a Kanta."""

    def send(self, frame: bytes, endpoint: Endpoint) -> Delivery: ...


@dataclass(frozen=True)
class SystemUnderTest:
    """A system and the facets of it that are attached."""

    name: str
    kind: str
    trust: Trust | None = None
    certificates: HoldsCertificates | None = None
    earlier: HoldsCertificates | None = None
    csrs: HoldsCsrs | None = None
    documents: HoldsFiles | None = None
    frames: HoldsFiles | None = None
    signer: Signs | None = None
    framer: Frames | None = None
    verifier: Verifies | None = None
    card_user: UsesCard | None = None
    client: Sends | None = None
    tls_server: ServesTls | None = None
    card_desk: WorksAtDesk | None = None
    token: SignsByToken | None = None
    scs: OffersScs | None = None
    scs_user: UsesScs | None = None
    rights: ChecksRights | None = None
    papers: HoldsPaperwork | None = None

    def attached(self) -> tuple[Facet, ...]:
        """The facets that are attached, in the order of ``Facet``."""
        present = {
            Facet.TRUST: self.trust,
            Facet.CERTIFICATES: self.certificates,
            Facet.EARLIER: self.earlier,
            Facet.CSRS: self.csrs,
            Facet.DOCUMENTS: self.documents,
            Facet.FRAMES: self.frames or self.framer,
            Facet.SIGNER: self.signer,
            Facet.VERIFIER: self.verifier,
            Facet.CARD: self.card_user,
            Facet.CLIENT: self.client,
            Facet.TLS_SERVER: self.tls_server,
            Facet.CARD_DESK: self.card_desk,
            Facet.TOKEN: self.token,
            Facet.SCS: self.scs,
            Facet.SCS_USER: self.scs_user,
            Facet.RIGHTS: self.rights,
            Facet.PAPERWORK: self.papers,
        }
        return tuple(facet for facet in Facet if present[facet] is not None)


class SystemFailed(Exception):
    """The system under test was asked and gave no usable answer: it crashed, hung or spoke another language.

    This is a finding about the system. A system that could not be asked at all is a ``sotepki.errors.Misuse``.
    """

    def __init__(self, sentence: str, *, log: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.log = log


class Skipped(Exception):
    """The case does not apply or its facet is not attached."""


class OperatorNeeded(Exception):
    """Somebody has to act before the case can be judged, and did not in time."""
