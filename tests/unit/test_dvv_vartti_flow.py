"""The life of a card in Vartti: order, production, letter, hand-over, activation, closing; crashes and races."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from databases import everything_stored
from office_world import (
    COLLEAGUE,
    LIMITED,
    NURSE,
    PHYSICIAN,
    REGISTRAR,
    Crash,
    FakeAuthorities,
    FakeShelf,
)
from test_dvv_vartti_rules import PASSPORT, Desk, make_desk

from sotepki.card import KeyUse, Personalisation
from sotepki.dvv.vartti.office import Vartti
from sotepki.dvv.vartti.subject import LONGEST_TITLE, title_of
from sotepki.errors import Fault, Refused
from sotepki.records import first_break
from sotepki.registers import ProfessionalRight, Register, RightKind
from sotepki.x509.status import CertificateState


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def good(desk: Desk) -> list[x509.Certificate]:
    return [one.certificate for one in desk.world.authorities.ledger if one.status.state is CertificateState.GOOD]


def test_whole_life(desk: Desk) -> None:
    """From the desk to the closed card, every state as the registrar sees it."""
    order = desk.order(PHYSICIAN)
    assert (order.state, order.holder_number) == ("ordered", "00900000001")
    order = desk.vartti.personalise(order.id)
    assert order.state == "delivered"
    assert order.card_number == "9900000001"
    order = desk.vartti.hand_over(order.card_number, registrar=COLLEAGUE, identity=PASSPORT)
    assert order.state == "handed-out"
    order = desk.vartti.note_activation(order.card_number, actor=PHYSICIAN)
    assert order.state == "activated"
    order = desk.vartti.close_card(order.card_number, "lost", REGISTRAR)
    assert order.state == "closed"
    with pytest.raises(Refused) as refused:
        desk.vartti.close_card(order.card_number, "lost", "dvv")
    assert refused.value.rule == "order.state"
    with desk.world.records.look() as session:
        assert first_break(session) is None


def test_certificates_and_card_agree(desk: Desk) -> None:
    """Two different keys, the subject of pki.md 5.4 with the prescriber's identifier, serials written down."""
    order = desk.vartti.personalise(desk.order(PHYSICIAN).id)
    subject = desk.world.authorities.subjects[0]
    assert subject == desk.world.authorities.subjects[1]
    assert subject == {
        "country": "FI",
        "title": "001 Laillistettu lääkäri, Legitimerad lääkäri",
        "serial_number": "00900000001",
        "given_name": "Testi",
        "surname": "Henkilö1",
        "common_name": "Henkilö1 Testi 00900000001",
        "pseudonym": "099001",
    }
    made = desk.world.shelf.made[order.card_number]
    assert made.keys[KeyUse.AUTHENTICATION] is not made.keys[KeyUse.SIGNATURE]
    assert int(order.authentication_serial, 16) == made.leaves[KeyUse.AUTHENTICATION].contents.serial_number
    assert int(order.signature_serial, 16) == made.leaves[KeyUse.SIGNATURE].contents.serial_number


def test_nurse_has_no_pseudonym(desk: Desk) -> None:
    """Only prescribers have a prescriber's identifier on the card."""
    desk.vartti.personalise(desk.order(NURSE).id)
    assert "pseudonym" not in desk.world.authorities.subjects[0]


def test_title_of_the_longest_right_fits_the_certificate() -> None:
    """A practical nurse with a protected title gets a card too, although code and both names have 69 characters."""
    right = ProfessionalRight(
        "T12", RightKind.PROTECTED_TITLE, Register.TERHIKKI, "Nimikesuojattu lähihoitaja",
        "Närvårdare med skyddad yrkesbeteckning", date(2020, 1, 1),
    )  # fmt: skip
    assert title_of(right) == "T12 Nimikesuojattu lähihoitaja, Närvårdare med skyddad yrkesbete"
    assert len(title_of(right)) == LONGEST_TITLE


