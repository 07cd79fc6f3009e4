"""The plan of the hierarchy: which authorities there are, what each issues, and how often it publishes; from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, evidence_of, expect_keys, load_yaml
from sotepki.resources import package_file
from sotepki.tokens import KeyKind


class HolderKind(StrEnum):
    """What kind of holder a certificate belongs to; decides which reasons of revocation fit."""

    PERSON = "person"
    SERVICE = "service"
    AUTHORITY = "authority"


@dataclass(frozen=True)
class AuthorityPlan:
    """One authority: its profile and key, its issuer (None for the root), whose certificates it issues.

    ``crl`` is its own policy of lists where it has one; see ``HierarchyPlan.list_policy``. With ``on_demand`` it is
    made when it first certifies something, not with the hierarchy.
    """

    id: str
    title: str
    publication_id: str
    profile: str
    issuer: str | None
    key: KeyKind
    key_label: str
    holders: HolderKind
    source: str
    grade: Grade
    basis: Basis
    crl: ListPolicy | None = None
    on_demand: bool = False


@dataclass(frozen=True)
class ResponderPolicy:
    """How the delegated OCSP responder of each authority is made, renewed, and how long its answers hold.

    ``profile`` and ``key`` are for the RSA tree, ``ec_profile`` and ``ec_key`` for the EC tree.
    """

    profile: str
    key: KeyKind
    ec_profile: str
    ec_key: KeyKind
    key_label_prefix: str
    renew_before: timedelta
    answer_validity: timedelta

    @property
    def profiles(self) -> frozenset[str]:
        """The profiles of responder certificates in both trees."""
        return frozenset({self.profile, self.ec_profile})

    def profile_for(self, authority: AuthorityPlan) -> str:
        """The profile of the responder certificate that an authority issues."""
        return self.profile if authority.key.startswith("rsa") else self.ec_profile

    def key_for(self, authority: AuthorityPlan) -> KeyKind:
        """The kind of key that the responder of an authority has."""
        return self.key if authority.key.startswith("rsa") else self.ec_key

    def key_label(self, authority_id: str) -> str:
        """The label of the responder's key in the token."""
        return f"{self.key_label_prefix}{authority_id}"


@dataclass(frozen=True)
class ListPolicy:
    """How long a revocation list holds, and when a new one is due even if nothing was revoked."""

    next_update: timedelta
    republish_after: timedelta


@dataclass(frozen=True)
class HierarchyPlan:
    """The whole plan; ``authorities`` stand in the order in which they are made, an issuer before its subjects."""

    authorities: Mapping[str, AuthorityPlan]
    responders: ResponderPolicy
    crl: ListPolicy

    def list_policy(self, authority_id: str) -> ListPolicy:
        """The policy of an authority's lists: its own, or the one for all."""
        return self.authorities[authority_id].crl or self.crl


def load_plan(path: Path | None = None) -> HierarchyPlan:
    """Read the plan of the hierarchy (``authorities.yaml`` of this package when no path is given).

    Raises:
        Fault: an unknown or missing key, an issuer that does not come before its subject, a bad value.
    """
    path = path or package_file("dvv", "authority", "authorities.yaml")
    raw = load_yaml(path)
    where = path.name
    expect_keys(raw, {"authorities", "responders", "crl"}, where)
    authorities: dict[str, AuthorityPlan] = {}
    for authority_id, row in raw["authorities"].items():
        plan = _authority(str(authority_id), row, f"{where}, authority {authority_id}")
        if plan.issuer is not None and plan.issuer not in authorities:
            raise Fault(f"In {where} the authority {plan.id} stands before its issuer {plan.issuer}.")
        authorities[plan.id] = plan
    return HierarchyPlan(
        authorities, _responders(raw["responders"], f"{where}, responders"), _lists(raw["crl"], f"{where}, crl")
    )


def _authority(authority_id: str, row: Any, where: str) -> AuthorityPlan:
    required = {"title", "publication_id", "profile", "key", "key_label", "holders", "source", "grade", "basis"}
    expect_keys(row, required, where, optional=frozenset({"issuer", "crl", "on_demand"}))
    if not isinstance(row.get("on_demand", False), bool):
        raise Fault(f"In {where} on_demand must be true or false.")
    try:
        return AuthorityPlan(
            id=authority_id,
            title=row["title"],
            publication_id=row["publication_id"],
            profile=row["profile"],
            issuer=row.get("issuer"),
            key=KeyKind(row["key"]),
            key_label=row["key_label"],
            holders=HolderKind(row["holders"]),
            source=row["source"],
            grade=Grade(row["grade"]),
            basis=Basis(row["basis"]),
            crl=_lists(row["crl"], f"{where}, crl") if "crl" in row else None,
            on_demand=row.get("on_demand", False),
        )
    except ValueError as error:
        raise Fault(f"In {where}: {error}.") from None


def _responders(row: Any, where: str) -> ResponderPolicy:
    numbers = {"renew_before_days", "answer_valid_minutes"}
    words = {"profile", "key", "ec_profile", "ec_key", "key_label_prefix", "source", "grade", "basis"}
    expect_keys(row, numbers | words, where)
    evidence_of(row, where)
    _positive(row, numbers, where)
    try:
        key, ec_key = KeyKind(row["key"]), KeyKind(row["ec_key"])
    except ValueError as error:
        raise Fault(f"In {where}: {error}.") from None
    return ResponderPolicy(
        profile=row["profile"],
        key=key,
        ec_profile=row["ec_profile"],
        ec_key=ec_key,
        key_label_prefix=row["key_label_prefix"],
        renew_before=timedelta(days=row["renew_before_days"]),
        answer_validity=timedelta(minutes=row["answer_valid_minutes"]),
    )


def _lists(row: Any, where: str) -> ListPolicy:
    numbers = {"next_update_hours", "republish_after_hours"}
    expect_keys(row, numbers | {"source", "grade", "basis"}, where)
    evidence_of(row, where)
    _positive(row, numbers, where)
    if row["republish_after_hours"] >= row["next_update_hours"]:
        raise Fault(f"In {where} a list would be replaced only after it has run out.")
    return ListPolicy(
        next_update=timedelta(hours=row["next_update_hours"]),
        republish_after=timedelta(hours=row["republish_after_hours"]),
    )


def _positive(row: Mapping[str, Any], keys: set[str], where: str) -> None:
    for key in sorted(keys):
        if not isinstance(row[key], int | float) or isinstance(row[key], bool) or row[key] <= 0:
            raise Fault(f"In {where} {key} must be a number above zero.")
