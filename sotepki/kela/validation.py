"""The validation service for social welfare documents, in the shape of the public one and in a plain one.

The public service ("SHARK") answers 200 with an empty body, or 400 with numbered descriptions (docs/field/kanta.md 7:
confirmed). What it checks is not public, nor whether it looks at signatures: here it describes what the archive of
the same environment would refuse in structure, content and frame, and in signatures only if the settings say so. The
plain form always tells everything, with rule ids. Neither knows a client, or opens the books.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from sotepki.documents import Frame, is_frame, open_frame
from sotepki.documents.diagnosis import diagnose
from sotepki.errors import Refused
from sotepki.evidence import Finding, Verdict
from sotepki.kela.acknowledgement import HL7
from sotepki.kela.kanta import Kanta
from sotepki.kela.request_log import RequestKind
from sotepki.kela.rules import finding_of, rulebook
from sotepki.kela.settings import SharkQuirk
from sotepki.xmldsig import parse

VALIDATION_PATH = "/shark-validointi/validoi/asiakirja/tulos"

_STRUCTURE = ("xml.", "doc.family", "doc.structure", "doc.body", "doc.metadata", "doc.content", "doc.hetu", "frame.",
              "kanta.document.custodian", "kanta.message.", "kanta.version.", "shark.")  # fmt: skip
"""Rules that concern neither signatures nor signers."""

_OPEN = frozenset({"kanta.document.not-verified", "kanta.document.status-unavailable"})
"""Rules by which the archive refuses what could not be examined: they leave the verdict open."""

_REJECTED = """<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. \
Please consult with your administrator.<br><br>Your support ID is: {support}</body></html>
"""


@dataclass(frozen=True)
class ValidationRequest:
    """What is to be validated. ``frame`` may be absent in the plain form; ``level`` has no known meaning."""

    document: bytes
    frame: bytes | None = None
    message_id: str = ""
    service_request: str = ""
    level: str = ""


@dataclass(frozen=True)
class ValidationReport:
    """The plain answer.

    Attributes:
        refused_by: those of the findings by which the archive of this environment refuses.
        causes: what probably happened to a document whose signature does not verify.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    document_id: str = ""
    refused_by: tuple[Finding, ...] = ()
    causes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "verdict": self.verdict.value,
            "document_id": self.document_id,
            "findings": [finding.as_dict() for finding in self.findings],
            "refused_by": list(dict.fromkeys(finding.rule for finding in self.refused_by)),
            "causes": list(self.causes),
        }


@dataclass(frozen=True)
class SharkAnswer:
    """The answer in the public service's shape."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"


@dataclass(frozen=True)
class ValidationService:
    """Validates documents as the archive of ``kanta`` would; archives nothing."""

    kanta: Kanta

    def validate(self, request: ValidationRequest) -> ValidationReport:
        """Everything that is found on the document, and on the frame if there is one. Any bytes are taken."""
        report = self._validate(request)
        self._log(report.verdict, report.findings)
        return report

    def explained(self, request: ValidationRequest) -> ValidationReport:
        """What ``validate`` finds, with its causes."""
        report = self.validate(request)
        told = () if report.verdict is Verdict.VALID else diagnose(request.document)
        return replace(report, causes=tuple(one.text() for one in told))

    def rejected(self, finding: Finding) -> ValidationReport:
        """The report on a request that could not be read."""
        self._log(Verdict.INDETERMINATE, (finding,))
        return ValidationReport(Verdict.INDETERMINATE, (finding,))

    def unopened(self, finding: Finding) -> ValidationReport:
        """The report on a message whose frame cannot be opened: the archive refuses it by the same finding."""
        self._log(Verdict.INVALID, (finding,))
        return ValidationReport(Verdict.INVALID, (finding,), refused_by=(finding,))

    def not_taken(self, finding: Finding) -> SharkAnswer:
        """The public service's answer to a request that could not be read."""
        return _descriptions(list(self.rejected(finding).findings))

    def shark(self, body: bytes) -> SharkAnswer:
        """The answer to the JSON request of the public service."""
        try:
            request = read_request(body)
        except Refused as error:
            return self.not_taken(finding_of(error, otherwise="shark.request.json"))
        quirks = self.kanta.settings.shark_quirks
        if SharkQuirk.MISSING_DECLARATION in quirks and not request.document.lstrip().startswith(b"<?xml"):
            # The field's clients saw the gateway's own page; its status is not known, such gateways send 200.
            page = _REJECTED.format(support=uuid.uuid5(uuid.NAMESPACE_OID, request.message_id).int)
            self._log(Verdict.INDETERMINATE, (), reason=f"quirk {SharkQuirk.MISSING_DECLARATION}")
            return SharkAnswer(200, page.encode(), "text/html")
        if SharkQuirk.CRLF in quirks and b"\r\n" in request.document:
            self._log(Verdict.INDETERMINATE, (), reason=f"quirk {SharkQuirk.CRLF}")
            return _described(["nonXMLBody missing"])
        report = self.validate(request)
        refusing = [
            finding
            for finding in report.refused_by
            if self.kanta.settings.shark_checks_signatures or finding.rule.startswith(_STRUCTURE)
        ]
        return _descriptions(refusing) if refusing else SharkAnswer(200)

    def _log(self, verdict: Verdict, findings: Sequence[Finding], *, reason: str = "") -> None:
        self.kanta.log(self.kanta.entry(RequestKind.VALIDATE, verdict.value, findings, None, reason=reason))

    def _validate(self, request: ValidationRequest) -> ValidationReport:
        judge = self.kanta.judge
        frame: Frame | None = None
        besides: list[Finding] = []
        unread: list[Finding] = []
        if request.frame is not None:
            try:
                frame = open_frame(_completed(request.frame, request.document))
                besides = _beside(request, frame)
            except Refused as error:
                unread = [finding_of(error, otherwise="shark.request.json")]
        examined = judge.examined(request.document, frame, self.kanta.records.clock.now(), judge.questions())
        findings, verdict = (*examined.findings, *besides), examined.report.verdict
        refusing = (*judge.refusing(findings), *unread)
        if {finding.rule for finding in refusing} - _OPEN:
            verdict = Verdict.INVALID
        elif refusing and verdict is Verdict.VALID:
            verdict = Verdict.INDETERMINATE
        return ValidationReport(verdict, (*findings, *unread), examined.report.document_id, refusing)


