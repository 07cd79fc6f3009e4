"""Signatures by algorithms, keys and signers that must not count."""

from __future__ import annotations

from conformance.bench.documents_examined import Examination
from conformance.cases.verification_examining import refusal, refuses
from conformance.check import Check


@refusal(
    "verification.refuses-hmac",
    title="The system refuses an HMAC in the place of a signature",
    requirement="verify.refuse-hmac",
    mutants=("verifier-takes-hmac",),
)
def hmac(examination: Examination, check: Check) -> None:
    """The method is HMAC, and its secret is the public key of the certificate, which anybody has.

    A verifier that takes the method from the document and the key from the certificate accepts a document of
    anybody. A right system wants a method that fits the key.
    """
    refuses(examination, check, "algorithm.hmac", "algorithm.hmac-sha1")


@refusal(
    "verification.refuses-key-confusion",
    title="The system refuses a method that does not fit the certificate's key",
    requirement="verify.refuse-key-confusion",
    mutants=("verifier-goes-by-the-key",),
)
def key_confusion(examination: Examination, check: Check) -> None:
    """The method says ECDSA and the key is RSA, or the reverse; the value is made with the key.

    A verifier that goes by the key and never reads the method accepts. A right system wants method and key to
    agree.
    """
    refuses(examination, check, "algorithm.key-confusion", "algorithm.key-confusion-ec")


@refusal(
    "verification.refuses-md5",
    title="The system does not accept MD5",
    requirement="verify.refuse-md5",
    mutants=("verifier-takes-unlisted-algorithms",),
)
def md5(examination: Examination, check: Check) -> None:
    """A reference is digested by MD5, or the signature method is one that nobody knows.

    For MD5 two documents with one digest can be made within seconds. No list of allowed algorithms is public, so
    acceptance only warns.
    """
    refuses(examination, check, "algorithm.md5", "algorithm.signature-unknown")


@refusal(
    "verification.refuses-bare-keys",
    title="The system refuses a signature without a certificate",
    requirement="verify.refuse-bare-keys",
    mutants=("verifier-takes-bare-keys",),
)
def bare_keys(examination: Examination, check: Check) -> None:
    """KeyInfo holds a bare public key, a name, or an address where the key can be fetched.

    A bare key belongs to nobody. A right system takes the key from a certificate that it has validated, and from
    nowhere else.
    """
    refuses(examination, check, "key.value-only", "key.value-beside", "key.name", "key.retrieval")


@refusal(
    "verification.refuses-unreadable-certificate",
    title="The system refuses a certificate that cannot be read",
    requirement="verify.refuse-unreadable-certificate",
    mutants=("verifier-ignores-unreadable-certificates",),
)
def unreadable_certificate(examination: Examination, check: Check) -> None:
    """The certificate in KeyInfo is cut, or is another structure.

    Without it nobody knows who signed. A right system refuses with a sentence, and does not fall over.
    """
    refuses(examination, check, "key.cut", "key.no-certificate")


@refusal(
    "verification.refuses-other-professional",
    title="The system refuses a signer who is not the document's author",
    requirement="verify.refuse-other-professional",
    mutants=("verifier-ignores-registration-numbers",),
)
def other_professional(examination: Examination, check: Check) -> None:
    """The registration number of the author, or that in the signature's metadata, is not that of the certificate.

    Certificate and signature are sound, but the document names somebody else. A right system compares all three
    numbers.
    """
    refuses(examination, check, "content.author", "content.signer-block")


@refusal(
    "verification.refuses-other-organisation",
    title="The system refuses the system signature of another organisation",
    requirement="verify.refuse-other-organisation",
    mutants=("verifier-ignores-the-organisation",),
)
def other_organisation(examination: Examination, check: Check) -> None:
    """The organisation in the certificate is not the one that keeps the document.

    Every organisation of the test environment holds a sound certificate. A right system compares the OID of the
    certificate with that of the custodian.
    """
    refuses(examination, check, "key.other-organisation", "content.custodian", good="valid.system")


@refusal(
    "verification.refuses-expired-signer",
    title="The system refuses a certificate that had ended before the signature",
    requirement="verify.refuse-expired",
    mutants=("verifier-ignores-the-chain", "verifier-ignores-validity"),
)
def expired_signer(examination: Examination, check: Check) -> None:
    """The signer's certificate ended a month before the signature timestamp.

    Revocation lists need not name what has ended, so this must be looked at for itself. A right system judges the
    certificate at the signature timestamp.
    """
    refuses(examination, check, "key.expired")


@refusal(
    "verification.refuses-early-signer",
    title="The system does not accept a signature from before its certificate",
    requirement="verify.refuse-early",
    mutants=("verifier-ignores-validity",),
)
def early_signer(examination: Examination, check: Check) -> None:
    """The signature timestamp lies half an hour before the certificate begins; by now the certificate is in force.

    Either the clock was wrong or the time is untrue. The rule is inferred, so acceptance only warns.
    """
    refuses(examination, check, "key.not-yet")


@refusal(
    "verification.refuses-wrong-usage",
    title="The system refuses certificates that are not for this kind of signature",
    requirement="verify.refuse-wrong-usage",
    mutants=("verifier-ignores-key-usage",),
)
def wrong_usage(examination: Examination, check: Check) -> None:
    """A professional's certificate is for login as well, or for nothing; a system's lacks digitalSignature.

    Key usage is how a card keeps login and signature apart. A right system compares it with the description code
    of the signature.
    """
    refuses(examination, check, "key.both-usages", "key.no-usage", "key.system-usage")


