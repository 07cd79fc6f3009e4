"""Which profile a certificate is taken for: signs are weighed, and the weights are written down here."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sotepki.x509.comparing import breaches
from sotepki.x509.explaining import explain_extension, extended_key_usages, policy_oids
from sotepki.x509.extensions import key_usage
from sotepki.x509.names import NamePart, read_name
from sotepki.x509.profile_values import KeyValue, PoliciesValue, Presence
from sotepki.x509.profiles import Profile, ProfileKind
from sotepki.x509.view import View

#: From this weight on a certificate is taken for a profile, if a name or a policy is among the signs.
SURE = 9

_SUBJECT_NAME = 7
_RESPONDER = 5
_ISSUER = 4
_POLICY = 4
_KEY_USAGE = 3
_FORM = 2
_QC_STATEMENTS = 2
_NAME_KINDS = 2
_KEY_KIND = 1
_WRONG_PLACE = -6

_CA_KINDS = (ProfileKind.ROOT, ProfileKind.ISSUING_CA)
#: Longer values are not held against a pattern.
_LONGEST = 512


@dataclass(frozen=True)
class Match:
    """How much a certificate resembles a profile."""

    profile: Profile
    weight: int
    signs: tuple[str, ...]
    named: bool

    @property
    def sure(self) -> bool:
        return self.named and self.weight >= SURE


@dataclass(frozen=True)
class _Marks:
    """What a profile is known by, made ready for comparing."""

    name: tuple[NamePart, ...] | None
    issuers: frozenset[str]
    policy: str
    usages: tuple[bytes, bytes]
    qc_required: bool
    names: frozenset[str]
    required: frozenset[str]
    forms: tuple[tuple[str, str, re.Pattern[str]], ...]
    keys: frozenset[str]
    is_ca: bool
    is_responder: bool


@dataclass(frozen=True)
class _Seen:
    """What a certificate shows of itself, read once."""

    subject: tuple[NamePart, ...]
    issuer: str
    policies: frozenset[str]
    usage: bytes | None
    has_qc: bool
    signs_ocsp: bool
    names: frozenset[str]
    key: str
    ec: bool
    is_ca: bool


def best_matches(profiles: Iterable[Profile], view: View) -> list[Match]:
    """All profiles, the likeliest first; of equally likely ones the one from which the certificate differs least."""
    seen = _seen(view)
    matches = sorted((_match(profile, seen) for profile in profiles), key=lambda match: (-match.named, -match.weight))
    first = matches[0]
    tied = [match for match in matches if (match.named, match.weight) == (first.named, first.weight)]
    if len(tied) > 1 and first.weight > 0:
        tied.sort(key=lambda match: (len(breaches(match.profile, view)), len(match.profile.lineage)))
        matches[: len(tied)] = tied
    return matches


def twins(matches: list[Match], view: View) -> tuple[str, ...]:
    """Ids of the profiles that fit a certificate exactly as well as the best match does."""
    first, *others = matches
    wanted = len(breaches(first.profile, view))
    return tuple(
        match.profile.id
        for match in others
        if (match.named, match.weight) == (first.named, first.weight) and len(breaches(match.profile, view)) == wanted
    )


def _match(profile: Profile, seen: _Seen) -> Match:
    marks = _marks(profile)
    signs = list(_signs(marks, seen))
    named = any(sign.startswith(("issuer", "subject is", "policy")) for _, sign in signs)
    weight = sum(points for points, _ in signs)
    if marks.is_ca != seen.is_ca:
        weight += _WRONG_PLACE
    return Match(profile, weight, tuple(sign for _, sign in signs), named)


def _signs(marks: _Marks, seen: _Seen) -> Iterator[tuple[int, str]]:
    if marks.name is not None and marks.name == seen.subject:
        yield _SUBJECT_NAME, "subject is the CA's name"
    if seen.issuer and seen.issuer in marks.issuers:
        yield _ISSUER, f"issuer {seen.issuer}"
    if marks.policy and marks.policy in seen.policies:
        yield _POLICY, f"policy {marks.policy}"
    if seen.usage is not None and seen.usage == marks.usages[seen.ec]:
        yield _KEY_USAGE, f"key usage {explain_extension('key-usage', seen.usage)}"
    if seen.signs_ocsp and marks.is_responder:
        yield _RESPONDER, "extended key usage OCSP signing"
    if seen.has_qc and marks.qc_required:
        yield _QC_STATEMENTS, "qualified-certificate statements"
    if seen.names <= marks.names and marks.required <= seen.names:
        yield _NAME_KINDS, "kinds of names in the subject"
    for name, short, pattern in marks.forms:
        text = next((part.value for part in seen.subject if part.name == name), "")
        if 0 < len(text) <= _LONGEST and pattern.fullmatch(text):
            yield _FORM, f"form of the subject's {short}"
    if seen.key in marks.keys:
        yield _KEY_KIND, f"key {seen.key}"


@functools.cache
def _marks(profile: Profile) -> _Marks:
    policies = profile.find("extension.certificate-policies", PoliciesValue)
    qc = profile.by_field.get("extension.qc-statements")
    presences = {name: row.presence for name, row, _ in profile.subject_rows}
    fixed = profile.fixed_name
    return _Marks(
        name=read_name(fixed.public_bytes()) if fixed is not None else None,
        issuers=frozenset(_common_name(read_name(name.public_bytes())) for name in profile.issuer_names),
        policy=policies.policies[-1].oid if policies is not None else "",
        usages=(
            key_usage(profile, rsa_key=True).public_bytes(),
            key_usage(profile, rsa_key=False).public_bytes(),
        ),
        qc_required=qc is not None and qc.presence is Presence.REQUIRED,
        names=frozenset(presences),
        required=frozenset(name for name, presence in presences.items() if presence is Presence.REQUIRED),
        forms=tuple(_forms(profile)) if fixed is None else (),
        keys=frozenset(profile.value("key", KeyValue).allowed),
        is_ca=profile.kind in _CA_KINDS,
        is_responder=profile.kind is ProfileKind.RESPONDER,
    )


def _forms(profile: Profile) -> Iterator[tuple[str, str, re.Pattern[str]]]:
    """The attributes whose content tells kinds of holders apart: registration number, SATU, OID; one organisation."""
    for name, _, value in profile.subject_rows:
        if name == "serial_number" and value.pattern:
            yield name, "serialNumber", re.compile(value.pattern)
        if name == "organisation" and value.fixed:
            yield name, "O", re.compile(re.escape(value.fixed))


def _seen(view: View) -> _Seen:
    usage = view.extension("key-usage")
    return _Seen(
        subject=view.subject,
        issuer=_common_name(view.issuer),
        policies=frozenset(_read(view, "certificate-policies", policy_oids)),
        usage=usage.value if usage is not None else None,
        has_qc=view.extension("qc-statements") is not None,
        signs_ocsp="ocsp-signing" in _read(view, "extended-key-usage", extended_key_usages),
        names=frozenset(part.name for part in view.subject),
        key=view.key,
        ec=view.key_family == "ec",
        is_ca=_is_ca(view),
    )


def _read(view: View, name: str, reader: Callable[[bytes], tuple[str, ...]]) -> tuple[str, ...]:
    extension = view.extension(name)
    try:
        return reader(extension.value) if extension is not None else ()
    except (ValueError, IndexError):
        return ()


def _common_name(parts: tuple[NamePart, ...]) -> str:
    return next((part.value for part in parts if part.name == "common_name"), "")


def _is_ca(view: View) -> bool:
    extension = view.extension("basic-constraints")
    if extension is None:
        return False
    return explain_extension("basic-constraints", extension.value).startswith("CA")
