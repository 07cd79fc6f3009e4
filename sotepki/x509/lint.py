"""Linting a certificate: which profile it is taken for and why, and every rule it breaks.

Two kinds of rules speak: those of X.509 for every certificate (``rules.yaml``, ``cert.*``), and the rows of the one
profile the certificate is taken for. Any bytes get an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.errors import Refused
from sotepki.evidence import Finding, Verdict, verdict_of
from sotepki.x509 import der
from sotepki.x509.comparing import breaches
from sotepki.x509.explaining import explain_extension, extended_key_usages, key_usage_bits, policy_oids
from sotepki.x509.identifying import Match, best_matches, twins
from sotepki.x509.names import name_text
from sotepki.x509.profiles import Environment, load_profiles
from sotepki.x509.reading import load_certificate
from sotepki.x509.rulebook import rulebook
from sotepki.x509.view import View, view_certificate

PRODUCTION_ARC = "1.2.246.517.1."
MAX_CERTIFICATE = 256 * 1024

_FALSE_WRITTEN_OUT = bytes.fromhex("3003010100")
_STRINGS = frozenset({der.Tag.PRINTABLE_STRING, der.Tag.UTF8_STRING})
_IA5_ATTRIBUTES = frozenset({"email", "domain_component"})


@dataclass(frozen=True)
class Nearest:
    """A profile the certificate resembles: what speaks for it, and the differences."""

    profile_id: str
    signs: tuple[str, ...]
    differences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"profile": self.profile_id, "signs": list(self.signs), "differences": list(self.differences)}


@dataclass(frozen=True)
class LintReport:
    """The answer of the linter.

    Attributes:
        profile_id: the profile the certificate is taken for, None if none fits well enough.
        why: the signs that speak for the profile, in words.
        also: profiles that fit exactly as well, so that no sign tells them apart (personnel and actor cards).
        left_out: rules of another linter that are not repeated here, each with the reason.
        nearest: without a profile, up to three that come near, best first.
        verdict: invalid with an error, indeterminate without a profile, else valid.
    """

    profile_id: str | None
    why: tuple[str, ...]
    nearest: tuple[Nearest, ...]
    findings: tuple[Finding, ...]
    subject: str = ""
    also: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def verdict(self) -> Verdict:
        found = verdict_of(self.findings)
        return Verdict.INDETERMINATE if found is Verdict.VALID and self.profile_id is None else found

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "verdict": str(self.verdict),
            "profile": self.profile_id,
            "why": list(self.why),
            "also": list(self.also),
            "subject": self.subject,
            "nearest": [near.as_dict() for near in self.nearest],
            "findings": [finding.as_dict() for finding in self.findings],
            "left_out": [{"rule": rule, "reason": reason} for rule, reason in self.left_out],
        }


def lint_certificate(certificate: bytes | x509.Certificate, *, own: bool = False) -> LintReport:
    """Lint one certificate, given as DER bytes or parsed.

    Args:
        own: the certificate was made by this project; then rules judge with their full severity, since the ceiling of
            the evidence protects other people's work only.
    """
    data = certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)
    if len(data) > MAX_CERTIFICATE:
        return _unreadable(f"The data is longer than {MAX_CERTIFICATE >> 10} KiB, which no certificate is.")
    refused: Refused | None = None
    try:
        load_certificate(data, name="The data")
    except Refused as caught:
        refused = caught
    try:
        view = view_certificate(data)
    except der.DerError as error:
        if refused is not None:
            return _unreadable(refused.sentence, refused.rule, refused.advice)
        return _unreadable(f"The certificate is not in the encoding DER: {error}.", "cert.encoding")
    findings = list(_general(view))
    if refused is not None:
        findings.append(_strict_reader(view))
    matches = best_matches(load_profiles().values(), view)
    best, *others = matches
    if best.sure:
        findings += [breach.finding(own=own) for breach in breaches(best.profile, view)]
        if best.profile.environment is Environment.PRODUCTION:
            findings.append(_production(view))
        also = twins(matches, view)
        return LintReport(best.profile.id, best.signs, (), tuple(findings), name_text(view.subject), also)
    resembling = [_nearest(match, view) for match in (best, *others[:4]) if match.signs]
    near = tuple(sorted(resembling, key=lambda one: len(one.differences))[:3])
    findings.append(_unknown(view, near))
    return LintReport(None, (), near, tuple(findings), name_text(view.subject))


class SerialWatch:
    """Looks at many certificates for two with one issuer and one serial number."""

    def __init__(self) -> None:
        self._seen: dict[tuple[bytes, int], bytes] = {}

    def look(self, data: bytes, report: LintReport) -> LintReport:
        """The report of a certificate, with a finding if another one bore its number before."""
        try:
            view = view_certificate(data)
        except der.DerError:
            return report
        before = self._seen.setdefault((view.issuer_raw, view.serial), data)
        if before == data:
            return report
        message = "Another certificate given here has the same issuer and serial number."
        finding = rulebook().finding("cert.serial.twice", message, found=view.serial_octets.hex())
        return replace(report, findings=(*report.findings, finding))


def _unreadable(message: str, rule: str = "cert.not-a-certificate", advice: str = "") -> LintReport:
    return LintReport(None, (), (), (rulebook().finding(rule, message, advice=advice),))


def _strict_reader(view: View) -> Finding:
    if view.inner_signature.family == "ec" and view.inner_signature.null:
        message = "The ECDSA algorithm identifier carries NULL parameters, which strict readers refuse."
        return rulebook().finding("cert.signature.null", message, found=str(view.inner_signature))
    return rulebook().finding("cert.encoding", "A strict reader (pyca/cryptography) refuses the certificate.")


def _nearest(match: Match, view: View) -> Nearest:
    differences = tuple(f"{breach.row.field}: {breach.message}" for breach in breaches(match.profile, view))
    return Nearest(match.profile.id, match.signs, differences)


def _unknown(view: View, near: tuple[Nearest, ...]) -> Finding:
    if any(oid.startswith(PRODUCTION_ARC) for oid in _policies(view)):
        return _production(view, " No profile kept here fits it.")
    message = "The certificate fits no profile"
    message += f"; the nearest is {near[0].profile_id}." if near else "."
    return rulebook().finding("cert.profile.unknown", message, found=name_text(view.issuer))


def _production(view: View, more: str = "") -> Finding:
    message = f"This is a certificate of DVV's production environment, not a TEST one.{more}"
    return rulebook().finding("cert.environment.production", message, found=", ".join(_policies(view)))


def _policies(view: View) -> tuple[str, ...]:
    extension = view.extension("certificate-policies")
    try:
        return policy_oids(extension.value) if extension is not None else ()
    except (ValueError, IndexError):
        return ()


def _general(view: View) -> Iterator[Finding]:
    rules = rulebook()
    if view.serial <= 0:
        yield rules.finding("cert.serial.positive", "The serial number is not positive.", found=str(view.serial))
    if len(view.serial_octets) > 20:
        length = f"{len(view.serial_octets)} octets"
        yield rules.finding(
            "cert.serial.length", "The serial number is too long.", expected="20 octets", found=length
        )
    if view.inner_signature.raw != view.outer_signature.raw:
        message = "The signature algorithm inside and outside the signed part differ."
        inner, outer = str(view.inner_signature), str(view.outer_signature)
        yield rules.finding("cert.signature.agree", message, expected=inner, found=outer)
    if view.inner_signature.hash in ("md5", "sha1"):
        message = "The signature uses a broken hash."
        yield rules.finding("cert.signature.weak", message, found=str(view.inner_signature))
    if view.key.startswith("rsa-") and int(view.key.removeprefix("rsa-")) < 2048:
        yield rules.finding("cert.key.short", "The RSA key is too short.", expected="2048 bits", found=view.key)
    if view.key == "unreadable":
        yield rules.finding("cert.key.unreadable", "The public key cannot be read.")
    if not view.issuer:
        yield rules.finding("cert.issuer.empty", "The issuer has no name.")
    yield from _times(view)
    yield from _strings(view)
    yield from _extension_rules(view)


def _times(view: View) -> Iterator[Finding]:
    rules = rulebook()
    start, end = view.not_before.moment, view.not_after.moment
    if start is None or end is None:
        yield rules.finding("cert.validity.form", "A time of the validity is not of the form RFC 5280 prescribes.")
        return
    if end < start:
        yield rules.finding(
            "cert.validity.order",
            "The certificate ends before it begins.",
            found=f"{start:%Y-%m-%d} to {end:%Y-%m-%d}",
        )
    for time in (view.not_before, view.not_after):
        early = time.moment is not None and time.moment.year < 2050
        if early != (time.tag == der.Tag.UTC_TIME):
            message = "A time of the validity is of the wrong type."
            expected = "UTCTime" if early else "GeneralizedTime"
            yield rules.finding("cert.validity.time-type", message, expected=f"{expected} for {time.moment:%Y}")


def _strings(view: View) -> Iterator[Finding]:
    for part in (*view.issuer, *view.subject):
        if part.tag in _STRINGS or (part.name in _IA5_ATTRIBUTES and part.tag == der.Tag.IA5_STRING):
            continue
        yield rulebook().finding(
            "cert.name.string-type",
            f"{part.short} in a name is a {der.string_type(part.tag)}.",
            expected="PrintableString or UTF8String",
            found=der.string_type(part.tag),
        )


def _extension_rules(view: View) -> Iterator[Finding]:
    rules = rulebook()
    names = [extension.name for extension in view.extensions]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield rules.finding("cert.extension.twice", f"The extension {name} stands twice.", found=name)
    if names and view.version != 3:
        yield rules.finding("cert.extension.version", "Extensions belong to version 3.", found=str(view.version))
    try:
        usages, is_ca = _usages(view), _is_ca(view)
    except (ValueError, IndexError) as error:
        yield rules.finding("cert.extension.form", f"An extension cannot be read: {error}.")
        return
    basic = view.extension("basic-constraints")
    if basic is not None and basic.value == _FALSE_WRITTEN_OUT:
        message = "The basic constraints write the default CA:FALSE out."
        yield rules.finding("cert.encoding.default", message, expected="3000", found=basic.value.hex())
    if "keyCertSign" in usages and not is_ca:
        yield rules.finding("cert.ca-flag", "The key may sign certificates, but the certificate is no CA's.")
    if is_ca and basic is not None and not basic.critical:
        yield rules.finding("cert.ca-critical", "The basic constraints of a CA are not critical.")
    if view.key_family == "ec" and set(usages) & {"keyEncipherment", "dataEncipherment"}:
        yield rules.finding("cert.key-usage.ec", "An EC key cannot encipher.", found=", ".join(usages))


def _usages(view: View) -> tuple[str, ...]:
    """The bits of the key usage; raises ValueError or IndexError if a usage extension cannot be read."""
    usage, purposes = view.extension("key-usage"), view.extension("extended-key-usage")
    bits = key_usage_bits(usage.value) if usage is not None else ()
    if purposes is not None and not extended_key_usages(purposes.value):
        raise der.DerError("an extended key usage is empty")
    return bits


def _is_ca(view: View) -> bool:
    """What the basic constraints say; raises ValueError or IndexError if they cannot be read."""
    basic = view.extension("basic-constraints")
    if basic is None:
        return False
    is_ca = explain_extension(basic.name, basic.value).startswith("CA")
    der.parse(basic.value).expect(der.Tag.SEQUENCE).children()
    return is_ca