def test_card_ends_with_a_limited_right(desk: Desk) -> None:
    """A time-limited right shortens the card to the end of its last Finnish day; otherwise five years."""
    limited = desk.vartti.personalise(desk.order(LIMITED).id)
    assert limited.not_after is not None
    assert limited.not_after.isoformat() == "2027-06-30T20:59:59+00:00"
    full = desk.vartti.personalise(desk.order(PHYSICIAN).id)
    assert full.not_after is not None
    assert full.not_after.date() == date(2031, 3, 1)


def test_letter_has_the_code_of_the_card_and_nothing_is_kept(desk: Desk) -> None:
    """One letter, to the home address, with the code that the card knows; the database forgets the code."""
    order = desk.vartti.personalise(desk.order(PHYSICIAN).id)
    desk.vartti.post_letter(order.card_number)
    (letter,) = desk.world.outbox("letters")
    code = desk.world.shelf.made[order.card_number].activation_code.reveal()
    assert len(code) == 8
    text = letter.read_text()
    assert code in text
    assert order.card_number in text
    assert "Esimerkkitie 1" in text
    database = everything_stored(desk.world.records.database)
    from sotepki.dvv.vartti.tables import CardOrderRow

    with desk.world.records.look() as session:
        assert code.encode() not in (session.get_one(CardOrderRow, 1).sealed_code or b"")
    assert database
    assert not any(code in details for *_, details in desk.world.journal())


def test_journal_names_no_identity_code(desk: Desk) -> None:
    """The journal is read by many: it may show registration numbers, never identity codes."""
    number = desk.card(PHYSICIAN)
    desk.vartti.hand_over(number, registrar=REGISTRAR, identity=PASSPORT)
    desk.vartti.close_card(number, "returned", PHYSICIAN)
    text = repr(desk.world.journal())
    assert "00900000001" in text
    for person in (PHYSICIAN, REGISTRAR):
        assert person.value not in text


def test_right_lost_between_order_and_production(desk: Desk) -> None:
    """The order is rejected with the rule, no certificate is made, and the person may order again later."""
    order = desk.order(PHYSICIAN)
    held = desk.world.rights.held.pop(PHYSICIAN)
    with pytest.raises(Refused) as refused:
        desk.vartti.personalise(order.id)
    assert refused.value.rule == "order.right.none"
    after = desk.vartti.order(order.id)
    assert (after.state, after.rejected_by) == ("rejected", "order.right.none")
    assert desk.world.authorities.ledger == []
    desk.world.rights.held[PHYSICIAN] = held
    assert desk.order(PHYSICIAN).state == "ordered"


def test_right_lost_before_hand_over(desk: Desk) -> None:
    """A card is not handed to somebody whose right has been removed; it stays at the point."""
    number = desk.card(PHYSICIAN)
    desk.world.rights.held[PHYSICIAN] = []
    with pytest.raises(Refused) as refused:
        desk.vartti.hand_over(number, registrar=REGISTRAR, identity=PASSPORT)
    assert refused.value.rule == "order.right.none"
    assert desk.vartti.card(number).state == "delivered"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("lost", x509.ReasonFlags.key_compromise),
        ("stolen", x509.ReasonFlags.key_compromise),
        ("returned", x509.ReasonFlags.cessation_of_operation),
        ("name-changed", x509.ReasonFlags.superseded),
        ("employment-ended", x509.ReasonFlags.affiliation_changed),
        ("right-removed", x509.ReasonFlags.privilege_withdrawn),
    ],
)
def test_closing_revokes_both_certificates_with_the_reason(desk: Desk, reason: str, code: x509.ReasonFlags) -> None:
    """Relying parties see both certificates revoked, with the reason code of pki.md 6."""
    desk.vartti.close_card(desk.card(), reason, "dvv")
    assert [one.status.reason for one in desk.world.authorities.ledger] == [code, code]


def test_removal_of_a_right_revokes_nothing_by_itself(desk: Desk) -> None:
    """No source says that certificates go with the right, so they stay good until somebody closes the card."""
    desk.card()
    desk.world.rights.held[PHYSICIAN] = []
    desk.vartti.follow_time()
    assert len(good(desk)) == 2


