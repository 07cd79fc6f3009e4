"""What the archive says to a message before it looks into its books: client, frame, document, signatures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from cryptography import x509

from sotepki.clock import Clock
from sotepki.documents import DocumentReport, Frame, VerificationContext, check_frame, open_frame, verify_document
from sotepki.documents.vocabulary import PRESCRIPTION_CENTRE
from sotepki.errors import Refused, SotepkiError
from sotepki.evidence import Finding, Verdict
from sotepki.identifiers import Oid
from sotepki.kela.access_points import AccessPoints
from sotepki.kela.acknowledgement import AckCode
from sotepki.kela.client import ChainMemory, Trust, check_client, check_sender
from sotepki.kela.memory import ShortMemory, remembering
from sotepki.kela.revocation import StatusLookup, StatusQuestions
from sotepki.kela.rules import finding_of, refusing, rulebook
from sotepki.kela.settings import KantaSettings
from sotepki.kela.versions import Version, check_relation, replaced_documents
from sotepki.registers import RightsRegister

_USAGE = "1.2.246.537.6.1289.201901"


@dataclass(frozen=True)
class Judgement:
    """What was found before the books are opened.

    Attributes:
        code: what a refusal would be; ``AA`` if nothing refuses so far.
        digest: SHA-256 of the message, in hex.
        frame: None if the message was not read that far.
        version: of the document; None if the message was not read that far, or its client may not act for its sender.
        at: when, by the workspace's clock.
    """

    code: AckCode
    findings: tuple[Finding, ...]
    digest: str
    at: datetime
    client: x509.Certificate | None
    frame: Frame | None = None
    version: Version | None = None
    family: str = ""
    custodian: str = ""

    @property
    def accepted(self) -> bool:
        """Whether nothing refuses the document so far."""
        return self.code is AckCode.ACCEPTED


@dataclass(frozen=True)
class Examined:
    """A document, and the frame around it if there is one, as far as client and books do not matter.

    Attributes:
        replaces: ids of the documents that it says it replaces.
        unanswered: whether a responder left a question about the signers' certificates unanswered.
    """

    report: DocumentReport
    findings: tuple[Finding, ...]
    replaces: tuple[str, ...]
    unanswered: bool


@dataclass(frozen=True)
class Judge:
    """Judges messages; safe to use from several threads. Attributes as in ``Kanta``."""

    clock: Clock
    trust: Trust
    rights: RightsRegister
    access_points: AccessPoints
    status: StatusLookup
    settings: KantaSettings
    chains: ChainMemory = field(default_factory=ChainMemory, repr=False)

    @cached_property
    def _clients(self) -> ShortMemory[list[Finding]]:
        return ShortMemory(self.settings.memory_seconds)

    @cached_property
    def _senders(self) -> ShortMemory[bool]:
        return ShortMemory(self.settings.memory_seconds)

    @cached_property
    def _lookup(self) -> StatusLookup:
        return remembering(self.status, self.settings.memory_seconds)

    def message(self, message: bytes, client: x509.Certificate | None) -> Judgement:
        """Judge a framed document. Takes any bytes, raises nothing."""
        at, digest = self.clock.now(), hashlib.sha256(message).hexdigest()
        try:
            return self._message(message, digest, client, at)
        except SotepkiError as error:
            finding = rulebook().finding("kanta.service.fault", error.sentence)
            return Judgement(AckCode.REJECTED, (finding,), digest, at, client)

    def client(self, client: x509.Certificate | None) -> list[Finding]:
        """Findings on a client's certificate."""
        return self._client(client, self.clock.now(), self.questions())

    def may_act_for(self, client: x509.Certificate, organisation: str) -> bool:
        """Whether the client speaks for an organisation."""
        return not self.refusing(self._sender(client, Oid(organisation)))

    def refusing(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """The findings that refuse in this environment."""
        return refusing(findings, self.settings.refuses)

    def questions(self) -> StatusQuestions:
        """The status questions of one message."""
        return StatusQuestions(self._lookup, self.settings.when_status_unavailable)

    def context(self, at: datetime, questions: StatusQuestions) -> VerificationContext:
        """What the archive knows and asks when it verifies a document."""
        return VerificationContext(
            trust=self.trust.roots,
            intermediates=(*self.trust.authorities, *self.trust.founded_later()),
            at=at,
            revocation=True,
            rights=self.rights,
            status=questions,
        )

    def examined(self, document: bytes, frame: Frame | None, at: datetime, questions: StatusQuestions) -> Examined:
        """Examine a document and its frame; what the validation service tells is what the archive goes by."""
        asked = len(questions.unanswered)
        report = verify_document(document, self.context(at, questions))
        findings = list(report.findings)
        if frame is not None:
            findings += check_frame(frame, report, receiver=self.settings.receiver.value)
        unanswered = questions.unanswered[asked:]
        findings += [rulebook().finding("kanta.document.status-unavailable", sentence) for sentence in unanswered]
        if report.verdict is Verdict.INDETERMINATE:
            sentence = "Not everything about the signatures could be examined."
            findings.append(rulebook().finding("kanta.document.not-verified", sentence))
        if frame is not None:
            findings += self._reasons(frame)
        findings += _custodian(frame, report)
        replaces = replaced_documents(document, report)
        findings += check_relation(replaces, report.version)
        return Examined(report, tuple(findings), replaces, bool(unanswered))

    def _message(self, message: bytes, digest: str, client: x509.Certificate | None, at: datetime) -> Judgement:
        questions = self.questions()
        findings = self._client(client, at, questions)
        if client is None or self.refusing(findings):
            return Judgement(AckCode.REJECTED, tuple(findings), digest, at, client)
        try:
            frame = open_frame(message)
        except Refused as error:
            finding = finding_of(error, otherwise="kanta.message.empty")
            return Judgement(AckCode.REJECTED, (*findings, finding), digest, at, client)
        findings += self._sender(client, frame.sender)
        if self.refusing(findings):
            return Judgement(AckCode.REJECTED, tuple(findings), digest, at, client, frame)
        examined = self.examined(frame.document, frame, at, questions)
        report, replaces = examined.report, examined.replaces
        findings += examined.findings
        code = AckCode.ACCEPTED
        if self.refusing(findings):
            # A document that could not be judged was not refused for its content: the sender may try again.
            unjudged = examined.unanswered and "kanta.document.status-unavailable" in self.settings.refuses
            code = AckCode.REJECTED if unjudged else AckCode.ERROR
        version = Version(
            document_id=str(frame.document_id),
            set_id=str(frame.set_id or frame.document_id),
            number=report.version,
            owner=frame.sender.value if report.custodian == PRESCRIPTION_CENTRE else report.custodian,
            replaces=replaces[0] if replaces else "",
        )
        return Judgement(
            code, tuple(findings), digest, at, client, frame, version, report.family, str(report.custodian or "")
        )

    def _client(self, client: x509.Certificate | None, at: datetime, questions: StatusQuestions) -> list[Finding]:
        def checked() -> list[Finding]:
            return check_client(
                client, trust=self.trust, at=at, questions=questions, settings=self.settings, memory=self.chains
            )

        return list(self._clients.get(client, checked, keep=lambda findings: not findings))

    def _sender(self, client: x509.Certificate, sender: Oid) -> list[Finding]:
        findings: list[Finding] = []

        def agreed() -> bool:
            findings.extend(check_sender(client, sender, self.access_points))
            return not findings

        self._senders.get((client, sender), agreed, keep=lambda agrees: agrees)
        return findings

    def _reasons(self, frame: Frame) -> list[Finding]:
        """Findings on service request and usage situation (docs/field/kanta.md 6)."""
        findings = []
        if frame.service_request and frame.service_request not in self.settings.service_requests:
            findings.append(
                rulebook().finding(
                    "kanta.message.service-request",
                    "The frame's service request is not known.",
                    expected=", ".join(sorted(self.settings.service_requests)),
                    found=frame.service_request,
                )
            )
        usages = [code for system, code in frame.reasons if system == _USAGE]
        if len(usages) != 1 or usages[0] not in self.settings.usage_situations:
            findings.append(
                rulebook().finding(
                    "kanta.message.usage",
                    "The frame's usage situation is missing or not known.",
                    expected=", ".join(sorted(self.settings.usage_situations)),
                    found=" ".join(usages)[:120],
                )
            )
        return findings


def _custodian(frame: Frame | None, report: DocumentReport) -> list[Finding]:
    """Whether the document's custodian is the sender; the Prescription Centre keeps what prescribers send it."""
    custodian = str(report.custodian or "")
    if frame is None and not report.family:
        return []  # bytes that could not be read as a document name nobody
    if not custodian:
        return [rulebook().finding("kanta.document.custodian-missing", "The document names no custodian.")]
    if frame is None:
        return []  # nobody knows who will send it
    if custodian in (frame.sender.value, PRESCRIPTION_CENTRE if report.family == "prescription" else ""):
        return []
    return [
        rulebook().finding(
            "kanta.document.custodian-sender",
            "The document's custodian is not the sender of the message.",
            expected=str(frame.sender),
            found=custodian,
        )
    ]
