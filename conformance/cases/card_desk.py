"""Cards on a desk: the system takes the right card and key, and says clearly when something is wrong."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.bench.card_desk import WatchedDesk
from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from conformance.sut.facets_card import CardKey, CardTrouble, DeskOutcome, DeskTask, WayOut, WorksAtDesk

CONTENT = b"sotepki conformance: something to be signed at a desk, long enough for a challenge of a login " * 2
_LOGIN, _SIGN, _PRESCRIBE = DeskTask.LOGIN, DeskTask.SIGN, DeskTask.PRESCRIBE

declares = family(Area.CARD, Phase.SUPPLIER)


@declares("card.login-key", "A login uses the authentication key and PIN1", "desk-logs-in-with-signature-key")
def login_key(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The person logs in with a right card. The challenge must be signed with the authentication key behind PIN1.

    A login with the signature key would be a signature in law that nobody meant to give.
    """
    _uses(card_desk, bench, check, _LOGIN, CardKey.AUTHENTICATION)


@declares("card.signature-key", "A signature uses the signature key and PIN2", "desk-signs-with-authentication-key")
def signature_key(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The logged-in person signs. The signature must be made with the signature key behind PIN2.

    The authentication key works without a new PIN during a session, so its signature shows no will to sign.
    """
    _uses(card_desk, bench, check, _SIGN, CardKey.SIGNATURE)


@declares("card.only-typed-pins", "Only PINs that the person typed reach the card", "desk-guesses-a-pin")
def only_typed_pins(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The person logs in. The card must see exactly the PIN that was typed, once.

    Each PIN that a system tries by itself, an empty or a factory one, costs one of five tries.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.card())
    card_desk.work(_LOGIN, desk, CONTENT)
    _judge(
        check,
        desk,
        len(desk.presented) == 1,
        "A PIN reached the card that nobody had typed.",
        "1 PIN presented",
        f"{len(desk.presented)}",
    )


@declares("card.cancelled", "A cancelled PIN question ends the task", "desk-nags-after-cancel")
def cancelled(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The person closes the question for PIN2. Nothing may be signed, and the question may not come back by itself.

    Whoever cancels has seen something wrong; a question that returns at once teaches people to type blindly.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.card(), logged_in=True, cancels=True)
    outcome = card_desk.work(_SIGN, desk, CONTENT)
    _judge(
        check,
        desk,
        not outcome.signature and len(desk.typed) == 1,
        "The cancelled task went on.",
        "1 question, no signature",
        f"{len(desk.typed)} questions",
    )


@declares("card.blocked", "A locked PIN is named as such, and no PIN is asked for", "desk-asks-a-locked-card")
def blocked(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """PIN2 of the card is locked after five wrong tries. The system must say so instead of asking for the PIN.

    A person who is asked goes on typing the right PIN and believes that it is wrong.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.blocked(), logged_in=True)
    outcome = card_desk.work(_SIGN, desk, CONTENT)
    bench.desk_cards.unblock()
    _refused(check, desk, outcome, CardTrouble.BLOCKED)


