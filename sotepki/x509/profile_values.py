"""What a profile row may prescribe: one typed value per field, read from YAML, unknown keys refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import refuse_unknown_keys
from sotepki.x509 import der
from sotepki.x509.names import ATTRIBUTES, StringType


class Presence(StrEnum):
    """Whether a field must, may or must not be there."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    ABSENT = "absent"


class SerialForm(StrEnum):
    """Forms of certificate serial numbers (docs/field/pki.md 3)."""

    PERSON = "person"
    SERVICE = "service"


class Qualifier(StrEnum):
    """Kinds of policy qualifiers (RFC 5280 4.2.1.4)."""

    CPS = "cps"
    USER_NOTICE = "user-notice"


class NoticeType(StrEnum):
    """String type of a user notice."""

    VISIBLE = "VisibleString"
    UTF8 = "UTF8String"


#: Key kinds that a profile may allow; the same words as the key pool uses.
KEY_KINDS = ("rsa-2048", "rsa-3072", "rsa-4096", "p-256", "p-384")

#: Key usage bits by their RFC 5280 names, in bit order.
KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)

#: Extended key usages by short name.
EXTENDED_KEY_USAGES: Mapping[str, str] = {
    "server-auth": "1.3.6.1.5.5.7.3.1",
    "client-auth": "1.3.6.1.5.5.7.3.2",
    "code-signing": "1.3.6.1.5.5.7.3.3",
    "email-protection": "1.3.6.1.5.5.7.3.4",
    "time-stamping": "1.3.6.1.5.5.7.3.8",
    "ocsp-signing": "1.3.6.1.5.5.7.3.9",
    "smartcard-logon": "1.3.6.1.4.1.311.20.2.2",
    # The EU health certificates of 2021 (recalled from the public specification of their trust lists).
    "health-test": "1.3.6.1.4.1.1847.2021.1.1",
    "health-vaccination": "1.3.6.1.4.1.1847.2021.1.2",
    "health-recovery": "1.3.6.1.4.1.1847.2021.1.3",
}

#: Extensions by the short name used in rows and finding ids.
EXTENSIONS: Mapping[str, str] = {
    "authority-key-identifier": "2.5.29.35",
    "subject-key-identifier": "2.5.29.14",
    "key-usage": "2.5.29.15",
    "certificate-policies": "2.5.29.32",
    "subject-alternative-name": "2.5.29.17",
    "basic-constraints": "2.5.29.19",
    "crl-distribution-points": "2.5.29.31",
    "extended-key-usage": "2.5.29.37",
    "authority-information-access": "1.3.6.1.5.5.7.1.1",
    "qc-statements": "1.3.6.1.5.5.7.1.3",
    "ocsp-no-check": "1.3.6.1.5.5.7.48.1.5",
    "sct-list": "1.3.6.1.4.1.11129.2.4.2",
}

#: QC statements (ETSI EN 319 412-5 4.2 to 4.3) and the types of QcType.
QC_STATEMENTS: Mapping[str, str] = {
    "QcCompliance": "0.4.0.1862.1.1",
    "QcSSCD": "0.4.0.1862.1.4",
    "QcType": "0.4.0.1862.1.6",
}
QC_TYPES: Mapping[str, str] = {
    "eSign": "0.4.0.1862.1.6.1",
    "eSeal": "0.4.0.1862.1.6.2",
    "web": "0.4.0.1862.1.6.3",
}


@dataclass(frozen=True)
class SerialValue:
    """Length of the serial number in octets, and how it is formed."""

    octets: int
    form: SerialForm


@dataclass(frozen=True)
class SignatureValue:
    """Hash of the signature.

    ``explicit_null`` adds NULL parameters to an ECDSA algorithm identifier; with ``null_optional`` a certificate fits
    the profile with and without them.
    """

    hash: str
    explicit_null: bool = False
    null_optional: bool = False


@dataclass(frozen=True)
class ValidityValue:
    """Longest validity: ``years`` less ``less_days``, or ``days``; end-entity ones end with a Finnish day."""

    years: int = 0
    days: int = 0
    less_days: int = 0
    end_of_finnish_day: bool = True


@dataclass(frozen=True)
class AttributeValue:
    """A subject attribute: string type, fixed content or a pattern (whole match), shortest allowed bound."""

    type: StringType
    fixed: str = ""
    pattern: str = ""
    bound: int = 0


@dataclass(frozen=True)
class KeyValue:
    """Kinds of subject keys."""

    allowed: tuple[str, ...]


