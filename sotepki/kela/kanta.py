"""The Kanta archive as a function of its state: a message and a client certificate in, an acknowledgement out.

HTTP and TLS stand in front of it (``archive_service``); nothing here knows of them. What Kanta really checks, and in
which order, is mostly not public: rules carry their evidence (rules.yaml), open choices stand in settings.yaml.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from sqlalchemy.exc import IntegrityError

from sotepki.documents import DocumentReport, Frame, VerificationContext, check_frame, open_frame, verify_document
from sotepki.errors import Fault, Refused, SotepkiError
from sotepki.evidence import Finding, Verdict
from sotepki.identifiers import Oid
from sotepki.kela import request_log
from sotepki.kela.access_points import AccessPoints
from sotepki.kela.acknowledgement import AckCode, Acknowledgement, acknowledgement_id
from sotepki.kela.client import ChainMemory, Trust, check_client, check_sender
from sotepki.kela.request_log import OFFICE, RequestEntry, RequestKind
from sotepki.kela.revocation import StatusLookup, StatusQuestions
from sotepki.kela.rules import finding_of, refusing, rulebook
from sotepki.kela.settings import KantaSettings, load_settings
from sotepki.kela.tables import AcknowledgedMessage, ArchivedDocument
from sotepki.records import Records, Transaction
from sotepki.registers import OrganisationRegister, RightsRegister

_ATTEMPTS = 5


@dataclass(frozen=True)
class _Judgement:
    """What was found before anything is stored. ``code`` is what a refusal would be."""

    code: AckCode
    findings: tuple[Finding, ...]
    frame: Frame | None = None
    custodian: str = ""


class _AlreadyDone(Exception):
    def __init__(self, stored: AcknowledgedMessage | None) -> None:
        self.stored = stored


@dataclass(frozen=True)
class Kanta:
    """The archive of the social welfare client documents.

    Attributes:
        records: books, clock and journal of the workspace.
        trust: whose certificates count.
        rights: Valvira's role and attribute service.
        organisations: THL's SOTE organisation register.
        status: asks a CA's responder about a certificate; see ``StatusLookup``.
        settings: the environment; the package's own by default.
    """

    records: Records
    trust: Trust
    rights: RightsRegister
    organisations: OrganisationRegister
    status: StatusLookup
    settings: KantaSettings = field(default_factory=load_settings)
    _chains: ChainMemory = field(default_factory=ChainMemory, repr=False)

    @property
    def access_points(self) -> AccessPoints:
        """Kela's register of access points."""
        return AccessPoints(self.records, self.organisations)

    def archive(self, message: bytes, client: x509.Certificate | None) -> Acknowledgement:
        """Judge a framed document, archive it or refuse it, and answer.

        An accepted document is durable when this returns. The same message again gets the same acknowledgement;
        the same message id with other bytes is refused. Any bytes are taken, nothing is raised.
        """
        now, digest = self.records.clock.now(), hashlib.sha256(message).hexdigest()
        try:
            judgement = self._judge(message, digest, client, now)
            if isinstance(judgement, Acknowledgement):
                return judgement
            if judgement.frame is not None and not self._refusing(judgement.findings):
                return self._store(judgement, judgement.frame, digest, client)
            return self._refused(judgement, digest, client, now)
        except SotepkiError as error:
            finding = rulebook().finding("kanta.service.fault", error.sentence)
            return self._acknowledgement(AckCode.REJECTED, (finding,), None, digest, now)

    def refuse(self, rule: str, sentence: str, client: x509.Certificate | None) -> Acknowledgement:
        """Refuse, and log, a request that never became a message (too long, no XML, wrong address)."""
        return self._refuse_request(rulebook().finding(rule, sentence), client)

    def refuse_error(self, error: Refused, client: x509.Certificate | None) -> Acknowledgement:
        """The same for what another room refused, under that room's rule."""
        return self._refuse_request(finding_of(error, otherwise="kanta.message.empty"), client)

    def retrieve(self, document_id: str, client: x509.Certificate | None) -> bytes:
        """A document, byte for byte as it was archived, for a client that may act for its custodian.

        Raises:
            Refused: the client's certificate is refused (its rule), or there is no such document for this client
                (``kanta.document.unknown``; whether another organisation has it is not told).
        """
        questions = StatusQuestions(self.status, self.settings.when_status_unavailable)
        findings = self._check_client(client, self.records.clock.now(), questions)
        refusal = self._refusing(findings)
        content, custodian = b"", ""
        if not refusal and client is not None:
            with self.records.look() as session:
                row = session.get(ArchivedDocument, document_id)
                if row is not None and not self._refusing(
                    check_sender(client, Oid(row.custodian), self.access_points)
                ):
                    content, custodian = row.content, row.custodian
            if not content:
                message = "There is no such document in the archive for this client."
                refusal = (rulebook().finding("kanta.document.unknown", message),)
        outcome = "refused" if refusal else "given"
        self.log(request_log.entry(RequestKind.RETRIEVE, outcome, refusal, client, sender=custodian))
        if refusal:
            raise Refused(refusal[0].message, rule=refusal[0].rule, advice=refusal[0].advice)
        return content

    def log(self, line: RequestEntry) -> None:
        """Write a line into the request log; a log that cannot be written does not stop an answer."""
        for _ in range(_ATTEMPTS):
            try:
                with self.records.change(OFFICE, _actor(line)) as tx:
                    self._log(tx, line)
                return
            except Fault as fault:
                if not isinstance(fault.__cause__, IntegrityError):
                    return

    def requests(self, count: int = 50) -> Sequence[RequestEntry]:
        """The newest lines of the request log, newest first."""
        with self.records.look() as session:
            return request_log.newest(session, count)

    def _judge(
        self, message: bytes, digest: str, client: x509.Certificate | None, now: datetime
    ) -> _Judgement | Acknowledgement:
        questions = StatusQuestions(self.status, self.settings.when_status_unavailable)
        findings = self._check_client(client, now, questions)
        if client is None or self._refusing(findings):
            return _Judgement(AckCode.REJECTED, tuple(findings))
        try:
            frame = open_frame(message)
        except Refused as error:
            return _Judgement(AckCode.REJECTED, (*findings, finding_of(error, otherwise="kanta.message.empty")))
        findings += check_sender(client, frame.sender, self.access_points)
        if self._refusing(findings):
            return _Judgement(AckCode.REJECTED, tuple(findings), frame)
        with self.records.look() as session:
            stored = session.get(AcknowledgedMessage, str(frame.message_id))
        if stored is not None:
            return self._repeated(stored, digest, frame, client, now)
        answered = len(questions.unanswered)
        report = verify_document(frame.document, self.verification_context(now, questions))
        findings += [*report.findings, *check_frame(frame, report)]
        for sentence in questions.unanswered[answered:]:
            findings.append(rulebook().finding("kanta.document.status-unavailable", sentence))
        if report.verdict is Verdict.INDETERMINATE:
            sentence = "Not everything about the signatures could be examined."
            findings.append(rulebook().finding("kanta.document.not-verified", sentence))
        custodian, content = self._content(frame, report)
        # A document that could not be judged was not refused for its content: the sender may try again.
        unjudged = (
            len(questions.unanswered) > answered and "kanta.document.status-unavailable" in self.settings.refuses
        )
        return _Judgement(AckCode.REJECTED if unjudged else AckCode.ERROR, (*findings, *content), frame, custodian)

    def _check_client(
        self, client: x509.Certificate | None, now: datetime, questions: StatusQuestions
    ) -> list[Finding]:
        return check_client(
            client, trust=self.trust, at=now, questions=questions, settings=self.settings, memory=self._chains
        )

    def verification_context(self, now: datetime, questions: StatusQuestions) -> VerificationContext:
        """What the archive knows and asks when it verifies a document."""
        return VerificationContext(
            trust=self.trust.roots,
            intermediates=self.trust.authorities,
            at=now,
            revocation=True,
            rights=self.rights,
            status=questions,
        )

    def _content(self, frame: Frame, report: DocumentReport) -> tuple[str, list[Finding]]:
        findings = []
        if frame.service_request not in self.settings.service_requests:
            findings.append(
                rulebook().finding(
                    "kanta.message.service-request",
                    "The frame's service request is not known.",
                    expected=", ".join(sorted(self.settings.service_requests)),
                    found=frame.service_request,
                )
            )
        custodian = str(report.custodian or "")
        if not custodian:
            findings.append(
                rulebook().finding("kanta.document.custodian-missing", "The document names no custodian.")
            )
        elif custodian != str(frame.sender):
            findings.append(
                rulebook().finding(
                    "kanta.document.custodian-sender",
                    "The document's custodian is not the sender of the message.",
                    expected=str(frame.sender),
                    found=custodian,
                )
            )
        return custodian, findings

    def _store(
        self, judgement: _Judgement, frame: Frame, digest: str, client: x509.Certificate | None
    ) -> Acknowledgement:
        for attempt in range(_ATTEMPTS):
            try:
                return self._store_once(judgement, frame, digest, client)
            except _AlreadyDone as done:
                now = self.records.clock.now()
                if done.stored is not None:
                    return self._repeated(done.stored, digest, frame, client, now)
                finding = rulebook().finding(
                    "kanta.document.already-archived",
                    f"The document {frame.document_id} is in the archive already.",
                    found=str(frame.document_id),
                )
                again = _Judgement(AckCode.ERROR, (*judgement.findings, finding), frame)
                return self._refused(again, digest, client, now)
            except Fault as fault:
                # Two servers on one database may take the same journal number; the loser begins again.
                if attempt == _ATTEMPTS - 1 or not isinstance(fault.__cause__, IntegrityError):
                    raise
        raise Fault("The archive could not store the document.")

    def _store_once(
        self, judgement: _Judgement, frame: Frame, digest: str, client: x509.Certificate | None
    ) -> Acknowledgement:
        message_id, document_id, sender = str(frame.message_id), str(frame.document_id), str(frame.sender)
        with self.records.change(OFFICE, f"sender {sender}") as tx:
            stored = tx.session.get(AcknowledgedMessage, message_id)
            if stored is not None or tx.session.get(ArchivedDocument, document_id) is not None:
                raise _AlreadyDone(stored)
            answer = self._acknowledgement(AckCode.ACCEPTED, judgement.findings, frame, digest, tx.now)
            tx.session.add(
                AcknowledgedMessage(
                    message_id=message_id,
                    sender=sender,
                    sha256=digest,
                    acknowledgement=json.dumps(answer.as_dict(), ensure_ascii=False),
                    acknowledged_at=tx.now,
                )
            )
            tx.session.flush()
            document_digest = hashlib.sha256(frame.document).hexdigest()
            tx.session.add(
                ArchivedDocument(
                    document_id=document_id,
                    set_id=str(frame.set_id or document_id),
                    custodian=judgement.custodian,
                    service_request=frame.service_request,
                    message_id=message_id,
                    archived_at=tx.now,
                    sha256=document_digest,
                    content=frame.document,
                )
            )
            line = request_log.entry(
                RequestKind.ARCHIVE, answer.code.value, answer.findings, client, message_id=message_id, sender=sender
            )
            request_log.write(tx.session, line, tx.now)
            tx.journal(
                "document archived",
                document_id,
                message=message_id,
                custodian=judgement.custodian,
                sha256=document_digest,
            )
        return answer

    def _repeated(
        self, stored: AcknowledgedMessage, digest: str, frame: Frame, client: x509.Certificate | None, now: datetime
    ) -> Acknowledgement:
        if stored.sha256 == digest and stored.sender == str(frame.sender):
            answer = Acknowledgement.from_dict(json.loads(stored.acknowledgement))
            self.log(
                request_log.entry(
                    RequestKind.ARCHIVE,
                    answer.code.value,
                    answer.findings,
                    client,
                    message_id=stored.message_id,
                    sender=stored.sender,
                    reason="repeated",
                )
            )
            return answer
        finding = rulebook().finding(
            "kanta.message.id-reused", f"The message id {stored.message_id} was used for another message."
        )
        return self._refused(_Judgement(AckCode.REJECTED, (finding,), frame), digest, client, now)

    def _refused(
        self, judgement: _Judgement, digest: str, client: x509.Certificate | None, now: datetime
    ) -> Acknowledgement:
        answer = self._acknowledgement(judgement.code, judgement.findings, judgement.frame, digest, now)
        self.log(
            request_log.entry(
                RequestKind.ARCHIVE,
                answer.code.value,
                answer.findings,
                client,
                message_id=answer.message_id,
                sender=answer.receiver,
            )
        )
        return answer

    def _refuse_request(self, finding: Finding, client: x509.Certificate | None) -> Acknowledgement:
        now = self.records.clock.now()
        answer = self._acknowledgement(AckCode.REJECTED, (finding,), None, finding.message, now)
        self.log(request_log.entry(RequestKind.ARCHIVE, answer.code.value, (finding,), client))
        return answer

    def _acknowledgement(
        self, code: AckCode, findings: tuple[Finding, ...], frame: Frame | None, digest: str, now: datetime
    ) -> Acknowledgement:
        message_id = str(frame.message_id) if frame else ""
        return Acknowledgement(
            code=code,
            acknowledgement_id=acknowledgement_id(message_id, f"{digest} {code.value} {now.isoformat()}"),
            message_id=message_id,
            receiver=str(frame.sender) if frame else "",
            sender=self.settings.receiver.value,
            interaction=self.settings.acknowledgement,
            at=now,
            findings=findings,
            document_id=str(frame.document_id) if frame and code is AckCode.ACCEPTED else "",
        )

    def _refusing(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        return refusing(findings, self.settings.refuses)

    def _log(self, tx: Transaction, line: RequestEntry) -> None:
        request_log.write(tx.session, line, tx.now)
        tx.journal(
            f"{line.kind.value} request logged",
            line.message_id or "request without message id",
            outcome=line.outcome,
            rules=" ".join(line.rules),
        )


def _actor(line: RequestEntry) -> str:
    if line.sender:
        return f"sender {line.sender}"
    return f"certificate {line.certificate_sha256[:16]}" if line.certificate_sha256 else "unknown client"