@declares("card.unblock-way", "The way out of a locked PIN is the activation code", "desk-wants-a-new-card")
def unblock_way(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """With PIN2 locked, the system must tell the person to set a new PIN with the activation code of the letter.

    A new card takes days; the code takes a minute.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.blocked(), logged_in=True)
    outcome = card_desk.work(_SIGN, desk, CONTENT)
    bench.desk_cards.unblock()
    _judge(
        check,
        desk,
        outcome.way_out is WayOut.ACTIVATION_CODE,
        "The activation code was not named.",
        WayOut.ACTIVATION_CODE,
        outcome.way_out,
    )


@declares("card.removed", "A card that is pulled out signs nothing", "desk-ignores-removal")
def removed(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The person types PIN2 and pulls the card before it signs. The system must say that the card was removed.

    It may neither crash nor go on as if the document were signed.
    """
    card = bench.desk_cards.card()
    card.leaves_before_signing = True
    desk = bench.desk_cards.desk(card, logged_in=True)
    outcome = card_desk.work(_SIGN, desk, CONTENT)
    _judge(
        check,
        desk,
        outcome.trouble is CardTrouble.REMOVED and not outcome.signature,
        "The removal of the card was not noticed.",
        CardTrouble.REMOVED,
        _said(outcome),
    )


@declares("card.asks-each-login", "A PIN is forgotten when the task is over", "desk-keeps-pin1")
def asks_each_login(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The person logs in, takes the card along, comes back and logs in again. PIN1 must be asked for both times.

    A system that keeps the PIN lets anybody in who finds the card.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.card())
    for _ in range(2):
        card_desk.work(_LOGIN, desk, CONTENT)
    _judge(
        check,
        desk,
        len(desk.typed) == 2,
        "PIN1 was kept over the removal of the card.",
        "2 questions",
        f"{len(desk.typed)} questions",
    )


@declares("card.expired", "An expired card does not log in", "desk-ignores-expiry")
def expired(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The certificates of the card ended yesterday. The system must refuse the login and say why."""
    desk = bench.desk_cards.desk(bench.desk_cards.expired())
    _refused(check, desk, card_desk.work(_LOGIN, desk, CONTENT), CardTrouble.EXPIRED)


@declares("card.closed", "A closed card does not log in", "desk-asks-no-status")
def closed(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The card was reported lost and its certificates are revoked. The system must ask for their state and refuse.

    The chip of a lost card works as before: only the authority knows that it is lost.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.closed())
    _refused(check, desk, card_desk.work(_LOGIN, desk, CONTENT), CardTrouble.REVOKED)


@declares(
    "card.no-signature-certificate",
    "A card without signature certificate does not sign",
    "desk-falls-back-to-authentication-key",
)
def no_signature_certificate(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The card holds the authentication certificate only. The system must say that the card cannot sign.

    It may not take the other key instead: the signature would be refused by everybody who reads it.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.without_signature_certificate(), logged_in=True)
    _refused(check, desk, card_desk.work(_SIGN, desk, CONTENT), CardTrouble.NO_SIGNATURE_CERTIFICATE)


@declares(
    "card.no-prescriber-id", "A card without prescriber's identifier does not prescribe", "desk-prescribes-without-id"
)
def no_prescriber_id(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The certificates lack the prescriber's identifier (the former SV number). A prescription must be refused
    before the person types PIN2.

    Such cards exist; a prescription signed with one comes back much later.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.without_prescriber_id(), logged_in=True)
    _refused(check, desk, card_desk.work(_PRESCRIBE, desk, CONTENT), CardTrouble.NO_PRESCRIBER_ID)


@declares("card.prescribes", "A card with prescriber's identifier prescribes", "desk-never-prescribes")
def prescribes(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The card has the prescriber's identifier. A prescription must be signed with PIN2 without further ado."""
    _uses(card_desk, bench, check, _PRESCRIBE, CardKey.SIGNATURE)


@declares("card.other-holder", "A colleague's card does not sign in the session of another", "desk-takes-any-card")
def other_holder(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """A colleague's card is left in the reader when the logged-in person signs. The system must refuse it.

    It compares the registration number of the card with that of the session.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.of_a_colleague(), logged_in=True)
    _refused(check, desk, card_desk.work(_SIGN, desk, CONTENT), CardTrouble.OTHER_HOLDER)


@declares(
    "card.same-name", "The person's identity card is not taken for the professional card", "desk-compares-names"
)
def same_name(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The logged-in person puts in the wrong one of two own cards: the names are equal, the number is not.

    A signature with it would carry no registration number. Names identify nobody.
    """
    desk = bench.desk_cards.desk(bench.desk_cards.identity_card(), logged_in=True)
    _refused(check, desk, card_desk.work(_SIGN, desk, CONTENT), CardTrouble.OTHER_HOLDER)


@declares("card.several-cards", "With several cards the person chooses", "desk-takes-the-first-card")
def several_cards(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """Two cards lie in two readers, and the person means the second. The system must ask and take that one."""
    first, second = bench.desk_cards.card(), bench.desk_cards.card()
    desk = bench.desk_cards.desk(first, second, meant=1)
    card_desk.work(_LOGIN, desk, CONTENT)
    _judge(
        check,
        desk,
        bool(second.signed_with) and not first.presented,
        "The system did not take the card meant.",
        "the second card",
        "the first card" if first.presented else "none",
    )


@declares("card.empty-reader", "An empty reader does not hide the card in another", "desk-knows-one-reader")
def empty_reader(card_desk: WorksAtDesk, bench: Bench, check: Check) -> None:
    """The first reader is empty, as the built-in one of a laptop often is; the card lies in the second.

    The system must find it there.
    """
    desk = bench.desk_cards.desk(None, bench.desk_cards.card())
    outcome = card_desk.work(_LOGIN, desk, CONTENT)
    _judge(
        check,
        desk,
        bool(outcome.signature),
        "The card in the second reader was not found.",
        "a login",
        _said(outcome),
    )


def _uses(card_desk: WorksAtDesk, bench: Bench, check: Check, task: DeskTask, key: CardKey) -> None:
    cards = bench.desk_cards
    desk = cards.desk(cards.card(), logged_in=task is not _LOGIN)
    outcome = card_desk.work(task, desk, CONTENT)
    met = cards.verifies(key, outcome.signature, CONTENT) and set(desk.presented) == {key}
    _judge(check, desk, met, "The task was not done with its own key and PIN.", f"the {key} key", _said(outcome))


def _refused(check: Check, desk: WatchedDesk, outcome: DeskOutcome, trouble: CardTrouble) -> None:
    met = outcome.trouble is trouble and not outcome.signature and not desk.presented
    _judge(check, desk, met, "The card was not refused for its own reason.", trouble, _said(outcome))


def _said(outcome: DeskOutcome) -> str:
    return "a signature" if outcome.signature else str(outcome.trouble or "nothing")


def _judge(check: Check, desk: WatchedDesk, met: bool, message: str, expected: str, found: str) -> None:
    check.show("what happened at the desk", desk.log())
    check.that(check.case.id, met, message, expected=expected, found=found)