@dataclass(frozen=True)
class KeyUsageValue:
    """Key usage bits for RSA and for EC subject keys."""

    rsa: tuple[str, ...]
    ec: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """One policy with its qualifiers in encoding order."""

    oid: str
    qualifiers: tuple[Qualifier, ...] = ()
    cps: str = ""
    user_notice: str = ""
    notice_type: NoticeType = NoticeType.VISIBLE


@dataclass(frozen=True)
class PoliciesValue:
    """Policies in encoding order."""

    policies: tuple[Policy, ...]


@dataclass(frozen=True)
class NamesValue:
    """Kinds of alternative names; an IP address may be optional only beside a domain name."""

    dns: Presence = Presence.ABSENT
    ip: Presence = Presence.ABSENT
    email: Presence = Presence.ABSENT
    upn: Presence = Presence.ABSENT


@dataclass(frozen=True)
class BasicConstraintsValue:
    """The CA flag and the path length."""

    ca: bool
    path_length: int | None = None


@dataclass(frozen=True)
class UrlValue:
    """One HTTP address."""

    url: str


@dataclass(frozen=True)
class ExtendedKeyUsageValue:
    """Allowed purposes, and those set when the caller chooses none."""

    allowed: tuple[str, ...]
    default: tuple[str, ...] = ()


@dataclass(frozen=True)
class AccessValue:
    """Authority information access: the two addresses in encoding order."""

    order: tuple[str, ...]
    ca_issuers: str
    ocsp: str


