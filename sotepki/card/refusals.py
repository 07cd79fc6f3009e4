"""The refusals of a card, in sentences (``rules.yaml``)."""

from __future__ import annotations

from sotepki.card.kinds import PIN_NAMES, Credential
from sotepki.card.state import CardState, Phase
from sotepki.errors import Refused


def wrong(state: CardState, credential: Credential) -> Refused:
    """A wrong PIN or activation code, with the tries that are left."""
    left = state.tries[credential]
    return Refused(
        f"Wrong {PIN_NAMES[credential]}; {left} {'try is' if left == 1 else 'tries are'} left.",
        rule="card.code.wrong" if credential is Credential.PUK else "card.pin.wrong",
        subject=state.number,
    )


def locked(state: CardState, credential: Credential) -> Refused:
    """No tries are left."""
    if credential is Credential.PUK:
        return Refused(
            f"The {PIN_NAMES[credential]} is locked; no PIN of the card can be set any more.",
            rule="card.code.locked",
            advice="Order a new card at the registration point.",
            subject=state.number,
        )
    return Refused(
        f"The {PIN_NAMES[credential]} is locked.",
        rule="card.pin.locked",
        advice="Set a new one with the activation code.",
        subject=state.number,
    )


def not_verified(credential: Credential) -> Refused:
    """A PIN comes first."""
    return Refused(
        f"The card wants its {PIN_NAMES[credential]} first.",
        rule=f"card.{credential}.not-verified",
        advice="PIN2 is asked for before every single signature." if credential is Credential.PIN2 else "",
    )


def code_not_verified() -> Refused:
    """The activation code comes first."""
    return Refused("The card wants its activation code first.", rule="card.code.not-verified")


def code_is_fixed() -> Refused:
    """The activation code only sets PINs."""
    return Refused(
        "The activation code is not verified or changed by itself; it sets PIN1 or PIN2.", rule="card.code.fixed"
    )


def already_active(state: CardState) -> Refused:
    """A card is activated once."""
    return Refused(
        f"The card {state.number} is active already.",
        rule="card.already-active",
        advice="Use it with its PINs; a forgotten PIN is unblocked by the activation code.",
    )


def out_of_phase(state: CardState) -> Refused:
    """The card is not in use yet, or not any more."""
    if state.phase is Phase.PERSONALISED:
        return Refused(
            f"The card {state.number} is not activated yet.",
            rule="card.not-activated",
            advice="Activate it with the code in the holder's letter and choose PIN1 and PIN2.",
        )
    return Refused(f"The card {state.number} is {state.phase} and does nothing.", rule="card.out-of-use")
