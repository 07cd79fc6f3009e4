"""The fixtures that cases ask for: facets of the system under test and what was made with them.

What is made with the system, such as a signed document, is made once in a run and looked at by many cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import pytest
from cryptography import x509

from conformance.bench import Bench
from conformance.check import Check
from conformance.judging import DocumentUnderTest, FrameUnderTest, RequestUnderTest, judged_document, judged_frame
from conformance.plugin import CASE, CHECK, RUN
from conformance.requirements import requirements
from conformance.session import RunSession
from conformance.sut.facets import (
    CertificateRole,
    Facet,
    Sends,
    SignatureKind,
    Skipped,
    SystemFailed,
    SystemUnderTest,
    Trust,
    UsesCard,
    Verifies,
)
from sotepki.clock import Clock
from sotepki.documents import SignatureKind as DocumentSignature
from sotepki.errors import Refused
from sotepki.x509.csr import CsrKind, check_csr
from sotepki.x509.reading import read_certificates

T = TypeVar("T")

Documents = tuple[DocumentUnderTest, ...]

FACETS_OF: Mapping[str, tuple[Facet, ...]] = {
    "trust": (Facet.TRUST,),
    "trusted": (Facet.TRUST,),
    "certificates": (Facet.CERTIFICATES,),
    "server_certificate": (Facet.CERTIFICATES,),
    "system_certificate": (Facet.CERTIFICATES,),
    "card_certificates": (Facet.CERTIFICATES,),
    "card_signature_certificate": (Facet.CERTIFICATES,),
    "card_authentication_certificate": (Facet.CERTIFICATES,),
    "server_request": (Facet.CSRS,),
    "system_request": (Facet.CSRS,),
    "professional_documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "system_documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "all_documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "corrected_documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "frames": (Facet.FRAMES, Facet.SIGNER, Facet.DOCUMENTS),
    "any_frame": (),
    "verifier": (Facet.VERIFIER,),
    "discerning_verifier": (Facet.VERIFIER,),
    "card_user": (Facet.CARD,),
    "client": (Facet.CLIENT,),
}
"""Which facets a fixture looks at; from this the matrix knows which cases a mutant can touch."""


@pytest.fixture(scope="session")
def run_session(pytestconfig: pytest.Config) -> RunSession:
    """The run itself; the other fixtures build on it."""
    return pytestconfig.stash[RUN]


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """What the case judges with."""
    made = Check(request.node.stash[CASE], requirements())
    request.node.stash[CHECK] = made
    return made


@pytest.fixture(scope="session")
def sut(run_session: RunSession) -> SystemUnderTest:
    """The system under test."""
    return run_session.sut


@pytest.fixture(scope="session")
def bench(run_session: RunSession) -> Bench:
    """The suite's own side; made when it is first asked for."""
    return run_session.bench


@pytest.fixture(scope="session")
def clock(run_session: RunSession) -> Clock:
    """The time that the run goes by."""
    return run_session.clock


@pytest.fixture(scope="session")
def trust(sut: SystemUnderTest) -> Trust:
    """The authorities by which the system's certificates are judged."""
    return _attached(sut.trust, Facet.TRUST)


@pytest.fixture(scope="session")
def trusted(trust: Trust) -> bool:
    """For cases that need authorities to be attached, without looking at them."""
    return bool(trust.roots)


# --- certificates and requests -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificates(sut: SystemUnderTest) -> Mapping[CertificateRole, x509.Certificate]:
    """The certificates of the system, by what they are for."""
    given = _attached(sut.certificates, Facet.CERTIFICATES).certificates()
    return {role: _certificate(data, role) for role, data in given.items()}


@pytest.fixture(scope="session")
def server_certificate(certificates: Mapping[CertificateRole, x509.Certificate]) -> x509.Certificate:
    return _role(certificates, CertificateRole.SERVER)


