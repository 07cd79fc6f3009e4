"""Corrections: the next version of a document that the system signed before."""

from __future__ import annotations

from collections.abc import Callable

from conformance.bench.documents_compared import blocks, replaced_document
from conformance.cases.signatures import Documents, judge
from conformance.cases.signatures_form import signature_case
from conformance.check import Check
from conformance.judging import DocumentUnderTest, context_of
from sotepki.clock import Clock
from sotepki.documents import DocumentReport, verify_document


@signature_case(
    "correction.set-id",
    title="A corrected document keeps the set id of its first version",
    requirements=["correct.set-id"],
    mutants=["signer-gives-corrections-a-new-set-id"],
)
def set_id(corrected_documents: Documents, clock: Clock, check: Check) -> None:
    """The set id of the corrected document is compared with that of the version before.

    By the set id the archive knows that both are versions of one document. A right system changes id and version
    number, and never the set id.
    """
    _compare(corrected_documents, clock, check, "correct.set-id", lambda now, before: (now.set_id, before.set_id))


@signature_case(
    "correction.version",
    title="A corrected document has the next version number",
    requirements=["correct.version"],
    mutants=["signer-numbers-every-version-1"],
)
def version(corrected_documents: Documents, clock: Clock, check: Check) -> None:
    """The version number of the corrected document is compared with that of the version before.

    Two documents of one set with one number cannot be told apart. A right system counts on by one.
    """
    _compare(
        corrected_documents,
        clock,
        check,
        "correct.version",
        lambda now, before: (str(now.version), str(before.version + 1)),
    )


@signature_case(
    "correction.relation",
    title="A corrected document names the one that it replaces",
    requirements=["correct.relation"],
    mutants=["signer-drops-the-relation"],
)
def relation(corrected_documents: Documents, clock: Clock, check: Check) -> None:
    """relatedDocument of type RPLC is looked for, with the id of the version before.

    Without it the archive holds two documents that contradict each other, and a reader may be shown the old one. A
    right system writes the relation and leaves it in when it signs.
    """
    for document in corrected_documents:
        document.show(check)
        found = replaced_document(document.content)
        expected = _report(document.earlier, clock).document_id if document.earlier else found
        check.that(
            "correct.relation",
            bool(found) and found == expected,
            "The corrected document does not say which document it replaces.",
            subject=document.name,
            expected=f"relatedDocument RPLC to {expected or 'the earlier version'}",
            found=found or "none",
        )


@signature_case(
    "correction.signature",
    title="The signature of a corrected document verifies",
    requirements=["correct.signature"],
    mutants=[
        "signer-corrects-after-signing",
        "signer-changes-body-after-signing",
        "signer-pretty-prints-after-signing",
    ],
)
def signature(corrected_documents: Documents, check: Check) -> None:
    """Digests and value of the new signature are computed anew over the corrected document.

    A program that copies the old version may sign first and write the correction in afterwards. A right system signs
    last.
    """
    judge(check, corrected_documents, "correct.signature")


@signature_case(
    "correction.one-block",
    title="A corrected document has one metadata block of the signer",
    requirements=["correct.one-block"],
    mutants=["signer-doubles-the-block"],
)
def one_block(corrected_documents: Documents, check: Check) -> None:
    """The metadata blocks of signing professionals in the corrected document are counted.

    A program that empties signatureCollection and forgets the block leaves the earlier signer's name in the header. A
    right system writes the block anew, so that there is one at the most.
    """
    for document in corrected_documents:
        document.show(check)
        check.that(
            "correct.one-block",
            blocks(document.content) <= 1,
            "The corrected document names its signer more than once.",
            subject=document.name,
            expected="1 assignedAuthorSigner at the most",
            found=f"{blocks(document.content)}",
        )


def _compare(
    documents: Documents,
    clock: Clock,
    check: Check,
    requirement: str,
    values: Callable[[DocumentReport, DocumentReport], tuple[str, str]],
) -> None:
    known: list[tuple[DocumentUnderTest, bytes]] = [(d, d.earlier) for d in documents if d.earlier is not None]
    if not known:
        check.skip("The earlier version of the corrected document is not at hand.")
    for document, earlier in known:
        document.show(check)
        found, expected = values(document.report, _report(earlier, clock))
        check.that(
            requirement,
            found == expected,
            "The corrected document does not follow from the version before.",
            subject=document.name,
            expected=expected,
            found=found,
        )


def _report(document: bytes, clock: Clock) -> DocumentReport:
    return verify_document(document, context_of(None, clock))
