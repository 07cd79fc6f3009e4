"""Documents in which something else is shown than was signed."""

from __future__ import annotations

from conformance.bench.documents_examined import Examination
from conformance.cases.verification_examining import refusal, refuses
from conformance.check import Check


@refusal(
    "verification.refuses-duplicate-ids",
    title="The system refuses a document in which an ID stands twice",
    requirement="verify.refuse-duplicate-ids",
    mutants=("verifier-takes-any-body", "verifier-ignores-duplicate-ids"),
)
def duplicate_ids(examination: Examination, check: Check) -> None:
    """The body's identifier is borne by a second element: a copy of the body, or another element with xml:id, Id or
    iD.

    Which of them a reference means depends on the library, so one program may verify what another never shows. A
    right system refuses as soon as an identifier is not unique.
    """
    refuses(
        examination,
        check,
        "wrap.body-twice",
        "wrap.body-twice-id",
        "wrap.body-twice-xml-id",
        "wrap.body-twice-mixed-case",
    )


@refusal(
    "verification.refuses-case-variant-ids",
    title="The system does not accept IDs that differ in case only",
    requirement="verify.refuse-case-variant-ids",
    mutants=("verifier-ignores-case-variants",),
)
def case_variant_ids(examination: Examination, check: Check) -> None:
    """Another element bears the body's identifier in small letters.

    XML distinguishes case; many programs and databases do not. As no rule forbids it, acceptance only warns.
    """
    refuses(examination, check, "wrap.identifier-case")


@refusal(
    "verification.refuses-second-body",
    title="The system refuses a second body",
    requirement="verify.refuse-second-body",
    mutants=("verifier-ignores-second-parts",),
)
def second_body(examination: Examination, check: Check) -> None:
    """Beside the signed body stands another, in the same component, in a second one, or as a structured body.

    The signature is sound; a reader may show the other body. A right system wants exactly one body at its place.
    """
    refuses(examination, check, "wrap.two-bodies", "wrap.two-components", "wrap.structured-body-beside")


@refusal(
    "verification.refuses-second-header",
    title="The system refuses a second header or signature collection",
    requirement="verify.refuse-second-header",
    mutants=("verifier-ignores-second-parts",),
)
def second_header(examination: Examination, check: Check) -> None:
    """A second localSocialHeader, a localHeader of health care, or a second signatureCollection stands in the
    document.

    A program that takes the first and one that takes the last see different signers and different metadata. A
    right system wants one of each.
    """
    refuses(examination, check, "wrap.two-headers", "wrap.both-headers", "wrap.two-collections")


@refusal(
    "verification.refuses-renumbered-document",
    title="The system refuses a document whose id is not that of its body",
    requirement="verify.refuse-renumbered",
    mutants=("verifier-ignores-the-body-id",),
)
def renumbered_document(examination: Examination, check: Check) -> None:
    """The document id in the header was changed; the signed body still bears the old one.

    The header is not signed, and the ID of the body is what ties a document to its id. A right system compares
    the two and refuses.
    """
    refuses(examination, check, "wrap.document-id")


@refusal(
    "verification.refuses-stray-signature",
    title="The system refuses signatures at other places than their own",
    requirement="verify.refuse-stray-signature",
    mutants=("verifier-ignores-stray-signatures",),
)
def stray_signature(examination: Examination, check: Check) -> None:
    """A ds:Signature stands in the header outside the collection, or within another signature.

    A program that looks for the first ds:Signature anywhere verifies that one. A right system takes signatures
    from signatureCollection alone and refuses what stands elsewhere.
    """
    refuses(examination, check, "wrap.stray-signature", "wrap.signature-in-object")


@refusal(
    "verification.refuses-nested-entry",
    title="The system refuses a signature entry within another",
    requirement="verify.refuse-nested-entry",
    mutants=("verifier-ignores-unfinished-entries",),
)
def nested_entry(examination: Examination, check: Check) -> None:
    """An entry of signatureCollection holds a second entry.

    Each program counts the signers otherwise. A right system wants description, timestamp and ds:Signature in an
    entry, once each, and nothing else.
    """
    refuses(examination, check, "wrap.nested-signature")


@refusal(
    "verification.refuses-moved-timestamp",
    title="The system refuses a timestamp that is not the signed one",
    requirement="verify.refuse-moved-timestamp",
    mutants=("verifier-ignores-coverage", "verifier-asks-for-the-body-only"),
)
def moved_timestamp(examination: Examination, check: Check) -> None:
    """The signed timestamp was moved into the header, where it still verifies; another stands in its place.

    Every digest agrees, and the time that is shown was never signed. A right system asks whether the covered
    element is the signature's own timestamp.
    """
    refuses(examination, check, "own.timestamp-elsewhere")


@refusal(
    "verification.refuses-wrapped-record",
    title="The system refuses a wrapped patient record",
    requirement="verify.refuse-wrapped-record",
    mutants=("verifier-passes-unknown-families", "verifier-carries-out-any-transform"),
)
def wrapped_record(health_examination: Examination, check: Check) -> None:
    """A second structuredBody stands in the header, so that the XPath filter selects two, or the prefix of the
    filter, which is not signed, was bound to another namespace.

    A right system knows what the filter selected, and that it is the body that it shows.
    """
    refuses(health_examination, check, "wrap.health-body-twice", "wrap.health-prefix-rebound", good="valid.health")


