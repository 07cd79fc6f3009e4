"""FHIR as far as it is public: the shape of errors, and what a Bundle of disclosure notices must hold.

Known (docs/field/kanta.md 8, 8.1): storing is a POST of a transaction Bundle of AuditEvent and Provenance pairs to
the FHIR root; the Bundle carries an electronic signature of unknown format; errors are OperationOutcomes with a code
of 1.2.246.537.5.40112.2006, of which two are known; an invalid token (401) or message (400) gets no body. The errors
are those of the guide for wellbeing applications; that other clients get the same ones is inferred.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sotepki.errors import Refused
from sotepki.evidence import Finding, Severity
from sotepki.identifiers import Hetu
from sotepki.kela.rules import rulebook

CODE_SYSTEM = "urn:oid:1.2.246.537.5.40112.2006"
MEDIA_TYPE = "application/fhir+json"

_HETU_SYSTEM = "urn:oid:1.2.246.21"
_SEVERITIES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "information"}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class ErrorCode(StrEnum):
    """The known codes (docs/field/kanta.md 8.1: confirmed)."""

    ACCESS = "5Y00009"
    INTEGRITY = "4Y00007"

    @property
    def display(self) -> str:
        """The Finnish name."""
        return {"5Y00009": "Käyttöoikeusvirhe", "4Y00007": "Virhe sanoman eheydessä"}[self.value]

    @property
    def issue(self) -> str:
        """The code of HL7's IssueType that is nearest (choice)."""
        return {"5Y00009": "forbidden", "4Y00007": "invalid"}[self.value]

    @property
    def status(self) -> int:
        """The HTTP status."""
        return {"5Y00009": 401, "4Y00007": 400}[self.value]


_ACCESS = ("kanta.client.", "doc.right", "kanta.document.unknown", "kanta.document.custodian-sender")
"""Rules of access; a breach of any other rule is told as one of integrity. The division is a choice."""


def code_of(rule: str) -> ErrorCode:
    """The known code that comes nearest to a broken rule."""
    return ErrorCode.ACCESS if rule.startswith(_ACCESS) else ErrorCode.INTEGRITY


def operation_outcome(findings: Sequence[Finding], refuses: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The OperationOutcome of what a check found (HL7 FHIR R4, OperationOutcome); ``All OK`` if nothing."""
    issues = [_issue(finding, refuses) for finding in findings]
    if not issues:
        issues = [{"severity": "information", "code": "informational", "diagnostics": "All OK"}]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(finding: Finding, refuses: frozenset[str]) -> dict[str, Any]:
    refusing = finding.severity is Severity.ERROR or finding.rule in refuses
    issue: dict[str, Any] = {
        "severity": "error" if refusing else _SEVERITIES[finding.severity],
        "code": "informational",
        "diagnostics": " ".join(filter(None, (f"[{finding.rule}]", finding.message, finding.advice))),
    }
    if refusing:
        code = code_of(finding.rule)
        coding = {"system": CODE_SYSTEM, "code": code.value, "display": code.display}
        issue |= {"code": code.issue, "details": {"coding": [coding]}}
    if finding.where:
        issue["expression"] = [finding.where]
    return issue


@dataclass(frozen=True)
class Bundle:
    """A transaction as far as it is examined."""

    resources: tuple[str, ...]
    findings: tuple[Finding, ...]


def read_bundle(body: bytes) -> Bundle:
    """Read a transaction and check what is known of it.

    Raises:
        Refused: it is no JSON of a transaction Bundle (``fhir.message.form``).
    """
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or (row.get("resourceType"), row.get("type")) != ("Bundle", "transaction"):
        raise rulebook().refusal("fhir.message.form", "The body is not a FHIR Bundle of type transaction.")
    entries = row.get("entry")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise rulebook().refusal("fhir.message.form", "The Bundle has no list of entries.")
    findings = []
    resources = tuple(_kind(entry) for entry in entries)
    methods = {_member(entry.get("request"), "method") for entry in entries}
    pairs = resources.count("AuditEvent")
    others = set(resources) - {"AuditEvent", "Provenance"}
    if not pairs or resources.count("Provenance") != pairs or others or methods != {"POST"}:
        findings.append(
            rulebook().finding(
                "fhir.bundle.pairs",
                "The Bundle is not one of AuditEvent and Provenance pairs that are to be created.",
                expected="as many Provenance as AuditEvent, method POST",
                found=f"{pairs} AuditEvent, {resources.count('Provenance')} Provenance, "
                f"{len(entries) - pairs - resources.count('Provenance')} other",
            )
        )
    if not isinstance(row.get("signature"), dict) or not row["signature"].get("data"):
        findings.append(rulebook().finding("fhir.bundle.signature", "The Bundle has no signature."))
    codes = set(_identity_codes(row))
    if len(codes) > 1:
        sentence = "The Bundle names more than one person."
        findings.append(
            rulebook().finding("fhir.bundle.person", sentence, expected="one person", found=f"{len(codes)} persons")
        )
    if not all(_is_test_code(code) for code in codes):
        sentence = "The Bundle holds a personal identity code that is none, or is not in the 900-series."
        findings.append(rulebook().finding("fhir.bundle.hetu", sentence))
    return Bundle(resources, tuple(findings))


def is_token(header: str) -> bool:
    """Whether an Authorization header holds a JSON Web Token by its form (RFC 7519 3); its claims are not known."""
    scheme, _, token = header.strip().partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3 or not all(_BASE64URL.fullmatch(part) for part in parts):
        return False
    try:
        return all(
            isinstance(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))), dict)
            for part in parts[:2]
        )
    except (ValueError, RecursionError, binascii.Error):
        return False


def _kind(entry: dict[str, Any]) -> str:
    return _member(entry.get("resource"), "resourceType")


def _member(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _identity_codes(value: Any) -> list[str]:
    """Every identifier of the system of personal identity codes, wherever it stands."""
    waiting, found = [value], []
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("system") == _HETU_SYSTEM:
                found.append(str(one.get("value", "")))
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def _is_test_code(code: str) -> bool:
    try:
        Hetu.parse(code)
    except Refused:
        return False
    return True