def test_cancelled_order_frees_the_person(desk: Desk) -> None:
    """An order withdrawn before production makes no card, and another may be placed."""
    order = desk.order(NURSE)
    assert desk.vartti.cancel_order(order.id, actor=COLLEAGUE).state == "cancelled"
    with pytest.raises(Refused):
        desk.vartti.personalise(order.id)
    assert desk.order(NURSE).state == "ordered"


def test_time_opens_renewal_and_expires(desk: Desk) -> None:
    """Three months before the end the renewal window opens; after the end the card is expired."""
    number = desk.card(LIMITED)
    desk.vartti.hand_over(number, registrar=REGISTRAR, identity=PASSPORT)
    desk.vartti.note_activation(number, actor=REGISTRAR)
    desk.vartti.post_letter(number)
    desk.world.clock.moment = desk.world.clock.moment.replace(year=2027, month=3, day=30)
    assert desk.vartti.follow_time() == []
    desk.world.clock.advance(timedelta(days=1))
    assert [order.state for order in desk.vartti.follow_time()] == ["renewal-open"]
    desk.world.clock.moment = desk.world.clock.moment.replace(month=7, day=1)
    assert [order.state for order in desk.vartti.follow_time()] == ["expired"]
    assert desk.vartti.follow_time() == []


def test_two_registrars_at_once_exactly_one_wins(desk: Desk) -> None:
    """Two registrars press the button for one person at the same time: one order, one refusal, no fault."""
    for round_number, applicant in enumerate((PHYSICIAN, NURSE, LIMITED)):
        gate, results = threading.Barrier(2), []

        def press(registrar: object, applicant: object = applicant, gate: threading.Barrier = gate) -> None:
            gate.wait()
            try:
                results.append(desk.order(applicant, registrar).state)  # type: ignore[arg-type]  # noqa: B023
            except Refused as refused:
                results.append(refused.rule)  # noqa: B023

        threads = [threading.Thread(target=press, args=(one,)) for one in (REGISTRAR, COLLEAGUE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == ["order.one-card", "ordered"]
        assert len(desk.vartti.orders()) == round_number + 1


def test_slot_stops_a_second_order_whatever_the_guard_saw(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a database without one writer at a time, the unique slot decides: a refusal, not a fault."""
    desk.order(NURSE)
    monkeypatch.setattr("sotepki.dvv.vartti.ordering.held_cards", lambda *_: [])
    with pytest.raises(Refused) as refused:
        desk.order(NURSE)
    assert refused.value.rule == "order.one-card"


def test_two_runs_of_production_make_one_card(desk: Desk) -> None:
    """Two processes make the card of one order: one does, the other is refused, one letter goes out."""
    desk.vartti.policies.set("code-letter-working-days", "0", actor="trainer")
    order = desk.order(PHYSICIAN)
    gate, results = threading.Barrier(2), []

    def run() -> None:
        gate.wait()
        try:
            results.append(desk.vartti.personalise(order.id).state)
        except Refused as refused:
            results.append(refused.rule)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "delivered" in results
    assert set(results) <= {"delivered", "order.production-claim", "order.state"}
    assert len(results) == 2
    assert results.count("delivered") == 1
    assert len(good(desk)) == 2
    assert len(desk.world.outbox("letters")) == 1


def crash_at(point: str, nth: int) -> object:
    seen = {"count": 0}

    def at(name: str) -> None:
        if name == point:
            seen["count"] += 1
            if seen["count"] == nth:
                raise Crash(point)

    return at


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        ("before-issue", 1), ("after-issue", 1), ("before-issue", 2), ("after-issue", 2), ("before-card", 1),
        ("after-card", 1), ("before-delivery", 1),
    ],
)  # fmt: skip
def test_production_killed_anywhere_is_finished_by_the_next_run(
    desk: Desk, point: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill the same order gives one card, one letter with its code, and two good certificates on it.

    Certificates whose keys died with the killed run are revoked; none is left good without a card.
    """
    desk.vartti.policies.set("code-letter-working-days", "0", actor="trainer")
    order = desk.order(PHYSICIAN)
    at = crash_at(point, nth)
    desk.world.authorities.at = desk.world.shelf.at = at  # type: ignore[assignment]
    if point == "before-delivery":
        monkeypatch.setattr("sotepki.dvv.vartti.production.code_letter", lambda *_: at(point))  # type: ignore[operator]
    with pytest.raises(Crash):
        desk.vartti.personalise(order.id)
    monkeypatch.undo()
    assert desk.vartti.order(order.id).state == "in-production"
    assert desk.world.outbox("letters") == []
    desk.world.authorities.at = desk.world.shelf.at = lambda name: None
    fresh = Vartti(
        desk.world.records, desk.world.authorities, desk.world.population, desk.world.rights, desk.world.shelf,
        desk.vartti._production.keys,
    )  # fmt: skip
    (done,) = fresh.resume()
    assert done.state == "delivered"
    made = desk.world.shelf.made[done.card_number]
    assert {one.serial_number for one in good(desk)} == {one.contents.serial_number for one in made.leaves.values()}
    (letter,) = desk.world.outbox("letters")
    assert made.activation_code.reveal() in letter.read_text()
    assert fresh.resume() == []


@pytest.mark.parametrize("rule", ["cert.professional-signature-rsa.subject.surname", "authority.validity"])
def test_an_order_that_no_certificate_fits_is_rejected_and_stops_nobody(
    desk: Desk, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name too long for a certificate: the order ends with the rule, and the person may order anew.

    It stood in production for ever before, and each command that opened the workspace was refused for it.
    """
    order, issue = desk.order(PHYSICIAN), desk.world.authorities.issue

    def refused_second(*arguments: object, **more: object) -> x509.Certificate:
        if len(desk.world.authorities.ledger) % 2:
            raise Refused("SN is longer than 64 characters.", rule=rule)
        return issue(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.world.authorities, "issue", refused_second)
    with pytest.raises(Refused) as refused:
        desk.vartti.personalise(order.id)
    assert refused.value.rule == rule
    ended = desk.vartti.order(order.id)
    assert (ended.state, ended.rejected_by) == ("rejected", rule)
    assert good(desk) == []
    assert desk.vartti.resume() == []
    monkeypatch.undo()
    assert desk.vartti.personalise(desk.order(PHYSICIAN).id).state == "delivered"


def test_one_order_that_cannot_go_on_does_not_stop_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start makes every interrupted card that it can make, and leaves the rest where it is."""
    first, second = desk.order(PHYSICIAN), desk.order(NURSE)
    for order in (first, second):
        desk.world.authorities.at = crash_at("after-issue", 1)  # type: ignore[assignment]
        with pytest.raises(Crash):
            desk.vartti.personalise(order.id)
    desk.world.authorities.at = lambda name: None
    number, personalise = desk.vartti.order(first.id).card_number, desk.world.shelf.personalise

    def in_a_reader(order: Personalisation) -> None:
        if order.number == number:
            raise Refused("The card is in a reader.", rule="card.in-use")
        personalise(order)

    monkeypatch.setattr(desk.world.shelf, "personalise", in_a_reader)
    assert [done.id for done in desk.vartti.resume()] == [second.id]
    assert desk.vartti.order(first.id).state == "in-production"
    monkeypatch.undo()
    assert [done.id for done in desk.vartti.resume()] == [first.id]


def test_kill_then_right_lost_leaves_no_good_certificate(desk: Desk) -> None:
    """If the right goes while production lies broken, the order is rejected and its certificates are revoked."""
    order = desk.order(PHYSICIAN)
    desk.world.authorities.at = crash_at("after-issue", 2)  # type: ignore[assignment]
    with pytest.raises(Crash):
        desk.vartti.personalise(order.id)
    desk.world.rights.held[PHYSICIAN] = []
    assert desk.vartti.resume() == []
    assert desk.vartti.order(order.id).state == "rejected"
    assert good(desk) == []


@pytest.mark.parametrize(("point", "nth"), [("before-revoke", 1), ("after-revoke", 1), ("after-revoke", 2)])
def test_closing_killed_anywhere_is_finished(desk: Desk, point: str, nth: int) -> None:
    """A closing that was acknowledged as begun revokes both certificates once, after a restart at the latest."""
    number = desk.card(PHYSICIAN)
    desk.world.authorities.at = crash_at(point, nth)  # type: ignore[assignment]
    with pytest.raises(Crash):
        desk.vartti.close_card(number, "stolen", "dvv")
    desk.world.authorities.at = lambda name: None
    assert desk.vartti.card(number).state == "closing"
    (closed,) = desk.vartti.resume()
    assert (closed.state, closed.closing_reason) == ("closed", "stolen")
    assert good(desk) == []


def test_closing_again_goes_on_with_the_first_reason(desk: Desk) -> None:
    """Whoever repeats an interrupted closing does not change its reason."""
    number = desk.card(PHYSICIAN)
    desk.world.authorities.at = crash_at("before-revoke", 1)  # type: ignore[assignment]
    with pytest.raises(Crash):
        desk.vartti.close_card(number, "stolen", "dvv")
    desk.world.authorities.at = lambda name: None
    assert desk.vartti.close_card(number, "returned", REGISTRAR).closing_reason == "stolen"


def test_revoked_elsewhere_closing_still_ends(desk: Desk) -> None:
    """A certificate that the revocation service has revoked already does not stop the closing of the card."""
    number = desk.card(PHYSICIAN)
    first = desk.world.authorities.ledger[0]
    reference = (first.authority_id, first.serial_number)
    desk.world.authorities.revoke(reference, reason=x509.ReasonFlags.key_compromise, actor="dvv")
    assert desk.vartti.close_card(number, "lost", "dvv").state == "closed"
    assert good(desk) == []


def test_load_world_is_repeatable(desk: Desk) -> None:
    """The test world's points and registrars can be loaded, and loaded again."""
    world = {
        "points": [{"id": "P", "organisation_oid": "1.2.246.10.99000018.10.0", "public": True, "name": "P TEST"}],
        "registrars": [{"hetu": NURSE.value, "point": "P", "trained_on": "2025-01-01", "valid_to": date(2030, 1, 1)}],
    }
    assert desk.vartti.points.load_world(world) == 1
    assert desk.vartti.points.load_world(world) == 1
    assert [one.hetu for one in desk.vartti.points.registrars("P")] == [NURSE]
    assert isinstance(desk.world.authorities, FakeAuthorities)
    assert isinstance(desk.world.shelf, FakeShelf)
    assert replace(PASSPORT, country="SE") != PASSPORT


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"points": [{"id": "P", "public": True, "name": "P TEST"}]}, "lacks organisation_oid"),
        ({"points": ["P"]}, "must be a mapping"),
        ({"registrars": [{"hetu": NURSE.value, "point": "P"}]}, "lacks valid_to"),
        ({"registrars": [{"hetu": NURSE.value, "point": "P", "valid_to": "2030-02-30"}]}, "a day that is none"),
        (
            {"registrars": [{"hetu": NURSE.value, "point": "P", "valid_to": "2030", "name": "x"}]},
            "unknown key 'name'",
        ),
    ],
)
def test_a_file_of_points_that_is_wrong_is_refused_whole(desk: Desk, changed: dict[str, Any], message: str) -> None:
    """A trainer's own file with a slip in it must not leave half a registration point behind."""
    point = {"id": "P", "organisation_oid": "1.2.246.10.99000018.10.0", "public": True, "name": "P TEST"}
    before = desk.vartti.points.points()
    with pytest.raises(Fault, match=message):
        desk.vartti.points.load_world({"points": [point], **changed})
    assert desk.vartti.points.points() == before
