"""National certificate profiles as data: one YAML file per certificate kind, every row with source and grade.

A profile alone decides what is issued (``sotepki.x509.issuing``) and what a certificate is compared with
(``sotepki.x509.lint``). The id of a row is the id of the rule in every finding, refusal and report.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509

from sotepki.errors import Fault, Misuse
from sotepki.evidence import Basis, Finding, Grade, Rule, RuleBook, Severity, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.x509.names import name_attribute
from sotepki.x509.profile_inheritance import ResolvedProfile, resolve
from sotepki.x509.profile_values import (
    EXTENSIONS,
    NO_VALUE,
    AttributeValue,
    ListValue,
    Presence,
    RowValue,
    read_value,
)

Value = TypeVar("Value", bound=RowValue)


class ProfileKind(StrEnum):
    """Place of a certificate in the hierarchy."""

    ROOT = "root"
    ISSUING_CA = "issuing-ca"
    END_ENTITY = "end-entity"
    RESPONDER = "responder"


class Family(StrEnum):
    """The RSA tree and the EC tree (docs/field/pki.md 1, row 1: confirmed)."""

    RSA = "rsa"
    EC = "ec"


class Environment(StrEnum):
    """Which of DVV's two worlds a certificate belongs to; production forms are kept for linting only."""

    TEST = "test"
    PRODUCTION = "production"


@dataclass(frozen=True)
class ProfileRow:
    """One field of a profile.

    Attributes:
        id: ``cert.<profile>.<field>``, also the rule id of findings and refusals.
        field: what the row speaks of, as in ``profile_values``.
        rule: the rule in our own words.
        value: the typed value; ``raw`` is the same as it stands in the file.
        presence, critical: whether the field must be there, and an extension's criticality.
        stated_in: the profile whose file states the row; another than the row's own if it is inherited.
    """

    id: str
    field: str
    rule: str
    source: str
    grade: Grade
    basis: Basis
    value: RowValue = NO_VALUE
    raw: Any = None
    presence: Presence = Presence.REQUIRED
    critical: bool | None = None
    severity: Severity = Severity.ERROR
    consistency: bool = False
    section: bool = False
    advice: str = ""
    stated_in: str = ""

    def as_rule(self) -> Rule:
        """The row as a rule of the rule book."""
        return Rule(
            id=self.id,
            text=self.rule,
            source=self.source,
            grade=self.grade,
            basis=self.basis,
            severity=self.severity,
            consistency=self.consistency,
            section=self.section,
            advice=self.advice,
        )

    def finding(self, message: str, *, expected: str = "", found: str = "", own: bool = False) -> Finding:
        """A finding under this row; ``own`` judges our own output, where the evidence ceiling does not apply."""
        rule = self.as_rule()
        return Finding(
            rule=rule.id,
            severity=rule.severity if own else rule.effective,
            message=message,
            expected=expected,
            found=found,
            source=rule.source,
            grade=rule.grade,
            advice=rule.advice,
            where=self.field,
        )

    def as_dict(self) -> dict[str, Any]:
        """The row for JSON."""
        return {
            "id": self.id,
            "field": self.field,
            "rule": self.rule,
            "value": self.raw,
            "presence": str(self.presence),
            "critical": self.critical,
            "source": self.source,
            "grade": str(self.grade),
            "basis": str(self.basis),
            "severity": str(self.severity),
            "stated_in": self.stated_in,
        }


