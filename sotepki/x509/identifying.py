"""Which profile a certificate is taken for: signs are weighed, and the weights are written down here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sotepki.x509.explaining import explain_extension, extended_key_usages, policy_oids
from sotepki.x509.extensions import key_usage
from sotepki.x509.names import NamePart, read_name
from sotepki.x509.profile_values import PoliciesValue, Presence
from sotepki.x509.profiles import Profile, ProfileKind
from sotepki.x509.view import View

#: From this weight on a certificate is taken for a profile, if a name or a policy is among the signs.
SURE = 9


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


def best_matches(profiles: Iterable[Profile], view: View) -> list[Match]:
    """All profiles, the likeliest first."""
    matches = [_match(profile, view) for profile in profiles]
    return sorted(matches, key=lambda match: (-match.named, -match.weight))


def _match(profile: Profile, view: View) -> Match:
    signs = list(_signs(profile, view))
    named = any(sign.startswith(("issuer", "subject is", "policy")) for _, sign in signs)
    weight = sum(points for points, _ in signs)
    if (profile.kind in (ProfileKind.ROOT, ProfileKind.ISSUING_CA)) != _is_ca(view):
        weight -= 6
    return Match(profile, weight, tuple(sign for _, sign in signs), named)


def _signs(profile: Profile, view: View) -> Iterator[tuple[int, str]]:
    if profile.fixed_name is not None and read_name(profile.fixed_name.public_bytes()) == view.subject:
        yield 7, "subject is the CA's name"
    issuers = [_common_name(read_name(name.public_bytes())) for name in profile.issuer_names]
    issuer = _common_name(view.issuer)
    if issuer and issuer in issuers:
        yield 4, f"issuer {issuer}"
    policies = profile.find("extension.certificate-policies", PoliciesValue)
    if policies is not None:
        own = policies.policies[-1].oid
        if own in _read(view, "certificate-policies", policy_oids):
            yield 4, f"policy {own}"
    usage = view.extension("key-usage")
    if usage is not None and usage.value == key_usage(profile, rsa_key=view.key_family != "ec").public_bytes():
        yield 3, f"key usage {explain_extension('key-usage', usage.value)}"
    signing = "ocsp-signing" in _read(view, "extended-key-usage", extended_key_usages)
    if signing and profile.kind is ProfileKind.RESPONDER:
        yield 5, "extended key usage OCSP signing"
    if view.extension("qc-statements") is not None and "extension.qc-statements" in {
        row.field for row in profile.rows if row.presence is Presence.REQUIRED
    }:
        yield 2, "qualified-certificate statements"
    names = {name: row.presence for name, row, _ in profile.subject_rows}
    seen = {part.name for part in view.subject}
    if seen <= set(names) and {name for name, presence in names.items() if presence is Presence.REQUIRED} <= seen:
        yield 2, "kinds of names in the subject"


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
