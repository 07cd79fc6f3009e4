"""A certificate compared with a profile, row by row. The expected bytes come from the code that issues."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from cryptography import x509

from sotepki.evidence import Finding, Severity
from sotepki.x509 import der, serials
from sotepki.x509.admission import is_dns_name
from sotepki.x509.explaining import (
    explain_extension,
    extended_key_usages,
    general_names,
    policy_oids,
    policy_qualifiers,
)
from sotepki.x509.extensions import constant_extensions, key_usage
from sotepki.x509.names import ATTRIBUTES, NamePart, StringType, name_text, read_name
from sotepki.x509.profile_values import (
    AttributeValue,
    ExtendedKeyUsageValue,
    KeyValue,
    ListValue,
    NamesValue,
    PoliciesValue,
    Presence,
    SerialValue,
    SignatureValue,
    ValidityValue,
)
from sotepki.x509.profiles import Profile, ProfileKind, ProfileRow
from sotepki.x509.validity import ends_with_finnish_day, latest_tolerated_end
from sotepki.x509.view import View, ViewedExtension

_STRING_TAGS = {
    StringType.UTF8: der.Tag.UTF8_STRING,
    StringType.PRINTABLE: der.Tag.PRINTABLE_STRING,
    StringType.IA5: der.Tag.IA5_STRING,
}


@dataclass(frozen=True)
class Breach:
    """One difference between a certificate and a row of its profile.

    Attributes:
        form: a difference of form alone: the row may be a written rule, but this part of it was only observed.
    """

    row: ProfileRow
    message: str
    expected: str = ""
    found: str = ""
    form: bool = False

    def finding(self, *, own: bool = False) -> Finding:
        """The finding that it makes; ``own`` as in ``ProfileRow.finding``."""
        found = self.row.finding(self.message, expected=self.expected, found=self.found, own=own)
        if self.form and not own and found.severity is Severity.ERROR:
            # docs/field/README.md 1: a mere difference of form is a warning.
            return replace(found, severity=Severity.WARNING)
        return found


def breaches(profile: Profile, view: View) -> list[Breach]:
    """All differences, in the order of the profile's fields."""
    found = list(_basics(profile, view))
    found += _subject(profile, view)
    found += _extensions(profile, view)
    return found


def _basics(profile: Profile, view: View) -> Iterator[Breach]:
    if view.version != 3:
        yield Breach(profile.row("version"), "The certificate is not of version 3.", "3", str(view.version))
    serial = profile.value("serial", SerialValue)
    if not serials.has_form(view.serial, serial):
        length = len(view.serial_octets)
        yield Breach(
            profile.row("serial"),
            f"The serial number has {length} octets, or not the form of the profile.",
            f"{serial.octets} octets ({serial.form})",
            f"{view.serial_octets.hex()} ({length} octets)",
        )
    signature = profile.value("signature", SignatureValue)
    seen = view.inner_signature
    if (seen.hash, seen.family) != (signature.hash, profile.family) or (
        seen.family == "ec" and seen.null != signature.explicit_null and not signature.null_optional
    ):
        expected = f"{signature.hash} with {profile.family.upper()}"
        expected += ", NULL parameters" if signature.explicit_null else ""
        yield Breach(profile.row("signature"), "The signature algorithm is another.", expected, str(seen))
    issuers = _issuer_names(profile)
    if view.issuer not in issuers:
        expected = " or ".join(name_text(name) for name in issuers)
        yield Breach(profile.row("issuer"), "The issuer is another CA.", expected, name_text(view.issuer))
    elif profile.kind is ProfileKind.ROOT and view.issuer_raw != view.subject_raw:
        yield Breach(profile.row("issuer"), "Issuer and subject of a root differ.")
    allowed = profile.value("key", KeyValue).allowed
    if view.key not in allowed:
        yield Breach(profile.row("key"), "The subject key is of another kind.", ", ".join(allowed), view.key)
    yield from _validity(profile, view)


@functools.cache
def _issuer_names(profile: Profile) -> tuple[tuple[NamePart, ...], ...]:
    return tuple(read_name(name.public_bytes()) for name in profile.issuer_names)


def _validity(profile: Profile, view: View) -> Iterator[Breach]:
    row = profile.row("validity")
    value = profile.value("validity", ValidityValue)
    start, end = view.not_before.moment, view.not_after.moment
    if start is None or end is None:
        yield Breach(row, "The validity cannot be read.")
        return
    try:
        latest = latest_tolerated_end(value, start)
    except (ValueError, OverflowError):
        yield Breach(row, "The validity begins outside the calendar.", found=f"{start:%Y-%m-%d}")
        return
    if end > latest:
        yield Breach(row, "The certificate is valid for too long.", f"until {latest:%Y-%m-%d}", f"{end:%Y-%m-%d}")
    if value.end_of_finnish_day and not ends_with_finnish_day(end):
        message = "The certificate does not end with the last second of a day in Finland."
        expected = "20:59:59Z in summer time, 21:59:59Z in winter time"
        yield Breach(row, message, expected, f"{end:%H:%M:%SZ}", form=True)


