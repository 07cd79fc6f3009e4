"""A provider's duties: access tied to rights in force, the sweep, and the list of what joining Kanta needs."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from office_world import COUNTY, DUAL, HOSPITAL, NURSE, PHYSICIAN, right
from provider_world import (
    GOOD,
    PHARMACY,
    PLANS,
    PRESCRIPTIONS,
    REPOSITORY,
    SUPPORT,
    SYSTEM,
    Place,
    certificate,
    in_register,
    make_place,
    plan,
    prepare,
    ready_facts,
)

from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Severity
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.provider import (
    MODEL,
    Arrangement,
    Books,
    JoiningFacts,
    Provider,
    join_data,
    provider_rules,
    tasks,
)
from sotepki.provider.join_lists import load_join_data
from sotepki.provider.task_list import load_tasks


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def restricted(place: Place) -> None:
    place.world.rights.held[PHYSICIAN] = [right("001", "lääkäri", restrictions=("10",))]
    place.grant(PHYSICIAN, "prescribing")


def elsewhere(place: Place) -> None:
    place.provider.access.grant(Oid("1.2.246.10.1.10.0"), place.number(PHYSICIAN), "patient-records", actor="x")


REFUSALS: dict[str, Callable[[Place], object]] = {
    "access.organisation": elsewhere,
    "access.task": lambda place: place.grant(PHYSICIAN, "coffee"),
    "access.right": lambda place: place.provider.grant_access(
        RegistrationNumber("00999999999"), "patient-records", actor="x"
    ),
    "access.prescriber": lambda place: place.grant(NURSE, "prescribing"),
    "access.restriction": restricted,
    "access.twice": lambda place: (place.grant(NURSE), place.grant(NURSE)),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_access_refused(place: Place, rule: str) -> None:
    """Access against the rule is refused under its id with advice, and leaves a trace."""
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](place)
    assert refused.value.rule == rule
    assert refused.value.advice
    if rule != "access.task":
        assert any(action == "refused" and rule in details for _, action, _, details in place.world.journal())


BOOKS_REFUSALS: dict[str, Callable[[Place], object]] = {
    "books.organisation": lambda place: (
        place.world.organisations.known.pop(COUNTY),
        place.provider.books.name_support(SUPPORT, actor="x"),
    ),
    "books.text": lambda place: place.provider.books.arrange(Arrangement.ACCESS_POINT, " ", actor="x"),
    "books.support": lambda place: place.provider.books.name_support(replace(SUPPORT, telephone="ask"), actor="x"),
    "books.topic": lambda place: place.provider.books.train([place.number(NURSE)], "coffee", actor="x"),
    "books.model": lambda place: place.provider.books.arrange(f"{MODEL}coffee", "agreed", actor="x"),
    "books.day": lambda place: place.provider.books.train(
        [place.number(NURSE)], "kanta", trained_on=date(2026, 3, 3), actor="x"
    ),
    "sweep.interval": lambda place: place.provider.schedule.set(COUNTY, 25, actor="x"),
}
UNFIT_NOTES = {
    "": "empty",
    " \n": "empty",
    "a\nb": "line breaks or other control characters",
    "x" * 301: "301 characters",
    "010181-900C": "identity code",
}


@pytest.mark.parametrize("text", UNFIT_NOTES)
def test_a_note_says_what_is_wrong_and_is_not_repeated(place: Place, text: str) -> None:
    """Also the reason for which access ends: it stands in the journal for good."""
    place.grant(NURSE)
    for noting in (
        lambda: place.provider.books.arrange(Arrangement.ACCESS_POINT, text, actor="x"),
        lambda: place.provider.access.end(COUNTY, place.number(NURSE), "patient-records", actor="x", reason=text),
        lambda: place.provider.books.name_support(replace(SUPPORT, name=text), actor="x"),
        lambda: place.provider.books.name_support(replace(SUPPORT, hours=text), actor="x"),
    ):
        with pytest.raises(Refused, match=UNFIT_NOTES[text]) as refused:
            noting()
        assert refused.value.rule == "books.text"
        assert "900C" not in str(refused.value)
    assert place.provider.access.holds(COUNTY, place.number(NURSE), "patient-records")


@pytest.mark.parametrize(
    "noting",
    [
        lambda books: books.name_support(SUPPORT, actor="x"),
        lambda books: books.arrange(Arrangement.ACCESS_POINT, "Silta", actor="x"),
        lambda books: books.train([], "kanta", actor="x"),
    ],
)
def test_nothing_is_noted_for_an_organisation_that_is_not_there(
    place: Place, noting: Callable[[Books], None]
) -> None:
    place.world.organisations.known.pop(COUNTY)
    with pytest.raises(Refused) as refused:
        noting(place.provider.books)
    assert refused.value.rule == "books.organisation"


def test_no_sweep_is_scheduled_for_an_organisation_that_is_not_there(place: Place) -> None:
    """A typing error in the OID would otherwise leave the staff of the real one unswept, with nobody told."""
    with pytest.raises(Refused) as refused:
        place.provider.schedule.set(Oid("1.2.246.10.1.10.0"), 12, actor="x")
    assert refused.value.rule == "access.organisation"
    assert not place.provider.schedule.all()


ELSEWHERE = {"access.attribute-service": "test_provider_sweep.py", "join.service": "below"}


@pytest.mark.parametrize("rule", BOOKS_REFUSALS)
def test_a_note_or_schedule_refused(place: Place, rule: str) -> None:
    """A note that cannot be right is refused under its id with advice, leaves a trace and changes nothing."""
    with pytest.raises(Refused) as refused:
        BOOKS_REFUSALS[rule](place)
    assert refused.value.rule == rule
    assert refused.value.advice
    assert any(action == "refused" and rule in details for _, action, _, details in place.world.journal())
    assert place.provider.books.support() is None and not place.provider.books.arranged()


def test_a_list_that_there_is_not(place: Place) -> None:
    with pytest.raises(Refused) as refused:
        place.provider.readiness(replace(ready_facts(), service="coffee"))
    assert refused.value.rule == "join.service"
    assert "pharmacy" in refused.value.sentence


def test_rules_are_all_used_and_all_tested() -> None:
    """The rule book, the code and the tests name the same rules."""
    rules = {rule.id for rule in provider_rules()}
    room = Path(__file__).parents[2] / "sotepki" / "provider"
    used = {
        node.value
        for path in room.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith(("access.", "join.", "books.", "sweep.")) and " " not in node.value
    } - {"access.granted", "access.ended", "access.swept", "join."}
    assert used == rules
    assert rules == {*REFUSALS, *BOOKS_REFUSALS, *OPEN_WITHOUT, *ELSEWHERE}
    listed = {rule for one in join_data().lists.values() for rule in one.rules}
    assert listed == set(OPEN_WITHOUT), "a rule of joining stands in no list, or is not tested"


def test_a_right_restricted_in_one_thing_still_carries_another_task(place: Place) -> None:
    """A physician who may not prescribe may still read patient records; a second free right carries prescribing."""
    place.world.rights.held[DUAL] = [
        right("001", "lääkäri", restrictions=("10",)), right("T02", "hammaslääkäri"),
    ]  # fmt: skip
    assert place.grant(DUAL, "prescribing")
    place.world.rights.held[PHYSICIAN] = [right("001", "lääkäri", restrictions=("10",))]
    assert place.grant(PHYSICIAN, "patient-records")


def test_access_is_gone_the_moment_the_right_is(place: Place) -> None:
    """A removal is seen at once, before any sweep."""
    place.grant(PHYSICIAN)
    assert place.provider.may(place.number(PHYSICIAN), "patient-records")
    place.world.rights.held[PHYSICIAN] = []
    assert not place.provider.may(place.number(PHYSICIAN), "patient-records")
    assert not place.provider.may(place.number(NURSE), "patient-records")


def test_sweep_ends_what_lost_its_right_and_nothing_else(place: Place) -> None:
    """The sweep names each person, task and reason, and a second one has nothing left to do."""
    place.grant(PHYSICIAN)
    place.grant(PHYSICIAN, "prescribing")
    place.grant(NURSE)
    place.world.rights.held[PHYSICIAN] = []
    sweep = place.provider.sweep()
    assert (sweep.checked, len(sweep.ended), len(sweep.reasons)) == (3, 2, 2)
    assert {(one.registration_number, one.ended_by) for one in sweep.ended} == {
        (place.number(PHYSICIAN), "access.right")
    }
    assert "no right in force" in sweep.reasons[0]
    assert [one.registration_number for one in place.provider.access.held(COUNTY)] == [place.number(NURSE)]
    again = place.provider.sweep()
    assert (again.checked, again.ended) == (1, ())
    place.world.rights.held[PHYSICIAN] = [right("001", "lääkäri")]
    assert not place.provider.may(place.number(PHYSICIAN), "patient-records")
    assert place.grant(PHYSICIAN)


def test_sweep_looks_at_one_organisation(place: Place) -> None:
    """The staff of another organisation is another provider's duty."""
    place.provider.access.grant(HOSPITAL, place.number(PHYSICIAN), "patient-records", actor="x")
    place.world.rights.held[PHYSICIAN] = []
    assert place.provider.sweep().checked == 0
    assert len(place.provider.access.held(HOSPITAL)) == 1


