"""The lookup request of Vartti's person query: read strictly, and its signed user context.

The form is that of the public client of the VRK era (docs/field/registration.md 5.1: confirmed); the current version
of the interface is not known.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sotepki.dvv.vartti.data import vartti_data, vartti_rules
from sotepki.errors import Refused

_EXPIRES = "%Y%m%d%H%M%SZ"
_EXPIRES_FORM = re.compile(r"[0-9]{14}Z", re.ASCII)
_SERIAL = re.compile(r"[1-9][0-9]{0,48}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{11}", re.ASCII)
_TEXT = re.compile(r"[^;\x00-\x1f]{1,200}")


@dataclass(frozen=True)
class ApprovedApplication:
    """An application that may ask: its name, the certificate of the key it signs with, the roles it was given."""

    name: str
    certificate: x509.Certificate
    roles: frozenset[str]


@dataclass(frozen=True)
class UserContext:
    """Who asks: the application, the user it authenticated, in which role, until when, and the signature over it."""

    application: str
    user: str
    role: str
    expires_at: str
    signature: bytes = b""

    def signed_bytes(self) -> bytes:
        """What the signature covers: the four values, each followed by a semicolon, in UTF-16LE."""
        return f"{self.application};{self.user};{self.role};{self.expires_at};".encode("utf-16-le")

    def signed(self, key: rsa.RSAPrivateKey) -> UserContext:
        """The context with its signature, SHA1withRSA as the interface has it."""
        return replace(self, signature=key.sign(self.signed_bytes(), padding.PKCS1v15(), hashes.SHA1()))


@dataclass(frozen=True)
class PersonQuery:
    """What is asked: the person with ``number`` whose certificate ``issuer`` gave the serial number."""

    issuer: str
    serial_number: int
    number: str
    context: UserContext

    def as_json(self) -> bytes:
        """The body of the request."""
        body = {
            "Certificate": {"IssuerCN": self.issuer, "SerialNumber": str(self.serial_number)},
            "SearchTerm": self.number,
            "UserContext": {
                "ApplicationName": self.context.application,
                "AuthenticatedUser": self.context.user,
                "ExpiresAt": self.context.expires_at,
                "RoleName": self.context.role,
                "Signature": base64.b64encode(self.context.signature).decode("ascii"),
            },
        }
        return json.dumps(body, ensure_ascii=False).encode()


def user_context(application: str, user: str, now: datetime) -> UserContext:
    """A context of this moment, to be signed, as the published client makes it: it ends in 30 minutes."""
    facts = vartti_data().lookup
    ends = now.astimezone(UTC) + timedelta(minutes=facts.longest_minutes)
    return UserContext(application, user, facts.role, ends.strftime(_EXPIRES))


def read_query(body: bytes) -> PersonQuery:
    """The request in a body.

    Raises:
        Refused: rule ``lookup.request``: it is not one.
    """
    try:
        raw = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _unreadable("The body is not a JSON object in UTF-8 with each name once.") from None
    top = _object(raw, "the body", {"Certificate", "SearchTerm", "UserContext"})
    certificate = _object(top["Certificate"], "Certificate", {"IssuerCN", "SerialNumber"})
    context = _object(
        top["UserContext"],
        "UserContext",
        {"ApplicationName", "AuthenticatedUser", "ExpiresAt", "RoleName", "Signature"},
    )
    serial = certificate["SerialNumber"]
    if isinstance(serial, int) and not isinstance(serial, bool):
        if not 0 < serial < 1 << 160:
            raise _unreadable("SerialNumber is not a serial number.")
        serial = str(serial)
    try:
        signature = base64.b64decode(
            _text(context, "Signature", re.compile(r"[A-Za-z0-9+/=]{1,4096}")), validate=True
        )
    except binascii.Error:
        raise _unreadable("Signature is not base64.") from None
    return PersonQuery(
        issuer=_text(certificate, "IssuerCN", _TEXT),
        serial_number=int(_text({"SerialNumber": serial}, "SerialNumber", _SERIAL)),
        number=_text(top, "SearchTerm", _NUMBER),
        context=UserContext(
            application=_text(context, "ApplicationName", _TEXT),
            user=_text(context, "AuthenticatedUser", _TEXT),
            role=_text(context, "RoleName", _TEXT),
            expires_at=_text(context, "ExpiresAt", _EXPIRES_FORM),
            signature=signature,
        ),
    )


def check_context(context: UserContext, applications: Mapping[str, ApprovedApplication], now: datetime) -> None:
    """Refuse a user context that is not of an approved application, not signed by it, or not of this time.

    Raises:
        Refused: ``lookup.application``, ``lookup.signature``, ``lookup.expired``.
    """
    application = applications.get(context.application)
    if application is None or context.role not in application.roles or context.role != vartti_data().lookup.role:
        raise _refused(
            "lookup.application", f"The application {context.application[:60]!r} has no role {context.role[:40]!r}."
        )
    key = application.certificate.public_key()
    try:
        if not isinstance(key, rsa.RSAPublicKey):
            raise InvalidSignature
        key.verify(context.signature, context.signed_bytes(), padding.PKCS1v15(), hashes.SHA1())
    except InvalidSignature:
        raise _refused("lookup.signature", f"The user context is not signed by {application.name}.") from None
    facts = vartti_data().lookup
    latest = now + timedelta(minutes=facts.longest_minutes, seconds=facts.tolerance_seconds)
    try:
        ends = datetime.strptime(context.expires_at, _EXPIRES).replace(tzinfo=UTC)
    except ValueError:
        raise _refused("lookup.expired", f"{context.expires_at} is not a moment.") from None
    if not now < ends <= latest:
        raise _refused("lookup.expired", f"The user context ends at {context.expires_at}; it is {now:{_EXPIRES}}.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _object(value: Any, name: str, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != keys:
        raise _unreadable(f"{name} is not an object with exactly {', '.join(sorted(keys))}.")
    return value


def _text(values: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = values[name]
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _unreadable(f"{name} has not the form of one.")
    return value


def _unreadable(sentence: str) -> Refused:
    return _refused("lookup.request", sentence)


def _refused(rule: str, sentence: str) -> Refused:
    return vartti_rules().refusal(rule, sentence)
