"""A certificate field by field, in words: for ``sotepki cert show``."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.clock import HELSINKI
from sotepki.x509 import der
from sotepki.x509.explaining import explain_extension
from sotepki.x509.lint import lint_certificate
from sotepki.x509.profiles import Profile, load_profiles
from sotepki.x509.view import View, ViewedTime, view_certificate


@dataclass(frozen=True)
class DescribedField:
    """One field: its value as it stands, and what the profile says of it (empty without a profile)."""

    field: str
    value: str
    encoding: str = ""
    rule: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Description:
    """A certificate in words; ``profile_id`` is None if it is taken for none."""

    profile_id: str | None
    title: str
    why: tuple[str, ...]
    fields: tuple[DescribedField, ...]


def describe_certificate(certificate: x509.Certificate) -> Description:
    """Take a certificate apart and explain each field.

    Raises:
        DerError: it is not in DER.
    """
    data = certificate.public_bytes(Encoding.DER)
    view = view_certificate(data)
    report = lint_certificate(data)
    profile = load_profiles()[report.profile_id] if report.profile_id else None
    title = profile.title if profile else "A certificate of no profile kept here"
    return Description(report.profile_id, title, report.why, tuple(_fields(view, certificate, profile)))


def _fields(view: View, certificate: x509.Certificate, profile: Profile | None) -> list[DescribedField]:
    def rule(field: str) -> str:
        row = profile.by_field.get(field) if profile else None
        return row.rule if row else ""

    found = [
        DescribedField("version", str(view.version), rule=rule("version")),
        DescribedField("serial", f"{view.serial_octets.hex()} ({view.serial})", rule=rule("serial")),
        DescribedField("signature", str(view.inner_signature), rule=rule("signature")),
    ]
    found += [
        DescribedField(f"issuer {part.short}", part.value, der.string_type(part.tag), rule("issuer"))
        for part in view.issuer
    ]
    found += [
        DescribedField("not before", _moment(view.not_before), rule=rule("validity")),
        DescribedField("not after", _moment(view.not_after), rule=rule("validity")),
    ]
    found += [
        DescribedField(f"subject {part.short}", part.value, der.string_type(part.tag), rule(f"subject.{part.name}"))
        for part in view.subject
    ]
    found.append(DescribedField("key", view.key, rule=rule("key")))
    found += [
        DescribedField(
            extension.name,
            explain_extension(extension.name, extension.value),
            "critical" if extension.critical else "not critical",
            rule(f"extension.{extension.name}"),
        )
        for extension in view.extensions
    ]
    found.append(DescribedField("SHA-256 fingerprint", certificate.fingerprint(hashes.SHA256()).hex().upper()))
    return found


def _moment(time: ViewedTime) -> str:
    if time.moment is None:
        return "not readable"
    try:
        local = f" ({time.moment.astimezone(HELSINKI):%Y-%m-%d %H:%M:%S} in Finland)"
    except (OverflowError, ValueError):
        local = ""
    return f"{time.moment:%Y-%m-%d %H:%M:%SZ}{local}"
