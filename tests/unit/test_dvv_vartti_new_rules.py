"""Every rule of personnel and actor cards, renewal, codes, closing and lookup refuses what it should, by its id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from office_world import (
    CLINIC,
    COLLEAGUE,
    COUNTY,
    LIMITED,
    NURSE,
    PHYSICIAN,
    REGISTRAR,
    WITHOUT_RIGHT,
)
from test_dvv_vartti_rules import PASSPORT
from vartti_world import CARER, CLERK, Office, make_office

from sotepki.card import KeyUse
from sotepki.dvv.vartti.office import CardRequest, Employment, IdentityProof
from sotepki.dvv.vartti.ordering import MOST_IN_A_BATCH
from sotepki.errors import Misuse, Refused
from sotepki.identifiers import Oid

EMPTY_OID = Oid("1.2.246.10.99000099.10.0")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return make_office(tmp_path)


def at_another_point(office: Office) -> None:
    office.authorisations.given.add(("public", CLINIC))
    office.staff_order(employer=CLINIC)


def second_staff_card(office: Office) -> None:
    office.staff_order()
    office.staff_order()


def renewal(office: Office, days_before: int = 60) -> str:
    number = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(number, days_before)
    return number


def renew_a_staff_card(office: Office) -> None:
    number = office.in_use(office.staff_order())
    office.at_the_window(number)
    office.renew(number)


def renew_a_closed_card(office: Office) -> None:
    number = renewal(office)
    office.vartti.close_card(number, "lost", "dvv")
    office.renew(number)


def answer_twice(office: Office) -> None:
    number = renewal(office)
    challenge = office.vartti.renewal_challenge(number)
    with pytest.raises(Refused):
        office.vartti.renew(number, challenge, b"no signature")
    office.vartti.renew(number, challenge, office.sign(number, challenge))


def sign_with_the_wrong_key(office: Office) -> None:
    number = renewal(office)
    challenge = office.vartti.renewal_challenge(number)
    office.vartti.renew(number, challenge, office.sign(number, challenge, KeyUse.SIGNATURE))


def new_name(office: Office) -> None:
    number = renewal(office)
    people = office.world.population.people
    people[PHYSICIAN] = replace(people[PHYSICIAN], surname="Uusinimi")
    office.renew(number)


def receive_a_card_of_the_desk(office: Office) -> None:
    """The machine itself: the desk never tries to receive a card that did not go by post."""
    from sotepki.dvv.vartti.data import card_machine
    from sotepki.dvv.vartti.guards import CARD_GUARDS, CardCase

    card_machine("professional").step(
        "receive", state="delivered", actor="holder", guards=CARD_GUARDS, subject="C000001",
        case=CardCase(now=office.world.clock.now(), hetu=PHYSICIAN),
    )  # fmt: skip


def forget_the_code(office: Office) -> None:
    from sotepki.dvv.vartti.tables import CardOrderRow

    number = office.delivered(office.order())
    with office.world.records.change("test", "test") as tx:
        tx.session.get_one(CardOrderRow, 1).sealed_code = None
        tx.session.flush()
        tx.journal("test", "row")
    office.vartti.order_new_code(number, registrar=REGISTRAR, identity=PASSPORT)


def complain_of(office: Office, reason: str, text: str) -> None:
    number = office.delivered(office.order())
    office.vartti.close_card(number, reason, REGISTRAR)
    office.vartti.complain(number, registrar=REGISTRAR, text=text)


PICTURE = b"\xff\xd8\xff\xe0" + bytes(100)

REFUSALS: dict[str, Callable[[Office], object]] = {
    "order.kind": lambda office: office.staff_order(kind="organisation"),
    "order.photo": lambda office: office.order(photo=b"GIF89a"),
    "order.batch": lambda office: office.vartti.place_orders(
        [CardRequest(PHYSICIAN, PASSPORT)] * (MOST_IN_A_BATCH + 1), registrar=REGISTRAR
    ),
    "staff.right-held": lambda office: office.staff_order(NURSE),
    "staff.organisation": lambda office: office.staff_order(employer=EMPTY_OID),
    "staff.point": lambda office: office.staff_order(employer=CLINIC, employment=replace(CLERK, certificate="A 1")),
    "staff.employment-certificate": at_another_point,
    "staff.employment": lambda office: office.staff_order(employment=replace(CLERK, until=date(2026, 3, 1))),
    "staff.job-title": lambda office: office.staff_order(employment=Employment("  ")),
    "staff.task": lambda office: office.staff_order(kind="actor", employment=Employment("Harjoittelija", "student")),
    "staff.one-card": second_staff_card,
    "renewal.kind": renew_a_staff_card,
    "renewal.window": lambda office: office.renew(renewal(office, 95)),
    "renewal.present-card": renew_a_closed_card,
    "renewal.challenge": answer_twice,
    "renewal.proof": sign_with_the_wrong_key,
    "renewal.same": new_name,
    "renewal.by-post": receive_a_card_of_the_desk,
    "code.kept": forget_the_code,
    "code.actor": lambda office: office.vartti.order_new_code(
        office.delivered(office.order()), registrar=PHYSICIAN, identity=PASSPORT
    ),
    "close.reason-actor": lambda office: office.vartti.close_card(
        office.delivered(office.staff_order()), "employment-ended", WITHOUT_RIGHT
    ),
    "complaint.broken": lambda office: complain_of(office, "lost", "The chip does not answer."),
    "complaint.text": lambda office: complain_of(office, "broken", "  "),
    "policy.value": lambda office: office.vartti.policies.set("revoke-on-removal", "maybe", actor="dvv"),
}

WARNINGS: dict[str, Callable[[Office], object]] = {
    "close.employment": lambda office: office.vartti.close_card(
        office.delivered(office.order()), "employment-ended", REGISTRAR
    ),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_rule_refuses(office: Office, rule: str) -> None:
    """A step against the rule is refused under its id, with advice, and the refusal is journalled."""
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](office)
    assert refused.value.rule == rule
    assert refused.value.advice
    if rule not in ("policy.value", "renewal.by-post"):
        assert any(action == "refused" and rule in details for _, action, _, details in office.world.journal())


@pytest.mark.parametrize("rule", WARNINGS)
def test_rule_warns(office: Office, rule: str) -> None:
    """A rule that only warns lets the step through and says so."""
    done = WARNINGS[rule](office)
    assert rule in [finding.rule for finding in done.warnings]  # type: ignore[attr-defined]


# --- what each kind of card needs, and what it does not ----------------------------------------------------------


def test_employment_is_checked_again_at_production(office: Office) -> None:
    """An employment that ended meanwhile stops the making of a card, and ends the order with its rule."""
    until = date(2026, 3, 10)
    first = office.staff_order(employment=replace(CLERK, until=until))
    office.world.clock.advance(timedelta(days=9))
    with pytest.raises(Refused) as refused:
        office.vartti.personalise(first.id)
    assert refused.value.rule == "staff.employment"
    after = office.vartti.order(first.id)
    assert (after.state, after.rejected_by) == ("rejected", "staff.employment")


def test_hand_over_asks_for_the_employment_on_the_day(office: Office) -> None:
    """A card that was made in time is not given to somebody who left before the visit."""
    number = office.delivered(office.staff_order(employment=replace(CLERK, until=date(2026, 3, 20))))
    office.world.organisations.known.pop(COUNTY)
    with pytest.raises(Refused) as refused:
        office.vartti.hand_over(number, registrar=COLLEAGUE, identity=PASSPORT)
    assert refused.value.rule == "staff.organisation"


def test_subject_of_a_personnel_card(office: Office) -> None:
    """Organisation and job title stand in the certificate, no registration number and no prescriber's identifier."""
    made = office.vartti.personalise(office.staff_order().id)
    assert office.world.authorities.subjects[-1] == {
        "country": "FI",
        "organisation": "Tunturilaakson hyvinvointialue TEST",
        "title": "Osastosihteeri",
        "serial_number": "TESTV000001",
        "given_name": "Testi",
        "surname": "Henkilö4",
        "common_name": "Henkilö4 Testi TESTV000001",
    }
    assert made.registration_number is None
    profiles = {one.profile for one in office.world.authorities.ledger}
    assert profiles == {"personnel-authentication-rsa", "personnel-signature-rsa"}


