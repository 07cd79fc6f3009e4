"""How the system treats documents that somebody else signed. The suite makes them with its own TEST identities."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.check import Check
from conformance.declaring import Area, case
from conformance.requirements import Phase
from conformance.sut.facets import Answer, Verifies


@case(
    "verification.accepts-good",
    title="The system accepts soundly signed documents",
    area=Area.VERIFICATION,
    phase=Phase.CROSS,
    requirements=["verify.accept-good"],
    mutants=["verifier-refuses-everything"],
)
def accepts_good(verifier: Verifies, bench: Bench, check: Check) -> None:
    """Two sound documents are given to the system's verifier: one signed with a professional card, one by a system.

    Both must be accepted. A verifier that refuses everything would pass all the other cases of this area.
    """
    for name, document in (
        ("professional's document", bench.documents.good_professional),
        ("system's document", bench.documents.good_system),
    ):
        check.show(name, document, "application/xml")
        answer = verifier.verify(document, bench.trust_now())
        check.that(
            "verify.accept-good",
            answer.accepted,
            f"The system refuses the {name}, which is sound.",
            subject=name,
            expected="accepted",
            found=_words(answer),
        )


@case(
    "verification.refuses-changed-body",
    title="The system refuses a document changed after signing",
    area=Area.VERIFICATION,
    phase=Phase.CROSS,
    requirements=["verify.refuse-changed"],
    mutants=["verifier-accepts-everything", "verifier-ignores-digests"],
)
def refuses_changed_body(discerning_verifier: Verifies, bench: Bench, check: Check) -> None:
    """One character of the body text is changed after signing; the digest in the signature no longer agrees."""
    _refuses(discerning_verifier, bench, check, "verify.refuse-changed", bench.documents.changed_body)


@case(
    "verification.refuses-foreign-authority",
    title="The system refuses a signer of a foreign authority",
    area=Area.VERIFICATION,
    phase=Phase.CROSS,
    requirements=["verify.refuse-foreign-authority"],
    mutants=["verifier-accepts-everything", "verifier-ignores-the-chain"],
)
def refuses_foreign_authority(discerning_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The document is signed with a certificate that has the right subject, issuer name and extensions.

    It was issued by another key than the authority's: a hierarchy of the same names that anybody can make.
    """
    _refuses(discerning_verifier, bench, check, "verify.refuse-foreign-authority", bench.documents.foreign_authority)


@case(
    "verification.refuses-revoked-signer",
    title="The system refuses a signer whose certificate was revoked",
    area=Area.VERIFICATION,
    phase=Phase.CROSS,
    requirements=["verify.refuse-revoked"],
    mutants=["verifier-accepts-everything", "verifier-ignores-revocation"],
)
def refuses_revoked_signer(discerning_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The signer's card was closed before the signature was made. OCSP and the revocation list both say so."""
    _refuses(discerning_verifier, bench, check, "verify.refuse-revoked", bench.documents.revoked_signer)


@case(
    "verification.refuses-wrapped-body",
    title="The system refuses a document with a wrapped signature",
    area=Area.VERIFICATION,
    phase=Phase.CROSS,
    requirements=["verify.refuse-wrapped"],
    mutants=["verifier-accepts-everything", "verifier-takes-any-body", "verifier-ignores-duplicate-ids"],
)
def refuses_wrapped_body(discerning_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The signed body is moved to a place where nobody reads it, and another body is put in its stead.

        component / nonXMLBody            the forged body, which a reader shows
        localSocialHeader / nonXMLBody    the signed body, which a careless verifier checks

    Every digest still agrees with some element; what is shown was never signed.
    """
    _refuses(discerning_verifier, bench, check, "verify.refuse-wrapped", bench.documents.wrapped_body)


@case(
    "verification.refuses-authentication-key",
    title="The system refuses a signature made with the card's authentication key",
    area=Area.VERIFICATION,
    phase=Phase.CROSS,
    requirements=["verify.refuse-key-usage"],
    mutants=["verifier-accepts-everything", "verifier-ignores-key-usage"],
)
def refuses_authentication_key(discerning_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The signature has code 1 (professional) and verifies, but the certificate is the one for authentication."""
    _refuses(discerning_verifier, bench, check, "verify.refuse-key-usage", bench.documents.authentication_key)


@case(
    "verification.refuses-removed-right",
    title="The system does not accept a signer whose right was removed",
    area=Area.VERIFICATION,
    phase=Phase.CROSS,
    requirements=["verify.refuse-removed-right"],
    mutants=["verifier-accepts-everything", "verifier-ignores-rights"],
)
def refuses_removed_right(discerning_verifier: Verifies, bench: Bench, check: Check) -> None:
    """Valvira removed the signer's right to practise before the signature was made; the card is still valid."""
    _refuses(discerning_verifier, bench, check, "verify.refuse-removed-right", bench.documents.removed_right)


def _refuses(verifier: Verifies, bench: Bench, check: Check, requirement: str, document: bytes) -> None:
    check.show("document given to the verifier", document, "application/xml")
    answer = verifier.verify(document, bench.trust_now())
    check.show("answer of the verifier", _words(answer))
    check.that(
        requirement,
        not answer.accepted,
        "The system accepts a document that it must refuse.",
        expected="refused",
        found=_words(answer),
    )


def _words(answer: Answer) -> str:
    verdict = "accepted" if answer.accepted else "refused"
    return f"{verdict}: {'; '.join(answer.reasons)}" if answer.reasons else verdict
