"""The papers of a supplier and a provider before joint testing, as one record; read from ``paperwork.yaml``."""

from __future__ import annotations

import types
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints

import yaml

from conformance.sut.facets import CertificateRole
from sotepki.errors import Misuse

FILE = "paperwork.yaml"
_LARGEST = 1_000_000


class Applicant(StrEnum):
    """In which capacity an organisation applies (docs/field/pki.md 7)."""

    CONTROLLER = "controller"
    """It provides the service and controls the system, whoever runs it."""
    INTERMEDIARY = "intermediary"
    """It is a Kanta intermediary in THL's register and applies in its own name."""
    SUPPLIER = "supplier"
    """It made the system."""


@dataclass(frozen=True)
class SystemPapers:
    """The information system; ``register_entry`` is its entry in Astori, ``register_version`` the version there."""

    name: str
    version: str
    system_class: str
    register_entry: str = ""
    register_version: str = ""


@dataclass(frozen=True)
class OrganisationPapers:
    """The provider as THL's SOTE organisation register has it."""

    oid: str
    name: str
    business_id: str
    long_name: str = ""


@dataclass(frozen=True)
class SecurityCertificate:
    """The security certificate of the system; ``renewal_begins`` is the day to contact Kela and the assessor."""

    number: str
    issued_on: date
    valid_to: date
    renewal_begins: date | None = None


@dataclass(frozen=True)
class JointTest:
    """When testing was registered for and begins, and Kela's statement of an earlier round."""

    registered_on: date
    begins_on: date
    statement_number: str = ""
    statement_date: date | None = None


@dataclass(frozen=True)
class CertificateOrder:
    """A service certificate that was ordered, and the plan for the next one."""

    role: CertificateRole
    applicant: Applicant
    organisation_name: str
    organisation_oid: str
    contact_name: str
    contact_organisation: str
    mailbox: str
    valid_to: date
    reorder_on: date


@dataclass(frozen=True)
class PlanPapers:
    """A plan in force with the parts that it tells of (``sotepki.provider.plans``, kinds.yaml)."""

    kind: str
    approved_on: date
    review_by: date
    parts: tuple[str, ...]


@dataclass(frozen=True)
class RevocationPlan:
    """What is done when a key is lost: who asks for revocation, and how soon it is to be in force."""

    responsible: str
    hours: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Trained:
    """Somebody with access, and the topics of the training."""

    person: str
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paperwork:
    """Everything; an empty part is a paper that is not there. ``service`` is a list of ``provider/lists.yaml``."""

    service: str
    system: SystemPapers
    organisation: OrganisationPapers
    security: SecurityCertificate | None = None
    joint_test: JointTest | None = None
    orders: tuple[CertificateOrder, ...] = ()
    plans: tuple[PlanPapers, ...] = ()
    revocation: RevocationPlan | None = None
    access_point: str = ""
    people: tuple[Trained, ...] = ()


class HoldsPaperwork(Protocol):
    """Shows its papers."""

    def paperwork(self) -> Paperwork: ...


class _NoDay(str):
    """What has the form of a date and is none, as 2027-02-29."""

    __slots__ = ()


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, of which YAML would take the last, and leaves an impossible day to
    whoever knows the field that it stands in.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                line = key.start_mark.line + 1
                sentence = f"{FILE} has the key {name!r:.60} twice in one mapping; the second is in line {line}."
                raise Misuse(sentence, advice="Keep one of the two.")
            if name is not None:
                seen.add(name)
        return super().construct_mapping(node, deep=deep)

    def day(self, node: yaml.ScalarNode) -> object:
        """A date or time of day; ``_NoDay`` if the calendar has none such."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return _NoDay(node.value)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.day)


@dataclass(frozen=True)
class PaperworkDirectory:
    """The papers in ``paperwork.yaml`` of a directory."""

    directory: Path

    def paperwork(self) -> Paperwork:
        """Read the file.

        Raises:
            Misuse: it is not there, too long, not YAML, or has a wrong, unknown, missing or repeated key.
        """
        path = self.directory / FILE
        try:
            with path.open("rb") as stream:
                data = stream.read(_LARGEST + 1)
            raw = yaml.load(data, _Loader) if len(data) <= _LARGEST else None
        except OSError as error:
            raise Misuse(f"The paperwork {path} cannot be read: {error.strerror}.") from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = f": see line {mark.line + 1}" if mark else ""
            raise Misuse(f"The paperwork {path} is not YAML in UTF-8{line}.") from None
        made: Paperwork = _record(Paperwork, raw, FILE)
        return made


def _record(kind: Any, raw: object, where: str) -> Any:
    if not isinstance(raw, Mapping):
        raise Misuse(f"{where} must be a mapping.")
    members = {member.name: member for member in fields(kind)}
    unknown = sorted(str(name) for name in raw if name not in members)
    if unknown:
        raise Misuse(f"{where} has the unknown key {unknown[0]!r:.60}; known are {', '.join(members)}.")
    for name, member in members.items():
        if name not in raw and member.default is MISSING:
            raise Misuse(f"{where} lacks {name}.")
    types_of = get_type_hints(kind)
    return kind(**{name: _value(types_of[name], value, f"{where}, {name}") for name, value in raw.items()})


def _value(kind: Any, raw: object, where: str) -> Any:
    if isinstance(raw, _NoDay):
        raise Misuse(f"{where} is {raw:.40}, which is no day of the calendar.", advice="Write it as 2027-02-28.")
    if get_origin(kind) in (Union, types.UnionType):
        inner = next(one for one in get_args(kind) if one is not type(None))
        return None if raw is None else _value(inner, raw, where)
    if get_origin(kind) is tuple:
        if not isinstance(raw, list):
            raise Misuse(f"{where} must be a list.")
        return tuple(_value(get_args(kind)[0], one, f"{where}[{number}]") for number, one in enumerate(raw))
    if is_dataclass(kind):
        return _record(kind, raw, where)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if not isinstance(raw, str) or raw not in tuple(kind):
            raise Misuse(f"{where} is {raw!r:.60}; known are {', '.join(kind)}.")
        return kind(raw)
    if type(raw) is not kind:
        raise Misuse(f"{where} must be of the kind {kind.__name__}, not {type(raw).__name__}.")
    return raw