def test_next_card_of_a_person_keeps_the_number(office: Office) -> None:
    """Systems know a clerk by the number of the certificate: a new card must not change it."""
    number = office.delivered(office.staff_order())
    office.vartti.close_card(number, "lost", WITHOUT_RIGHT)
    assert office.staff_order().staff_number == "TESTV000001"
    assert office.staff_order(kind="actor").staff_number == "TESTV000003"


def test_an_actor_may_hold_a_right_and_work_for_two_organisations(office: Office) -> None:
    """A consultant who is a nurse gets an actor card, one for each organisation."""
    office.authorisations.given.add(("public", CLINIC))
    employment = replace(CLERK, certificate="Todistus 12/2026")
    assert office.staff_order(NURSE, kind="actor").state == "ordered"
    assert office.staff_order(NURSE, kind="actor", employer=CLINIC, employment=employment).state == "ordered"


@pytest.mark.parametrize(
    ("kind", "task", "price"),
    [
        ("personnel", "patient-care", "free"), ("personnel", "student", "charged"), ("personnel", "other", "charged"),
        ("actor", "other", "charged"), ("actor", "patient-care", "charged"),
    ],
)  # fmt: skip
def test_price_follows_the_task(office: Office, kind: str, task: str, price: str) -> None:
    """Cards are free for professionals and for staff who handle patient data in care; the others pay."""
    assert office.staff_order(kind=kind, employment=Employment("Avustaja", task)).price == price
    assert office.order(PHYSICIAN).price == "free"


