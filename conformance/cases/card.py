"""How the system uses a professional card. The suite lends it a card and sits at the keyboard."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.bench.card import CardSession
from conformance.check import Check
from conformance.declaring import Area, case
from conformance.requirements import Phase
from conformance.sut.facets import UsesCard


@case(
    "card.pin2-for-each-signature",
    title="The system asks for PIN2 for every signature",
    area=Area.CARD,
    phase=Phase.SUPPLIER,
    requirements=["card.pin2-each-signature"],
    mutants=["card-user-remembers-pin2"],
)
def pin2_for_each_signature(card_user: UsesCard, bench: Bench, check: Check) -> None:
    """The system signs two documents with one card. The person must be asked for PIN2 twice.

    The card itself wants PIN2 before each signature; a system that remembers the PIN and presents it on its own
    satisfies the card and deceives the person.
    """
    with bench.card_session() as session:
        signed = card_user.sign_all(session.card, session.pin_pad, session.documents(2))
        _show(check, session)
        check.that(
            "card.pin2-each-signature",
            session.pin_pad.questions >= len(signed) == 2,
            "The system did not ask for PIN2 for every signature.",
            expected="2 signatures, 2 questions for PIN2",
            found=f"{len(signed)} signatures, {session.pin_pad.questions} questions for PIN2",
        )


@case(
    "card.wrong-pin2",
    title="The system never repeats a wrong PIN2 by itself",
    area=Area.CARD,
    phase=Phase.SUPPLIER,
    requirements=["card.wrong-pin"],
    mutants=["card-user-repeats-wrong-pin"],
)
def wrong_pin2(card_user: UsesCard, bench: Bench, check: Check) -> None:
    """The person enters a wrong PIN2 once and then, if asked, the right one.

    The card may see the wrong PIN once only: each further attempt costs one of few tries.
    """
    with bench.card_session(wrong_pins=1) as session:
        card_user.sign_all(session.card, session.pin_pad, session.documents(1))
        _show(check, session)
        check.that(
            "card.wrong-pin",
            session.card.wrong_attempts == 1,
            "The system presented the wrong PIN2 to the card more than once.",
            expected="1 attempt with the wrong PIN2",
            found=f"{session.card.wrong_attempts} attempts",
        )


@case(
    "card.left-usable",
    title="The card is usable after a mistake of its holder",
    area=Area.CARD,
    phase=Phase.SUPPLIER,
    requirements=["card.left-usable"],
    mutants=["card-user-repeats-wrong-pin", "card-user-gives-no-second-chance"],
)
def left_usable(card_user: UsesCard, bench: Bench, check: Check) -> None:
    """After one wrong and one right PIN2 the document is signed and the card has all its tries again."""
    with bench.card_session(wrong_pins=1) as session:
        full = session.card.tries()["pin2"]
        signed = card_user.sign_all(session.card, session.pin_pad, session.documents(1))
        left = session.card.tries()["pin2"]
        _show(check, session)
        check.that(
            "card.left-usable",
            left == full and len(signed) == 1,
            "The card was not left as it was found, or the document was not signed.",
            expected=f"1 signed document, {full} tries left for PIN2",
            found=f"{len(signed)} signed documents, {left} tries left for PIN2",
        )


def _show(check: Check, session: CardSession) -> None:
    check.show("what the card and the keyboard saw", session.log())
