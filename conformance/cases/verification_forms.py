"""Good documents in the forms that occur side by side: a verifier that refuses them stops honest partners."""

from __future__ import annotations

from conformance.bench.documents_examined import Examination
from conformance.cases.verification_examining import acceptance, accepts
from conformance.check import Check


@acceptance(
    "verification.accepts-elliptic-curves",
    title="The system accepts signatures by elliptic keys",
    requirements=["verify.accept-elliptic"],
    mutants=["verifier-refuses-everything", "verifier-knows-rsa-only"],
)
def elliptic_curves(examination: Examination, check: Check) -> None:
    """A professional's and a system's document, each signed by a P-384 key with ECDSA and SHA-384.

    DVV issues cards and service certificates under an elliptic tree beside the RSA one. The value is r and s one
    after the other, each of 48 bytes, and not the DER structure of most libraries. A right system accepts both.
    """
    accepts(examination, check, "valid.professional-ec", "valid.system")


@acceptance(
    "verification.accepts-stronger-digests",
    title="The system accepts SHA-384 and SHA-512",
    requirements=["verify.accept-digests"],
    mutants=["verifier-refuses-everything", "verifier-knows-sha256-only"],
)
def stronger_digests(examination: Examination, check: Check) -> None:
    """The references are digested by SHA-384 or SHA-512, and the value is made with the same hash.

    The list of allowed algorithms is not public, so a refusal only warns. A right system reads the algorithm from the
    signature and computes it, instead of taking SHA-256 for granted.
    """
    accepts(examination, check, "valid.sha384", "valid.rsa-sha384", "valid.sha512")


@acceptance(
    "verification.accepts-parallel-signatures",
    title="The system accepts several signatures side by side",
    requirements=["verify.accept-parallel"],
    mutants=["verifier-refuses-everything", "verifier-expects-one-signature"],
)
def parallel_signatures(examination: Examination, check: Check) -> None:
    """One document was signed twice by its author, another by its author and by the system of the organisation.

    Such signatures stand beside each other, each with its own timestamp, and none covers another. A right system
    verifies each of them alone and accepts both documents.
    """
    accepts(examination, check, "valid.parallel", "valid.both")


@acceptance(
    "verification.accepts-reference-forms",
    title="The system accepts both orders of references, with and without enveloped-signature",
    requirements=["verify.accept-references"],
    mutants=["verifier-refuses-everything", "verifier-expects-body-first"],
)
def reference_forms(examination: Examination, check: Check) -> None:
    """In one document the reference to the timestamp stands first, in another both have the enveloped transform.

    Both forms are known from real documents. A right system finds out by the reference's URI what it is about, and
    never by its place.
    """
    accepts(examination, check, "valid.timestamp-first", "valid.enveloped")


@acceptance(
    "verification.accepts-namespace-forms",
    title="The system accepts any prefix and unused namespaces",
    requirements=["verify.accept-prefixes"],
    mutants=["verifier-refuses-everything", "verifier-looks-for-prefixes"],
)
def namespace_forms(examination: Examination, check: Check) -> None:
    """One signature has no prefixes at all; around another a namespace is declared that nobody uses.

    Prefixes are free, and exclusive canonicalisation leaves out what is not used. A right system looks for names in
    their namespaces and never for the letters ``ds:Signature``.
    """
    accepts(examination, check, "valid.default-namespaces", "valid.unused-namespace-at-root")


@acceptance(
    "verification.accepts-transport-forms",
    title="The system accepts CRLF line ends, a byte order mark and a missing XML declaration",
    requirements=["verify.accept-transport"],
    mutants=["verifier-refuses-everything", "verifier-stumbles-over-crlf"],
)
def transport_forms(examination: Examination, check: Check) -> None:
    """Transport changed the file and not the document: line ends, byte order mark, no declaration.

    An XML parser undoes all of it before anything is digested. A right system hands the bytes to its parser as they
    came, and accepts.
    """
    accepts(examination, check, "valid.crlf", "valid.byte-order-mark", "valid.no-declaration")


@acceptance(
    "verification.accepts-wrapped-base64",
    title="The system accepts base64 that is broken into lines",
    requirements=["verify.accept-base64"],
    mutants=["verifier-refuses-everything", "verifier-reads-base64-in-one-line"],
)
def wrapped_base64(examination: Examination, check: Check) -> None:
    """Signature value and certificate are broken into lines, as many libraries write them.

    XML Schema allows white space in base64, and neither element is part of what is signed. A right system drops the
    white space before it decodes.
    """
    accepts(examination, check, "valid.wrapped-value", "valid.wrapped-certificate")


@acceptance(
    "verification.accepts-local-time",
    title="The system accepts a timestamp in local time",
    requirements=["verify.accept-local-time"],
    mutants=["verifier-refuses-everything", "verifier-reads-utc-only"],
)
def local_time(examination: Examination, check: Check) -> None:
    """The signature timestamp is written with the offset of Finland and without decimals.

    Real documents have both this form and UTC with Z and decimals; each is an xs:dateTime. A right system reads every
    form of that type.
    """
    accepts(examination, check, "own.timestamp-local")


@acceptance(
    "verification.accepts-patient-record",
    title="The system accepts a soundly signed patient record",
    requirements=["verify.accept-patient-record"],
    mutants=["verifier-refuses-everything", "verifier-knows-social-welfare-only"],
)
def patient_record(health_examination: Examination, check: Check) -> None:
    """A patient record whose body is referred to by an XPath filter instead of an ID.

    The form of patient records is inferred from prescriptions, so a refusal only warns; a system that never reads
    patient records may pass over it. The prefix in the XPath text takes no part in the canonical form.
    """
    accepts(health_examination, check, "valid.health")


@acceptance(
    "verification.accepts-prescription",
    title="The system accepts a soundly signed prescription",
    requirements=["verify.accept-prescription"],
    mutants=["verifier-refuses-everything", "verifier-knows-social-welfare-only"],
)
def prescription(health_examination: Examination, check: Check) -> None:
    """A prescription, signed by its prescriber, whose custodian is Kela.

    A system that never reads prescriptions may pass over it: a refusal only warns. Custodian and signer are different
    organisations here, and that is right.
    """
    accepts(health_examination, check, "own.prescription")


@acceptance(
    "verification.accepts-kanta-signature",
    title="The system accepts Kanta's own signature beside the prescriber's",
    requirements=["verify.accept-kanta"],
    mutants=[
        "verifier-refuses-everything",
        "verifier-knows-social-welfare-only",
        "verifier-does-not-know-code-4",
        "verifier-expects-one-signature",
    ],
)
def kanta_signature(health_examination: Examination, check: Check) -> None:
    """The Prescription Centre adds its own signature, described by code 4, to what it hands out.

    Its certificate is Kela's, with the key usage of a system. A right system verifies it like any other and does not
    take it for a provider's.
    """
    accepts(health_examination, check, "own.kanta")
