"""Several documents signed one after the other."""

from __future__ import annotations

from conformance.bench.documents_compared import signature_values
from conformance.cases.signatures import Documents
from conformance.cases.signatures_form import signature_case
from conformance.check import Check
from sotepki.xmldsig import parse


@signature_case(
    "several.each-signed",
    title="Of several documents each is signed",
    requirements=["sign.several-each"],
    mutants=["signer-signs-the-first-only"],
)
def each_signed(several_documents: Documents, check: Check) -> None:
    """Three documents are given to the system one after the other; each must come back with a signature.

    A session, a cache or a forgotten state may let the second through unsigned. A right system signs each.
    """
    for document in several_documents:
        document.show(check)
        found = len(signature_values(document.content))
        check.that(
            "sign.several-each",
            found > 0,
            f"The {document.name} came back without a signature.",
            subject=document.name,
            expected="1 signature",
            found=f"{found} signatures",
        )


@signature_case(
    "several.own-signature",
    title="Of several documents each has a signature of its own",
    requirements=["sign.several-own"],
    mutants=["signer-repeats-its-signature", "signer-answers-with-the-first-document"],
)
def own_signature(several_documents: Documents, check: Check) -> None:
    """The signature values of three documents that the system signs are compared.

    How several documents are signed at one go is not public, but a signature covers one body and one timestamp, so no
    two documents can share it. A right system makes a new one each time.
    """
    values = [value for document in several_documents for value in signature_values(document.content)]
    for document in several_documents:
        document.show(check)
    check.that(
        "sign.several-own",
        len(values) == len(set(values)),
        "Two documents carry the same signature.",
        expected=f"{len(values)} different signature values",
        found=f"{len(set(values))} different signature values",
    )


@signature_case(
    "several.right-document",
    title="The system gives back the document that it was given",
    requirements=["sign.several-right-document"],
    mutants=["signer-answers-with-the-first-document"],
)
def right_document(several_documents: Documents, check: Check) -> None:
    """The id of each signed document is compared with that of the document that was given.

    Who signs several documents must not mix them up: one client's plan under another's id cannot be taken back.
    A right system answers each question with its own document.
    """
    for document in several_documents:
        document.show(check)
        given, found = (_document_id(data) for data in (document.unsigned or b"", document.content))
        check.that(
            "sign.several-right-document",
            given == found,
            "The system gave back another document than it was given.",
            subject=document.name,
            expected=given,
            found=found,
        )


def _document_id(document: bytes) -> str:
    found = parse(document).find("{urn:hl7-org:v3}id")
    return "" if found is None else found.get("root") or ""
