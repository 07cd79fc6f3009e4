"""Joining Kanta: every way in which one thing can be missing opens its item, with a reason that tells which way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from office_world import COUNTY, HOSPITAL, NURSE, PHYSICIAN
from provider_world import (
    PLANS,
    PRESCRIPTIONS,
    REPOSITORY,
    SYSTEM,
    Place,
    certificate,
    make_place,
    plan,
    prepare,
    ready_facts,
)

from sotepki.provider import JoiningFacts


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


Change = Callable[[JoiningFacts], JoiningFacts]


def system(**changes: object) -> Change:
    return lambda facts: replace(facts, system=replace(SYSTEM, **changes))  # type: ignore[arg-type]


def plans(**changes: object) -> Change:
    return lambda facts: replace(facts, plans={**PLANS, "self-monitoring": plan("self-monitoring", **changes)})


WAYS: Final[list[tuple[str, str, Change]]] = [
    ("join.security-certificate", "no security certificate is shown", system(security_certificate_to=None)),
    ("join.security-certificate", "was valid to 2026-03-01", system(security_certificate_to=date(2026, 3, 1))),
    ("join.system-approved", "an urgent fix", system(approval="", approval_trouble="an urgent fix")),
    ("join.self-monitoring-plan", "no self-monitoring plan is in force",
     lambda facts: replace(facts, plans={"information-security": PLANS["information-security"]})),
    ("join.self-monitoring-plan", "was to be reviewed by 2026-03-01", plans(review_by=date(2026, 3, 1))),
    ("join.operating-models", "not agreed on:",
     lambda facts: replace(facts, models=dict(list(facts.models.items())[1:]))),
    ("join.server-certificate", "no such certificate is shown",
     lambda facts: replace(facts, certificates=facts.certificates[1:])),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "reason", "change"), WAYS)
def test_each_way_of_missing_opens_its_item_alone(place: Place, rule: str, reason: str, change: Change) -> None:
    (item,) = place.provider.readiness(change(prepare(place, REPOSITORY))).open
    assert (item.rule, item.met) == (rule, False)
    assert reason in item.reason


@pytest.mark.parametrize(
    "change", [system(security_certificate_to=date(2026, 3, 2)), plans(review_by=date(2026, 3, 2))]
)
def test_a_last_day_still_counts(place: Place, change: Change) -> None:
    """A provider would be held up a day early."""
    assert place.provider.readiness(change(prepare(place, REPOSITORY))).ready


def test_without_a_system_everything_of_it_is_open(place: Place) -> None:
    facts = replace(prepare(place, REPOSITORY), system=None)
    opened = {item.rule for item in place.provider.readiness(facts).open}
    assert opened == {
        "join.system-registered", "join.security-certificate", "join.joint-test", "join.system-approved",
    }  # fmt: skip


def test_a_prescriber_who_lost_the_right_is_nobody_who_may_prescribe(place: Place) -> None:
    """A unit would join with one name on its list, who may not sign a single prescription."""
    facts = prepare(place, PRESCRIPTIONS)
    place.world.rights.held[PHYSICIAN] = []
    opened = {item.rule: item.reason for item in place.provider.readiness(facts).open}
    assert opened["join.prescriber"] == "nobody may do the task 'prescribing'"
    assert opened["join.staff-rights"] == "1 of 2 access rights do not rest on a right in force"


def test_without_staff_nobody_is_trained_and_no_right_is_held(place: Place) -> None:
    opened = {item.rule for item in place.provider.readiness(ready_facts()).open}
    assert opened == {"join.staff-rights", "join.staff-trained"}


def test_an_organisation_that_is_not_there_is_not_also_of_the_wrong_kind(place: Place) -> None:
    facts = prepare(place, REPOSITORY)
    place.world.organisations.known.pop(COUNTY)
    assert [item.rule for item in place.provider.readiness(facts).open] == ["join.organisation-register"]


def test_a_barred_system_is_named_with_the_reason(place: Place) -> None:
    barred = replace(SYSTEM, bars=("A-1 is in the state 'barred'.",))
    readiness = place.provider.readiness(replace(prepare(place, REPOSITORY), system=barred))
    (item,) = readiness.open
    assert item.rule == "join.system-registered" and "'barred'" in item.reason


def test_revoked_expired_and_foreign_certificates_do_not_count(place: Place) -> None:
    """The reason names the certificate and what is wrong with it."""
    place.grant(NURSE)
    place.revoked.add(7)
    facts = ready_facts()
    revoked = {item.rule: item.reason for item in place.provider.readiness(facts).open}
    assert revoked == {"join.server-certificate": "the certificate 07 is revoked"}
    expired = replace(facts, certificates=(certificate(client=True, days=-1), facts.certificates[1]))
    assert "not valid at" in place.provider.readiness(expired).open[0].reason
    foreign = replace(facts, certificates=(certificate(client=False, organisation=HOSPITAL),))
    open_rules = [item.rule for item in place.provider.readiness(foreign).open]
    assert "join.system-signature-certificate" in open_rules


def test_prescriptions_alone_need_no_system_signature(place: Place) -> None:
    """Without the Patient Data Repository the item is not on the list."""
    readiness = place.provider.readiness(replace(ready_facts(), service=PRESCRIPTIONS))
    assert "join.system-signature-certificate" not in [item.rule for item in readiness.items]


@pytest.mark.parametrize(("system_class", "met"), [("A1", True), ("B", True), ("A2", False), ("", False)])
def test_joint_testing_is_for_a2_and_a3(place: Place, system_class: str, met: bool) -> None:
    """Classes A1 and B have no joint test; an unknown class stays open."""
    facts = replace(ready_facts(), system=replace(SYSTEM, system_class=system_class, joint_test=""))
    (item,) = [item for item in place.provider.readiness(facts).items if item.rule == "join.joint-test"]
    assert item.met is met
