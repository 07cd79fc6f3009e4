"""The holder's renewal, code letters, reminders and switches: who gets what, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from office_world import COLLEAGUE, DUAL, LIMITED, NURSE, PHYSICIAN, REGISTRAR, Crash, right
from test_dvv_vartti_rules import PASSPORT
from vartti_world import Office, make_office

from sotepki.dvv.vartti.office import IdentityProof
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.errors import Refused
from sotepki.records import first_break
from sotepki.x509.status import CertificateState

LATER = IdentityProof("passport", date(2089, 1, 1))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return make_office(tmp_path)


def refusal_of(call: object) -> str:
    with pytest.raises(Refused) as refused:
        call()  # type: ignore[operator]
    return refused.value.rule


# --- renewal -----------------------------------------------------------------------------------------------------


def test_renewal_replaces_the_card_without_a_visit(office: Office) -> None:
    """The new card comes by post and is the same; the old one works until the new one is taken into use."""
    old = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(old)
    office.vartti.follow_time()
    renewed = office.renew(old)
    assert (renewed.state, renewed.renews, renewed.delivery) == ("ordered", "C000001", "post")
    new = office.delivered(renewed)
    assert office.vartti.card(old).state == "renewal-open"
    assert len(office.good()) == 4
    assert office.world.authorities.subjects[0] == office.world.authorities.subjects[2]
    assert refusal_of(lambda: office.vartti.note_activation(new, actor=REGISTRAR)) == "order.actor"
    assert office.vartti.note_activation(new, actor=PHYSICIAN).state == "activated"
    closed = office.vartti.card(old)
    assert (closed.state, closed.closing_reason) == ("closed", "replaced")
    revoked = [one.status for one in office.world.authorities.ledger if one.status.state is CertificateState.REVOKED]
    assert [one.reason for one in revoked] == [x509.ReasonFlags.superseded] * 2
    assert [one.step for one in office.vartti.history(renewed.id)][-2:] == ["receive", "activate"]
    with office.world.records.look() as session:
        assert first_break(session) is None


def test_renewed_card_is_renewed_again(office: Office) -> None:
    """The places of a person's cards change hands at each renewal, and never lead to two cards or to none."""
    number = office.in_use(office.order(PHYSICIAN))
    for _ in range(3):
        office.at_the_window(number, 30)
        renewed = office.renew(number)
        assert refusal_of(lambda number=number: office.renew(number)) == "order.one-card"
        assert refusal_of(lambda: office.order(PHYSICIAN, COLLEAGUE, identity=LATER)) == "order.one-card"
        number = office.delivered(renewed)
        office.vartti.note_activation(number, actor=PHYSICIAN)
    assert [one.state for one in office.vartti.orders()] == ["closed", "closed", "closed", "activated"]


def test_window_opens_to_the_day(office: Office) -> None:
    """Three months before the last day it is too early, on the next day it is not."""
    number = office.in_use(office.order(LIMITED))
    clock = office.world.clock
    clock.moment = clock.moment.replace(year=2027, month=3, day=30)
    assert refusal_of(lambda: office.renew(number)) == "renewal.window"
    clock.advance(timedelta(days=1))
    office.world.rights.held[LIMITED] = [replace(office.world.rights.held[LIMITED][0], valid_to=date(2029, 1, 1))]
    assert office.renew(number).state == "ordered"


def test_expired_card_is_not_renewed(office: Office) -> None:
    """After a lapse the holder visits a public registration point; the self-service sends them there."""
    number = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(number, -1)
    assert refusal_of(lambda: office.renew(number)) == "renewal.present-card"
    office.vartti.follow_time()
    assert office.vartti.card(number).state == "expired"
    assert refusal_of(lambda: office.renew(number)) == "renewal.present-card"
    assert office.order(PHYSICIAN, COLLEAGUE, identity=LATER).state == "ordered"


def test_revoked_certificate_is_no_valid_card(office: Office) -> None:
    """A card whose authentication certificate the revocation service has revoked proves nothing any more."""
    number = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(number)
    first = office.world.authorities.ledger[0]
    office.world.authorities.revoke(
        (first.authority_id, first.serial_number), reason=x509.ReasonFlags.key_compromise, actor="dvv"
    )
    assert refusal_of(lambda: office.renew(number)) == "renewal.present-card"


def test_card_that_was_never_activated_is_not_renewed(office: Office) -> None:
    """A card in the drawer of the registration point is not the holder's present card."""
    number = office.delivered(office.order(PHYSICIAN))
    office.at_the_window(number)
    assert refusal_of(lambda: office.renew(number)) == "renewal.present-card"


@pytest.mark.parametrize("minutes", [6, 60])
def test_old_challenge_is_refused(office: Office, minutes: int) -> None:
    """A signature that was made long ago, or for another card, does not renew a card today."""
    number = office.in_use(office.order(PHYSICIAN))
    other = office.in_use(office.order(NURSE))
    office.at_the_window(number)
    challenge = office.vartti.renewal_challenge(number)
    assert refusal_of(lambda: office.vartti.renew(other, challenge, office.sign(other, challenge))) == (
        "renewal.challenge"
    )
    office.world.clock.advance(timedelta(minutes=minutes))
    assert refusal_of(lambda: office.vartti.renew(number, challenge, office.sign(number, challenge))) == (
        "renewal.challenge"
    )


