"""What a profile lets through: every certificate is checked here before a key signs it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from cryptography import x509

from sotepki.clock import HELSINKI
from sotepki.errors import Refused
from sotepki.x509.extensions import AlternativeNames, PublicKey
from sotepki.x509.issuer import Issuer
from sotepki.x509.keys import key_kind
from sotepki.x509.names import ATTRIBUTES, StringType, is_printable, name_attribute, readable
from sotepki.x509.profile_values import (
    AttributeValue,
    ExtendedKeyUsageValue,
    KeyValue,
    NamesValue,
    Presence,
    SerialValue,
    ValidityValue,
)
from sotepki.x509.profiles import Environment, Profile, ProfileKind, ProfileRow
from sotepki.x509.serials import has_form
from sotepki.x509.template import CertificateTemplate
from sotepki.x509.validity import ends_with_finnish_day, latest_end

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z)(\*\.)?({_LABEL}\.)*[A-Za-z]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?")


def admit(profile: Profile, template: CertificateTemplate, issuer: Issuer) -> None:
    """Let a template through, or refuse it under the profile's row that forbids it.

    Raises:
        Refused: with the row's id as rule; a production form is refused whole (``cert.environment.production``).
    """
    if profile.environment is not Environment.TEST:
        raise Refused(
            f"Certificates of the profile {profile.id} are not made here: it is a production form, kept for linting.",
            rule="cert.environment.production",
            advice="Issue from the TEST profile of the same kind.",
            subject=profile.id,
        )
    _issuer(profile, issuer, template.public_key)
    _subject(profile, template.subject)
    _key(profile, template.public_key)
    _serial(profile, template.serial_number)
    _validity(profile, issuer, template.not_before, template.not_after)
    _names(profile, template.subject, template.names)
    _extended_key_usage(profile, template.extended_key_usage)


def subject_name(profile: Profile, subject: Mapping[str, str]) -> x509.Name:
    """The distinguished name in the profile's order and string types; ``subject`` has been admitted."""
    if profile.fixed_name is not None:
        return profile.fixed_name
    attributes = []
    for name, _, value in profile.subject_rows:
        text = value.fixed or subject.get(name, "")
        if text:
            attributes.append(name_attribute(name, text, value.type))
    return x509.Name(attributes)


def is_dns_name(text: str) -> bool:
    """Whether a text is a host name by RFC 1034 3.5 and RFC 1123 2.1, with at most one leading wildcard label."""
    return _DNS_NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class Misfit:
    """Why a text cannot stand in an attribute of a subject, as the end of a sentence, and what to do."""

    fault: str
    advice: str


def misfit(name: str, value: AttributeValue, text: str) -> Misfit | None:
    """What is wrong with the length or the ends of a text in an attribute; None if a certificate may hold it."""
    bound = value.bound or ATTRIBUTES[name].bound
    # RFC 5280 appendix A.1 counts characters; pyca, which builds the name, counts the common name in UTF-8 octets.
    length = len(text.encode("utf-8", "replace")) if name == "common_name" else len(text)
    if length > bound:
        if len(text) <= bound:
            advice = f"Shorten it: it takes {length} octets, since letters such as ä, ö and å take two each."
            return Misfit(f"is longer than {bound} octets", advice)
        return Misfit(f"is longer than {bound} characters", f"Shorten it: it has {len(text)} characters.")
    if not text.isprintable() or text != text.strip():
        advice = "Give it without them; a space at the end easily comes along when a name is copied."
        return Misfit("has control characters or spaces at its ends", advice)
    return None


def _refuse(row: ProfileRow, sentence: str, subject: str = "") -> NoReturn:
    raise Refused(sentence, rule=row.id, advice=row.advice or f"The profile says: {row.rule}", subject=subject)


def _issuer(profile: Profile, issuer: Issuer, public_key: PublicKey) -> None:
    row = profile.row("issuer")
    if profile.kind is ProfileKind.ROOT:
        if issuer.certificate is not None or issuer.key.public_key() != public_key:
            _refuse(row, f"A certificate of the profile {profile.id} is signed by its own key, under its own name.")
        return
    certificate = issuer.certificate
    if certificate is None:
        _refuse(row, f"A certificate of the profile {profile.id} is not self-signed; it needs an issuing CA.")
    if certificate.subject not in profile.issuer_names:
        _refuse(
            row, f"The CA {readable(certificate.subject)} does not issue certificates of the profile {profile.id}."
        )
    if not issuer.is_ca:
        _refuse(row, f"The certificate of {readable(certificate.subject)} is not a CA certificate.")
    if not issuer.holds_key:
        _refuse(row, f"The key given for {readable(certificate.subject)} is not the one in its certificate.")
    if not key_kind(issuer.key).startswith("rsa" if profile.family == "rsa" else "p-"):
        _refuse(profile.row("signature"), f"A key {key_kind(issuer.key)} cannot sign in the {profile.family} tree.")


