"""Plans: nothing is approved that does not tell everything, an approved version never changes, reviews fall due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from office_world import COUNTY, World, make_world

from sotepki.cli.provider_plans import text_of
from sotepki.errors import Fault, Misuse, Refused
from sotepki.identifiers import Oid
from sotepki.provider.plans import Plan, Plans, PlanState, Role, plan_kinds, plan_machine, plan_rules
from sotepki.provider.plans.data import load_kinds
from sotepki.provider.plans.guards import PLAN_GUARDS, PlanCase

KIND = "information-security"
SOON = date(2027, 3, 2)
TEXT = "So it is done here."


@dataclass
class Place:
    world: World
    plans: Plans

    def draft(self) -> Plan:
        self.plans.begin(COUNTY, KIND, actor="x")
        for part in plan_kinds()[KIND].parts:
            found = self.plans.write(COUNTY, KIND, part, TEXT, actor="x")
        return found

    def approve(self, review_by: date | None = SOON, role: Role = Role.MANAGEMENT) -> Plan:
        return self.plans.approve(COUNTY, KIND, review_by=review_by, actor="director", role=role)

    def begin(self) -> Plan:
        return self.plans.begin(COUNTY, KIND, actor="x")

    def write(self, part: str, text: str) -> Plan:
        return self.plans.write(COUNTY, KIND, part, text, actor="x")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    world = make_world(tmp_path)
    return Place(world, Plans(world.records, world.organisations))


REFUSALS: dict[str, Callable[[Place], object]] = {
    "plan.kind": lambda place: place.plans.begin(COUNTY, "coffee", actor="x"),
    "plan.organisation": lambda place: place.plans.begin(Oid("1.2.246.10.1.10.0"), KIND, actor="x"),
    "plan.known": lambda place: place.approve(),
    "plan.one-draft": lambda place: (place.begin(), place.begin()),
    "plan.state": lambda place: (place.draft(), place.approve(), place.write("training", TEXT)),
    "plan.actor": lambda place: (place.draft(), place.approve(role=Role.AUTHOR)),
    "plan.part": lambda place: (place.begin(), place.write("coffee", TEXT)),
    "plan.text": lambda place: (place.begin(), place.write("training", "Ask 010181-900C who knows.")),
    "plan.complete": lambda place: (place.begin(), place.write("training", TEXT), place.approve()),
    "plan.review-day": lambda place: (place.draft(), place.approve(date(2027, 3, 3))),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_a_step_refused(place: Place, rule: str) -> None:
    """What the rule forbids is refused under its id with advice."""
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](place)
    assert refused.value.rule == rule
    assert refused.value.advice
    if rule not in ("plan.kind", "plan.known"):
        assert any(action == "refused" and rule in details for _, action, _, details in place.world.journal())


def test_every_rule_has_its_refusal() -> None:
    assert {rule.id for rule in plan_rules()} == set(REFUSALS)
    guards = {guard for step in plan_machine().transitions.values() for guard in step.guards}
    assert guards <= set(REFUSALS)


TODAY = date(2026, 3, 2)
CASE = PlanCase(TODAY, plan_kinds()[KIND], part="training", text=TEXT, review_by=SOON)


@pytest.mark.parametrize(
    ("rule", "case", "words"),
    [
        ("plan.text", replace(CASE, text=" " * 20 + "x" * 9), "10 to 20000"),
        ("plan.text", replace(CASE, text="x" * 10), ""),
        ("plan.text", replace(CASE, text="x" * 20_000), ""),
        ("plan.text", replace(CASE, text="line one\nline two"), ""),
        ("plan.text", replace(CASE, text="about 010181-900C"), "identity code"),
        ("plan.part", replace(CASE, part="coffee"), "'coffee'"),
        ("plan.complete", replace(CASE, written=set(CASE.kind.parts) - {"training"}), "not tell yet: training"),
        ("plan.complete", replace(CASE, written=set(CASE.kind.parts)), ""),
        ("plan.review-day", CASE, ""),
        ("plan.review-day", replace(CASE, review_by=SOON + timedelta(days=1)), "between tomorrow and 2027-03-02"),
        ("plan.review-day", replace(CASE, review_by=TODAY), "between"),
        ("plan.review-day", replace(CASE, review_by=TODAY + timedelta(days=1)), ""),
        ("plan.review-day", replace(CASE, review_by=None), "between"),
    ],
)
def test_a_plan_is_refused_for_this_and_not_for_that(rule: str, case: PlanCase, words: str) -> None:
    objection = PLAN_GUARDS[rule](case)
    assert (objection is None) == (not words), objection
    assert words in str(objection)


@pytest.mark.parametrize("text", ["", "short", "x" * 20_001, "a bell \x07 rings here"])
def test_a_text_that_says_nothing(place: Place, text: str) -> None:
    place.begin()
    with pytest.raises(Refused, match=r"plan\.text"):
        place.write("training", text)


def test_the_refusal_names_what_is_missing(place: Place) -> None:
    """The writer must learn which parts, or would have to compare with the list by hand."""
    place.begin()
    place.write("training", TEXT)
    with pytest.raises(Refused) as refused:
        place.approve()
    assert "responsibilities" in refused.value.sentence and "training" not in refused.value.sentence


def test_the_next_version_takes_the_place_of_the_one_before(place: Place) -> None:
    """One plan is in force at a time, and which one was in force at a moment stays known."""
    place.draft()
    first, at_first = place.approve(), place.world.clock.now()
    place.world.clock.advance(timedelta(days=30))
    second = place.begin()
    assert second.version == 2 and second.parts == first.parts, "a new version begins with the texts of the old"
    assert place.plans.in_force(COUNTY, KIND) == first, "a draft binds nobody"
    place.write("training", "Every year in May.")
    place.approve()
    now, then = place.plans.in_force(COUNTY, KIND), place.plans.in_force(COUNTY, KIND, at_first)
    assert now is not None and then is not None
    assert (now.version, then.version, then.parts["training"]) == (2, 1, TEXT)
    states = [one.state for one in place.plans.versions(COUNTY, KIND)]
    assert states == [PlanState.SUPERSEDED, PlanState.APPROVED]


def test_a_review_that_is_late_shows(place: Place) -> None:
    place.draft()
    plan = place.approve(date(2026, 4, 1))
    assert not plan.review_due(date(2026, 4, 1)) and plan.review_due(date(2026, 4, 2))
    place.begin()  # a draft besides does not stand in the way of a review
    reviewed = place.plans.review(COUNTY, KIND, review_by=date(2026, 9, 1), actor="director")
    assert (reviewed.version, reviewed.review_by) == (1, date(2026, 9, 1))


def test_a_discarded_draft_makes_room(place: Place) -> None:
    place.begin()
    assert place.plans.discard(COUNTY, KIND, actor="x").state is PlanState.DISCARDED
    assert place.begin().version == 2


def test_a_plan_can_be_shown_as_json(place: Place) -> None:
    shown = place.draft().as_dict()
    assert shown["missing"] == [] and shown["state"] == "draft"


def test_a_kind_with_a_typo_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "kinds.yaml"
    path.write_text("a: {title_fi: a, review_month: 1}\n")
    with pytest.raises(Fault, match="review_month"):
        load_kinds(path)


def test_a_text_comes_from_a_file_as_editors_write_it(place: Place, tmp_path: Path) -> None:
    """A chapter saved by Windows' own editor was refused for characters that nobody sees."""
    chapter = tmp_path / "chapter.txt"
    chapter.write_bytes("\ufeffKoulutus\tjoka vuosi\r\nja aina uuden työntekijän tullessa\r\n".encode())
    place.begin()
    written = place.write("training", text_of(chapter))
    assert written.parts["training"] == "Koulutus    joka vuosi\nja aina uuden työntekijän tullessa"
    chapter.write_bytes("työ".encode("latin-1"))
    with pytest.raises(Misuse, match="UTF-8"):
        text_of(chapter)