def test_access_taken_away_by_hand(place: Place) -> None:
    """A task can be ended for a reason of the provider's own, once."""
    place.grant(NURSE)
    ended = place.provider.access.end(
        COUNTY, place.number(NURSE), "patient-records", actor="head nurse", reason="left the ward"
    )
    assert ended.ended_by == "left the ward"
    with pytest.raises(Misuse):
        place.provider.access.end(COUNTY, place.number(NURSE), "patient-records", actor="x", reason="again")


@dataclass(frozen=True)
class Lack:
    """How one thing is missing: what to take away from the facts and the place, and the list that asks for it."""

    facts: Callable[[JoiningFacts], JoiningFacts] = lambda facts: facts
    place: Callable[[Place], object] = lambda place: None
    service: str = REPOSITORY


OPEN_WITHOUT: dict[str, Lack] = {
    "join.organisation-register": Lack(place=lambda place: place.world.organisations.known.pop(COUNTY)),
    "join.organisation-kind": Lack(place=lambda place: in_register(place, kind="authority")),
    "join.long-name": Lack(place=lambda place: in_register(place, long_name=""), service=PHARMACY),
    "join.system-registered": Lack(lambda facts: replace(facts, system=replace(SYSTEM, register_entry=""))),
    "join.security-certificate": Lack(
        lambda facts: replace(facts, system=replace(SYSTEM, security_certificate_to=date(2026, 3, 1)))
    ),
    "join.joint-test": Lack(lambda facts: replace(facts, system=replace(SYSTEM, joint_test=""))),
    "join.system-approved": Lack(lambda facts: replace(facts, system=replace(SYSTEM, approval=""))),
    "join.server-certificate": Lack(lambda facts: replace(facts, certificates=facts.certificates[1:])),
    "join.system-signature-certificate": Lack(lambda facts: replace(facts, certificates=facts.certificates[:1])),
    "join.plan": Lack(
        lambda facts: replace(
            facts, plans={**PLANS, "information-security": plan("information-security", review_by=date(2026, 3, 1))}
        )
    ),
    "join.self-monitoring-plan": Lack(
        lambda facts: replace(facts, plans={"information-security": PLANS["information-security"]})
    ),
    "join.technical-support": Lack(lambda facts: replace(facts, support=None)),
    "join.access-point": Lack(lambda facts: replace(facts, access_point="")),
    "join.staff-rights": Lack(place=lambda place: place.world.rights.held.pop(NURSE)),
    "join.prescriber": Lack(place=lambda place: place.world.rights.prescribers.pop(PHYSICIAN), service=PRESCRIPTIONS),
    "join.dispenser": Lack(
        place=lambda place: place.provider.access.end(
            COUNTY, place.number(NURSE), "dispensing", actor="x", reason="left"
        ),
        service=PHARMACY,
    ),
    "join.staff-trained": Lack(
        lambda facts: replace(facts, untrained={"kanta": [RegistrationNumber("00900000004")]})
    ),
    "join.operating-models": Lack(lambda facts: replace(facts, models={})),
}


