"""The rules of the holder's own renewal (docs/field/registration.md 2 and 3)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sotepki.clock import finnish_day, months_after
from sotepki.dvv.office_data import office_data
from sotepki.dvv.vartti.case import CardCase, PresentCard
from sotepki.states import Guard, Objection


def _window(case: CardCase) -> Objection | None:
    card = _present(case)
    opens = months_after(finnish_day(card.not_after), -office_data().renewal_window_months)
    if case.today > opens:
        return None
    return Objection(
        f"The card {card.number} is valid to {card.not_after:%Y-%m-%d}; it can be renewed after {opens}."
    )


def _present_card(case: CardCase) -> Objection | None:
    card = _present(case)
    if not card.in_use:
        return Objection(f"The card {card.number} is not in use.")
    if card.not_after < case.now:
        return Objection(f"The card {card.number} expired on {card.not_after:%Y-%m-%d}.")
    if not card.certificate_in_force:
        return Objection(f"The authentication certificate of the card {card.number} is not in force.")
    return None


def _challenge(case: CardCase) -> Objection | None:
    card = _present(case)
    return Objection(card.challenge) if card.challenge else None


def _proof(case: CardCase) -> Objection | None:
    card = _present(case)
    return Objection(card.proof) if card.proof else None


def _same(case: CardCase) -> Objection | None:
    card = _present(case)
    if not card.changes:
        return None
    return Objection(f"The new card would not be the same as the present one: {'; '.join(card.changes)}.")


def _by_post(case: CardCase) -> Objection | None:
    return None if case.by_post else Objection("The card lies at the registration point and is handed out there.")


def _present(case: CardCase) -> PresentCard:
    assert case.present is not None  # the self-service found it
    return case.present


RENEWAL_GUARDS: Mapping[str, Guard[CardCase]] = MappingProxyType(
    {
        "renewal.window": _window,
        "renewal.present-card": _present_card,
        "renewal.challenge": _challenge,
        "renewal.proof": _proof,
        "renewal.same": _same,
        "renewal.by-post": _by_post,
    }
)