@pytest.fixture(scope="session")
def system_certificate(certificates: Mapping[CertificateRole, x509.Certificate]) -> x509.Certificate:
    return _role(certificates, CertificateRole.SYSTEM_SIGNATURE)


@pytest.fixture(scope="session")
def card_signature_certificate(certificates: Mapping[CertificateRole, x509.Certificate]) -> x509.Certificate:
    return _role(certificates, CertificateRole.CARD_SIGNATURE)


@pytest.fixture(scope="session")
def card_authentication_certificate(certificates: Mapping[CertificateRole, x509.Certificate]) -> x509.Certificate:
    return _role(certificates, CertificateRole.CARD_AUTHENTICATION)


@pytest.fixture(scope="session")
def card_certificates(
    certificates: Mapping[CertificateRole, x509.Certificate],
) -> Mapping[CertificateRole, x509.Certificate]:
    """Those of the two card certificates that are attached; at least one."""
    roles = (CertificateRole.CARD_AUTHENTICATION, CertificateRole.CARD_SIGNATURE)
    found = {role: certificates[role] for role in roles if role in certificates}
    if not found:
        raise Skipped("No certificate of a card is attached; name card-signature in [certificates].")
    return found


@pytest.fixture(scope="session")
def server_request(sut: SystemUnderTest) -> RequestUnderTest:
    return _request(sut, CsrKind.SERVER)


@pytest.fixture(scope="session")
def system_request(sut: SystemUnderTest) -> RequestUnderTest:
    return _request(sut, CsrKind.SYSTEM_SIGNATURE)


# --- documents and frames ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def all_documents(sut: SystemUnderTest, run_session: RunSession) -> Mapping[SignatureKind | None, Documents]:
    """Every document, by the signature that it was made for; None for those that lay in a directory unsorted."""
    if sut.documents is None and sut.signer is None:
        raise Skipped(_missing(Facet.DOCUMENTS, Facet.SIGNER))
    found: dict[SignatureKind | None, Documents] = {}
    if sut.documents is not None:
        clock = run_session.clock
        found[None] = tuple(judged_document(f.name, f.content, sut.trust, clock) for f in sut.documents.files())
    if sut.signer is not None:
        for kind in SignatureKind:
            identity = sut.signer.identity(kind)
            if identity is not None:
                signed = sut.signer.sign(run_session.bench.unsigned(identity), kind)
                found[kind] = (
                    judged_document(f"document with a {kind} signature", signed, sut.trust, run_session.clock),
                )
    return found


@pytest.fixture(scope="session")
def documents(all_documents: Mapping[SignatureKind | None, Documents]) -> Documents:
    """Every document of the system, also those that cannot be read."""
    return tuple(document for group in all_documents.values() for document in group)


@pytest.fixture(scope="session")
def professional_documents(all_documents: Mapping[SignatureKind | None, Documents]) -> Documents:
    """The documents with a professional's signature whose signatures can be read."""
    return _of_kind(all_documents, SignatureKind.PROFESSIONAL, DocumentSignature.PROFESSIONAL.code)


@pytest.fixture(scope="session")
def system_documents(all_documents: Mapping[SignatureKind | None, Documents]) -> Documents:
    """The documents with a system signature whose signatures can be read."""
    return _of_kind(all_documents, SignatureKind.SYSTEM, DocumentSignature.SYSTEM.code)


@pytest.fixture(scope="session")
def corrected_documents(
    sut: SystemUnderTest, all_documents: Mapping[SignatureKind | None, Documents], run_session: RunSession
) -> Documents:
    """Corrections: of a document that the system signed before, or lying in its directory as later versions."""
    lying = tuple(d for d in all_documents.get(None, ()) if d.report.version > 1)
    if sut.signer is None:
        return _some(lying, "No document of a later version is attached.")
    kind = next(k for k in SignatureKind if k in all_documents)
    earlier, identity = all_documents[kind][0], sut.signer.identity(kind)
    if identity is None or not earlier.examinable:
        raise Skipped("The system's first version cannot be read, so there is nothing to correct.")
    signed = sut.signer.sign(run_session.bench.corrected(earlier.content, identity), kind, correction=True)
    made = judged_document("corrected document", signed, sut.trust, run_session.clock, earlier=earlier.content)
    return (*lying, made)