@pytest.mark.parametrize("service", join_data().lists)
def test_ready(place: Place, service: str) -> None:
    """With everything in place nothing is open, and every item says what meets it."""
    facts = prepare(place, service)
    if service == "social-welfare-repository":
        in_register(place, kind="public-social-care")
    readiness = place.provider.readiness(facts)
    assert readiness.open == ()
    assert readiness.ready
    assert all(item.reason for item in readiness.items)
    assert tuple(item.rule for item in readiness.items) == join_data().lists[service].rules


@pytest.mark.parametrize("rule", OPEN_WITHOUT)
def test_each_open_item_has_its_reason(place: Place, rule: str) -> None:
    """Each missing thing opens its own item; only what is firmly known stands in the way."""
    lack = OPEN_WITHOUT[rule]
    facts = lack.facts(prepare(place, lack.service))
    lack.place(place)
    readiness = place.provider.readiness(facts)
    opened = {item.rule: item for item in readiness.open}
    # A prescriber without an identifier also stands among the staff whose access rests on nothing.
    assert set(opened) - ({"join.staff-rights"} if rule == "join.prescriber" else set()) == {rule}
    item = opened[rule]
    assert item.finding is not None
    assert item.reason in item.finding.message
    if rule != "join.prescriber":
        assert readiness.ready == (provider_rules()[rule].effective is not Severity.ERROR)


