"""SCS, the Signature Creation Service: a web page asks, the user types the PIN, the card signs."""

from sotepki.scs.http_service import ScsHttp, running, tls_context
from sotepki.scs.local_certificate import CertificateVariant, local_certificate
from sotepki.scs.request import Selector, SignRequest, read_request
from sotepki.scs.service import CardInReader, PinKind, PinRequest, PinSource, SignatureService, check_challenge
from sotepki.scs.settings import PORT, EcdsaForm, ScsSettings, load_settings, rulebook

__all__ = [
    "PORT",
    "CardInReader",
    "CertificateVariant",
    "EcdsaForm",
    "PinKind",
    "PinRequest",
    "PinSource",
    "ScsHttp",
    "ScsSettings",
    "Selector",
    "SignRequest",
    "SignatureService",
    "check_challenge",
    "load_settings",
    "local_certificate",
    "read_request",
    "rulebook",
    "running",
    "tls_context",
]
