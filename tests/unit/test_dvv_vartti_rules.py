"""Every rule of registration points and Vartti refuses (or warns) what it should, and says so by its id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from office_world import (
    CLINIC,
    COLLEAGUE,
    COUNTY,
    DUAL,
    HOMELESS,
    HOSPITAL,
    LAPSED,
    LONELY,
    NURSE,
    PHYSICIAN,
    PRIVATE_REGISTRAR,
    REGISTRAR,
    STRANGER,
    UNTRAINED,
    WITHOUT_RIGHT,
    World,
    hetu,
    make_world,
)

from sotepki.dvv.claims import exclusive
from sotepki.dvv.registration.points import RegistrationPoints
from sotepki.dvv.vartti.office import CardOrder, IdentityProof, Vartti
from sotepki.errors import Misuse, Refused
from sotepki.identifiers import Hetu

PASSPORT = IdentityProof("passport", date(2030, 1, 1))


@dataclass
class Desk:
    """A registration point at work."""

    world: World
    vartti: Vartti

    def order(self, applicant: Hetu = PHYSICIAN, registrar: Hetu = REGISTRAR, **more: object) -> CardOrder:
        arguments = {"identity": PASSPORT, **more}
        return self.vartti.order_professional_card(registrar=registrar, applicant=applicant, **arguments)  # type: ignore[arg-type]

    def card(self, applicant: Hetu = PHYSICIAN) -> str:
        """The number of a card that was delivered."""
        return self.vartti.personalise(self.order(applicant).id).card_number


def fill_points(points: RegistrationPoints) -> None:
    day = date(2025, 1, 1)
    later = date(2030, 1, 1)
    points.found("public", organisation=COUNTY, name="Public point", public=True, actor="dvv")
    points.found("private", organisation=CLINIC, name="Clinic's point", public=False, actor="dvv")
    points.found("lonely", organisation=COUNTY, name="One registrar", public=True, actor="dvv")
    for person in (REGISTRAR, COLLEAGUE):
        points.add_registrar(person, "public", trained_on=day, valid_to=later, actor="dvv")
    points.add_registrar(UNTRAINED, "public", trained_on=None, valid_to=later, actor="dvv")
    points.add_registrar(LAPSED, "public", trained_on=day, valid_to=date(2026, 3, 1), actor="dvv")
    points.add_registrar(PRIVATE_REGISTRAR, "private", trained_on=day, valid_to=later, actor="dvv")
    points.add_registrar(LONELY, "lonely", trained_on=day, valid_to=later, actor="dvv")


def make_desk(directory: Path) -> Desk:
    world = make_world(directory)
    from office_world import FakeKeys

    vartti = Vartti(world.records, world.authorities, world.population, world.rights, world.shelf, FakeKeys())
    fill_points(vartti.points)
    return Desk(world, vartti)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def hand_over_to_oneself(desk: Desk) -> None:
    number = desk.vartti.personalise(desk.order(REGISTRAR, COLLEAGUE).id).card_number
    desk.vartti.hand_over(number, registrar=REGISTRAR, identity=PASSPORT)


def withdrawn(desk: Desk) -> None:
    desk.vartti.points.withdraw_registrar(COLLEAGUE, "public", actor="dvv", reason="left")
    desk.order(registrar=COLLEAGUE)


def right_removed_before_production(desk: Desk) -> None:
    order = desk.order()
    desk.world.rights.held[PHYSICIAN] = []
    desk.vartti.personalise(order.id)


def wrong_state(desk: Desk) -> None:
    order = desk.order()
    desk.vartti.personalise(order.id)
    desk.vartti.personalise(order.id)


def while_another_run(desk: Desk) -> None:
    order = desk.order()
    claims = desk.world.records.outbox_directory.parent / "claims"
    with exclusive(claims, "card-order-1") as free:
        assert free
        desk.vartti.personalise(order.id)


REFUSALS: dict[str, Callable[[Desk], object]] = {
    "registrar.unknown": lambda desk: desk.order(registrar=STRANGER),
    "registrar.course": lambda desk: desk.order(registrar=UNTRAINED),
    "registrar.expired": lambda desk: desk.order(registrar=LAPSED),
    "registrar.withdrawn": withdrawn,
    "point.unknown": lambda desk: desk.vartti.points.add_registrar(
        STRANGER, "nowhere", trained_on=None, valid_to=date(2030, 1, 1), actor="dvv"
    ),
    "order.state": wrong_state,
    "order.actor": lambda desk: desk.vartti.note_activation(desk.card(), actor=STRANGER),
    "order.applicant": lambda desk: desk.order(STRANGER),
    "order.not-for-oneself": lambda desk: desk.order(REGISTRAR, REGISTRAR),
    "order.point": lambda desk: desk.order(registrar=PRIVATE_REGISTRAR),
    "order.identity.in-person": lambda desk: desk.order(
        identity=IdentityProof("passport", date(2030, 1, 1), in_person=False)
    ),
    "order.identity.kind": lambda desk: desk.order(identity=IdentityProof("driving-licence", date(2030, 1, 1))),
    "order.identity.expired": lambda desk: desk.order(identity=IdentityProof("passport", date(2026, 3, 1))),
    "order.identity.person": lambda desk: desk.order(
        identity=IdentityProof("passport", date(2030, 1, 1), holder=NURSE)
    ),
    "order.right.none": lambda desk: desk.order(WITHOUT_RIGHT),
    "order.right.not-held": lambda desk: desk.order(NURSE, right_code="001"),
    "order.right.choice": lambda desk: desk.order(DUAL),
    "order.one-card": lambda desk: (desk.order(DUAL, right_code="T06"), desk.order(DUAL, right_code="001")),
    "order.delivery": lambda desk: desk.order(HOMELESS),
    "order.production-claim": while_another_run,
    "hand-over.not-to-oneself": hand_over_to_oneself,
    "close.actor": lambda desk: desk.vartti.close_card(desk.card(), "lost", STRANGER),
    "close.reason": lambda desk: desk.vartti.close_card(desk.card(), "bored", "dvv"),
}

WARNINGS: dict[str, Callable[[Desk], CardOrder]] = {
    "registrar.two-per-point": lambda desk: desk.order(registrar=LONELY),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_rule_refuses(desk: Desk, rule: str) -> None:
    """A step against the rule is refused under its id, with advice, and the refusal is journalled."""
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](desk)
    assert refused.value.rule == rule
    assert refused.value.advice
    if rule != "point.unknown":
        assert any(action == "refused" and rule in details for _, action, _, details in desk.world.journal())


@pytest.mark.parametrize("rule", WARNINGS)
def test_rule_warns(desk: Desk, rule: str) -> None:
    """A rule that only warns lets the order through and says so."""
    assert rule in [finding.rule for finding in WARNINGS[rule](desk).warnings]


@pytest.mark.parametrize(
    ("kind", "country", "good"),
    [
        ("passport", "US", True), ("identity-card", "FI", True), ("identity-card", "NO", True),
        ("identity-card", "SM", True), ("identity-card", "US", False), ("identity-card", "GB", False),
        ("kela-card", "FI", False), ("police-identification", "FI", True),
    ],
)  # fmt: skip
def test_identity_documents(desk: Desk, kind: str, country: str, good: bool) -> None:
    """Exactly the documents of registration.md 3 prove identity: otherwise a card goes to the wrong person."""
    last_day = None if kind == "police-identification" else date(2030, 1, 1)
    proof = IdentityProof(kind, last_day, country)
    if good:
        assert desk.order(identity=proof).state == "ordered"
    else:
        with pytest.raises(Refused, match="does not prove identity"):
            desk.order(identity=proof)


@pytest.mark.parametrize(
    ("kind", "country", "words"),
    [
        ("passi", "FI", "There is no kind of document 'passi'; the kinds are passport, identity-card,"),
        ("passport", "Suomi", "'Suomi' is no country code"),
        ("passport", "fi", "'fi' is no country code"),
    ],
)
def test_who_mistypes_a_document_is_told_the_words(desk: Desk, kind: str, country: str, words: str) -> None:
    """The word "passi" is not an unaccepted document but an unknown word, and "Suomi" is no country code."""
    with pytest.raises(Refused, match=words) as refused:
        desk.order(identity=IdentityProof(kind, date(2030, 1, 1), country))
    assert refused.value.rule == "order.identity.kind"


@pytest.mark.parametrize("address", ["Testikatu 1\n00000 Testilä", "Å" * 301, "\x1b[2J"])
def test_an_address_that_is_not_one_line_gets_no_letter(desk: Desk, address: str) -> None:
    """A letter with lines of somebody's own, or an address that no database column holds."""
    with pytest.raises(Refused, match="not one line of at most 300") as refused:
        desk.order(letter_address=address)
    assert refused.value.rule == "order.delivery"


