"""A publication service of the bench: OCSP and revocation lists on loopback, with faults, that remembers who asked.

Certificates that cases hand to a system name its addresses. So the system's own habits are seen: whether it asks at
all, and what it makes of each answer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from conformance.bench.forging import forged
from conformance.sut.facets import Trust
from sotepki.documents import SignatureKind, Signer, sign_document
from sotepki.dvv import ROOT, SOTE_PERSONS, SOTE_SERVICES
from sotepki.dvv.publication.ocsp import request_in_path
from sotepki.loopback import LOOPBACK
from sotepki.x509.ocsp import DEFAULT_VALIDITY, Responder
from sotepki.x509.ocsp_faults import NO_FAULTS, OcspFaults
from sotepki.x509.status import CertificateState, CertificateStatus

if TYPE_CHECKING:
    from conformance.bench import Bench

_NAMES = {"root": ROOT, "persons": SOTE_PERSONS, "services": SOTE_SERVICES}
_CLOSED = f"http://{LOOPBACK}:9"
_LARGEST = 16 * 1024

GOOD = CertificateStatus(CertificateState.GOOD)


@dataclass(frozen=True)
class Question:
    """One question to the service; a list (``crl``) is about every certificate of its authority."""

    kind: str
    authority: str
    serials: tuple[int, ...] = ()

    def text(self) -> str:
        """For a report."""
        about = ", ".join(f"{serial:x}" for serial in self.serials) or "the whole list"
        return f"{self.kind} of {self.authority}: {about}"


@dataclass(frozen=True)
class Questioned:
    """A document whose signer's certificate is known to the service alone."""

    document: bytes
    serial: int


