"""Files that are no documents, or that attack whoever reads them."""

from __future__ import annotations

from conformance.bench.documents_examined import Examination
from conformance.cases.verification_examining import refusal, refuses
from conformance.check import Check


@refusal(
    "verification.refuses-doctype",
    title="The system refuses a document type declaration",
    requirement="verify.refuse-doctype",
    mutants=("verifier-reads-doctypes",),
)
def doctype(examination: Examination, check: Check) -> None:
    """The file declares entities that name a local file, a network address, or grow without end.

    A parser that follows them reads files to strangers or fills the memory. A right system refuses any document
    type declaration, for no known document has one. No rule text says so in public, so acceptance only warns.
    """
    refuses(examination, check, "file.entity", "file.entity-bomb", "file.external-dtd", "file.default-attribute")


@refusal(
    "verification.refuses-other-files",
    title="The system refuses files that are no document",
    requirement="verify.refuse-other-files",
    mutants=("verifier-swallows-errors",),
)
def other_files(examination: Examination, check: Check) -> None:
    """The verifier gets plain text, JSON, the error page of a gateway, half a document, and a document with
    something behind it.

    Such things come when a transfer breaks off. A right system refuses them with a sentence; one that swallows
    errors accepts them.
    """
    refuses(examination, check, "file.text", "file.json", "file.html", "file.cut", "file.two-documents", "file.empty")


@refusal(
    "verification.refuses-wrong-encoding",
    title="The system refuses bytes that are not of the declared encoding",
    requirement="verify.refuse-wrong-encoding",
    mutants=("verifier-swallows-errors", "verifier-guesses-the-encoding"),
)
def wrong_encoding(examination: Examination, check: Check) -> None:
    """The document is written in ISO-8859-1 and declares UTF-8.

    XML calls this a fatal error. A verifier that guesses may read other names and words than the signer wrote.
    """
    refuses(examination, check, "file.wrong-encoding")


@refusal(
    "verification.refuses-relative-namespace",
    title="The system refuses a body that has no canonical form",
    requirement="verify.refuse-relative-namespace",
    mutants=("verifier-passes-what-it-cannot-canonicalise",),
)
def relative_namespace(examination: Examination, check: Check) -> None:
    """An element in the body has a relative namespace name, for which canonicalisation is not defined.

    Libraries differ in what they digest then. A right system refuses, as the recommendation on canonicalisation
    asks.
    """
    refuses(examination, check, "file.relative-namespace")