@dataclass(frozen=True, eq=False)
class Profile:
    """A certificate profile; compared and cached by identity.

    Attributes:
        issuers: ids of the profiles whose certificates may issue this one; a root names itself.
        issuer_names: the distinguished names of those issuers.
        lineage: the ids of the profiles it extends, nearest first.
    """

    id: str
    title: str
    kind: ProfileKind
    environment: Environment
    family: Family
    section: str
    issuers: tuple[str, ...]
    rows: tuple[ProfileRow, ...]
    issuer_names: tuple[x509.Name, ...] = ()
    lineage: tuple[str, ...] = ()

    @functools.cached_property
    def by_field(self) -> Mapping[str, ProfileRow]:
        return {row.field: row for row in self.rows}

    @functools.cached_property
    def subject_rows(self) -> tuple[tuple[str, ProfileRow, AttributeValue], ...]:
        """Attribute name, row and value of the subject's attributes, in encoding order; a name may come twice."""
        return tuple(
            (row.field.removeprefix("subject."), row, row.value)
            for row in self.rows
            if isinstance(row.value, AttributeValue)
        )

    @functools.cached_property
    def extension_rows(self) -> tuple[tuple[str, ProfileRow], ...]:
        """Extension name and row of the extensions that may be there, in encoding order."""
        rows = self.by_field
        return tuple(
            (name, rows[f"extension.{name}"])
            for name in self.value("extension.order", ListValue).items
            if rows[f"extension.{name}"].presence is not Presence.ABSENT
        )

    @functools.cached_property
    def fixed_name(self) -> x509.Name | None:
        """The subject, if every attribute of it is fixed by the profile (CAs); else None."""
        if not all(value.fixed for _, _, value in self.subject_rows):
            return None
        return x509.Name([name_attribute(name, value.fixed, value.type) for name, _, value in self.subject_rows])

    def row(self, field_name: str) -> ProfileRow:
        """The row of a field; a profile without it is a ``Fault``."""
        try:
            return self.by_field[field_name]
        except KeyError:
            raise Fault(f"The profile {self.id} has no row for {field_name}.") from None

    def value(self, field_name: str, kind: type[Value]) -> Value:
        """The typed value of a field's row."""
        value = self.row(field_name).value
        if not isinstance(value, kind):
            raise Fault(f"The profile {self.id} gives {field_name} no {kind.__name__}.")
        return value

    def find(self, field_name: str, kind: type[Value]) -> Value | None:
        """The typed value of a field's row, or None if the field is absent from the profile."""
        row = self.by_field.get(field_name)
        return row.value if row is not None and isinstance(row.value, kind) else None

    def as_dict(self) -> dict[str, Any]:
        """The profile for JSON: ``{id, title, ..., rows: [...]}``."""
        return {
            "id": self.id,
            "title": self.title,
            "kind": str(self.kind),
            "environment": str(self.environment),
            "family": str(self.family),
            "section": self.section,
            "issuers": list(self.issuers),
            "extends": list(self.lineage),
            "rows": [row.as_dict() for row in self.rows],
        }