class Publication:
    """The service. ``states`` says what it knows, ``faults`` how it fails, ``questions`` what it was asked."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.states: dict[int, CertificateStatus] = {}
        self.questions: list[Question] = []
        self.faults = NO_FAULTS
        self.list_age = timedelta(0)
        self._mended = threading.Event()
        self._server = _QuietServer((LOOPBACK, 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    @contextmanager
    def failing(self, faults: OcspFaults) -> Iterator[None]:
        """Show these faults until the block ends; they concern persons and servers, not the issuing authorities."""
        self.faults = faults
        self._mended.clear()
        try:
            yield
        finally:
            self.faults = NO_FAULTS
            self._mended.set()

    @cached_property
    def trust(self) -> Trust:
        """The test hierarchy, with issuing authorities whose own revocation is published here too."""
        authorities, root = self._bench.workspace.authorities, self._bench.authority_key(ROOT)
        issuing = []
        for authority in (SOTE_PERSONS, SOTE_SERVICES):
            made = forged(authorities.certificate(authority), root, replace=self.addresses("root"))
            self.states[made.serial_number] = GOOD
            issuing.append(made)
        return Trust((authorities.root,), tuple(issuing))

    def addresses(self, name: str, *, down: bool = False) -> tuple[x509.ExtensionType, ...]:
        """The extensions by which a certificate names this service; ``down``: a place where nobody answers."""
        base = _CLOSED if down else self.url
        responder = x509.UniformResourceIdentifier(f"{base}/{name}")
        crl = x509.UniformResourceIdentifier(f"{base}/{name}.crl")
        return (
            x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, responder)]),
            x509.CRLDistributionPoints([x509.DistributionPoint([crl], None, None, None)]),
        )

    def document(self, state: CertificateStatus = GOOD, *, down: bool = False, only_list: bool = False) -> Questioned:
        """A soundly signed document whose signer's certificate, made for it alone, is in this state.

        Args:
            down: the certificate names addresses where nobody answers.
            only_list: it names a revocation list and no responder.
        """
        bench = self._bench
        certificate = forged(
            self._model,
            bench.authority_key(SOTE_PERSONS),
            public_key=self._key.public_key(),
            replace=self.addresses("persons", down=down),
            remove=[ExtensionOID.AUTHORITY_INFORMATION_ACCESS] if only_list else [],
        )
        self.states[certificate.serial_number] = state
        signer = Signer(SignatureKind.PROFESSIONAL, self._key, certificate, bench.card.professional)
        document = sign_document(bench.unsigned(bench.card_identity), signer, bench.clock.now())
        return Questioned(document, certificate.serial_number)

    def revoked(self) -> CertificateStatus:
        """Revoked an hour ago, since the key was lost."""
        return CertificateStatus(CertificateState.REVOKED, self._an_hour_ago(), x509.ReasonFlags.key_compromise)

    def asked_about(self, serial: int) -> bool:
        """Whether anybody asked about a certificate, by OCSP or by taking its authority's list."""
        return any(serial in question.serials or question.kind == "crl" for question in self.questions)

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        """What the service knows; the seam of ``Responder``."""
        return self.states.get(serial_number, CertificateStatus(CertificateState.UNKNOWN))

    def answer(self, name: str, body: bytes) -> tuple[int, bytes]:
        """HTTP status and OCSP response."""
        faults = NO_FAULTS if name == "root" else self.faults
        answered = self._responders[name].answer(body, faults)
        asked = answered.request.certificates if answered.request else ()
        self.questions.append(Question("ocsp", name, tuple(one.serial_number for one in asked)))
        if faults.delay_seconds:
            self._mended.wait(faults.delay_seconds)
        return faults.http_status or 200, answered.response

    def revocation_list(self, name: str) -> bytes:
        """The list of an authority, as old as ``list_age``."""
        self.questions.append(Question("crl", name))
        now = self._bench.clock.now().replace(microsecond=0) - self.list_age
        authority = _NAMES[name]
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=self._bench.workspace.authorities.certificate(authority).subject,
            last_update=now - timedelta(minutes=1),
            next_update=now + DEFAULT_VALIDITY,
        ).add_extension(x509.CRLNumber(len(self.questions)), critical=False)
        for serial, state in self.states.items():
            if state.state is CertificateState.REVOKED:
                entry = x509.RevokedCertificateBuilder(serial, state.revoked_at).build()
                builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._bench.authority_key(authority), hashes.SHA512()).public_bytes(Encoding.DER)

    def failing_list(self, name: str) -> bool:
        """Whether a list is not to be had: whoever reads it in place of a failing responder would be right."""
        return name in _NAMES and name != "root" and self.faults != NO_FAULTS

    def _an_hour_ago(self) -> datetime:
        return self._bench.clock.now().replace(microsecond=0) - timedelta(hours=1)

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def _model(self) -> x509.Certificate:
        return self._bench.card.certificates["signature"]

    @cached_property
    def _responders(self) -> Mapping[str, Responder]:
        """Delegates of the authorities for a key in memory, so that an answer costs no visit to a token."""
        made = {}
        for name, authority in _NAMES.items():
            own = self._bench.workspace.authorities.responder(authority)
            delegate = forged(
                own.responder_certificate, self._bench.authority_key(authority), public_key=self._key.public_key()
            )
            made[name] = replace(
                own, responder_certificate=delegate, key=self._key, status=self, clock=self._bench.clock
            )
        return made


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up waiting is what some cases want to see."""


def _handler(publication: Publication) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), _LARGEST)
            self._ocsp(self.rfile.read(length))

        def do_GET(self) -> None:
            if self._name.endswith(".crl") and publication.failing_list(self._name.removesuffix(".crl")):
                self._send(503, b"", "text/plain")
            elif self._name.endswith(".crl") and self._name.removesuffix(".crl") in _NAMES:
                body = publication.revocation_list(self._name.removesuffix(".crl"))
                self._send(200, body, "application/pkix-crl")
            else:
                self._ocsp(request_in_path(self.path))

        @property
        def _name(self) -> str:
            return self.path.lstrip("/").partition("/")[0]

        def _ocsp(self, body: bytes) -> None:
            if self._name not in _NAMES:
                self._send(404, b"", "text/plain")
                return
            status, answer = publication.answer(self._name, body)
            self._send(status, answer, "application/ocsp-response")

        def _send(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is written to the terminal; ``questions`` is the log."""

    return Handler