def test_fixed_term_employment_shortens_the_card(office: Office) -> None:
    """A card does not outlive a fixed-term employment; without an end it is valid five years."""
    short = office.vartti.personalise(office.staff_order(employment=replace(CARER, until=date(2026, 8, 31))).id)
    assert short.not_after is not None
    assert short.not_after.isoformat() == "2026-08-31T20:59:59+00:00"
    full = office.vartti.personalise(office.staff_order(kind="actor").id)
    assert full.not_after is not None
    assert full.not_after.date() == date(2031, 3, 1)


def test_letter_goes_to_the_work_address_if_asked(office: Office) -> None:
    """The code letter goes home or to work, the card stays at the registration point."""
    order = office.staff_order(letter_address="Työpaikka, Sairaalantie 1, 00000 Testilä")
    office.vartti.post_letter(office.delivered(order))
    (letter,) = office.letters()
    assert "Sairaalantie 1" in letter
    assert order.delivery == "point"


def test_photo_is_optional(office: Office) -> None:
    """A card is ordered with or without a photo; a picture that is too large is refused."""
    assert not office.order(NURSE).photo
    assert office.order(PHYSICIAN, photo=PICTURE).photo
    with pytest.raises(Refused, match="at most 1048576"):
        office.order(LIMITED, photo=PICTURE + bytes(1 << 20))


def test_two_registrars_order_one_personnel_card(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the guard saw, the unique place among a person's cards lets one order through."""
    office.staff_order()
    monkeypatch.setattr("sotepki.dvv.vartti.ordering.held_cards", lambda *_: [])
    with pytest.raises(Refused) as refused:
        office.staff_order(registrar=COLLEAGUE)
    assert refused.value.rule == "staff.one-card"


def test_end_of_employment_closes_what_is_tied_to_it(office: Office) -> None:
    """Personnel and actor cards of the organisation are closed with affiliationChanged, no other card is."""
    office.authorisations.given.add(("public", CLINIC))
    office.world.rights.held[WITHOUT_RIGHT] = []
    office.delivered(office.staff_order())
    office.in_use(office.staff_order(kind="actor"))
    other = office.delivered(
        office.staff_order(kind="actor", employer=CLINIC, employment=replace(CLERK, certificate="B 2"))
    )
    closed = office.vartti.end_employment(WITHOUT_RIGHT, COUNTY, registrar=COLLEAGUE)
    assert [(one.kind, one.state, one.closing_reason) for one in closed] == [
        ("personnel", "closed", "employment-ended"), ("actor", "closed", "employment-ended"),
    ]  # fmt: skip
    assert office.vartti.card(other).state == "delivered"
    assert len(office.good()) == 2
    assert office.vartti.end_employment(WITHOUT_RIGHT, COUNTY, registrar=COLLEAGUE) == []


def test_card_that_is_found_stays_closed(office: Office) -> None:
    """A lost card that turns up is noted; its certificates stay revoked, and it is never used again."""
    number = office.in_use(office.order())
    with pytest.raises(Refused) as refused:
        office.vartti.report_found(number, PHYSICIAN)
    assert refused.value.rule == "order.state"
    office.vartti.close_card(number, "lost", PHYSICIAN)
    assert office.vartti.report_found(number, PHYSICIAN).state == "closed"
    assert office.good() == []
    assert [one.step for one in office.vartti.history("C000001")][-1] == "found"


def test_complaint_of_a_broken_card_reaches_production(office: Office) -> None:
    """The registrar's notice of a faulty card goes out as an e-mail; the journal does not repeat its text."""
    number = office.in_use(office.order())
    office.vartti.close_card(number, "broken", PHYSICIAN)
    office.vartti.complain(number, registrar=COLLEAGUE, text="Siru ei vastaa.\x1b[2J")
    (notice,) = office.world.outbox("emails")
    assert "Siru ei vastaa." in notice.read_text()
    assert "\x1b" not in notice.read_text()
    assert "Siru" not in repr(office.world.journal())


def test_history_shows_every_state_with_its_time(office: Office) -> None:
    """The registrar sees when a card was ordered, made, delivered, handed out and activated, and by whom."""
    order = office.order()
    office.world.clock.advance(timedelta(days=3))
    office.in_use(order)
    steps = office.vartti.history(order.id)
    assert [one.state for one in steps] == [
        "identity-checked", "right-checked", "ordered", "in-production", "delivered", "handed-out", "activated",
    ]  # fmt: skip
    assert (steps[3].at - steps[2].at).days == 3
    assert steps[0].actor.startswith("registrar ")
    assert steps[-1].actor == "holder of card 9900000001"
    assert PHYSICIAN.value not in repr(steps)


def test_unknown_things_are_misuse(office: Office) -> None:
    """A typing error in a number is not a refusal by a rule."""
    for call in (
        lambda: office.vartti.renewal_challenge("1"),
        lambda: office.vartti.report_found("1", "dvv"),
        lambda: office.vartti.history("C9"),
        lambda: office.vartti.order_new_code("1", registrar=REGISTRAR, identity=IdentityProof("passport")),
    ):
        with pytest.raises(Misuse):
            call()
