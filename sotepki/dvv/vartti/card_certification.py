"""Certifying the two keys of a card of any kind: by which authority and which profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Protocol

from cryptography import x509

from sotepki.card import KeyUse
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.authority.plan import HierarchyPlan
from sotepki.dvv.office_data import office_data
from sotepki.dvv.office_seams import Certification, revoke_all
from sotepki.dvv.vartti.seams import KeySource
from sotepki.errors import Fault
from sotepki.evidence import RuleBook, expect_keys, load_yaml
from sotepki.resources import package_file
from sotepki.tokens import KeyKind, PrivateKey

TEST_CARD_KINDS = ("professional", "personnel", "actor", "organisation", "citizen")
SPARE = "spare"
EC_SUFFIX = "-ec"


@dataclass(frozen=True)
class CardCertification:
    """Who certifies a kind of card, and the profile of each certificate."""

    kind: str
    authority: str
    key: KeyKind
    profiles: Mapping[KeyUse, str]
    source: str


@dataclass(frozen=True)
class CardMaterial:
    """Two keys, their certificates in DER and the CA certificates, ready to be personalised."""

    keys: Mapping[KeyUse, PrivateKey]
    certificates: Mapping[KeyUse, bytes]
    issuers: tuple[x509.Certificate, ...]


class CardAuthorities(Certification, Protocol):
    """The authorities with their plan, which may lack some that a kind of card needs."""

    @property
    def plan(self) -> HierarchyPlan: ...

    def issue_many_der(
        self, authority_id: str, profile_id: str, orders: Sequence[CertificateOrder], *, actor: str
    ) -> list[bytes]: ...


@cache
def special_card_rules() -> RuleBook:
    """The rules of test cards and spare cards."""
    return RuleBook.load(package_file("dvv", "vartti", "rules_special_cards.yaml"))


@cache
def card_certifications() -> Mapping[str, CardCertification]:
    """All kinds, by id.

    Raises:
        Fault: ``card_certification.yaml`` is not well formed.
    """
    found = {}
    for kind, row in load_yaml(package_file("dvv", "vartti", "card_certification.yaml")).items():
        keys = {"authority", "key", "source", *KeyUse}
        expect_keys(row, keys, f"The kind of card {kind}")
        profiles = {use: str(row[use]) for use in KeyUse}
        try:
            key = KeyKind(row["key"])
        except ValueError as error:
            raise Fault(f"The kind of card {kind} is not well formed: {error}.") from None
        found[str(kind)] = CardCertification(str(kind), str(row["authority"]), key, profiles, str(row["source"]))
    return found


def ec_kind(kind: str) -> str:
    """The certification of a kind of card whose keys are EC; that of organisation cards is so already."""
    return kind + EC_SUFFIX if kind + EC_SUFFIX in card_certifications() else kind


def check_authority(authorities: CardAuthorities, kind: str) -> CardCertification:
    """Who certifies a kind of card, if this workspace has that authority.

    Raises:
        Refused: rule ``card-kind.authority``.
    """
    certification = card_certifications()[kind]
    if certification.authority not in authorities.plan.authorities:
        raise special_card_rules().refusal(
            "card-kind.authority",
            f"This workspace has no authority {certification.authority!r}, which certifies {kind} cards.",
            subject=kind,
        )
    return certification


def certify(
    authorities: CardAuthorities,
    keys: KeySource,
    kind: str,
    *,
    subject: Mapping[str, str],
    holder: str,
    actor: str,
    at: datetime,
    not_after: datetime | None = None,
) -> CardMaterial:
    """Keys from the pool and certificates for them. Certificates of an earlier run that died are revoked first.

    ``holder`` names the card in the ledger of the authorities; it may not be an identity code.

    Raises:
        Refused: rule ``card-kind.authority``, or what the authority says.
    """
    certification = check_authority(authorities, kind)
    revoke_all(authorities, certification.authority, holder, reason=office_data().spoiled_reason, actor=actor, at=at)
    taken = {use: keys.take(certification.key) for use in KeyUse}
    certificates = {
        use: authorities.issue_many_der(
            certification.authority,
            certification.profiles[use],
            [CertificateOrder(subject, key.public_key(), holder, not_after)],
            actor=actor,
        )[0]
        for use, key in taken.items()
    }
    return CardMaterial(taken, certificates, tuple(authorities.chain(certification.authority))[:2])