class ProfileBook(Mapping[str, Profile]):
    """The profiles of a directory of YAML files, each read when it is asked for.

    In order: test before production; roots, issuing CAs, end entities, responders. A command that needs one profile
    reads that one, what it extends, and its issuers.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ids = frozenset(path.stem for path in directory.glob("*.yaml"))
        self._resolved: dict[str, ResolvedProfile] = {}
        self._bare: dict[str, Profile] = {}
        self._whole: dict[str, Profile] = {}
        self._order: tuple[str, ...] = ()

    def __getitem__(self, profile_id: str) -> Profile:
        if profile_id not in self._ids:
            raise KeyError(profile_id)
        if profile_id not in self._whole:
            profile = self._read(profile_id)
            self._whole[profile_id] = replace(profile, issuer_names=self._issuer_names(profile))
        return self._whole[profile_id]

    def __iter__(self) -> Iterator[str]:
        if not self._order:
            kinds, worlds = list(ProfileKind), list(Environment)
            every = [self._read(profile_id) for profile_id in sorted(self._ids)]
            every.sort(key=lambda one: (worlds.index(one.environment), kinds.index(one.kind), one.id))
            self._order = tuple(profile.id for profile in every)
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._ids)

    def _read(self, profile_id: str) -> Profile:
        if profile_id not in self._bare:
            self._bare[profile_id] = _profile(resolve(self._directory, profile_id, self._resolved))
        return self._bare[profile_id]

    def _issuer_names(self, profile: Profile) -> tuple[x509.Name, ...]:
        names = []
        for issuer in profile.issuers:
            if issuer not in self._ids:
                raise Fault(f"The profile {profile.id} names the unknown issuer {issuer!r}.")
            name = self._read(issuer).fixed_name
            if name is None:
                raise Fault(f"The profile {profile.id} names the issuer {issuer!r}, whose name is not fixed.")
            names.append(name)
        return tuple(names)


@functools.cache
def load_profiles() -> Mapping[str, Profile]:
    """All profiles by id; a file is read when its profile is asked for, and then a broken one is a ``Fault``."""
    return ProfileBook(package_file("x509", "profiles"))


def read_profiles(directory: Path) -> Mapping[str, Profile]:
    """All profiles of a directory of YAML files, read at once.

    Raises:
        Fault: a file has an unknown or missing key, two rows share an id, or a profile contradicts itself.
    """
    book = ProfileBook(directory)
    return {profile_id: book[profile_id] for profile_id in book}


def find_profile(profile_id: str) -> Profile:
    """The profile with an id.

    Raises:
        Misuse: there is none; the sentence names those that come near.
    """
    profiles = load_profiles()
    if profile_id not in profiles:
        near = get_close_matches(profile_id, profiles, n=4, cutoff=0.5)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        raise Misuse(
            f"There is no certificate profile {profile_id[:80]!r}.",
            advice=f"{meant}'sotepki cert profiles' lists all.",
        )
    return profiles[profile_id]


def profile_rules(profiles: Mapping[str, Profile]) -> RuleBook:
    """The rows of all profiles as one rule book."""
    return RuleBook.join(RuleBook({row.id: row.as_rule() for row in profile.rows}) for profile in profiles.values())


_ROW_KEYS = {f.name for f in fields(ProfileRow)} - {"raw", "stated_in"}
_NEEDED = (
    *("version", "serial", "signature", "issuer", "validity", "subject.order", "subject.others", "key"),
    *("extension.order", "extension.others", "extension.authority-key-identifier"),
    *("extension.subject-key-identifier", "extension.key-usage", "extension.basic-constraints"),
)


def _profile(resolved: ResolvedProfile) -> Profile:
    raw = resolved.data
    where = f"The profile {raw['id']}.yaml"
    try:
        profile = Profile(
            id=str(raw["id"]),
            title=str(raw["title"]),
            kind=ProfileKind(raw["kind"]),
            environment=Environment(raw["environment"]),
            family=Family(raw["family"]),
            section=str(raw["section"]),
            issuers=tuple(str(issuer) for issuer in raw["issuers"]),
            rows=tuple(_row(row, str(raw["id"]), where, resolved.origins) for row in raw["rows"]),
            lineage=resolved.lineage[1:],
        )
    except (ValueError, TypeError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from None
    _check(profile, where)
    return profile


def _row(raw: Any, profile_id: str, where: str, origins: Mapping[str, str]) -> ProfileRow:
    if not isinstance(raw, dict):
        raise Fault(f"A row of {where[0].lower() + where[1:]} is not a mapping.")
    place = f"the row {raw.get('id', '(without id)')} of {profile_id}.yaml"
    refuse_unknown_keys(raw, _ROW_KEYS, place[0].upper() + place[1:])
    missing = {"id", "field", "rule", "source", "grade", "basis"} - set(raw)
    if missing:
        raise Fault(f"{place[0].upper()}{place[1:]} lacks {', '.join(sorted(missing))}.")
    if not str(raw["id"]).startswith(f"cert.{profile_id}."):
        raise Fault(f"{place[0].upper()}{place[1:]} must have an id that begins with cert.{profile_id}.")
    presence = Presence(raw.get("presence", Presence.REQUIRED))
    name = str(raw["field"])
    plain = dict(raw) | {"presence": presence, "grade": Grade(raw["grade"]), "basis": Basis(raw["basis"])}
    plain["severity"] = Severity(raw.get("severity", Severity.ERROR))
    plain["rule"], plain["source"] = str(raw["rule"]).strip(), str(raw["source"]).strip()
    # An absent field needs no value, except the list of attributes that must not be there.
    if presence is Presence.ABSENT and raw.get("value") is None:
        plain["value"] = NO_VALUE
    else:
        plain["value"] = read_value(name, raw.get("value"), place)
    return ProfileRow(**plain, raw=raw.get("value"), stated_in=origins[str(raw["id"])])


def _check(profile: Profile, where: str) -> None:
    ids = [row.id for row in profile.rows]
    if len(set(ids)) != len(ids):
        raise Fault(f"{where} has two rows with one id.")
    lacking = [name for name in _NEEDED if name not in profile.by_field]
    if lacking:
        raise Fault(f"{where} has no row for {', '.join(lacking)}.")
    listed = set(profile.value("extension.order", ListValue).items)
    rows = {name for name in EXTENSIONS if f"extension.{name}" in profile.by_field}
    present = {name for name in rows if profile.by_field[f"extension.{name}"].presence is not Presence.ABSENT}
    if not present <= listed <= rows:
        raise Fault(f"{where} orders other extensions than it describes: {sorted(listed ^ present)}.")
    undecided = [name for name in present if profile.by_field[f"extension.{name}"].critical is None]
    if undecided:
        raise Fault(f"{where} leaves the criticality of {', '.join(sorted(undecided))} open.")
    if not profile.subject_rows:
        raise Fault(f"{where} describes no subject.")
