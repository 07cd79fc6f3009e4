"""The Kanta archive as a function of its state: a message and a client certificate in, an acknowledgement out.

HTTP and TLS stand in front of it (``archive_service``); nothing here knows of them. What Kanta really checks, and in
which order, is mostly not public: rules carry their evidence (rules*.yaml), open choices stand in settings.yaml.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography import x509
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Finding
from sotepki.identifiers import Oid
from sotepki.kela import request_log
from sotepki.kela.access_points import AccessPoints
from sotepki.kela.acknowledgement import AckCode, Acknowledgement
from sotepki.kela.books import Books, known_documents
from sotepki.kela.client import Trust
from sotepki.kela.judging import Judge, Judgement
from sotepki.kela.pen import Pen
from sotepki.kela.request_log import OFFICE, RequestEntry, RequestKind
from sotepki.kela.revocation import StatusLookup
from sotepki.kela.rules import rulebook
from sotepki.kela.settings import KantaSettings, load_settings
from sotepki.kela.tables import ArchivedDocument
from sotepki.kela.turns import Turn
from sotepki.records import Records
from sotepki.registers import OrganisationRegister, RightsRegister

_ATTEMPTS = 5


@dataclass(frozen=True)
class Kanta:
    """One environment of Kanta's archive.

    Attributes:
        records: books, clock and journal of the workspace.
        trust: whose certificates count.
        rights: Valvira's role and attribute service.
        organisations: THL's SOTE organisation register.
        status: asks a CA's responder about a certificate; see ``StatusLookup``.
        settings: the environment; the package's own by default.
        turn: of the threads that judge and settle its messages; given up while responder or disk are waited for.
        pen: of the processes that settle into the same books.
    """

    records: Records
    trust: Trust
    rights: RightsRegister
    organisations: OrganisationRegister
    status: StatusLookup
    settings: KantaSettings = field(default_factory=load_settings)
    turn: Turn = field(default_factory=Turn, repr=False, compare=False)
    pen: Pen = field(default_factory=Pen, repr=False, compare=False)

    @cached_property
    def judge(self) -> Judge:
        """Who judges messages before the books are opened."""
        status = self.turn.given_up(self.status)
        return Judge(self.records.clock, self.trust, self.rights, self.access_points, status, self.settings)

    @cached_property
    def books(self) -> Books:
        """What was archived and acknowledged."""
        return Books(self.records, self.settings, self.turn, self.pen)

    @property
    def access_points(self) -> AccessPoints:
        """Kela's register of access points."""
        return AccessPoints(self.records, self.organisations)

    def archive(self, message: bytes, client: x509.Certificate | None) -> Acknowledgement:
        """Judge a framed document, archive it or refuse it, and answer.

        An accepted document is durable when this returns. The same message again gets the same acknowledgement, if
        the client may still act for its sender; the same message id with other bytes is refused. Any bytes are taken,
        nothing is raised.
        """
        return self.books.settle([self.judge.message(message, client)])[0]

    def refuse(self, rule: str, sentence: str, client: x509.Certificate | None) -> Acknowledgement:
        """Refuse, and log, a request that never became a message (too long, no XML, wrong address)."""
        return self.books.settle([self.refusal(rulebook().finding(rule, sentence), client)])[0]

    def refusal(self, finding: Finding, client: x509.Certificate | None) -> Judgement:
        """The judgement on a request that never became a message."""
        return Judgement(AckCode.REJECTED, (finding,), finding.message, self.records.clock.now(), client)

    def retrieve(self, document_id: str, client: x509.Certificate | None) -> bytes:
        """A document, byte for byte as it was archived, for a client that may act for its owner.

        Raises:
            Refused: the client's certificate is refused (its rule), or there is no such document for this client
                (``kanta.document.unknown``; whether another organisation has it is not told).
            Fault: the archive's content was changed behind its back.
        """
        row = self._own_document(document_id, client)
        return row.content

    def describe(self, document_id: str, client: x509.Certificate | None) -> dict[str, Any]:
        """What the archive knows of a document besides its content: its version and what replaces what.

        Raises:
            Refused: as ``retrieve``.
        """
        row = self._own_document(document_id, client)
        with self.records.look() as session:
            known = known_documents(session, self.settings.environment, {document_id})
            versions = session.execute(
                select(ArchivedDocument.version, ArchivedDocument.document_id)
                .where(
                    ArchivedDocument.environment == self.settings.environment,
                    ArchivedDocument.set_id == row.set_id,
                    ArchivedDocument.owner == row.owner,
                )
                .order_by(ArchivedDocument.version)
            ).all()
        return {
            "document_id": row.document_id,
            "set_id": row.set_id,
            "version": row.version,
            "family": row.family,
            "custodian": row.custodian,
            "service_request": row.service_request,
            "archived_at": row.archived_at.isoformat(),
            "sha256": row.sha256,
            "replaces": row.replaces,
            "replaced_by": known[document_id].replaced_by,
            "versions": [{"version": version, "document_id": other} for version, other in versions],
        }

    def log(self, line: RequestEntry, certificate: x509.Certificate | None = None) -> None:
        """Write a line into the request log, and keep a certificate that was refused.

        A log that cannot be written does not stop an answer.
        """
        for _ in range(_ATTEMPTS):
            try:
                with self.records.change(OFFICE, "") as tx:
                    request_log.write(tx.session, [line], tx.now)
                    if certificate is not None:
                        request_log.keep_certificate(tx.session, certificate, tx.now)
                    request_log.note(tx, line)
                return
            except (Fault, Misuse) as fault:
                if not isinstance(fault.__cause__, IntegrityError):
                    return

    def entry(
        self,
        kind: RequestKind,
        outcome: str,
        findings: Sequence[Finding],
        client: x509.Certificate | None,
        **more: str,
    ) -> RequestEntry:
        """A line for the request log of this environment."""
        return request_log.entry(kind, outcome, findings, client, environment=self.settings.environment, **more)

    def requests(
        self, count: int = 50, *, kind: RequestKind | None = None, refused: bool = False
    ) -> Sequence[RequestEntry]:
        """The newest lines of this environment's request log, newest first."""
        with self.records.look() as session:
            return request_log.newest(
                session, count, environment=self.settings.environment, kind=kind, refused=refused
            )

    def refused_certificate(self, sha256: str) -> x509.Certificate | None:
        """A client certificate that was refused in a handshake, by its SHA-256 in hex."""
        with self.records.look() as session:
            return request_log.kept_certificate(session, sha256)

    def _own_document(self, document_id: str, client: x509.Certificate | None) -> ArchivedDocument:
        findings = self.judge.client(client)
        refusal, row = self.judge.refusing(findings), None
        if not refusal and client is not None:
            if _is_oid(document_id):  # else it is no id of a document; PostgreSQL takes not every text
                with self.records.look() as session:
                    row = session.get(ArchivedDocument, (self.settings.environment, document_id))
            if row is None or not self.judge.may_act_for(client, row.owner):
                row = None
                message = "There is no such document in the archive for this client."
                refusal = (rulebook().finding("kanta.document.unknown", message),)
        outcome = "refused" if refusal else "given"
        self.log(self.entry(RequestKind.RETRIEVE, outcome, refusal, client, sender=row.owner if row else ""))
        if row is not None and hashlib.sha256(row.content).hexdigest() != row.sha256:
            raise Fault(f"The document {document_id} is not as it was archived.", rule="kanta.service.fault")
        if row is None:
            raise Refused(refusal[0].message, rule=refusal[0].rule, advice=refusal[0].advice)
        return row


def _is_oid(text: str) -> bool:
    try:
        Oid.parse(text)
    except Refused:
        return False
    return True