def test_a_pharmacy_needs_other_things_than_a_hospital() -> None:
    """No system signature, no self-monitoring plan; a long name and somebody who dispenses."""
    hospital, pharmacy = (set(join_data().lists[name].rules) for name in (REPOSITORY, PHARMACY))
    assert hospital - pharmacy == {"join.system-signature-certificate", "join.self-monitoring-plan"}
    assert pharmacy - hospital == {"join.long-name", "join.dispenser"}


def test_facts_are_gathered_from_notes_and_registers(place: Place) -> None:
    """What was noted is what is evaluated: system, certificates, support, training, models, plans."""
    place.grant(NURSE)
    shown = certificate(client=True)
    provider = Provider(
        place.world.records, place.world.rights, place.world.organisations, COUNTY, lambda _: GOOD,
        system_of=lambda name: replace(SYSTEM, name=name), certificates_of=lambda _: [shown],
    )  # fmt: skip
    empty = provider.facts(REPOSITORY)
    assert empty.system is None and empty.support is None and not empty.models and not empty.plans
    assert empty.untrained["kanta"] == [place.number(NURSE)]
    books = provider.books
    books.name_support(SUPPORT, actor="x")
    books.arrange(Arrangement.SYSTEM, "TEST-IS-0001", actor="x")
    books.arrange(Arrangement.ACCESS_POINT, "Silta", actor="x")
    books.arrange(f"{MODEL}disturbances", "intranet", agreed_on=date(2026, 1, 1), actor="x")
    books.train([place.number(NURSE)], "kanta", actor="x")
    facts = provider.facts(REPOSITORY)
    assert facts.system is not None and facts.system.name == "TEST-IS-0001"
    assert (facts.support, facts.access_point, facts.certificates) == (SUPPORT, "Silta", (shown,))
    assert facts.models == {"disturbances": date(2026, 1, 1)}
    assert not facts.untrained["kanta"] and facts.untrained["information-security"]


def test_only_warnings_for_what_no_source_says() -> None:
    """Training and operating models are recalled, and a missing joint test is settled by no page: they only warn."""
    for rule in ("join.staff-trained", "join.operating-models", "join.joint-test", "join.self-monitoring-plan"):
        assert provider_rules()[rule].effective is Severity.WARNING


def test_task_file_with_a_typo_is_a_fault(tmp_path: Path) -> None:
    """A mistyped key in the tasks stops the program instead of opening a task to everybody."""
    path = tmp_path / "tasks.yaml"
    path.write_text("a: {title: A, registers: [Terhikki], prescriber: false, bared_by: []}\n")
    with pytest.raises(Fault, match="bared_by"):
        load_tasks(path)
    assert set(tasks()) == {"patient-records", "prescribing", "dispensing", "client-records"}


def test_list_file_with_an_unknown_rule_is_a_fault(tmp_path: Path) -> None:
    """A list that names a rule which does not exist would let an item silently drop out."""
    path = tmp_path / "lists.yaml"
    path.write_text("topics: {}\nmodels: {}\nlists: {a: {title: A, organisations: [x], items: [coffee]}}\n")
    with pytest.raises(Fault, match=r"join\.coffee"):
        load_join_data(path)
