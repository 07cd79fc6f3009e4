"""Who has logged in: from what the card signed to a professional with rights and access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from sotepki.errors import Refused
from sotepki.evidence import Severity
from sotepki.identifiers import RegistrationNumber
from sotepki.reference_system.rights import Told, check_rights
from sotepki.reference_system.sessions import User
from sotepki.reference_system.surroundings import Surroundings, rules
from sotepki.scs.answers import read_answer
from sotepki.scs.explaining import Asked, explain
from sotepki.scs.login_challenges import LoginChallenge


def log_in(
    challenge: LoginChallenge, answer: Mapping[str, Any], world: Surroundings, told: Told = lambda _sentence: None
) -> User:
    """Judge a login. The browser has only carried things about; every step is checked here.

    Args:
        challenge: taken from the store, so that it cannot be answered twice.
        answer: what the SCS said, as the page passed it on.
        told: see ``check_rights``.

    Raises:
        Refused: ``scs.answer.form``, ``ref.login.*``, ``access.attribute-service``.
    """
    signed = read_answer(answer)
    # 1. The signature, over the challenge as we keep it; the certificate, its chain and its purpose; revocation.
    judged = explain(Asked(challenge.content, wants_signature_key=False), signed, world.trusted, world.clock.now())
    problems = [finding for finding in judged.findings if finding.severity is Severity.ERROR]
    if problems or not signed.ok:
        reasons = " ".join(finding.message for finding in problems or judged.findings)
        raise rules().refusal("ref.login.signature", f"The login was not accepted. {reasons}")
    if any(finding.rule == "scs.answer.status-unavailable" for finding in judged.findings):
        raise rules().refusal("ref.login.status", "Whether the card is revoked could not be asked.")
    # 2. Who it is: by the register, never by the name on the certificate.
    number = _registration_number(signed.certificate)
    professional = world.users(number)
    if professional is None:
        raise rules().refusal("ref.login.professional", f"The professional {number} is no user of this system.")
    # 3. Whether they may: a right in force, and access that the organisation has given.
    check_rights(world, number, told)
    return User(professional, signed.certificate)


def _registration_number(certificate: x509.Certificate) -> RegistrationNumber:
    values = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    try:
        return RegistrationNumber.parse(str(values[0].value))
    except (IndexError, Refused):
        raise rules().refusal("ref.login.professional", "The card carries no registration number.") from None