@refusal(
    "verification.refuses-external-reference",
    title="The system refuses references out of the document",
    requirement="verify.refuse-external-reference",
    mutants=("verifier-follows-references",),
)
def external_reference(examination: Examination, check: Check) -> None:
    """A reference points to a network address or to a file of the verifier's own machine.

    Whoever answers there decides what was signed, and the request alone tells a stranger who reads the document.
    A right system follows no reference out of the document.
    """
    refuses(examination, check, "reference.external", "reference.file")


@refusal(
    "verification.refuses-whole-document-reference",
    title="The system refuses a reference to the whole document or by XPointer",
    requirement="verify.refuse-whole-reference",
    mutants=("verifier-follows-references",),
)
def whole_document_reference(examination: Examination, check: Check) -> None:
    """The reference is empty with an enveloped transform, an XPointer, or a bare number sign.

    Such a reference also covers the header, which the archive completes later, and libraries read the forms
    differently. A right system takes the forms of the family and refuses others.
    """
    refuses(examination, check, "reference.empty", "reference.xpointer", "reference.hash-alone")


@refusal(
    "verification.refuses-uncovered-body",
    title="The system refuses a signature that does not cover the body",
    requirement="verify.refuse-uncovered-body",
    mutants=("verifier-ignores-coverage",),
)
def uncovered_body(examination: Examination, check: Check) -> None:
    """Only the timestamp is covered, only a child of the body, or only what stands around it.

    Such a signature is sound and says nothing about what the document says. A right system asks what was covered,
    and not only whether all digests agree.
    """
    refuses(examination, check, "reference.timestamp-only", "reference.child", "reference.parent")


@refusal(
    "verification.refuses-uncovered-timestamp",
    title="The system refuses a signature that does not cover its timestamp",
    requirement="verify.refuse-uncovered-timestamp",
    mutants=("verifier-ignores-coverage", "verifier-asks-for-the-body-only"),
)
def uncovered_timestamp(examination: Examination, check: Check) -> None:
    """The body is covered, once or twice, and the timestamp is not.

    Then anybody can set the time of signing to when the signer still had a right or a certificate. A right system
    wants both covered.
    """
    refuses(examination, check, "reference.body-only", "reference.body-twice")


@refusal(
    "verification.refuses-further-references",
    title="The system refuses references beyond body and timestamp",
    requirement="verify.refuse-further-references",
    mutants=("verifier-ignores-coverage", "verifier-asks-for-the-body-only"),
)
def further_references(examination: Examination, check: Check) -> None:
    """A third element is covered too, or the body is referred to twice beside the timestamp.

    All known documents have exactly two references. A right system wants these two and no other.
    """
    refuses(examination, check, "reference.third", "reference.twice")


@refusal(
    "verification.refuses-empty-signed-info",
    title="The system refuses a signature that covers nothing",
    requirement="verify.refuse-empty-signed-info",
    mutants=("verifier-ignores-the-structure",),
)
def empty_signed_info(examination: Examination, check: Check) -> None:
    """SignedInfo has no reference at all; the value verifies.

    A loop over no references finds no wrong digest. A right system wants at least one, as the standard does.
    """
    refuses(examination, check, "reference.none")


@refusal(
    "verification.refuses-malformed-signature",
    title="The system refuses a signature with parts too many or too few",
    requirement="verify.refuse-malformed-signature",
    mutants=("verifier-ignores-the-structure",),
)
def malformed_signature(examination: Examination, check: Check) -> None:
    """There are two SignedInfo, SignedInfo has a foreign child, the value is missing, or a reference has two
    digests.

    Two programs may read such a signature differently. A right system wants the structure of XML Signature and
    nothing beside it.
    """
    refuses(
        examination,
        check,
        "structure.two-signed-infos",
        "structure.signed-info-child",
        "structure.no-value",
        "structure.two-digests",
    )


@refusal(
    "verification.refuses-objects",
    title="The system does not accept objects or manifests in a signature",
    requirement="verify.refuse-objects",
    mutants=("verifier-ignores-objects",),
)
def objects(examination: Examination, check: Check) -> None:
    """The signature carries a ds:Object or a Manifest, which no known document has.

    What stands there may be shown to somebody as signed, though it is not. Their use in Kanta is not public, so
    acceptance only warns.
    """
    refuses(examination, check, "structure.object", "structure.manifest")


@refusal(
    "verification.refuses-programs-as-transforms",
    title="The system refuses XSLT, XPath and base64 as transforms",
    requirement="verify.refuse-transforms",
    mutants=("verifier-carries-out-any-transform",),
)
def programs_as_transforms(examination: Examination, check: Check) -> None:
    """A transform of a reference is an XSLT program, an XPath expression that keeps nothing, or a decoder.

    A transform decides what is digested, and a program in a document runs on the verifier's machine. A right
    system knows exclusive canonicalisation and the enveloped transform, and refuses others unseen.
    """
    refuses(examination, check, "transform.xslt", "transform.xslt-after", "transform.xpath", "transform.base64")


@refusal(
    "verification.refuses-other-xpath",
    title="The system refuses any XPath but that of the body",
    requirement="verify.refuse-other-xpath",
    mutants=("verifier-passes-unknown-families", "verifier-carries-out-any-transform"),
)
def other_xpath(health_examination: Examination, check: Check) -> None:
    """The filter of a patient record selects the title, everything but the body, or nothing.

    The digest agrees each time. A right system compares the expression with the one that is known and does not
    merely carry it out.
    """
    refuses(
        health_examination,
        check,
        "transform.health-other-xpath",
        "transform.health-negated",
        "transform.health-predicate",
        good="valid.health",
    )
