"""Checks of the card holder's exercises (notebook 04): they look at the card, at Vartti, or at what is handed in."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sotepki.card.kinds import Credential, KeyUse
from sotepki.card.state import Phase
from sotepki.clock import finnish_day, months_after
from sotepki.dvv.office_data import office_data
from sotepki.training.scene import DONE, Outcome, Scene

SENTENCE = b"I have understood what PIN2 is for."


def take_into_use(scene: Scene) -> Outcome:
    """The chip is active, and Vartti knows of it."""
    if scene.workspace.cards.read(scene.names["card"]).state.phase is not Phase.ACTIVE:
        return scene.lacks("not-active")
    state = scene.workspace.vartti.card(scene.names["card"]).state
    return DONE if state == "activated" else scene.lacks("not-noted", state=state)


def locked_pin(scene: Scene) -> Outcome:
    """PIN1 has all its tries again."""
    tries = scene.workspace.cards.read(scene.names["card"]).state.tries
    left = tries[Credential.PIN1]
    return DONE if left == 5 else scene.lacks("locked", left=left)


def sign_a_sentence(scene: Scene) -> Outcome:
    """The sentence, signed by the signature key."""
    if not isinstance(scene.answer, bytes):
        return scene.lacks("no-bytes")
    certificates = scene.workspace.cards.read(scene.names["card"]).certificates
    if _verifies(certificates[KeyUse.SIGNATURE], scene.answer):
        return DONE
    if _verifies(certificates[KeyUse.AUTHENTICATION], scene.answer):
        return scene.lacks("other-key")
    return scene.lacks("no-signature")


def who_am_i(scene: Scene) -> Outcome:
    """The registration number from the subject."""
    professional = scene.workspace.valvira.professional_of(scene.cast.person("pharmacist"))
    assert professional is not None
    if not scene.said():
        return scene.lacks("nothing")
    return DONE if scene.said() == professional.registration_number.value else scene.lacks("other-value")


def when_to_renew(scene: Scene) -> Outcome:
    """The first day of the renewal window."""
    answer = scene.answer
    if isinstance(answer, str):
        try:
            answer = date.fromisoformat(answer.strip())
        except ValueError:
            return scene.lacks("no-date")
    if isinstance(answer, datetime):
        answer = finnish_day(answer)
    if not isinstance(answer, date):
        return scene.lacks("no-date")
    not_after = scene.workspace.vartti.card(scene.names["card"]).not_after
    assert not_after is not None
    opens = months_after(finnish_day(not_after), -office_data().renewal_window_months) + timedelta(days=1)
    if answer == opens:
        return DONE
    return scene.lacks("too-early" if answer < opens else "too-late")


def stolen_card(scene: Scene) -> Outcome:
    """Closed as stolen, by the holder."""
    order = scene.workspace.vartti.card(scene.names["card"])
    if order.state != "closed":
        return scene.lacks("open", state=order.state)
    if order.closing_reason != "stolen":
        return scene.lacks("reason", reason=order.closing_reason)
    closers = [step.actor for step in scene.workspace.vartti.history(order.id) if step.step == "close"]
    return DONE if closers and closers[0].startswith("holder") else scene.lacks("by-another")


def _verifies(certificate: x509.Certificate, signature: bytes) -> bool:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, SENTENCE, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
