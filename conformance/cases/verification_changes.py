"""Documents that were changed after signing, and signature values that are none."""

from __future__ import annotations

from conformance.bench.documents_examined import Examination
from conformance.cases.verification_examining import refusal, refuses
from conformance.check import Check


@refusal(
    "verification.refuses-changed-timestamp",
    title="The system refuses a changed signature timestamp",
    requirement="verify.refuse-changed-timestamp",
    mutants=("verifier-ignores-digests", "verifier-digests-the-body-only"),
)
def changed_timestamp(examination: Examination, check: Check) -> None:
    """The signature timestamp was set to a later moment after signing; the body is as it was.

    The timestamp says when the professional took responsibility, so it is signed too. A right system compares
    both digests and refuses.
    """
    refuses(examination, check, "own.timestamp-changed")


@refusal(
    "verification.refuses-changed-attribute",
    title="The system refuses changes of the body outside its text",
    requirement="verify.refuse-changed-form",
    mutants=("verifier-ignores-digests",),
)
def changed_attribute(examination: Examination, check: Check) -> None:
    """An attribute of the body is changed, an attribute is added, and the body's base64 is broken into lines.

    The whole element is signed, with its attributes and its white space, and not only the text that a reader
    sees. A right system digests the canonical form of the element.
    """
    refuses(examination, check, "change.body-attribute", "change.body-attribute-added", "change.base64-lines")


@refusal(
    "verification.refuses-borrowed-signature",
    title="The system refuses the signature of another document",
    requirement="verify.refuse-borrowed",
    mutants=("verifier-ignores-digests",),
)
def borrowed_signature(examination: Examination, check: Check) -> None:
    """A sound signature was taken from another document of the same author and the same id, and the reverse with the
    body.

    Who can copy files can do this without any key. A right system finds that body and digest do not belong
    together.
    """
    refuses(examination, check, "change.signature-of-another", "change.body-of-another")


@refusal(
    "verification.refuses-wrong-value",
    title="The system refuses a signature value that does not verify",
    requirement="verify.refuse-value",
    mutants=("verifier-ignores-the-value",),
)
def wrong_value(examination: Examination, check: Check) -> None:
    """One bit of the value is changed, the value is zero, its last byte is missing, or another key made it.

    The digests all agree, so a verifier that stops after comparing them accepts. A right system verifies the
    value over the canonical form of SignedInfo.
    """
    refuses(examination, check, "change.value-bit", "change.value-zero", "change.value-cut")


@refusal(
    "verification.refuses-refreshed-digest",
    title="The system refuses a digest that was made to fit a changed body",
    requirement="verify.refuse-refreshed-digest",
    mutants=("verifier-ignores-the-value",),
)
def refreshed_digest(examination: Examination, check: Check) -> None:
    """The body was changed and its digest in SignedInfo made anew, as anybody can do who has no key.

    Every digest agrees, and the signature value does not. A right system refuses.
    """
    refuses(examination, check, "change.digest-refreshed")


@refusal(
    "verification.refuses-key-of-stranger",
    title="The system refuses a value that another key made",
    requirement="verify.refuse-other-key",
    mutants=("verifier-ignores-the-value",),
)
def key_of_stranger(examination: Examination, check: Check) -> None:
    """A stranger signed and put the certificate of the professional beside the value.

    Certificate, digests and names are all right. A right system verifies the value with the key in the
    certificate, and it does not fit.
    """
    refuses(examination, check, "key.value-of-stranger", good="valid.professional-ec")


@refusal(
    "verification.refuses-der-value",
    title="The system refuses an ECDSA value in DER",
    requirement="verify.refuse-der",
    mutants=("verifier-ignores-the-value", "verifier-takes-der-values"),
)
def der_value(examination: Examination, check: Check) -> None:
    """The value of an elliptic signature is written in the DER form of cryptographic libraries.

    XML Signature wants r and s one after the other, each in full length. A verifier that takes DER too lets one
    signature stand in two forms, and hides the fault of the partner who writes it.
    """
    refuses(examination, check, "change.value-der", good="valid.system")


@refusal(
    "verification.refuses-zero-ecdsa",
    title="The system refuses an ECDSA value of zeros",
    requirement="verify.refuse-zero-ecdsa",
    mutants=("verifier-ignores-the-value",),
)
def zero_ecdsa(examination: Examination, check: Check) -> None:
    """Both numbers of the value are zero, or they changed places.

    A well-known fault of a cryptographic library accepted zeros for every key and every document. A right system
    refuses numbers outside their range.
    """
    refuses(examination, check, "change.value-zero-ec", "change.value-swapped", good="valid.system")


@refusal(
    "verification.refuses-bad-second-signature",
    title="The system refuses a document if one of its signatures is broken",
    requirement="verify.refuse-bad-second",
    mutants=("verifier-ignores-the-value", "verifier-looks-at-the-first-signature"),
)
def bad_second_signature(examination: Examination, check: Check) -> None:
    """Of two signatures side by side the second does not verify.

    A verifier that stops at the first good one shows the second signer as if that one had signed too. A right
    system verifies every signature and refuses.
    """
    refuses(examination, check, "change.second-signature", good="valid.both")


@refusal(
    "verification.refuses-indented",
    title="The system refuses a document that was pretty-printed after signing",
    requirement="verify.refuse-indented",
    mutants=("verifier-ignores-the-value", "verifier-strips-white-space"),
)
def indented(examination: Examination, check: Check) -> None:
    """The document was indented after signing, as the public specimens of real documents were.

    White space between the children of SignedInfo is signed. A verifier that strips it to be kind accepts what
    others refuse, and no longer knows what was signed.
    """
    refuses(examination, check, "change.indented")


@refusal(
    "verification.refuses-changed-record",
    title="The system refuses a changed patient record",
    requirement="verify.refuse-changed-record",
    mutants=("verifier-ignores-digests", "verifier-passes-unknown-families"),
)
def changed_record(health_examination: Examination, check: Check) -> None:
    """A heading of the structured body was changed, or a section added, after signing.

    The body is found by an XPath filter here. A right system carries the filter out and compares the digest of
    what is left.
    """
    refuses(health_examination, check, "own.record-body", "change.health-section-added", good="valid.health")


@refusal(
    "verification.refuses-changed-prescription",
    title="The system refuses a changed prescription",
    requirement="verify.refuse-changed-prescription",
    mutants=("verifier-ignores-digests", "verifier-passes-unknown-families"),
)
def changed_prescription(health_examination: Examination, check: Check) -> None:
    """A heading of a prescription was changed after its prescriber signed it.

    A system that does not know prescriptions may refuse them all; then this case is skipped. It must never pass
    one on unexamined.
    """
    refuses(health_examination, check, "own.prescription-body", good="own.prescription")


@refusal(
    "verification.refuses-changed-under-kanta",
    title="The system refuses a changed document that bears Kanta's signature",
    requirement="verify.refuse-changed-kanta",
    mutants=("verifier-ignores-digests", "verifier-passes-unknown-families", "verifier-trusts-code-4"),
)
def changed_under_kanta(health_examination: Examination, check: Check) -> None:
    """A prescription with the prescriber's and with Kanta's own signature was changed after both.

    That a document came from Kanta is no reason to leave its signatures unexamined. A right system refuses.
    """
    refuses(health_examination, check, "own.kanta-body", good="own.kanta")