def test_document_valid_on_its_last_day(desk: Desk) -> None:
    """A passport is still accepted on its last Finnish day, and not without a day."""
    with pytest.raises(Refused) as refused:
        desk.order(identity=IdentityProof("passport"))
    assert refused.value.rule == "order.identity.expired"
    assert desk.order(identity=IdentityProof("passport", date(2026, 3, 2))).state == "ordered"


def test_private_point_serves_its_own_staff(desk: Desk) -> None:
    """A private point orders for the staff of its own organisation, and warns that it has one registrar."""
    order = desk.order(registrar=PRIVATE_REGISTRAR, employer=CLINIC)
    assert order.state == "ordered"
    with pytest.raises(Refused, match="own organisation only"):
        desk.order(NURSE, registrar=PRIVATE_REGISTRAR, employer=HOSPITAL)


def test_physician_who_is_dentist_has_two_cards_and_no_third(desk: Desk) -> None:
    """The exception to one card per person holds for just these two professions."""
    first = desk.order(DUAL, right_code="001")
    second = desk.order(DUAL, right_code="T02")
    assert (first.right_code, second.right_code) == ("001", "T02")
    for code in ("001", "T02", "T06"):
        with pytest.raises(Refused) as refused:
            desk.order(DUAL, right_code=code)
        assert refused.value.rule == "order.one-card"


