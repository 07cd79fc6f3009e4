"""Whether the signer may sign: purpose of the certificate, agreement with the header, right in force."""

from __future__ import annotations

from datetime import datetime, timedelta

from sotepki.documents.certificates import SignerCertificate
from sotepki.documents.family import Holder, SignatureRule
from sotepki.documents.outline import Outline
from sotepki.documents.people import Parties, SignerBlock, author_organisation
from sotepki.documents.report import VerificationContext
from sotepki.documents.times import read_hl7_time
from sotepki.documents.vocabulary import (
    AUTHENTICATION_METHODS,
    KELA_ROOTS,
    PRESCRIBER_ROOT,
    PROFESSIONAL_CERTIFICATE,
    SignatureKind,
    finland,
    hl7,
)
from sotepki.errors import Refused
from sotepki.identifiers import RegistrationNumber
from sotepki.registers import RightsRegister
from sotepki.xmldsig import Judgement

_BLOCK_TOLERANCE = timedelta(hours=1)
_TIME = finland("time")


def check_signer(
    parts: Outline,
    known: Parties,
    signer: SignerCertificate,
    rule: SignatureRule | None,
    at: datetime,
    context: VerificationContext,
    own: Judgement,
) -> None:
    """Judge who signed, by the family's rule for signatures of this kind."""
    if rule is None:
        return
    usage = signer.key_usage
    if usage != rule.key_usage:
        own.find(
            "doc.key-usage",
            f"The certificate's key usage does not fit a {rule.kind} signature.",
            expected=", ".join(sorted(rule.key_usage)),
            found=", ".join(sorted(usage)) or "none",
        )
    kind = parts.kind
    # Kanta signs documents of any kind when it takes them over or makes them.
    if kind is not None and rule.kind not in (*kind.signers, SignatureKind.KANTA):
        own.find(
            "doc.signer",
            f"A document of the kind {kind.id} bears a {rule.kind} signature.",
            expected=", ".join(kind.signers),
            found=str(rule.kind),
        )
    holder = signer.holder
    if rule.holder is Holder.AUTHOR:
        if rule.block:
            _check_block(parts, known.signer, at, own)
        _check_registration_number(known, holder, rule, own)
        _check_right(holder, context.rights, at, own)
        _check_prescriber(parts, signer.prescriber, own)
    elif rule.holder is Holder.KELA:
        if not holder.startswith(KELA_ROOTS):
            own.find("doc.kela", "Kanta's own signature is not made with Kela's certificate.", found=holder[:80])
    else:
        _check_organisation(parts, known, holder, rule.holder, own)


def _check_organisation(parts: Outline, known: Parties, holder: str, whose: Holder, own: Judgement) -> None:
    of_author = whose is Holder.AUTHOR_ORGANISATION
    expected = author_organisation(parts) if of_author else known.custodian
    if not holder or holder != expected:
        own.find(
            "doc.organisation.author" if of_author else "doc.organisation",
            "The system signature is not of the organisation "
            + ("whose professional wrote the document." if of_author else "that keeps the document."),
            expected=expected[:120],
            found=holder,
        )


def _check_registration_number(known: Parties, holder: str, rule: SignatureRule, own: Judgement) -> None:
    """The number in the certificate is that of the author, and of the signer where the family names one."""
    places = [("author id", known.authors)]
    if rule.block:
        places.append(("assignedAuthorSigner", known.signer.registration_numbers))
    for place, numbers in places:
        if not numbers:
            own.find(
                "doc.registration-number.missing", f"The {place} carries no registration number.", expected=holder
            )
        elif holder not in numbers:
            own.find(
                "doc.registration-number",
                f"The registration number of the certificate is not that of the {place}.",
                expected=holder,
                found=", ".join(numbers)[:120],
            )


def _check_right(holder: str, rights: RightsRegister | None, at: datetime, own: Judgement) -> None:
    """The professional had a right in force at the time of signing; without a register nobody is asked."""
    if rights is None:
        return
    try:
        in_force = rights.rights_in_force(RegistrationNumber.parse(holder), at)
    except Refused as refusal:
        own.find("doc.right", f"The certificate names no professional: {refusal.sentence}", found=holder[:40])
        return
    if not in_force:
        own.find(
            "doc.right",
            f"The professional {holder} had no right in force when the document was signed.",
            expected=f"a right in force at {at.isoformat()}",
            found="none",
        )


def _check_block(parts: Outline, block: SignerBlock, at: datetime, own: Judgement) -> None:
    if not block.complete or (PROFESSIONAL_CERTIFICATE, AUTHENTICATION_METHODS) not in block.authentication_methods:
        own.find("doc.signer-block", "The professional's signature metadata is not complete.")
        return
    times = [read_hl7_time(time.get("value") or "") for time in parts.entries.get(_TIME, ())]
    known = [time for time in times if time is not None]
    if known and all(abs(time - at) > _BLOCK_TOLERANCE for time in known):
        own.find(
            "doc.timestamp.block",
            "The time in the signature metadata is far from signatureTimestamp.",
            expected=f"about {at.isoformat()}",
            found=known[0].isoformat(),
        )


def _check_prescriber(parts: Outline, carried: str, own: Judgement) -> None:
    """A prescriber signs with a card that carries the prescriber's identifier, and it is that of the author."""
    kind = parts.kind
    if kind is None or not kind.prescriber:
        return
    ids = parts.root.iterfind(f"{hl7('author')}/{hl7('assignedAuthor')}/{hl7('id')}")
    written = [element.get("extension") or "" for element in ids if element.get("root") == PRESCRIBER_ROOT]
    if not carried or (written and carried not in written):
        own.find(
            "doc.prescriber-id",
            "The certificate does not carry the prescriber's identifier of the author.",
            expected=", ".join(written)[:120] or "a prescriber's identifier",
            found=carried or "none",
        )
