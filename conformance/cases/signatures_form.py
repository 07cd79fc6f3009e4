"""How signatures are written, and what a signer must leave as it was."""

from __future__ import annotations

import base64
import binascii
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from conformance.bench.documents_compared import Halves, halves, signature_values
from conformance.cases.signatures import Documents, judge
from conformance.check import Check
from conformance.declaring import Area, case
from conformance.judging import DocumentUnderTest
from conformance.requirements import Phase

signature_case = partial(case, area=Area.SIGNATURES, phase=Phase.SUPPLIER)


@signature_case(
    "signature.header-unchanged",
    title="Signing leaves the header as it was",
    requirements=["sign.header-unchanged"],
    mutants=[
        "signer-updates-effective-time",
        "signer-drops-metadata",
        "signer-names-another-professional",
        "signer-system-for-another-organisation",
        "signer-writes-real-identity-code",
    ],
)
def header_unchanged(documents: Documents, check: Check) -> None:
    """The document that was given and the signed one are compared element by element, without the signatures.

    The header is not covered by the signature, so nobody would notice what a signer changes there, yet the archive
    files the document by it. A right signer adds signatureCollection and, for a professional, the metadata block.
    """
    for document, before, after in _pairs(documents, check):
        met = check.that(
            "sign.header-unchanged",
            before.header == after.header,
            "The header of the signed document is not that of the document that was given.",
            subject=document.name,
        )
        if not met:
            document.show(check)


@signature_case(
    "signature.body-unchanged",
    title="Signing leaves the body as it was",
    requirements=["sign.body-unchanged"],
    mutants=["signer-wraps-base64", "signer-changes-body-after-signing"],
)
def body_unchanged(documents: Documents, check: Check) -> None:
    """The body that was given and the body in the signed document are compared in canonical form.

    A professional signs what the screen showed, to the last character. A right signer signs the body as it was given;
    one that rewrites it first signs something else, however soundly.
    """
    for document, before, after in _pairs(documents, check):
        met = check.that(
            "sign.body-unchanged",
            before.body == after.body,
            "The body of the signed document is not the body that was given.",
            subject=document.name,
            expected=f"{len(before.body)} bytes in canonical form",
            found=f"{len(after.body)} bytes, other ones",
        )
        if not met:
            document.show(check)


@signature_case(
    "signature.professional.block",
    title="A professional's signature comes with its metadata block",
    requirements=["sign.signer-block"],
    mutants=["signer-leaves-out-the-block"],
)
def professional_block(professional_documents: Documents, check: Check) -> None:
    """The header names signer, method of authentication and time beside a professional's signature.

    The authentication method is code 1 of 1.2.246.537.5.40128.2006, the professional card. The block was observed in
    real documents, so a missing part only warns.
    """
    judge(check, professional_documents, "sign.signer-block")


@signature_case(
    "signature.professional.block-time",
    title="The metadata block has the time of the signature",
    requirements=["sign.signer-block-time"],
    mutants=["signer-writes-yesterday-into-the-block"],
)
def professional_block_time(professional_documents: Documents, check: Check) -> None:
    """The time in the metadata block is compared with the signature timestamp.

    A reader is shown the block; the timestamp is what was signed. Some minutes between them are no matter, and as the
    rule is inferred more than that only warns.
    """
    judge(check, professional_documents, "sign.signer-block-time")


@signature_case(
    "signature.one-certificate",
    title="KeyInfo holds the signer's certificate and no other",
    requirements=["sign.one-certificate"],
    mutants=["signer-embeds-the-chain"],
)
def one_certificate(documents: Documents, check: Check) -> None:
    """Every known signature carries exactly one certificate, that of the signer.

    Whoever verifies knows the authorities already, and must not learn them from the document. A chain in KeyInfo only
    warns: it makes documents larger and harms nobody.
    """
    judge(check, documents, "sign.one-certificate")


@signature_case(
    "signature.algorithms",
    title="Signatures are made with SHA-256 or stronger",
    requirements=["sign.algorithms"],
    mutants=["signer-uses-sha1"],
)
def algorithms(documents: Documents, check: Check) -> None:
    """Neither references nor signature method use SHA-1 or an algorithm of which nothing is known.

    Documents of 2015 had SHA-1, those of 2026 have SHA-256. The list of allowed algorithms is not public, so this
    only warns.
    """
    judge(check, documents, "sign.algorithms")


