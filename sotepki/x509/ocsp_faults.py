"""The ways in which an OCSP responder can be made to fail on purpose, as one typed value.

Each knob is one thing that a relying party must notice, or survive. The list follows the knobs of gematik's OCSP
responder (docs/field/engineering.md 2, row Fault-knob list: confirmed); the words are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, get_type_hints

from sotepki.errors import Misuse
from sotepki.x509.status import CertificateState

LONGEST_DELAY = 300.0
"""Seconds; a longer delay would look like a service that has died."""


class ResponseFault(StrEnum):
    """A response status of RFC 6960 4.2.1 instead of an answer."""

    NONE = "none"
    MALFORMED_REQUEST = "malformed-request"
    INTERNAL_ERROR = "internal-error"
    TRY_LATER = "try-later"
    SIG_REQUIRED = "sig-required"
    UNAUTHORIZED = "unauthorized"


class SignatureFault(StrEnum):
    """What is wrong with the signature: one bit of it, or the key that made it."""

    NONE = "none"
    BROKEN = "broken"
    OTHER_KEY = "other-key"


class ResponderFault(StrEnum):
    """Who answers: ``stranger`` is a responder that bears the right names and that no CA knows."""

    NONE = "none"
    STRANGER = "stranger"


class ResponderIdFault(StrEnum):
    """How the responder names itself: by key (as always), by its subject, or by a key that is not its own."""

    NONE = "none"
    NAME = "name"
    WRONG = "wrong"


class CertificateIdFault(StrEnum):
    """What is wrong with the CertID in the answer."""

    NONE = "none"
    SERIAL = "serial"
    ISSUER_NAME = "issuer-name"
    ISSUER_KEY = "issuer-key"
    HASH = "hash"


class NullFault(StrEnum):
    """Whether the hash algorithm of the CertID carries NULL parameters, whatever the request had."""

    NONE = "none"
    PRESENT = "present"
    ABSENT = "absent"


class NonceFault(StrEnum):
    """What becomes of the nonce of the request."""

    NONE = "none"
    OMIT = "omit"
    OTHER = "other"


class BodyFault(StrEnum):
    """What is sent instead of the bytes of the answer."""

    NONE = "none"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    HTML = "html"
    TRAILING = "trailing"
    NO_RESPONSE_BYTES = "no-response-bytes"


@dataclass(frozen=True)
class OcspFaults:
    """Which faults an OCSP responder shows. Without arguments: none.

    Times are moved against what an honest answer would say; a fault that cannot be seen in an answer of another kind
    (a signature on an error status) has no effect there.

    Raises:
        Misuse: a number outside its bounds.
    """

    delay_seconds: Annotated[float, "Wait so long before answering."] = 0.0
    http_status: Annotated[int, "Answer with this HTTP status (400 to 599) and no OCSP; 0: none."] = 0
    content_type: Annotated[str, "Send the answer under this content type."] = ""
    body: Annotated[BodyFault, "What is sent instead of the answer's bytes."] = BodyFault.NONE
    response_status: Annotated[ResponseFault, "An OCSP error instead of an answer."] = ResponseFault.NONE
    certificate_status: Annotated[CertificateState | None, "Say this of every certificate."] = None
    signature: Annotated[SignatureFault, "What is wrong with the signature."] = SignatureFault.NONE
    responder: Annotated[ResponderFault, "Who signs the answer."] = ResponderFault.NONE
    responder_id: Annotated[ResponderIdFault, "How the responder names itself."] = ResponderIdFault.NONE
    certificate_missing: Annotated[bool, "Leave the responder's certificate out."] = False
    certificate_id: Annotated[CertificateIdFault, "What is wrong with the CertID."] = CertificateIdFault.NONE
    null_parameters: Annotated[NullFault, "NULL parameters in the CertID's hash algorithm."] = NullFault.NONE
    nonce: Annotated[NonceFault, "What becomes of the nonce."] = NonceFault.NONE
    produced_at_shift: Annotated[timedelta, "Move producedAt by so many seconds."] = timedelta(0)
    this_update_shift: Annotated[timedelta, "Move thisUpdate by so many seconds."] = timedelta(0)
    next_update_shift: Annotated[timedelta, "Move nextUpdate by so many seconds."] = timedelta(0)
    next_update_missing: Annotated[bool, "Leave nextUpdate out."] = False
    answers: Annotated[int, "Be faulty in so many answers and honest again after them; 0: in all."] = 0

    def __post_init__(self) -> None:
        for knob in fields(self):
            value = getattr(self, knob.name)
            if isinstance(knob.default, StrEnum) and not isinstance(value, StrEnum):
                # A plain word would compare equal and still be another thing than the member it names.
                object.__setattr__(self, knob.name, _value(knob.name, knob.default, value))
        if not 0 <= self.delay_seconds <= LONGEST_DELAY:
            raise Misuse(f"The delay must be 0 to {LONGEST_DELAY:.0f} seconds.")
        if self.http_status and not 400 <= self.http_status <= 599:
            raise Misuse("The HTTP status of a fault must be 400 to 599.")
        if not self.content_type.isascii() or not self.content_type.isprintable():
            raise Misuse("The content type of a fault must be printable ASCII.")
        if not 0 <= self.answers <= 1_000_000:
            raise Misuse("The number of faulty answers must be 0 to 1,000,000.")
        for shift in (self.produced_at_shift, self.this_update_shift, self.next_update_shift):
            if abs(shift) > timedelta(days=3650):
                raise Misuse("A time can be moved by ten years at most.")

    def __bool__(self) -> bool:
        return self != NO_FAULTS

    def as_dict(self) -> dict[str, Any]:
        """The knobs that are turned, ready for JSON; times in seconds."""
        turned: dict[str, Any] = {}
        for knob in fields(self):
            value = getattr(self, knob.name)
            if value != knob.default:
                turned[knob.name] = value.total_seconds() if isinstance(value, timedelta) else value
        return turned

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> OcspFaults:
        """The faults that ``as_dict`` wrote, or that a person wrote by hand.

        Raises:
            Misuse: an unknown knob, or a value that does not fit one.
        """
        known = {knob.name: knob.default for knob in fields(cls)}
        unknown = sorted(set(row) - set(known))
        if unknown:
            raise Misuse(f"There is no OCSP fault {unknown[0]!r}; there are {', '.join(known)}.")
        return cls(**{name: _value(name, known[name], value) for name, value in row.items()})


def _value(name: str, default: Any, value: Any) -> Any:
    """A value from JSON in the type of its knob, which is that of the default."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        if name == "certificate_status":
            return None if value is None else CertificateState(value)
        match default:
            case StrEnum():
                return type(default)(value)
            case bool() | str():
                if isinstance(value, type(default)):
                    return value
            case timedelta() if number:
                return timedelta(seconds=value)
            case float() if number:
                return float(value)
            case int() if number and value == int(value):
                return int(value)
    except (ValueError, OverflowError):
        pass
    raise Misuse(f"The value {value!r} does not fit the OCSP fault {name}.")


NO_FAULTS = OcspFaults()


def knob_texts() -> dict[str, str]:
    """What each knob does, one sentence each, in the order of the fields."""
    hints = get_type_hints(OcspFaults, include_extras=True)
    return {knob.name: str(hints[knob.name].__metadata__[0]) for knob in fields(OcspFaults)}
