"""The fixtures that cases ask for: facets of the system under test and what was made with them.

What is made with the system, such as a signed document, is made once in a run and looked at by many cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import pytest
from cryptography import x509

from conformance.attaching import attached
from conformance.bench import Bench
from conformance.bench.calling import Caller
from conformance.bench.documents_examined import Examination
from conformance.check import Check
from conformance.judging import DocumentUnderTest, RequestUnderTest
from conformance.plugin import CASE, CHECK, RUN
from conformance.session import RunSession
from conformance.sut.facets import (
    CertificateRole,
    Facet,
    Sends,
    Signs,
    Skipped,
    SystemFailed,
    SystemUnderTest,
    Trust,
    UsesCard,
    Verifies,
)
from conformance.sut.facets_card import WorksAtDesk
from conformance.sut.facets_paperwork import Paperwork
from conformance.sut.facets_rights import ChecksRights
from conformance.sut.facets_scs import OffersScs, UsesScs
from conformance.sut.facets_token import SignsByToken
from sotepki.clock import Clock
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
    "certificate_files": (Facet.CERTIFICATES,),
    "earlier_certificates": (Facet.EARLIER,),
    "server_request": (Facet.CSRS,),
    "system_request": (Facet.CSRS,),
    "professional_documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "system_documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "all_documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "corrected_documents": (Facet.SIGNER, Facet.DOCUMENTS),
    "several_documents": (Facet.SIGNER,),
    "countersigned_document": (Facet.SIGNER,),
    "frames": (Facet.FRAMES, Facet.SIGNER, Facet.DOCUMENTS),
    "corrected_frame": (Facet.FRAMES, Facet.SIGNER),
    "large_frame": (Facet.FRAMES, Facet.SIGNER),
    "any_frame": (),
    "signer": (Facet.SIGNER,),
    "verifier": (Facet.VERIFIER,),
    "discerning_verifier": (Facet.VERIFIER,),
    "examination": (Facet.VERIFIER,),
    "health_examination": (Facet.VERIFIER,),
    "status_verifier": (Facet.VERIFIER,),
    "card_user": (Facet.CARD,),
    "card_desk": (Facet.CARD_DESK,),
    "token": (Facet.TOKEN,),
    "scs": (Facet.SCS,),
    "scs_user": (Facet.SCS_USER,),
    "rights": (Facet.RIGHTS,),
    "paperwork": (Facet.PAPERWORK,),
    "client": (Facet.CLIENT,),
    "caller": (Facet.TLS_SERVER,),
    "mutual_caller": (Facet.TLS_SERVER,),
}
"""Which facets a fixture looks at; from this the matrix knows which cases a mutant can touch."""


@pytest.fixture(scope="session")
def run_session(pytestconfig: pytest.Config) -> RunSession:
    """The run itself; the other fixtures build on it."""
    return pytestconfig.stash[RUN]


@pytest.fixture
def check(request: pytest.FixtureRequest, run_session: RunSession) -> Check:
    """What the case judges with."""
    made = Check(request.node.stash[CASE], run_session.register)
    request.node.stash[CHECK] = made
    return made


@pytest.fixture(scope="session")
def sut(run_session: RunSession) -> SystemUnderTest:
    """The system under test."""
    return run_session.sut


@pytest.fixture(scope="session")
def bench(run_session: RunSession) -> Bench:
    """The suite's own side; made when it is first asked for. Its endpoints know the system's authorities too."""
    made = run_session.bench
    made.guests = run_session.sut.trust.issuers if run_session.sut.trust else ()
    return made


@pytest.fixture(scope="session")
def clock(run_session: RunSession) -> Clock:
    """The time that the run goes by."""
    return run_session.clock


@pytest.fixture(scope="session")
def trust(sut: SystemUnderTest) -> Trust:
    """The authorities by which the system's certificates are judged."""
    return attached(sut.trust, Facet.TRUST)


@pytest.fixture(scope="session")
def trusted(trust: Trust) -> bool:
    """For cases that need authorities to be attached, without looking at them."""
    return bool(trust.roots)


# --- certificates and requests -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificates(sut: SystemUnderTest) -> Mapping[CertificateRole, x509.Certificate]:
    """The certificates of the system, by what they are for."""
    given = attached(sut.certificates, Facet.CERTIFICATES).certificates()
    return {role: _certificate(data, role) for role, data in given.items()}


@pytest.fixture(scope="session")
def certificate_files(sut: SystemUnderTest) -> Mapping[CertificateRole, bytes]:
    """The files that the certificates stand in, as the system has them."""
    return attached(sut.certificates, Facet.CERTIFICATES).certificates()


@pytest.fixture(scope="session")
def earlier_certificates(sut: SystemUnderTest) -> Mapping[CertificateRole, x509.Certificate]:
    """The certificates that were replaced by the present ones."""
    given = attached(sut.earlier, Facet.EARLIER).certificates()
    return {role: _certificate(data, role) for role, data in given.items()}


@pytest.fixture(scope="session")
def server_certificate(certificate_files: Mapping[CertificateRole, bytes]) -> x509.Certificate:
    return _role(certificate_files, CertificateRole.SERVER)


@pytest.fixture(scope="session")
def system_certificate(certificate_files: Mapping[CertificateRole, bytes]) -> x509.Certificate:
    return _role(certificate_files, CertificateRole.SYSTEM_SIGNATURE)


@pytest.fixture(scope="session")
def card_signature_certificate(certificate_files: Mapping[CertificateRole, bytes]) -> x509.Certificate:
    return _role(certificate_files, CertificateRole.CARD_SIGNATURE)


