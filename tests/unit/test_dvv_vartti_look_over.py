"""A form that tells while it is filled in: all that stands in the way, without an order and without a trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from office_world import (
    CLINIC,
    COUNTY,
    DUAL,
    HOMELESS,
    NURSE,
    PHYSICIAN,
    PRIVATE_REGISTRAR,
    REGISTRAR,
    STRANGER,
    UNTRAINED,
    WITHOUT_RIGHT,
)
from sqlalchemy import func, select
from test_dvv_vartti_rules import PASSPORT
from vartti_world import CLERK, Office, make_office

from sotepki.dvv.vartti.office import CardRequest, IdentityProof
from sotepki.errors import Refused
from sotepki.identifiers import Hetu
from sotepki.records import JournalEntry

LICENCE = IdentityProof("driving-licence", date(2020, 1, 1), in_person=False)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return make_office(tmp_path)


def rules(office: Office, request: CardRequest, registrar: Hetu = REGISTRAR) -> list[str]:
    return [finding.rule for finding in office.vartti.look_over(request, registrar=registrar)]


def entries(office: Office) -> int:
    with office.world.records.look() as session:
        return session.scalar(select(func.count()).select_from(JournalEntry)) or 0


def test_everything_in_the_way_is_told_at_once(office: Office) -> None:
    """Else a registrar would mend one field, order, and be refused for the next one."""
    found = office.vartti.look_over(CardRequest(WITHOUT_RIGHT, LICENCE), registrar=REGISTRAR)
    assert [finding.rule for finding in found] == [
        "order.identity.in-person", "order.identity.kind", "order.identity.expired", "order.right.none",
    ]  # fmt: skip
    assert all(finding.message and finding.source for finding in found)


def test_what_can_be_ordered_has_nothing_in_the_way(office: Office) -> None:
    """Else the form would keep a good order back."""
    request = CardRequest(PHYSICIAN, PASSPORT)
    assert rules(office, request) == []
    office.vartti.place_order(request, registrar=REGISTRAR)
    assert rules(office, request) == ["order.one-card"]


def test_a_form_without_a_choice_among_rights_asks_for_one(office: Office) -> None:
    """One sentence, which names the rights; not a second one that says a right without a code is not held."""
    (found,) = office.vartti.look_over(CardRequest(DUAL, PASSPORT), registrar=REGISTRAR)
    assert found.rule == "order.right.choice" and "T02" in found.message
    assert rules(office, CardRequest(DUAL, PASSPORT, right_code="T02")) == []


def test_looking_orders_nothing_and_leaves_no_trace(office: Office) -> None:
    """A journal full of what somebody was about to type would hide the refusals that count."""
    before = entries(office)
    rules(office, CardRequest(WITHOUT_RIGHT, LICENCE))
    rules(office, CardRequest(PHYSICIAN, PASSPORT))
    with pytest.raises(Refused, match=r"not a registrar"):
        rules(office, CardRequest(PHYSICIAN, PASSPORT), STRANGER)
    assert entries(office) == before
    assert office.vartti.orders() == []


PLAIN = CardRequest(PHYSICIAN, PASSPORT)
STAFF = CardRequest(WITHOUT_RIGHT, PASSPORT, kind="personnel", employer=COUNTY, employment=CLERK)
CASES: dict[str, Callable[[], tuple[CardRequest, Hetu]]] = {
    "stranger": lambda: (replace(PLAIN, applicant=STRANGER), REGISTRAR),
    "oneself": lambda: (replace(PLAIN, applicant=REGISTRAR), REGISTRAR),
    "untrained": lambda: (PLAIN, UNTRAINED),
    "private point": lambda: (PLAIN, PRIVATE_REGISTRAR),
    "another right": lambda: (replace(PLAIN, applicant=NURSE, right_code="001"), REGISTRAR),
    "no address": lambda: (replace(PLAIN, applicant=HOMELESS), REGISTRAR),
    "photo": lambda: (replace(PLAIN, photo=b"GIF89a"), REGISTRAR),
    "kind": lambda: (replace(PLAIN, kind="organisation"), REGISTRAR),
    "right held": lambda: (replace(STAFF, applicant=NURSE), REGISTRAR),
    "no organisation": lambda: (replace(STAFF, employer=None), REGISTRAR),
    "not authorised": lambda: (replace(STAFF, employer=CLINIC), REGISTRAR),
    "no employment": lambda: (replace(STAFF, employment=None), REGISTRAR),
    "no title": lambda: (replace(STAFF, employment=replace(CLERK, job_title="")), REGISTRAR),
    "nothing": lambda: (PLAIN, REGISTRAR),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_that_is_told_is_the_one_that_would_refuse(office: Office, name: str) -> None:
    """The form and the office must not have two opinions."""
    request, registrar = CASES[name]()
    try:
        told = rules(office, request, registrar)
    except Refused as refused:
        told = [refused.rule]
    try:
        office.vartti.place_order(request, registrar=registrar)
    except Refused as refused:
        assert told[0] == refused.rule
    else:
        assert told == []