@signature_case(
    "signature.canonicalisation",
    title="Signatures are canonicalised exclusively",
    requirements=["sign.exclusive"],
    mutants=["signer-canonicalises-inclusively"],
)
def canonicalisation(documents: Documents, check: Check) -> None:
    """SignedInfo and references name exclusive canonicalisation, as all known documents do.

    An inclusive signature breaks as soon as the document is put into another with namespaces of its own. Which
    further form the rules allow is not public, so this only warns.
    """
    judge(check, documents, "sign.exclusive")


@signature_case(
    "signature.place",
    title="signatureCollection is the last part of the header",
    requirements=["sign.place"],
    mutants=["signer-puts-the-collection-first"],
)
def place(documents: Documents, check: Check) -> None:
    """In all known social-welfare documents signatureCollection stands last in localSocialHeader.

    A schema that fixes the order would refuse another place. The schema was not at hand, so this only warns.
    """
    judge(check, documents, "sign.place")


@signature_case(
    "signature.description-system",
    title="The description code names its code system",
    requirements=["sign.description-system"],
    mutants=["signer-names-another-code-system"],
)
def description_system(documents: Documents, check: Check) -> None:
    """signatureDescription carries the code system 1.2.246.537.5.40127.2006 beside its code.

    A code without its system means nothing, and the archive cannot tell a professional's signature from a system's.
    A right signer writes both.
    """
    judge(check, documents, "sign.description-system")


@signature_case(
    "signature.value-form",
    title="The signature value is as long as the key asks",
    requirements=["sign.value-form"],
    mutants=["signer-writes-der"],
)
def value_form(documents: Documents, check: Check) -> None:
    """The decoded value has the length of the RSA modulus or, for elliptic keys, of two numbers of the curve.

    Cryptographic libraries give ECDSA values in DER, which XML Signature does not take: r and s stand one after the
    other. A right signer turns the one into the other.
    """
    readable = [document for document in documents if document.examinable]
    if not readable:
        check.skip("No document has signatures that can be read; see the case document.form.")
    for document in readable:
        for signature, value in zip(document.report.signatures, signature_values(document.content), strict=False):
            if signature.certificate is None:
                continue
            expected, found = _length(signature.certificate.public_key()), _decoded(value)
            check.that(
                "sign.value-form",
                found == expected,
                "The signature value has another length than the key of its certificate asks for.",
                subject=document.name,
                expected=f"{expected} bytes",
                found=f"{found} bytes",
            )
        document.show(check)


@signature_case(
    "signature.metadata",
    title="localSocialHeader keeps its metadata",
    requirements=["sign.metadata"],
    mutants=["signer-drops-metadata"],
)
def metadata(documents: Documents, check: Check) -> None:
    """Document type, group, file format, status, register and the other elements of known documents are there.

    They decide where the archive files the document and who may read it. The standard was not read to its end, so a
    missing one only warns.
    """
    judge(check, documents, "sign.metadata")


@signature_case(
    "signature.parallel-kept",
    title="A further signature leaves the earlier one as it was",
    requirements=["sign.parallel-kept"],
    mutants=["signer-replaces-signatures"],
)
def parallel_kept(countersigned_document: DocumentUnderTest, check: Check) -> None:
    """The system signs a document that bears a professional's signature already.

    Signatures of one document stand beside each other, and none covers another. A right signer adds its own and
    leaves the professional's as it was.
    """
    countersigned_document.show(check)
    earlier = set(signature_values(countersigned_document.unsigned or b""))
    now = set(signature_values(countersigned_document.content))
    check.that(
        "sign.parallel-kept",
        earlier < now,
        "The earlier signature is gone, or no signature was added.",
        expected=f"the earlier {len(earlier)} and one more",
        found=f"{len(earlier & now)} of the earlier, {len(now - earlier)} new",
    )


def _pairs(documents: Documents, check: Check) -> list[tuple[DocumentUnderTest, Halves, Halves]]:
    asked = [(d, d.unsigned) for d in documents if d.unsigned]
    if not asked:
        check.skip("No document was signed on request, so there is nothing to compare with.")
    pairs = [(d, halves(unsigned), halves(d.content)) for d, unsigned in asked if d.examinable]
    if not pairs:
        check.skip("No document signed on request has signatures that can be read; see the case document.form.")
    return pairs


def _length(key: object) -> int:
    if isinstance(key, rsa.RSAPublicKey):
        return (key.key_size + 7) // 8
    return 2 * ((key.key_size + 7) // 8) if isinstance(key, ec.EllipticCurvePublicKey) else 0


def _decoded(value: str) -> int:
    try:
        return len(base64.b64decode(value, validate=True))
    except binascii.Error:
        return 0