@refusal(
    "verification.refuses-false-kanta",
    title="The system refuses a professional's signature that calls itself Kanta's",
    requirement="verify.refuse-false-kanta",
    mutants=("verifier-ignores-key-usage", "verifier-trusts-code-4"),
)
def false_kanta(examination: Examination, check: Check) -> None:
    """The description code, which is not signed, was changed from 1 to 4.

    Then the document looks as if Kanta had vouched for it. A right system compares code and certificate: key
    usage and holder tell a card from Kela's service.
    """
    refuses(examination, check, "content.description-as-kanta")


@refusal(
    "verification.refuses-authority-as-signer",
    title="The system refuses a signature by the certificate of an authority",
    requirement="verify.refuse-authority-signer",
    mutants=("verifier-ignores-the-chain", "verifier-ignores-key-usage"),
)
def authority_as_signer(examination: Examination, check: Check) -> None:
    """The signer's certificate says that it is an authority's, and otherwise all is right.

    Who issues certificates does not sign documents with the same key. A right system wants a certificate of an
    end entity.
    """
    refuses(examination, check, "key.authority")


@refusal(
    "verification.refuses-card-as-authority",
    title="The system refuses a certificate that was issued with a card's key",
    requirement="verify.refuse-card-authority",
    mutants=("verifier-ignores-the-chain", "verifier-takes-any-issuer"),
)
def card_as_authority(examination: Examination, check: Check) -> None:
    """The holder of a card issued a certificate with the card's key; both certificates stand in KeyInfo.

    Names and signatures of the chain fit up to the root. A right system looks whether each issuer may issue
    (basicConstraints), as RFC 5280 asks.
    """
    refuses(examination, check, "own.below-card")


@refusal(
    "verification.refuses-other-hierarchy",
    title="The system refuses a signer of a hierarchy that it was not given",
    requirement="verify.refuse-other-hierarchy",
    mutants=("verifier-ignores-the-chain", "verifier-takes-any-issuer"),
)
def other_hierarchy(examination: Examination, check: Check) -> None:
    """The certificate is of the right form and of another hierarchy than that of the test environment, as one of
    production would be.

    Names do not make trust, and neither does a right form. A right system trusts the roots that it was given and
    brings none of its own.
    """
    refuses(examination, check, "own.elsewhere")


@refusal(
    "verification.refuses-unsigned",
    title="The system refuses an unsigned document",
    requirement="verify.refuse-unsigned",
    mutants=("verifier-passes-unsigned-documents",),
)
def unsigned(examination: Examination, check: Check) -> None:
    """The document has no signature, or an empty signatureCollection.

    A loop over no signatures finds no wrong one. A right system says that the document is not signed.
    """
    refuses(examination, check, "structure.unsigned", "structure.empty-collection")


@refusal(
    "verification.refuses-unfinished-entry",
    title="The system refuses an entry without timestamp or description",
    requirement="verify.refuse-unfinished-entry",
    mutants=("verifier-ignores-unfinished-entries",),
)
def unfinished_entry(examination: Examination, check: Check) -> None:
    """The signature's timestamp or description is missing, or there are two timestamps.

    Without them nobody knows when and as what was signed. A right system wants each exactly once.
    """
    refuses(examination, check, "structure.no-timestamp", "structure.no-description", "structure.two-timestamps")


@refusal(
    "verification.refuses-unknown-description",
    title="The system refuses a description code of another code system",
    requirement="verify.refuse-other-code-system",
    mutants=("verifier-ignores-the-code-system",),
)
def unknown_description(examination: Examination, check: Check) -> None:
    """The code of signatureDescription is 1, but of a code system that has nothing to do with signatures.

    A code means nothing without its system. A right system compares both.
    """
    refuses(examination, check, "content.description-system")


@refusal(
    "verification.refuses-future-timestamp",
    title="The system does not accept a signature from the future",
    requirement="verify.refuse-future",
    mutants=("verifier-ignores-the-time",),
)
def future_timestamp(examination: Examination, check: Check) -> None:
    """The signature timestamp lies a week ahead, within the validity of the certificate.

    Who may choose the time may outlive a revocation. The rule is inferred, so acceptance only warns; some minutes
    of clock skew are no matter.
    """
    refuses(examination, check, "own.timestamp-future")


@refusal(
    "verification.refuses-timestamp-without-zone",
    title="The system does not accept a timestamp without a time zone",
    requirement="verify.refuse-timestamp-form",
    mutants=("verifier-ignores-the-time",),
)
def timestamp_without_zone(examination: Examination, check: Check) -> None:
    """The timestamp is no time at all, or one without a time zone.

    Without a zone it is uncertain by hours, and whether the certificate was in force then cannot be said. No rule
    text is public, so acceptance only warns.
    """
    refuses(examination, check, "content.timestamp-no-date")


@refusal(
    "verification.refuses-stale-signature",
    title="The system refuses a correction with the signature of the earlier version",
    requirement="verify.refuse-stale",
    mutants=("verifier-ignores-stale-signatures",),
)
def stale_signature(examination: Examination, check: Check) -> None:
    """A document is version 2 and newer than the signature in it, which was made for version 1.

    A right signer empties signatureCollection before signing a correction. A right verifier sees that the
    signature is older than the document.
    """
    refuses(examination, check, "own.stale")