def test_of_several_rights_none_is_taken_silently(desk: Desk) -> None:
    """A midwife with a nurse's title on her card would hear of it at her first login; the registrar hears it now."""
    with pytest.raises(
        Refused, match=r"none was chosen for the card: 001 .*lääkäri, T02 .*hammaslääkäri, T06"
    ) as refused:
        desk.order(DUAL)
    assert refused.value.rule == "order.right.choice"
    assert desk.order(DUAL, right_code="T06").right_code == "T06"
    assert desk.order(NURSE).right_code == "T06", "who has one right need not name it"


def test_new_card_after_the_old_one_is_closed(desk: Desk) -> None:
    """A closed card no longer stands in the way of a new one."""
    desk.vartti.close_card(desk.card(NURSE), "lost", NURSE)
    assert desk.order(NURSE).state == "ordered"


def test_registrar_of_two_points_uses_the_one_in_force(desk: Desk) -> None:
    """A right that lapsed at one point does not hide the one in force at another."""
    valid_to = date(2030, 1, 1)
    desk.vartti.points.add_registrar(LAPSED, "lonely", trained_on=date(2025, 1, 1), valid_to=valid_to, actor="dvv")
    assert desk.order(registrar=LAPSED).point == "lonely"
    with pytest.raises(Refused) as refused:
        desk.order(NURSE, registrar=LAPSED, point="public")
    assert refused.value.rule == "registrar.expired"


def test_registrar_valid_to_the_end_of_the_last_day(desk: Desk) -> None:
    """The last day counts in Finland's time, not in UTC."""
    desk.world.clock.moment = desk.world.clock.moment.replace(day=1, hour=21, minute=30)
    assert desk.order(registrar=LAPSED).state == "ordered"
    desk.world.clock.advance(timedelta(hours=1))
    with pytest.raises(Refused):
        desk.order(NURSE, registrar=LAPSED)


def test_unknown_order_and_card_are_misuse(desk: Desk) -> None:
    """A typing error in an id is not a refusal by a rule."""
    for call in (
        lambda: desk.vartti.personalise("C000099"),
        lambda: desk.vartti.personalise("x" * 5000),
        lambda: desk.vartti.close_card("1", "lost", "dvv"),
        lambda: desk.vartti.orders(state="nowhere"),
    ):
        with pytest.raises(Misuse):
            call()


def test_points_warn_below_two_registrars(desk: Desk) -> None:
    """The list of a point tells the trainer what is missing."""
    assert [finding.rule for finding in desk.vartti.points.findings("lonely")] == ["registrar.two-per-point"]
    assert desk.vartti.points.findings("public") == []
    assert hetu(1, 901) == REGISTRAR
