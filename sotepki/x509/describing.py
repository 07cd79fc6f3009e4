"""A certificate field by field, in words: for ``sotepki cert show``."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.clock import HELSINKI
from sotepki.evidence import load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.x509 import der
from sotepki.x509.explaining import explain_extension, extended_key_usages, key_usage_bits
from sotepki.x509.lint import lint_certificate
from sotepki.x509.names import NamePart
from sotepki.x509.profiles import Profile, load_profiles
from sotepki.x509.view import View, ViewedExtension, ViewedTime, view_certificate


@dataclass(frozen=True)
class DescribedField:
    """One field.

    Attributes:
        value: as it stands; ``encoding`` its string type or criticality.
        meaning: what the field is for, and what this value allows, in plain words.
        rule: what the profile says of it; empty without a profile.
    """

    field: str
    value: str
    encoding: str = ""
    rule: str = ""
    meaning: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Description:
    """A certificate in words; ``profile_id`` is None if it is taken for none."""

    profile_id: str | None
    title: str
    why: tuple[str, ...]
    fields: tuple[DescribedField, ...]


def describe_certificate(certificate: bytes | x509.Certificate) -> Description:
    """Take a certificate apart and explain each field; also one that strict readers refuse.

    Raises:
        DerError: it is not in DER.
    """
    data = certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)
    view = view_certificate(data)
    report = lint_certificate(data)
    profile = load_profiles()[report.profile_id] if report.profile_id else None
    title = profile.title if profile else "A certificate of no profile kept here"
    return Description(report.profile_id, title, report.why, tuple(_fields(view, profile)))


def _fields(view: View, profile: Profile | None) -> list[DescribedField]:
    def rule(field: str) -> str:
        row = profile.by_field.get(field) if profile else None
        return row.rule if row else ""

    meaning = _meanings()["fields"]
    found = [
        DescribedField("version", str(view.version), "", rule("version"), meaning["version"]),
        DescribedField(
            "serial", f"{view.serial_octets.hex()} ({view.serial})", "", rule("serial"), meaning["serial"]
        ),
        DescribedField("signature", str(view.inner_signature), "", rule("signature"), meaning["signature"]),
    ]
    found += _name("issuer", view.issuer, lambda part: rule("issuer"))
    found += [
        DescribedField("not before", _moment(view.not_before), "", rule("validity"), meaning["validity"]),
        DescribedField("not after", _moment(view.not_after), "", rule("validity")),
    ]
    found += _name("subject", view.subject, lambda part: rule(f"subject.{part.name}"))
    found.append(DescribedField("key", view.key, "", rule("key"), meaning["key"]))
    found += [
        DescribedField(
            extension.name,
            explain_extension(extension.name, extension.value),
            "critical" if extension.critical else "not critical",
            rule(f"extension.{extension.name}"),
            _meaning(extension),
        )
        for extension in view.extensions
    ]
    found.append(DescribedField("SHA-256 fingerprint", hashlib.sha256(view.raw).hexdigest().upper()))
    return found


def _name(label: str, parts: Sequence[NamePart], rule: Callable[[NamePart], str]) -> Iterator[DescribedField]:
    """The attributes of a name; what the name is for stands with the first."""
    meaning = _meanings()["fields"][label]
    for part in parts:
        yield DescribedField(f"{label} {part.short}", part.value, der.string_type(part.tag), rule(part), meaning)
        meaning = ""


def _meaning(extension: ViewedExtension) -> str:
    """What an extension is for; of the usages also what each allows."""
    words = _meanings()
    text = words["fields"].get(extension.name, words["fields"]["other"])
    try:
        if extension.name == "key-usage":
            return f"{text} Here: {_joined(words['usages'], key_usage_bits(extension.value))}."
        if extension.name == "extended-key-usage":
            return f"{text} Here: {_joined(words['purposes'], extended_key_usages(extension.value))}."
    except (ValueError, IndexError):
        pass
    return text


def _joined(words: Mapping[str, str], names: tuple[str, ...]) -> str:
    return "; ".join(words.get(name, name) for name in names) or "nothing"


@functools.cache
def _meanings() -> Mapping[str, Mapping[str, str]]:
    path = package_file("x509", "meanings.yaml")
    raw: Mapping[str, Mapping[str, str]] = load_yaml(path)
    refuse_unknown_keys(raw, ("fields", "usages", "purposes"), path.name)
    return raw


def _moment(time: ViewedTime) -> str:
    if time.moment is None:
        return "not readable"
    try:
        local = f" ({time.moment.astimezone(HELSINKI):%Y-%m-%d %H:%M:%S} in Finland)"
    except (OverflowError, ValueError):
        local = ""
    return f"{time.moment:%Y-%m-%d %H:%M:%SZ}{local}"
