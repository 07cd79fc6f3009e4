"""What must hold before a plan takes a step: one function per rule that a transition names."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date

from sotepki.clock import months_after
from sotepki.identifiers import holds_identity_code, is_plain_line
from sotepki.provider.plans.data import PlanKind
from sotepki.states import Guard, Objection

SHORTEST, LONGEST = 10, 20_000


@dataclass(frozen=True)
class PlanCase:
    """What the guards look at: the day, what is written already, and what the step brings."""

    today: date
    kind: PlanKind
    written: Set[str] = frozenset()
    part: str = ""
    text: str = ""
    review_by: date | None = None


def _part(case: PlanCase) -> Objection | None:
    if case.part in case.kind.parts:
        return None
    return Objection(f"The plan has no part {case.part[:40]!r}; it has {', '.join(case.kind.parts)}.")


def _text(case: PlanCase) -> Objection | None:
    if not SHORTEST <= len(case.text.strip()) <= LONGEST:
        return Objection(f"The text of a part has {SHORTEST} to {LONGEST} characters, this one {len(case.text)}.")
    if not is_plain_line(case.text.replace("\r\n", "").replace("\n", "")):
        return Objection("The text holds control characters.")
    return Objection("The text holds a personal identity code.") if holds_identity_code(case.text) else None


def _complete(case: PlanCase) -> Objection | None:
    missing = [part for part in case.kind.parts if part not in case.written]
    return Objection(f"The plan does not tell yet: {', '.join(missing)}.") if missing else None


def _review_day(case: PlanCase) -> Objection | None:
    last = months_after(case.today, case.kind.review_months)
    if case.review_by is not None and case.today < case.review_by <= last:
        return None
    return Objection(f"The next review is not between tomorrow and {last}.")


PLAN_GUARDS: Mapping[str, Guard[PlanCase]] = {
    "plan.part": _part,
    "plan.text": _text,
    "plan.complete": _complete,
    "plan.review-day": _review_day,
}