def read_request(body: bytes) -> ValidationRequest:
    """Read the JSON of the public service.

    Raises:
        Refused: ``shark.request.json``, ``shark.request.message-id`` or ``shark.request.document``.
    """
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("The request is not JSON.", rule="shark.request.json") from None
    if not isinstance(row, dict):
        raise Refused("The request is not a JSON object.", rule="shark.request.json")
    message_id = _text(row, "messageId")
    try:
        uuid.UUID(message_id)
    except ValueError:
        raise Refused("messageId is not a UUID.", rule="shark.request.message-id") from None
    document, frame = _octets(row, "asiakirjaXml"), _octets(row, "siirtokehysXml")
    if not document:
        raise Refused("asiakirjaXml is missing.", rule="shark.request.document")
    if not frame:
        raise Refused("siirtokehysXml is missing.", rule="shark.request.json")
    return ValidationRequest(document, frame, message_id, _text(row, "palveluPyynto"), _text(row, "level"))


def read_plain(body: bytes) -> ValidationRequest:
    """Read the body of the plain form: a document, a frame with a document in it, or the public service's JSON.

    Raises:
        Refused: it is JSON of another shape, or a frame that cannot be opened.
    """
    if body.lstrip()[:1] == b"{":
        return read_request(body)
    # Of what is no XML at all, verifying the document says what is wrong with it.
    return ValidationRequest(open_frame(body).document, body) if is_frame(body) else ValidationRequest(body)


def _beside(request: ValidationRequest, frame: Frame) -> list[Finding]:
    """What only this service can find: whether frame, document and request, which come beside each other, agree."""
    findings = []
    if frame.document != request.document:
        sentence = "The frame holds another document than the one beside it."
        findings.append(rulebook().finding("shark.frame.other-document", sentence))
    if request.service_request and request.service_request != frame.service_request:
        findings.append(
            rulebook().finding(
                "shark.frame.service-request",
                "palveluPyynto is not the service request of the frame.",
                expected=frame.service_request,
                found=request.service_request[:40],
            )
        )
    return findings


def _completed(frame: bytes, document: bytes) -> bytes:
    """The frame with the document put in, if it came without one: the two travel side by side in this service."""
    root = parse(frame)
    carriers = root.findall(f"{{{HL7}}}controlActProcess/{{{HL7}}}subject/{{{HL7}}}clinicalDocument")
    if len(carriers) != 1 or carriers[0].find(f"{{{HL7}}}text") is not None:
        return frame
    text = etree.SubElement(carriers[0], f"{{{HL7}}}text", representation="B64")
    text.text = base64.b64encode(document).decode("ascii")
    return etree.tostring(root)


def _descriptions(findings: list[Finding]) -> SharkAnswer:
    return _described([f"{finding.message} [{finding.rule}]" for finding in findings])


def _described(items: list[str]) -> SharkAnswer:
    texts = [f"{number}. {item.replace(';', ',')}" for number, item in enumerate(items, 1)]
    return SharkAnswer(400, json.dumps({"description": "; ".join(texts)}, ensure_ascii=False).encode())


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str | int):
        raise Refused(f"{name} is not a text.", rule="shark.request.json")
    return str(value)


def _octets(row: Mapping[str, Any], name: str) -> bytes:
    try:
        return _text(row, name).encode("utf-8")
    except UnicodeEncodeError:
        raise Refused(f"{name} holds characters that are not Unicode.", rule="shark.request.json") from None