def _subject(profile: Profile, view: View) -> Iterator[Breach]:
    waiting = list(view.subject)
    known = [name for name, _, _ in profile.subject_rows]
    for name, row, value in profile.subject_rows:
        part = next((part for part in waiting if part.name == name), None)
        label = ATTRIBUTES[name].short
        if part is None:
            if row.presence is Presence.REQUIRED:
                yield Breach(row, f"The subject has no {label}.", value.fixed or "present", "absent")
            continue
        waiting.remove(part)
        if part.tag != _STRING_TAGS[value.type]:
            yield Breach(row, f"{label} is of another string type.", value.type, der.string_type(part.tag))
        yield from _text(row, label, value, part.value)
    others = profile.row("subject.others")
    forbidden = profile.value("subject.others", ListValue).items
    for part in waiting:
        found = f"{part.short}={part.value}"
        yield Breach(others, f"The subject has {part.short}.", "absent", found, form=part.name not in forbidden)
    order = [part.name for part in view.subject if part.name in known]
    if order != sorted(order, key=known.index):
        expected = ", ".join(ATTRIBUTES[name].short for name in known)
        yield Breach(
            profile.row("subject.order"), "The subject stands in another order.", expected, name_text(view.subject)
        )
    elif len({part.rdn for part in view.subject}) != len(view.subject):
        yield Breach(profile.row("subject.order"), "An RDN holds several attributes.", found=name_text(view.subject))


def _text(row: ProfileRow, label: str, value: AttributeValue, text: str) -> Iterator[Breach]:
    if value.fixed and text != value.fixed:
        yield Breach(row, f"{label} is another.", value.fixed, text)
    elif value.pattern and (len(text) > 512 or not re.fullmatch(value.pattern, text)):
        yield Breach(row, f"{label} does not have the form of the profile.", value.pattern, text[:200])


def _extensions(profile: Profile, view: View) -> Iterator[Breach]:
    for name, row in profile.extension_rows:
        extension = view.extension(name)
        if extension is None:
            if row.presence is Presence.REQUIRED:
                yield Breach(row, f"The extension {name} is missing.", "present", "absent")
            continue
        if row.critical is not None and extension.critical != row.critical:
            words = ("not critical", "critical")
            yield Breach(
                row,
                f"The extension {name} is {words[extension.critical]}.",
                words[row.critical],
                words[extension.critical],
            )
        yield from _COMPARERS.get(name, _exactly)(profile, view, row, extension)
    allowed = [name for name, _ in profile.extension_rows]
    for extension in view.extensions:
        if extension.name not in allowed:
            row = profile.by_field.get(f"extension.{extension.name}", profile.row("extension.others"))
            found = explain_extension(extension.name, extension.value)
            yield Breach(row, f"The extension {extension.name} does not belong here.", "absent", found)
    order = [extension.name for extension in view.extensions if extension.name in allowed]
    if order != sorted(order, key=allowed.index):
        yield Breach(
            profile.row("extension.order"),
            "The extensions stand in another order.",
            ", ".join(name for name in allowed if name in order),
            ", ".join(order),
        )


def _exactly(profile: Profile, view: View, row: ProfileRow, extension: ViewedExtension) -> Iterator[Breach]:
    value: x509.ExtensionType | None
    if extension.name == "key-usage":
        value = key_usage(profile, rsa_key=view.key_family != "ec")
    else:
        value = constant_extensions(profile).get(extension.name)
    if value is None:
        return
    wanted = value.public_bytes()
    if wanted == extension.value:
        return
    expected, found = explain_extension(extension.name, wanted), explain_extension(extension.name, extension.value)
    if expected == found:
        found += f", encoded as {extension.value.hex()[:80]} where {wanted.hex()[:80]} is expected"
    yield Breach(row, f"The extension {extension.name} says something else.", expected, found)


def _basic_constraints(profile: Profile, view: View, row: ProfileRow, extension: ViewedExtension) -> Iterator[Breach]:
    # Compared by meaning: certificates of DVV write the default CA:FALSE out, ours leave it out as DER demands.
    expected = explain_extension(extension.name, constant_extensions(profile)[extension.name].public_bytes())
    found = explain_extension(extension.name, extension.value)
    if expected != found:
        yield Breach(row, "The basic constraints say something else.", expected, found)


