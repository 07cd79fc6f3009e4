"""Versions of a document: what a correction or cancellation replaces, and whether that fits what is archived.

A correction or cancellation has an id of its own, the setId of the document that it replaces, the next versionNumber,
and a relatedDocument RPLC (docs/field/kanta.md 3.4; HL7 CDA R2 4.2.3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from sotepki.documents import DocumentReport
from sotepki.documents.vocabulary import Relation, hl7
from sotepki.errors import Refused
from sotepki.evidence import Finding
from sotepki.kela.rules import rulebook
from sotepki.xmldsig import read_xml

_MARK = b"relatedDocument"


@dataclass(frozen=True)
class Version:
    """Which version of which document this is; ``replaces`` is empty for a document of its own."""

    document_id: str
    set_id: str
    number: int
    owner: str
    replaces: str = ""


@dataclass(frozen=True)
class Parent:
    """What the archive knows of the document that is replaced."""

    set_id: str
    number: int
    owner: str
    replaced_by: str


def replaced_documents(document: bytes, report: DocumentReport) -> tuple[str, ...]:
    """The ids that the document says it replaces. Only a document that may name one is read again."""
    if report.version == 1 and _MARK not in document:
        return ()
    try:
        related = read_xml(document).root.findall(hl7("relatedDocument"))
    except Refused:
        return ()  # verifying the document has said so
    found = []
    for relation in related:
        if relation.get("typeCode") == Relation.REPLACES:
            parent = relation.find(f"{hl7('parentDocument')}/{hl7('id')}")
            found.append("" if parent is None else parent.get("root") or "")
    return tuple(found)


def check_relation(replaces: tuple[str, ...], version: int) -> list[Finding]:
    """Whether the document names what it replaces as a version of its number does."""
    if len(replaces) > 1 or (replaces and not replaces[0]):
        sentence = "The document must name one document that it replaces."
    elif version > 1 and not replaces:
        sentence = f"The document has version number {version} and names no document that it replaces."
    else:
        return []
    return [rulebook().finding("kanta.version.relation", sentence, expected="one id", found=" ".join(replaces)[:200])]


def check_parent(version: Version, parent: Parent | None) -> list[Finding]:
    """Whether a version fits the document that it replaces, as the archive has it.

    A document of another organisation counts as unknown: whether it is archived is not told.
    """
    if not version.replaces:
        return []
    if parent is None or parent.owner != version.owner:
        sentence = f"The document {version.replaces[:120]} that is replaced is not in the sender's register."
        return [rulebook().finding("kanta.version.parent", sentence, found=version.replaces[:120])]
    findings = []
    if parent.replaced_by:
        findings.append(
            rulebook().finding(
                "kanta.version.replaced",
                f"The document {version.replaces} was replaced already.",
                expected=parent.replaced_by,
                found=version.replaces,
            )
        )
    if (version.set_id, version.number) != (parent.set_id, parent.number + 1):
        findings.append(
            rulebook().finding(
                "kanta.version.set",
                "setId and versionNumber do not follow those of the document that is replaced.",
                expected=f"setId {parent.set_id}, version {parent.number + 1}",
                found=f"setId {version.set_id}, version {version.number}",
            )
        )
    return findings
