"""Signatures that the system makes, judged on the documents as it would send them."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.check import Check
from conformance.declaring import Area, case
from conformance.judging import DocumentUnderTest, signature_values
from conformance.requirements import Phase
from sotepki.documents import SignatureKind

Documents = tuple[DocumentUnderTest, ...]


@case(
    "document.form",
    title="Documents and their signatures can be read",
    area=Area.SIGNATURES,
    phase=Phase.PRE_TEST,
    requirements=["document.form", "sign.form"],
    mutants=["signer-adds-doctype", "signer-writes-empty-key-info", "signer-renames-body", "signer-uses-sha1"],
)
def form(documents: Documents, check: Check) -> None:
    """Every document is well-formed XML without a document type declaration and has the tree of its family.

        ClinicalDocument / localSocialHeader / signatureCollection / signature
            signatureDescription, signatureTimestamp, ds:Signature

    The other cases of this area look only at what can be read.
    """
    _judge_all(check, documents, "document.form")
    _judge_all(check, documents, "sign.form")


@case(
    "signature.professional.coverage",
    title="A professional's signature covers body and timestamp",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.coverage"],
    mutants=["signer-covers-body-only"],
)
def professional_coverage(professional_documents: Documents, check: Check) -> None:
    """SignedInfo has exactly two references: one to the body (#OID + document id), one to the signatureTimestamp."""
    judge(check, professional_documents, "sign.coverage")


@case(
    "signature.professional.digests",
    title="A professional's signature agrees with the document as sent",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.digests"],
    mutants=["signer-changes-body-after-signing"],
)
def professional_digests(professional_documents: Documents, check: Check) -> None:
    """Both digests are computed anew over the exclusive canonical form of the referenced elements."""
    judge_intact(check, professional_documents, "sign.digests")


@case(
    "signature.professional.value",
    title="A professional's signature value verifies",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.value"],
    mutants=["signer-pretty-prints-after-signing"],
)
def professional_value(professional_documents: Documents, check: Check) -> None:
    """The signature value is verified over the canonical form of SignedInfo with the certificate in KeyInfo.

    Indenting the document after signing breaks it: white space between the children of SignedInfo is signed.
    """
    judge_intact(check, professional_documents, "sign.value")


@case(
    "signature.professional.description",
    title="A professional's signature has description code 1",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.description.professional"],
    mutants=["signer-professional-with-unknown-code"],
)
def professional_description(professional_documents: Documents, check: Check) -> None:
    """signatureDescription is code 1 of 1.2.246.537.5.40127.2006 (Ammattihenkilön allekirjoitus)."""
    _judge_code(check, professional_documents, "sign.description.professional", "1")


@case(
    "signature.professional.key-usage",
    title="A professional signs with the signature key",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.key-usage"],
    mutants=["signer-uses-authentication-key"],
)
def professional_key_usage(professional_documents: Documents, check: Check) -> None:
    """The certificate in a professional's signature has nonRepudiation alone, as the card's signature certificate."""
    judge(check, professional_documents, "sign.key-usage")


@case(
    "signature.professional.chain",
    title="A professional's certificate leads to the test root",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.signer-chain"],
    mutants=["signer-professional-of-foreign-ca"],
)
def professional_chain(professional_documents: Documents, trusted: bool, check: Check) -> None:
    """The signer's certificate leads to a root of the test hierarchy and was in force at the signature timestamp."""
    judge(check, professional_documents, "sign.signer-chain")


@case(
    "signature.professional.registration-number",
    title="Registration numbers in document and certificate agree",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.registration-number"],
    mutants=["signer-names-another-professional"],
)
def professional_registration_number(professional_documents: Documents, check: Check) -> None:
    """One number stands in assignedAuthorSigner, in the author (root 1.2.246.537.26) and in the certificate."""
    judge(check, professional_documents, "sign.registration-number")


@case(
    "signature.system.coverage",
    title="A system signature covers body and timestamp",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.coverage"],
    mutants=["signer-system-covers-timestamp-only"],
)
def system_coverage(system_documents: Documents, check: Check) -> None:
    """SignedInfo has exactly two references: one to the body (#OID + document id), one to the signatureTimestamp."""
    judge(check, system_documents, "sign.coverage")


@case(
    "signature.system.integrity",
    title="A system signature agrees with the document and verifies",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.digests", "sign.value"],
    mutants=["signer-system-corrupts-value", "signer-system-changes-timestamp", "signer-writes-der"],
)
def system_integrity(system_documents: Documents, check: Check) -> None:
    """Both digests are computed anew, and the signature value is verified with the certificate in KeyInfo."""
    judge_intact(check, system_documents, "sign.digests", "sign.value")


@case(
    "signature.system.description",
    title="A system signature has description code 3",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.description.system"],
    mutants=["signer-system-with-kanta-code"],
)
def system_description(system_documents: Documents, check: Check) -> None:
    """signatureDescription is code 3 of 1.2.246.537.5.40127.2006; code 4 would be Kanta's own signature."""
    _judge_code(check, system_documents, "sign.description.system", "3")


@case(
    "signature.system.key-usage",
    title="A system signs with its system signature certificate",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.key-usage"],
    mutants=["signer-system-uses-server-certificate"],
)
def system_key_usage(system_documents: Documents, check: Check) -> None:
    """The certificate in a system signature has digitalSignature and nonRepudiation; a server certificate has not."""
    judge(check, system_documents, "sign.key-usage")


@case(
    "signature.system.organisation",
    title="The certificate's OID is that of the document's custodian",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.organisation-oid"],
    mutants=["signer-system-for-another-organisation", "signer-system-uses-server-certificate"],
)
def system_organisation(system_documents: Documents, check: Check) -> None:
    """The subject serialNumber of the system signature certificate equals the custodian's OID in the header."""
    judge(check, system_documents, "sign.organisation-oid")


@case(
    "signature.timestamp",
    title="Signature timestamps are plausible",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.timestamp"],
    mutants=["signer-timestamp-as-hl7", "signer-timestamp-in-the-future"],
)
def timestamp(documents: Documents, check: Check) -> None:
    """signatureTimestamp is an xs:dateTime, lies within the certificate's validity, and is not in the future."""
    judge(check, documents, "sign.timestamp")


@case(
    "signature.no-stale",
    title="A corrected document carries no old signature",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["sign.no-stale"],
    mutants=["signer-keeps-stale-signature"],
)
def no_stale(corrected_documents: Documents, check: Check) -> None:
    """A document that was signed is corrected and signed again.

    The signature of the earlier version must be gone: it covers a body that is no longer there. If that version is
    not at hand, a signature that is more than a minute older than its document is taken for an old one.
    """
    for document in corrected_documents:
        document.show(check)
        if document.earlier is None:
            check.rules("sign.no-stale", document.findings, subject=document.name)
        else:
            stale = signature_values(document.content) & signature_values(document.earlier)
            check.that(
                "sign.no-stale",
                not stale,
                "The corrected document still carries the signature of its earlier version.",
                subject=document.name,
                expected="a new signature only",
                found=f"{len(stale)} old signature in {len(document.report.signatures)}",
            )


@case(
    "document.body-id",
    title="The body bears the ID that the signature refers to",
    area=Area.SIGNATURES,
    phase=Phase.SUPPLIER,
    requirements=["document.body-id"],
    mutants=["signer-renames-body"],
)
def body_id(documents: Documents, check: Check) -> None:
    """nonXMLBody/@ID is the letters OID followed by ClinicalDocument/id/@root, and the only element with that ID."""
    judge(check, documents, "document.body-id")


@case(
    "document.test-identities",
    title="All identity codes are of the 900-series",
    area=Area.SIGNATURES,
    phase=Phase.PRE_TEST,
    requirements=["document.test-identities"],
    mutants=["signer-writes-real-identity-code"],
)
def test_identities(documents: Documents, check: Check) -> None:
    """No personal identity code outside the 900-series stands anywhere in a document. Kanta would not store it.

    Codes that could belong to a living person are masked in this report.
    """
    judge(check, documents, "document.test-identities")


_SHOWN = 2
"""How many documents without a finding a case shows; those with one are all shown."""


def judge(check: Check, documents: Iterable[DocumentUnderTest], requirement: str) -> None:
    """Hold a requirement against the findings in each document that can be read, or that break it all the same."""
    readable = [d for d in documents if d.examinable or check.broken_by(requirement, d.findings)]
    if not readable:
        check.skip("No document has signatures that can be read; see the case document.form.")
    _judge_all(check, readable, requirement)


def judge_intact(check: Check, documents: Documents, *requirements: str) -> None:
    """Judge digests or value; of a document that does not verify the likely cause is kept before the document."""
    for document in documents:
        if any(check.broken_by(requirement, document.findings) for requirement in requirements):
            document.show_cause(check)
    for requirement in requirements:
        judge(check, documents, requirement)


def _judge_all(check: Check, documents: Iterable[DocumentUnderTest], requirement: str) -> None:
    """Hold a requirement against the findings in each document, and keep some documents as evidence."""
    for number, document in enumerate(documents):
        met = check.rules(requirement, document.findings, subject=document.name)
        if not met or number < _SHOWN:
            document.show(check)


def _judge_code(check: Check, documents: Iterable[DocumentUnderTest], requirement: str, code: str) -> None:
    """Hold the description codes against the one that is due.

    A document that was signed on request has one signature. One that lay in a directory may bear others besides, as
    a professional's, the system's and Kanta's, each described by its own code (docs/field/kanta.md 3.3).
    """
    for number, document in enumerate(documents):
        others = frozenset[str]() if document.unsigned is not None else _codes_of_others(document)
        codes = [s.code for s in document.report.signatures if s.code == code or s.code not in others]
        met = check.that(
            requirement,
            set(codes) == {code},
            f"The signature in {document.name} is described by another code.",
            subject=document.name,
            expected=f"code {code} of 1.2.246.537.5.40127.2006",
            found=", ".join(codes) or "no code",
        )
        if not met or number < _SHOWN:
            document.show(check)


def _codes_of_others(document: DocumentUnderTest) -> frozenset[str]:
    """The codes of signatures that others may have made; Kanta's only if its certificate is Kela's."""
    own_of_kanta = all(finding.rule != "doc.kela" for finding in document.findings)
    kinds = (SignatureKind.PROFESSIONAL, SignatureKind.SYSTEM, *([SignatureKind.KANTA] if own_of_kanta else []))
    return frozenset(kind.code for kind in kinds)