@pytest.mark.parametrize("challenge", [b"", b"x" * 5000, b"sotepki TEST MyCard renewal "])
def test_made_up_challenge_is_refused(office: Office, challenge: bytes) -> None:
    """Nothing but a challenge that was given counts, whatever is signed."""
    number = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(number)
    assert refusal_of(lambda: office.vartti.renew(number, challenge, office.sign(number, challenge))) == (
        "renewal.challenge"
    )


def test_right_is_checked_at_renewal(office: Office) -> None:
    """A removed right stops the renewal at once, before production does."""
    number = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(number)
    held = office.world.rights.held.pop(PHYSICIAN)
    assert refusal_of(lambda: office.renew(number)) == "order.right.none"
    office.world.rights.held[PHYSICIAN] = [right("T02", "hammaslääkäri")]
    assert refusal_of(lambda: office.renew(number)) == "order.right.not-held"
    office.world.rights.held[PHYSICIAN] = held
    assert office.renew(number).state == "ordered"


def test_each_of_two_cards_of_a_physician_and_dentist_is_renewed(office: Office) -> None:
    """The exception to one card per person holds for renewals too."""
    first = office.in_use(office.order(DUAL, right_code="001"))
    second = office.in_use(office.order(DUAL, right_code="T02"))
    office.at_the_window(first)
    assert [office.renew(one).right_code for one in (first, second)] == ["001", "T02"]
    assert refusal_of(lambda: office.renew(second)) == "order.one-card"


def test_replacing_killed_before_the_revocation_is_finished_later(office: Office) -> None:
    """A kill between the activation of the new card and the revocation of the old leaves nothing open."""
    old = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(old)
    new = office.delivered(office.renew(old))

    def crash(point: str) -> None:
        if point == "before-revoke":
            raise Crash(point)

    office.world.authorities.at = crash
    with pytest.raises(Crash):
        office.vartti.note_activation(new, actor=PHYSICIAN)
    office.world.authorities.at = lambda point: None
    assert office.vartti.card(new).state == "activated"
    assert [one.state for one in office.vartti.resume()] == ["closed"]
    assert len(office.good()) == 2


# --- activation codes --------------------------------------------------------------------------------------------


def test_code_letter_waits_for_its_working_days(office: Office) -> None:
    """Four working days after the card: Easter and the weekend do not count, and no letter is sent twice."""
    clock = office.world.clock
    clock.moment = clock.moment.replace(month=4, day=1)  # Wednesday before Easter 2026
    order = office.vartti.personalise(office.order(PHYSICIAN).id)
    assert order.letter_due == date(2026, 4, 9)
    for day in range(2, 9):
        clock.moment = clock.moment.replace(day=day)
        office.vartti.follow_time()
        assert office.letters() == []
    clock.moment = clock.moment.replace(day=9)
    assert [one.id for one in office.vartti.follow_time()] == ["C000001"]
    assert office.vartti.follow_time() == []
    (letter,) = office.letters()
    assert "9.4.2026" in letter
    assert office.world.shelf.made[order.card_number].activation_code.reveal() in letter


@pytest.mark.parametrize("days", ["4", "0"])
def test_a_story_need_not_wait_for_the_letter(office: Office, days: str) -> None:
    """Posted before its day, the letter is there, stands in the card's history, and does not come a second time."""
    office.vartti.policies.set("code-letter-working-days", days, actor="trainer")
    number = office.delivered(office.order(PHYSICIAN))
    assert len(office.letters()) == (0 if days == "4" else 1)
    order = office.vartti.post_letter(number)
    assert (order.card_number, order.state, order.letter_due) == (number, "delivered", None)
    assert office.vartti.post_letter(number).state == "delivered"
    office.world.clock.advance(timedelta(days=9))
    office.vartti.follow_time()
    assert len(office.letters()) == 1
    steps = [step.step for step in office.vartti.history(order.id)]
    assert steps.count("post-letter") == (1 if days == "4" else 0)


def test_no_letter_for_a_card_that_was_closed_meanwhile(office: Office) -> None:
    """The code of a closed card goes nowhere and is forgotten."""
    office.vartti.policies.set("code-letter-working-days", "2", actor="dvv")
    number = office.delivered(office.order(PHYSICIAN))
    office.vartti.close_card(number, "lost", PHYSICIAN)
    office.world.clock.advance(timedelta(days=9))
    office.vartti.follow_time()
    assert office.letters() == []
    with office.world.records.look() as session:
        assert session.get_one(CardOrderRow, 1).sealed_code is None


