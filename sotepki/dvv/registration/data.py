"""Facts, rules and state machines of contracts, registration points and registrars: ``registration.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from sotepki.dvv.office_data import office_rules
from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, RuleBook, expect_keys, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.states import StateMachine


@dataclass(frozen=True)
class ContractKind:
    """A kind of contract: how it may be signed, what it must state, what must be attached before it is approved."""

    id: str
    methods: frozenset[str]
    details: tuple[str, ...]
    attachments: frozenset[str]
    source: str
    grade: Grade
    basis: Basis


@dataclass(frozen=True)
class RegistrationData:
    """The content of ``registration.yaml``; every field is documented there with its source."""

    least_registrars: int
    least_card_readers: int
    right_years: int
    certificate_months: int
    exam_questions: int
    exam_pass_mark: int
    exam_minutes: int
    sign_within_months: int
    contracts: Mapping[str, ContractKind]


@cache
def registration_data() -> RegistrationData:
    """The data file, read once; an unknown or missing key is a ``Fault``."""
    raw = load_yaml(package_file("dvv", "registration", "registration.yaml"))
    names = {field.name for field in fields(RegistrationData)}
    expect_keys(raw, names, "registration.yaml")
    numbers = {name: int(raw[name]) for name in names - {"contracts"}}
    contracts = {str(name): _contract(str(name), row) for name, row in raw["contracts"].items()}
    return RegistrationData(contracts=contracts, **numbers)


@cache
def registration_rules() -> RuleBook:
    """The rules of founding and contracts, with those of registrars at work."""
    return RuleBook.join(
        [office_rules(), RuleBook.load(package_file("dvv", "registration", "rules_registration.yaml"))]
    )


@cache
def contract_machine() -> StateMachine:
    """The life of a contract with DVV."""
    return _machine("contract")


@cache
def point_machine() -> StateMachine:
    """The life of a registration point."""
    return _machine("registration-point")


@cache
def right_machine() -> StateMachine:
    """The life of a registrar's right at a point."""
    return _machine("registrar-right")


@cache
def course_machine() -> StateMachine:
    """A trainee's way through the registrar course."""
    return _machine("registrar-course")


def _machine(name: str) -> StateMachine:
    return StateMachine.load(package_file("dvv", "registration", "states", f"{name}.yaml"), registration_rules())


def _contract(name: str, row: Any) -> ContractKind:
    where = f"The contract {name} in registration.yaml"
    refuse_unknown_keys(row, {field.name for field in fields(ContractKind)} - {"id"}, where)
    try:
        return ContractKind(
            id=name,
            methods=frozenset(str(method) for method in row["methods"]),
            details=tuple(str(detail) for detail in row["details"]),
            attachments=frozenset(str(kind) for kind in row.get("attachments", ())),
            source=str(row["source"]),
            grade=Grade(row["grade"]),
            basis=Basis(row["basis"]),
        )
    except (KeyError, ValueError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from None