def _subject(profile: Profile, subject: Mapping[str, str]) -> None:
    known = {name for name, _, _ in profile.subject_rows}
    for name in subject:
        if name not in known:
            others = profile.row("subject.others")
            label = ATTRIBUTES[name].short if name in ATTRIBUTES else name
            _refuse(others, f"The subject of the profile {profile.id} has no {label}.", name)
    for name, row, value in profile.subject_rows:
        if value.fixed:
            fixed = {other.fixed for other_name, _, other in profile.subject_rows if other_name == name}
            if subject.get(name, value.fixed) not in fixed:
                _refuse(row, f"{ATTRIBUTES[name].short} must be {value.fixed!r}, not {subject[name]!r}.", name)
            continue
        text = subject.get(name, "")
        if not text:
            if row.presence is Presence.REQUIRED:
                _refuse(row, f"The subject of the profile {profile.id} needs {ATTRIBUTES[name].short}.", name)
            continue
        _attribute(name, row, value, text)


def _attribute(name: str, row: ProfileRow, value: AttributeValue, text: str) -> None:
    label = ATTRIBUTES[name].short
    wrong = misfit(name, value, text)
    if wrong is not None:
        _refuse(row, f"{label} {wrong.fault}: {text!r}.", name)
    if value.type is StringType.PRINTABLE and not is_printable(text):
        _refuse(row, f"{label} {text!r} has characters that a PrintableString cannot hold.", name)
    if value.pattern and not _pattern(value.pattern).fullmatch(text):
        _refuse(row, f"{label} {text!r} does not have the form of the profile.", name)


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _key(profile: Profile, public_key: PublicKey) -> None:
    allowed = profile.value("key", KeyValue).allowed
    kind = key_kind(public_key)
    if kind not in allowed:
        row = profile.row("key")
        _refuse(row, f"A key {kind} is not allowed by the profile {profile.id}, only {', '.join(allowed)}.")


def _serial(profile: Profile, serial_number: int) -> None:
    value = profile.value("serial", SerialValue)
    if not has_form(serial_number, value):
        row = profile.row("serial")
        _refuse(
            row, f"The serial number {serial_number} does not have the form of {value.octets} octets ({value.form})."
        )


def _validity(profile: Profile, issuer: Issuer, not_before: datetime, not_after: datetime) -> None:
    row = profile.row("validity")
    value = profile.value("validity", ValidityValue)
    if not_after <= not_before:
        _refuse(row, "The certificate would end before it begins.")
    latest = latest_end(value, not_before)
    if not_after > latest:
        _refuse(row, f"The certificate would end on {not_after:%Y-%m-%d}, the profile allows {latest:%Y-%m-%d}.")
    if value.end_of_finnish_day and not ends_with_finnish_day(not_after):
        local = not_after.astimezone(HELSINKI)
        _refuse(row, f"The certificate would end at {local:%H:%M:%S} in Finland, not with the last second of a day.")
    if issuer.certificate is None:
        return
    begin, end = issuer.certificate.not_valid_before_utc, issuer.certificate.not_valid_after_utc
    if not begin <= not_before < not_after <= end:
        raise Refused(
            f"The certificate would reach outside the validity of its issuer ({begin:%Y-%m-%d} to {end:%Y-%m-%d}).",
            rule="cert.validity.issuer",
            advice="Shorten the validity, or make a new CA.",
        )


def _names(profile: Profile, subject: Mapping[str, str], names: AlternativeNames) -> None:
    row = profile.by_field.get("extension.subject-alternative-name", profile.row("extension.others"))
    value = row.value if isinstance(row.value, NamesValue) else NamesValue()
    kinds = (
        ("domain name", value.dns, bool(names.dns)),
        ("IP address", value.ip, bool(names.ip)),
        ("e-mail address", value.email, bool(names.email)),
        ("user principal name", value.upn, bool(names.upn)),
    )
    for kind, presence, given in kinds:
        if given and presence is Presence.ABSENT:
            _refuse(row, f"The profile {profile.id} has no {kind} as alternative name.")
        if not given and presence is Presence.REQUIRED:
            _refuse(row, f"The profile {profile.id} needs a {kind} as alternative name.")
    for name in names.dns:
        if not is_dns_name(name):
            _refuse(row, f"{name!r} is not a domain name.", name)
    if value.dns is Presence.REQUIRED and subject.get("common_name", "").lower() not in map(str.lower, names.dns):
        host = subject.get("common_name", "")
        _refuse(profile.row("subject.common_name"), f"The common name {host!r} is not among the domain names.", host)
    for text in (names.email, names.upn):
        if text and (not text.isprintable() or "@" not in text.strip("@") or not text.isascii()):
            _refuse(row, f"{text!r} is not an address of the form name@domain.", text)


def _extended_key_usage(profile: Profile, usages: tuple[str, ...]) -> None:
    if not usages:
        return
    value = profile.find("extension.extended-key-usage", ExtendedKeyUsageValue)
    allowed = value.allowed if value is not None else ()
    for usage in usages:
        if usage not in allowed:
            row = profile.by_field.get("extension.extended-key-usage", profile.row("extension.others"))
            _refuse(row, f"The profile {profile.id} does not allow the extended key usage {usage!r}.", usage)