@pytest.fixture(scope="session")
def frames(
    sut: SystemUnderTest, run_session: RunSession, request: pytest.FixtureRequest
) -> tuple[FrameUnderTest, ...]:
    """Frames of the system: those that lay in a directory, and one around each document that it signs."""
    contents = [(f.name, f.content) for f in sut.frames.files()] if sut.frames else []
    if sut.framer is not None:
        every: Documents = request.getfixturevalue("documents")
        for document in every:
            if document.examinable:
                contents.append((f"frame around the {document.name}", sut.framer.frame(document.content)))
    if not contents:
        raise Skipped(_missing(Facet.FRAMES))
    return tuple(judged_frame(name, content, sut.trust, run_session.clock) for name, content in contents)


@pytest.fixture(scope="session")
def any_frame(bench: Bench) -> bytes:
    """A frame for connection cases: what it carries does not matter there, and it is never archived."""
    return bench.some_frame


# --- what can be asked of the system -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def verifier(sut: SystemUnderTest) -> Verifies:
    return _attached(sut.verifier, Facet.VERIFIER)


@pytest.fixture(scope="session")
def discerning_verifier(verifier: Verifies, bench: Bench) -> Verifies:
    """The verifier, if it accepts a good document; the refusals of one that refuses everything show nothing."""
    if not verifier.verify(bench.documents.good_professional, bench.trust_now()).accepted:
        raise Skipped("The system refuses the good document too, so a refusal of a bad one shows nothing.")
    return verifier


@pytest.fixture(scope="session")
def card_user(sut: SystemUnderTest) -> UsesCard:
    return _attached(sut.card_user, Facet.CARD)


@pytest.fixture(scope="session")
def client(sut: SystemUnderTest) -> Sends:
    return _attached(sut.client, Facet.CLIENT)


def _attached(facet: T | None, name: Facet) -> T:
    if facet is None:
        raise Skipped(_missing(name))
    return facet


def _missing(*names: Facet) -> str:
    tables = " or ".join(f"[{name}]" for name in names)
    return f"This part of the system is not attached: there is no {tables} in its description."


def _some(found: Documents, otherwise: str) -> Documents:
    if not found:
        raise Skipped(otherwise)
    return found


def _of_kind(groups: Mapping[SignatureKind | None, Documents], kind: SignatureKind, code: str) -> Documents:
    lying: Sequence[DocumentUnderTest] = [d for d in groups.get(None, ()) if d.is_signed_as(code)]
    made = groups.get(kind, ())
    readable = tuple(d for d in (*lying, *made) if d.examinable)
    if made and not readable:
        raise Skipped("The signature in the document cannot be read; see the case document.form.")
    return _some(readable, f"No document with a {kind} signature (code {code}) is attached.")


def _role(certificates: Mapping[CertificateRole, x509.Certificate], role: CertificateRole) -> x509.Certificate:
    if role not in certificates:
        raise Skipped(f"The {role} certificate is not attached; name it in [certificates].")
    return certificates[role]


def _certificate(data: bytes, role: CertificateRole) -> x509.Certificate:
    return _readable(lambda: read_certificates(data)[0], f"The {role} certificate cannot be read")


def _request(sut: SystemUnderTest, kind: CsrKind) -> RequestUnderTest:
    given = _attached(sut.csrs, Facet.CSRS).csrs()
    if kind not in given:
        raise Skipped(f"The {kind} request is not attached; name it in [csrs].")
    return RequestUnderTest(given[kind], check_csr(given[kind], kind))


def _readable(read: Callable[[], T], sentence: str) -> T:
    try:
        return read()
    except Refused as error:
        raise SystemFailed(f"{sentence}: {error.sentence}") from None
