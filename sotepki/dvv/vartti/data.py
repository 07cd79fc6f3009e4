"""Facts, rules and state machines of Vartti: ``vartti.yaml``, ``rules_vartti.yaml``, ``states/*card-order.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sotepki.dvv.office_data import office_rules
from sotepki.errors import Fault
from sotepki.evidence import Grade, RuleBook, expect_keys, load_yaml
from sotepki.resources import package_file
from sotepki.states import StateMachine

PROFESSIONAL, PERSONNEL = "professional", "personnel"
ANY_TASK = "any"


@dataclass(frozen=True)
class OrderedKind:
    """A kind of card that is ordered in Vartti: its state machine, delivery (``point``), and price by task."""

    id: str
    machine: str
    tied_to_employment: bool
    delivery: str
    price: Mapping[str, str]
    renewed_by_holder: bool
    source: str
    grade: Grade

    def price_of(self, task: str) -> str:
        """``free`` or ``charged``; the caller has checked the task."""
        return self.price.get(ANY_TASK) or self.price[task]


@dataclass(frozen=True)
class Reminder:
    """A reminder before the end of a card: for which kinds, how many months before, and to whom it goes."""

    id: str
    kinds: frozenset[str]
    months_before: int
    to: str
    source: str
    grade: Grade


@dataclass(frozen=True)
class Policy:
    """A switch of a workspace; the first of its values is the default."""

    name: str
    values: tuple[str, ...]
    text: str
    source: str
    grade: Grade


@dataclass(frozen=True)
class LookupFailure:
    """An error of the lookup interface: its code and HTTP status."""

    code: str
    status: int


@dataclass(frozen=True)
class LookupFacts:
    """The lookup interface: where it stands, the role it wants, how far ahead a context may end, its errors."""

    path: str
    role: str
    longest_minutes: int
    tolerance_seconds: int
    errors: Mapping[str, LookupFailure]


@dataclass(frozen=True)
class VarttiData:
    """The content of ``vartti.yaml``; every field is documented there with its source."""

    kinds: Mapping[str, OrderedKind]
    staff_number_prefix: str
    largest_photo: int
    photo_forms: Mapping[str, bytes]
    closing_actors: Mapping[str, frozenset[str]]
    reminders: Mapping[str, Reminder]
    policies: Mapping[str, Policy]
    challenge_bytes: int
    challenge_seconds: int
    lookup: LookupFacts


@cache
def vartti_data() -> VarttiData:
    """The data file, read once.

    Raises:
        Fault: a key is unknown or missing, or a value is not of its kind.
    """
    raw = _mapping(load_yaml(package_file("dvv", "vartti", "vartti.yaml")), "vartti.yaml", _TOP)
    try:
        photo = _mapping(raw["photo"], "vartti.yaml, photo", {"largest", "forms"})
        challenge = _mapping(raw["challenge"], "vartti.yaml, challenge", {"bytes", "seconds"})
        return VarttiData(
            kinds={str(name): _kind(str(name), row) for name, row in raw["kinds"].items()},
            staff_number_prefix=str(raw["staff_number_prefix"]),
            largest_photo=int(photo["largest"]),
            photo_forms={str(name): bytes.fromhex(start) for name, start in photo["forms"].items()},
            closing_actors={
                str(reason): frozenset(str(role) for role in roles) for reason, roles in raw["closing_actors"].items()
            },
            reminders={str(name): _reminder(str(name), row) for name, row in raw["reminders"].items()},
            policies={str(name): _policy(str(name), row) for name, row in raw["policies"].items()},
            challenge_bytes=int(challenge["bytes"]),
            challenge_seconds=int(challenge["seconds"]),
            lookup=_lookup(raw["lookup"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Fault(f"vartti.yaml is not well formed: {error}.") from error


@cache
def vartti_rules() -> RuleBook:
    """Every rule that Vartti works by."""
    return RuleBook.join([office_rules(), RuleBook.load(package_file("dvv", "vartti", "rules_vartti.yaml"))])


@cache
def card_machine(kind: str) -> StateMachine:
    """The life of an order, and of its card, of a kind.

    Raises:
        Refused: rule ``order.kind``: Vartti takes no orders for such cards.
    """
    known = vartti_data().kinds.get(kind)
    if known is None:
        raise vartti_rules().refusal("order.kind", f"Cards of the kind {kind[:40]!r} are not ordered in Vartti.")
    return _machine(known.machine)


@cache
def _machine(name: str) -> StateMachine:
    return StateMachine.load(package_file("dvv", "vartti", "states", f"{name}.yaml"), vartti_rules())


_TOP = {
    "kinds", "staff_number_prefix", "photo", "closing_actors", "reminders", "policies", "challenge", "lookup",
}  # fmt: skip


def _mapping(row: Any, where: str, keys: set[str]) -> Mapping[str, Any]:
    expect_keys(row, keys, where)
    found: Mapping[str, Any] = row
    return found


def _kind(name: str, row: Any) -> OrderedKind:
    keys = {
        "machine", "tied_to_employment", "delivery", "price", "renewed_by_holder", "source", "grade",
    }  # fmt: skip
    raw = _mapping(row, f"vartti.yaml, the kind {name}", keys)
    return OrderedKind(
        id=name,
        machine=str(raw["machine"]),
        tied_to_employment=bool(raw["tied_to_employment"]),
        delivery=str(raw["delivery"]),
        price={str(task): str(price) for task, price in raw["price"].items()},
        renewed_by_holder=bool(raw["renewed_by_holder"]),
        source=str(raw["source"]),
        grade=Grade(raw["grade"]),
    )


def _reminder(name: str, row: Any) -> Reminder:
    raw = _mapping(row, f"vartti.yaml, the reminder {name}", {"kinds", "months_before", "to", "source", "grade"})
    kinds = frozenset(str(kind) for kind in raw["kinds"])
    return Reminder(name, kinds, int(raw["months_before"]), str(raw["to"]), str(raw["source"]), Grade(raw["grade"]))


def _policy(name: str, row: Any) -> Policy:
    raw = _mapping(row, f"vartti.yaml, the policy {name}", {"values", "text", "source", "grade"})
    values = tuple(str(value) for value in raw["values"])
    return Policy(name, values, str(raw["text"]).strip(), str(raw["source"]), Grade(raw["grade"]))


def _lookup(row: Any) -> LookupFacts:
    raw = _mapping(row, "vartti.yaml, lookup", {"path", "role", "longest_minutes", "tolerance_seconds", "errors"})
    return LookupFacts(
        path=str(raw["path"]),
        role=str(raw["role"]),
        longest_minutes=int(raw["longest_minutes"]),
        tolerance_seconds=int(raw["tolerance_seconds"]),
        errors={str(name): _failure(str(name), one) for name, one in raw["errors"].items()},
    )


def _failure(name: str, row: Any) -> LookupFailure:
    raw = _mapping(row, f"vartti.yaml, the lookup error {name}", {"code", "status"})
    return LookupFailure(str(raw["code"]), int(raw["status"]))