@dataclass(frozen=True)
class QcValue:
    """QC statements in encoding order; ``types`` belongs to QcType."""

    statements: tuple[str, ...]
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListValue:
    """A list of words: the subject attributes that a rule forbids, the order of extensions."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class NoValue:
    """The row says all by its presence (subject key identifier, OCSP no-check, the version)."""


NO_VALUE = NoValue()

RowValue = (
    SerialValue
    | SignatureValue
    | ValidityValue
    | AttributeValue
    | KeyValue
    | KeyUsageValue
    | PoliciesValue
    | NamesValue
    | BasicConstraintsValue
    | UrlValue
    | ExtendedKeyUsageValue
    | AccessValue
    | QcValue
    | ListValue
    | NoValue
)


def read_value(field: str, raw: Any, where: str) -> RowValue:
    """The typed value of a row.

    Raises:
        Fault: the field is not known, or its value has an unknown, missing or impossible part.
    """
    reader = _attribute if field in _SUBJECT_FIELDS else _READERS.get(field)
    if reader is None:
        raise Fault(f"{where} speaks of the unknown field {field!r}.")
    try:
        return reader(raw, where)
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(f"The value in {where} is not well formed: {error}.") from None


def _mapping(raw: Any, kind: type, where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise TypeError("a mapping is expected")
    refuse_unknown_keys(raw, [field.name for field in fields(kind)], where)
    return dict(raw)


def _words(raw: Any, allowed: Iterable[str], where: str) -> tuple[str, ...]:
    words = tuple(str(word) for word in (raw if isinstance(raw, list) else [raw]))
    known = tuple(allowed)
    for word in words:
        if word not in known:
            raise Fault(f"{where} has the unknown word {word!r}; known are {', '.join(known)}.")
    return words


def _serial(raw: Any, where: str) -> SerialValue:
    row = _mapping(raw, SerialValue, where)
    return SerialValue(int(row["octets"]), SerialForm(row["form"]))


def _signature(raw: Any, where: str) -> SignatureValue:
    row = _mapping(raw, SignatureValue, where)
    (name,) = _words(row["hash"], ("sha256", "sha384", "sha512"), where)
    return SignatureValue(name, bool(row.get("explicit_null", False)), bool(row.get("null_optional", False)))


def _validity(raw: Any, where: str) -> ValidityValue:
    row = _mapping(raw, ValidityValue, where)
    value = ValidityValue(
        int(row.get("years", 0)),
        int(row.get("days", 0)),
        int(row.get("less_days", 0)),
        bool(row.get("end_of_finnish_day", True)),
    )
    if (value.years > 0) == (value.days > 0):
        raise ValueError("either years or days must be given")
    return value


def _attribute(raw: Any, where: str) -> AttributeValue:
    row = _mapping(raw, AttributeValue, where)
    return AttributeValue(
        StringType(row["type"]), str(row.get("fixed", "")), str(row.get("pattern", "")), int(row.get("bound", 0))
    )


def _key(raw: Any, where: str) -> KeyValue:
    return KeyValue(_words(_mapping(raw, KeyValue, where)["allowed"], KEY_KINDS, where))


def _key_usage(raw: Any, where: str) -> KeyUsageValue:
    row = _mapping(raw, KeyUsageValue, where)
    return KeyUsageValue(_words(row["rsa"], KEY_USAGES, where), _words(row["ec"], KEY_USAGES, where))


def _policy(raw: Any, where: str) -> Policy:
    row = _mapping(raw, Policy, where)
    policy = Policy(
        oid=str(row["oid"]),
        qualifiers=tuple(Qualifier(word) for word in row.get("qualifiers", ())),
        cps=str(row.get("cps", "")),
        user_notice=str(row.get("user_notice", "")).strip(),
        notice_type=NoticeType(row.get("notice_type", NoticeType.VISIBLE)),
    )
    der.oid(policy.oid)
    if bool(policy.cps) != (Qualifier.CPS in policy.qualifiers):
        raise ValueError("the CPS address and its qualifier must come together")
    if bool(policy.user_notice) != (Qualifier.USER_NOTICE in policy.qualifiers):
        raise ValueError("the user notice and its qualifier must come together")
    if len(policy.user_notice) > 200:
        raise ValueError("a user notice has at most 200 characters (RFC 5280 4.2.1.4)")
    if policy.notice_type is NoticeType.VISIBLE and not policy.user_notice.isascii():
        raise ValueError("a VisibleString notice is written in ASCII")
    return policy


def _policies(raw: Any, where: str) -> PoliciesValue:
    return PoliciesValue(tuple(_policy(row, where) for row in _mapping(raw, PoliciesValue, where)["policies"]))


def _names(raw: Any, where: str) -> NamesValue:
    return NamesValue(**{key: Presence(value) for key, value in _mapping(raw, NamesValue, where).items()})


def _basic_constraints(raw: Any, where: str) -> BasicConstraintsValue:
    row = _mapping(raw, BasicConstraintsValue, where)
    length = row.get("path_length")
    return BasicConstraintsValue(bool(row["ca"]), None if length is None else int(length))


def _url(raw: Any, where: str) -> UrlValue:
    return UrlValue(_http(_mapping(raw, UrlValue, where)["url"]))


def _http(raw: Any) -> str:
    if not str(raw).startswith("http://"):
        raise ValueError("an http address is expected")
    return str(raw)


def _extended_key_usage(raw: Any, where: str) -> ExtendedKeyUsageValue:
    row = _mapping(raw, ExtendedKeyUsageValue, where)
    allowed = _words(row["allowed"], EXTENDED_KEY_USAGES, where)
    return ExtendedKeyUsageValue(allowed, _words(row.get("default", list(allowed)), allowed, where))


def _access(raw: Any, where: str) -> AccessValue:
    row = _mapping(raw, AccessValue, where)
    order = _words(row["order"], ("caIssuers", "ocsp"), where)
    return AccessValue(order, _http(row["ca_issuers"]), _http(row["ocsp"]))


def _qc(raw: Any, where: str) -> QcValue:
    row = _mapping(raw, QcValue, where)
    value = QcValue(_words(row["statements"], QC_STATEMENTS, where), _words(row.get("types", []), QC_TYPES, where))
    if bool(value.types) != ("QcType" in value.statements):
        raise ValueError("types belong to the statement QcType")
    return value


def _attributes(raw: Any, where: str) -> ListValue:
    return ListValue(_words(raw, ATTRIBUTES, where))


def _extensions(raw: Any, where: str) -> ListValue:
    return ListValue(_words(raw, EXTENSIONS, where))


def _nothing(raw: Any, where: str) -> NoValue:
    if raw is not None:
        raise ValueError("this field takes no value")
    return NoValue()


_SUBJECT_FIELDS = frozenset(f"subject.{name}" for name in ATTRIBUTES)

_READERS: Mapping[str, Callable[[Any, str], RowValue]] = {
    "version": _nothing,
    "serial": _serial,
    "signature": _signature,
    "issuer": _nothing,
    "validity": _validity,
    "subject.order": _nothing,
    "subject.others": _attributes,
    "key": _key,
    "extension.order": _extensions,
    "extension.others": _nothing,
    "extension.authority-key-identifier": _nothing,
    "extension.subject-key-identifier": _nothing,
    "extension.key-usage": _key_usage,
    "extension.certificate-policies": _policies,
    "extension.subject-alternative-name": _names,
    "extension.basic-constraints": _basic_constraints,
    "extension.crl-distribution-points": _url,
    "extension.extended-key-usage": _extended_key_usage,
    "extension.authority-information-access": _access,
    "extension.qc-statements": _qc,
    "extension.ocsp-no-check": _nothing,
    "extension.sct-list": _nothing,
}

#: Every field a row may speak of.
FIELDS = frozenset(_READERS) | _SUBJECT_FIELDS
