"""SCS, the Signature Creation Service: a web page asks, the user types the PIN, the card signs."""

from sotepki.scs.challenge import challenge_content, check_challenge
from sotepki.scs.http_service import ScsHttp, running, running_on_old_ports, tls_context
from sotepki.scs.local_certificate import CertificateVariant, local_certificate
from sotepki.scs.request import Selector, SignRequest, read_request
from sotepki.scs.service import CardInReader, PinKind, PinRequest, PinSource, SignatureService
from sotepki.scs.settings import (
    PORT,
    ChallengeForm,
    EcdsaForm,
    ScsSettings,
    load_settings,
    ports,
    quirks,
    rulebook,
)

__all__ = [
    "PORT",
    "CardInReader",
    "CertificateVariant",
    "ChallengeForm",
    "EcdsaForm",
    "PinKind",
    "PinRequest",
    "PinSource",
    "ScsHttp",
    "ScsSettings",
    "Selector",
    "SignRequest",
    "SignatureService",
    "challenge_content",
    "check_challenge",
    "load_settings",
    "local_certificate",
    "ports",
    "quirks",
    "read_request",
    "rulebook",
    "running",
    "running_on_old_ports",
    "tls_context",
]