@pytest.fixture(scope="session")
def card_authentication_certificate(certificate_files: Mapping[CertificateRole, bytes]) -> x509.Certificate:
    return _role(certificate_files, CertificateRole.CARD_AUTHENTICATION)


@pytest.fixture(scope="session")
def card_certificates(
    certificate_files: Mapping[CertificateRole, bytes],
) -> Mapping[CertificateRole, x509.Certificate]:
    """Those of the two card certificates that are attached; at least one."""
    roles = (CertificateRole.CARD_AUTHENTICATION, CertificateRole.CARD_SIGNATURE)
    found = {role: _certificate(certificate_files[role], role) for role in roles if role in certificate_files}
    if not found:
        raise Skipped("No certificate of a card is attached; name card-signature in [certificates].")
    return found


@pytest.fixture(scope="session")
def server_request(sut: SystemUnderTest) -> RequestUnderTest:
    return _request(sut, CsrKind.SERVER)


@pytest.fixture(scope="session")
def system_request(sut: SystemUnderTest) -> RequestUnderTest:
    return _request(sut, CsrKind.SYSTEM_SIGNATURE)


# --- what can be asked of the system -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def signer(sut: SystemUnderTest) -> Signs:
    return attached(sut.signer, Facet.SIGNER)


@pytest.fixture(scope="session")
def verifier(sut: SystemUnderTest) -> Verifies:
    return attached(sut.verifier, Facet.VERIFIER)


@pytest.fixture(scope="session")
def discerning_verifier(verifier: Verifies, bench: Bench) -> Verifies:
    """The verifier, if it accepts a good document; the refusals of one that refuses everything show nothing."""
    if not verifier.verify(bench.documents.good_professional, bench.trust_now()).accepted:
        raise Skipped("The system refuses the good document too, so a refusal of a bad one shows nothing.")
    return verifier


@pytest.fixture(scope="session")
def examination(verifier: Verifies, bench: Bench) -> Examination:
    """The verifier before the social-welfare documents of the corpus."""
    return Examination(verifier, bench.documents.corpus)


@pytest.fixture(scope="session")
def health_examination(verifier: Verifies, bench: Bench) -> Examination:
    """The verifier before patient records and prescriptions."""
    return Examination(verifier, bench.documents.health_corpus)


@pytest.fixture(scope="session")
def status_verifier(verifier: Verifies, bench: Bench) -> Verifies:
    """The verifier, if it accepts a document whose signer's certificate is good by the bench's own responder."""
    if not verifier.verify(bench.publication.document().document, bench.publication.trust).accepted:
        raise Skipped("The system refuses a good certificate too; see the case revocation.good.")
    return verifier


@pytest.fixture(scope="session")
def card_user(sut: SystemUnderTest) -> UsesCard:
    return attached(sut.card_user, Facet.CARD)


@pytest.fixture(scope="session")
def caller(sut: SystemUnderTest) -> Iterator[Caller]:
    """Calls the system's own TLS endpoint."""
    with attached(sut.tls_server, Facet.TLS_SERVER).open() as address:
        yield Caller(address)


@pytest.fixture(scope="session")
def mutual_caller(caller: Caller, bench: Bench) -> Caller:
    """The same, if the endpoint is meant to want client certificates and lets in a rightful client."""
    if not caller.address.client_certificate:
        raise Skipped("The endpoint is not meant to ask for client certificates.")
    if not caller.call(bench.kanta_identity).answered:
        raise Skipped("The endpoint lets nobody in; see the case tls-server.lets-in.")
    return caller


@pytest.fixture(scope="session")
def client(sut: SystemUnderTest) -> Sends:
    return attached(sut.client, Facet.CLIENT)


@pytest.fixture(scope="session")
def card_desk(sut: SystemUnderTest) -> WorksAtDesk:
    return attached(sut.card_desk, Facet.CARD_DESK)


@pytest.fixture(scope="session")
def token(sut: SystemUnderTest) -> SignsByToken:
    return attached(sut.token, Facet.TOKEN)


@pytest.fixture(scope="session")
def scs(sut: SystemUnderTest) -> OffersScs:
    return attached(sut.scs, Facet.SCS)


@pytest.fixture(scope="session")
def scs_user(sut: SystemUnderTest) -> UsesScs:
    return attached(sut.scs_user, Facet.SCS_USER)


@pytest.fixture(scope="session")
def rights(sut: SystemUnderTest) -> ChecksRights:
    return attached(sut.rights, Facet.RIGHTS)


@pytest.fixture(scope="session")
def paperwork(sut: SystemUnderTest) -> Paperwork:
    """The papers of the supplier and the provider, read once."""
    return attached(sut.papers, Facet.PAPERWORK).paperwork()


def _role(files: Mapping[CertificateRole, bytes], role: CertificateRole) -> x509.Certificate:
    """The certificate in this role; a file that cannot be read is the matter of its own role only."""
    if role not in files:
        raise Skipped(f"The {role} certificate is not attached; name it in [certificates].")
    return _certificate(files[role], role)


def _certificate(data: bytes, role: CertificateRole) -> x509.Certificate:
    return _readable(lambda: read_certificates(data)[0], f"The {role} certificate cannot be read")


def _request(sut: SystemUnderTest, kind: CsrKind) -> RequestUnderTest:
    given = attached(sut.csrs, Facet.CSRS).csrs()
    if kind not in given:
        raise Skipped(f"The {kind} request is not attached; name it in [csrs].")
    return RequestUnderTest(given[kind], check_csr(given[kind], kind))


def _readable(read: Callable[[], T], sentence: str) -> T:
    try:
        return read()
    except Refused as error:
        raise SystemFailed(f"{sentence}: {error.sentence}") from None