def test_new_code_letter_has_the_code_of_the_chip(office: Office) -> None:
    """A holder who lost the letter visits a registration point and gets another with the code that works."""
    number = office.in_use(office.order(PHYSICIAN))
    office.vartti.post_letter(number)
    code = office.world.shelf.made[number].activation_code.reveal()
    office.vartti.order_new_code(number, registrar=COLLEAGUE, identity=PASSPORT, letter_address="Työpaikka")
    first, second = office.letters()
    assert code in first
    assert code in second
    assert "Työpaikka" in second
    assert office.vartti.card(number).state == "activated"
    assert (
        refusal_of(
            lambda: office.vartti.order_new_code(
                number, registrar=COLLEAGUE, identity=IdentityProof("passport", date(2030, 1, 1), in_person=False)
            )
        )
        == "order.identity.in-person"
    )
    office.vartti.close_card(number, "lost", "dvv")
    assert (
        refusal_of(lambda: office.vartti.order_new_code(number, registrar=COLLEAGUE, identity=PASSPORT))
        == "order.state"
    )


def test_books_do_not_tell_the_code(office: Office) -> None:
    """A copy of the database opens no card: the seal's key is not in it."""
    number = office.delivered(office.order(PHYSICIAN))
    code = office.world.shelf.made[number].activation_code.reveal()
    with office.world.records.look() as session:
        sealed = session.get_one(CardOrderRow, 1).sealed_code
    assert sealed is not None
    assert code.encode() not in sealed
    key = office.world.records.outbox_directory.parent / "vartti" / "activation-codes.key"
    assert key.stat().st_mode & 0o077 == 0
    assert code not in repr(office.world.journal())


# --- reminders and switches --------------------------------------------------------------------------------------


def test_reminders_go_out_once_each(office: Office) -> None:
    """The holder is written to when the window opens and in the last month; the point about its staff cards."""
    professional = office.in_use(office.order(PHYSICIAN))
    staff = office.in_use(office.staff_order())
    office.at_the_window(professional, 100)
    assert office.vartti.send_reminders() == []
    office.at_the_window(professional, 80)
    sent = office.vartti.send_reminders()
    assert [(one.card_number, one.reminder, one.to) for one in sent] == [
        (professional, "window-open", "holder"), (staff, "staff-window", "point"),
    ]  # fmt: skip
    assert office.vartti.send_reminders() == []
    office.at_the_window(professional, 20)
    office.vartti.follow_time()
    assert len(office.letters("reminder")) == 3
    assert len(office.world.outbox("emails")) == 1
    office.at_the_window(professional, -1)
    assert office.vartti.send_reminders() == []


def test_who_has_renewed_is_not_reminded(office: Office) -> None:
    """A holder whose new card is on its way gets no letter that asks to renew."""
    number = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(number, 80)
    office.renew(number)
    assert office.vartti.send_reminders() == []


def test_who_has_withdrawn_a_renewal_is_reminded(office: Office) -> None:
    """No new card is on its way: without the last letter the holder stands there without one."""
    number = office.in_use(office.order(PHYSICIAN))
    office.at_the_window(number, 60)
    office.vartti.cancel_order(office.renew(number).id, actor="dvv")
    office.at_the_window(number, 10)
    assert "last-month" in {one.reminder for one in office.vartti.send_reminders()}


def test_a_card_that_another_run_closes_at_the_same_time_is_left_to_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands at once find that a right is gone: one closes the card, the other is not refused for it."""
    number = office.in_use(office.order(PHYSICIAN))
    office.vartti.policies.set("revoke-on-removal", "on", actor="dvv")
    office.world.rights.held[PHYSICIAN] = []
    look = office.world.rights.rights_in_force

    def while_another_closes(*arguments: object) -> object:
        if office.vartti.card(number).state != "closed":
            office.vartti.close_card(number, "lost", "dvv")
        return look(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(office.world.rights, "rights_in_force", while_another_closes)
    assert office.vartti.follow_time() == []
    assert office.vartti.card(number).closing_reason == "lost"


def test_switch_shows_the_difference_that_revocation_on_removal_makes(office: Office) -> None:
    """Off (as the sources have it): certificates stay good when the right goes. On: the card is closed."""
    number = office.in_use(office.order(PHYSICIAN))
    office.world.rights.held[PHYSICIAN] = []
    assert office.vartti.follow_time() == []
    assert len(office.good()) == 2
    office.vartti.policies.set("revoke-on-removal", "on", actor="trainer")
    (closed,) = office.vartti.follow_time()
    assert (closed.card_number, closed.state, closed.closing_reason) == (number, "closed", "right-removed")
    assert [one.status.reason for one in office.world.authorities.ledger] == [
        x509.ReasonFlags.privilege_withdrawn
    ] * 2
    assert office.vartti.follow_time() == []
    assert ("trainer", "vartti.policy") in [(actor, action) for actor, action, *_ in office.world.journal()]
    office.vartti.policies.set("revoke-on-removal", "off", actor="trainer")
    assert office.vartti.policies.all() == {"revoke-on-removal": "off", "code-letter-working-days": "4"}