def _authority_key(profile: Profile, view: View, row: ProfileRow, extension: ViewedExtension) -> Iterator[Breach]:
    found = explain_extension(extension.name, extension.value)
    if not found.startswith("key ") or "," in found:
        yield Breach(row, "The authority key identifier is not the key identifier alone.", "key identifier", found)
    own = view.extension("subject-key-identifier")
    if profile.kind is ProfileKind.ROOT and own is not None and own.value[2:] != extension.value[4:]:
        yield Breach(row, "The two key identifiers of a root differ.", own.value[2:].hex(), found)


def _subject_key(profile: Profile, view: View, row: ProfileRow, extension: ViewedExtension) -> Iterator[Breach]:
    try:
        content = der.parse(extension.value).expect(der.Tag.OCTET_STRING).content
    except der.DerError:
        content = b""
    if not 4 <= len(content) <= 64:
        yield Breach(row, "The subject key identifier cannot be read.", "an octet string", extension.value.hex()[:80])


def _policies(profile: Profile, view: View, row: ProfileRow, extension: ViewedExtension) -> Iterator[Breach]:
    wanted = profile.value("extension.certificate-policies", PoliciesValue).policies
    try:
        found = policy_oids(extension.value)
        elements = der.parse(extension.value).children()
        qualifiers = [policy_qualifiers(element) for element in elements]
    except (ValueError, IndexError):
        yield Breach(row, "The certificate policies cannot be read.", found=extension.value.hex()[:80])
        return
    expected = tuple(policy.oid for policy in wanted)
    if found != expected:
        yield Breach(row, "The policies are others.", ", ".join(expected), ", ".join(found))
        return
    for policy, seen in zip(wanted, qualifiers, strict=True):
        kinds = tuple(kind for kind, _, _ in seen)
        if kinds != tuple(policy.qualifiers):
            yield Breach(
                row, f"The qualifiers of {policy.oid} are others.", ", ".join(policy.qualifiers), ", ".join(kinds)
            )
        for kind, text, tag in seen:
            if kind == "cps" and policy.cps and text != policy.cps:
                yield Breach(row, "The CPS address is another.", policy.cps, text)
            # The wording of the notice is not compared: DVV's is not ours, and ours is not DVV's.
            if kind == "user-notice" and policy.user_notice and der.string_type(tag) != policy.notice_type:
                yield Breach(row, "The notice is of another string type.", policy.notice_type, der.string_type(tag))


def _names(profile: Profile, view: View, row: ProfileRow, extension: ViewedExtension) -> Iterator[Breach]:
    value = row.value if isinstance(row.value, NamesValue) else NamesValue()
    try:
        found = general_names(extension.value)
    except (ValueError, IndexError):
        yield Breach(row, "The alternative names cannot be read.", found=extension.value.hex()[:80])
        return
    kinds = {"domain name": value.dns, "IP address": value.ip, "e-mail": value.email, "other name": value.upn}
    for kind, presence in kinds.items():
        texts = [text for seen, text in found if seen == kind]
        if presence is Presence.REQUIRED and not texts:
            yield Breach(row, f"There is no {kind} as alternative name.", "present", "absent")
        if presence is Presence.ABSENT and texts:
            yield Breach(row, f"There is a {kind} as alternative name.", "absent", ", ".join(texts)[:200])
    for kind, text in found:
        if kind not in kinds:
            yield Breach(row, f"There is a {kind} as alternative name.", "absent", text[:200])
        if kind == "domain name" and not is_dns_name(text):
            yield Breach(row, "A domain name is none.", "a host name", text[:200])
    host = view.subject_value("common_name").lower()
    if value.dns is Presence.REQUIRED and host not in [text.lower() for _, text in found]:
        yield Breach(profile.row("subject.common_name"), "The common name is not among the domain names.", found=host)


def _extended(profile: Profile, view: View, row: ProfileRow, extension: ViewedExtension) -> Iterator[Breach]:
    value = profile.value("extension.extended-key-usage", ExtendedKeyUsageValue)
    try:
        found = extended_key_usages(extension.value)
    except (ValueError, IndexError):
        yield Breach(row, "The extended key usage cannot be read.", found=extension.value.hex()[:80])
        return
    if not found or not set(found) <= set(value.allowed):
        yield Breach(row, "The extended key usage is another.", ", ".join(value.allowed), ", ".join(found))
    elif list(found) != [usage for usage in value.allowed if usage in found]:
        message = "The extended key usages stand in another order."
        yield Breach(row, message, ", ".join(value.allowed), ", ".join(found), form=True)


Comparer = Callable[[Profile, View, ProfileRow, ViewedExtension], Iterator[Breach]]

_COMPARERS: Mapping[str, Comparer] = {
    "authority-key-identifier": _authority_key,
    "basic-constraints": _basic_constraints,
    "subject-key-identifier": _subject_key,
    "certificate-policies": _policies,
    "subject-alternative-name": _names,
    "extended-key-usage": _extended,
}
