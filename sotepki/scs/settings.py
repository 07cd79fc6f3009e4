"""How the service presents itself: version shapes, quirks and reason codes as data, switches as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.errors import Fault, Misuse
from sotepki.evidence import Basis, Grade, RuleBook, evidence_of, expect_keys, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file

PORT = 53952
"""The port of every current client (docs/field/scs.md 2: confirmed)."""

_EVIDENCE = ("source", "grade", "basis")


class EcdsaForm(StrEnum):
    """How an ECDSA signature is written: r and s side by side (docs/field/scs.md 5: secondhand), or DER."""

    RAW = "raw"
    DER = "der"


class ChallengeForm(StrEnum):
    """What separates origin and challenge in a login: a line end or a space, or a semicolon (docs/field/scs.md 8)."""

    LINE = "line"
    SEMICOLON = "semicolon"


@dataclass(frozen=True)
class ScsSettings:
    """The switches of one service.

    Attributes:
        version: a version of settings.yaml.
        fields: what ``/version`` answers.
        lists_empty_without_card: fields that are empty strings while no card is in.
        reason_codes: rule id -> reasonCode; ``only_code`` stands for all of them.
        challenge: form of a login challenge.
        transactions: application/jwt is understood (1.3).
        max_content, max_head: longest request body and head in bytes.
        read_seconds: longest time for a request to arrive.
        transaction_seconds: how long a transaction waits for its second step.
        leaf_only: the chain holds the certificate alone (one implementation does so; the official one sends three).
        ecdsa: form of ECDSA signatures.
        cms_attached: the signature type ``cms`` carries the content, where it is given; ``cms-pades`` never does.
        origin_required: a request without Origin header gets no authentication signature (1.3; off before).
        refuses_replays: a login challenge is signed once.
        keeps_tries: with this many tries or fewer left, the PIN is not asked for.
        content_type: replies name their content type (the official software was seen not to).
        ignores_hash, digests, any_media_type, private_network: see the quirks in settings.yaml.
    """

    version: str
    fields: Mapping[str, Any]
    lists_empty_without_card: frozenset[str]
    reason_codes: Mapping[str, int]
    challenge: ChallengeForm = ChallengeForm.LINE
    transactions: bool = False
    max_content: int = 16_777_216
    max_head: int = 65_536
    read_seconds: float = 30.0
    transaction_seconds: float = 120.0
    leaf_only: bool = False
    ecdsa: EcdsaForm = EcdsaForm.RAW
    cms_attached: bool = True
    origin_required: bool = False
    refuses_replays: bool = True
    keeps_tries: int = 0
    content_type: bool = True
    ignores_hash: bool = False
    digests: bool = True
    any_media_type: bool = False
    private_network: bool = True
    only_code: int | None = None

    @property
    def hash_algorithms(self) -> tuple[str, ...]:
        """The hash algorithms that the version lists."""
        return split_list(str(self.fields["hashAlgorithms"]))

    @property
    def signature_types(self) -> tuple[str, ...]:
        """The signature types that the version lists."""
        return split_list(str(self.fields["signatureTypes"]))

    def reason_code(self, rule: str, otherwise: int = 500) -> int:
        """The reasonCode of a refusal."""
        return self.only_code or self.reason_codes.get(rule, otherwise)

    def with_quirks(self, names: Iterable[str]) -> ScsSettings:
        """These settings with quirks of settings.yaml.

        Raises:
            Misuse: there is no such quirk.
        """
        changed = self
        for name in names:
            if name not in quirks():
                raise Misuse(f"The SCS has no quirk {name[:40]!r}; it has {', '.join(sorted(quirks()))}.")
            changed = replace(changed, **quirks()[name].switches)
        return changed


@dataclass(frozen=True)
class Quirk:
    """A habit that a service can be given, with its evidence; ``switches`` are fields of ``ScsSettings``."""

    text: str
    switches: Mapping[str, Any]
    source: str
    grade: Grade
    basis: Basis


@dataclass(frozen=True)
class Ports:
    """Where pages look for the service: its port, and the older ones beside it."""

    https: int
    old_https: tuple[int, ...]
    old_http: tuple[int, ...]


@cache
def rulebook() -> RuleBook:
    """The rules of the Signature Creation Service, read once."""
    return RuleBook.load(package_file("scs", "rules.yaml"))


@cache
def load_settings(version: str = "1.1") -> ScsSettings:
    """The settings of one version; change single switches with ``dataclasses.replace``, or take named quirks.

    Raises:
        Misuse: there is no such version.
        Fault: the data file is not well formed.
    """
    raw = _data()
    if version not in raw["versions"]:
        raise Misuse(f"There is no SCS version {version} here; there are {', '.join(sorted(raw['versions']))}.")
    row = raw["versions"][version]
    where = f"settings.yaml, version {version}"
    known = ("fields", "lists_empty_without_card", "challenge", "transactions")
    refuse_unknown_keys(row, (*known, *_EVIDENCE), where)
    try:
        evidence_of(row, where)
        codes = {str(rule): int(code) for rule, code in raw["reason_codes"].items()}
        form = ChallengeForm(row["challenge"])
        settings = ScsSettings(
            version,
            dict(row["fields"]),
            frozenset(row["lists_empty_without_card"]),
            codes,
            challenge=form,
            transactions=bool(row["transactions"]),
            origin_required=form is ChallengeForm.SEMICOLON,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from error
    for rule_id in codes:
        rulebook()[rule_id]
    return settings


@cache
def quirks() -> Mapping[str, Quirk]:
    """The quirks of settings.yaml by name.

    Raises:
        Fault: the data file is not well formed.
    """
    switches = {one.name for one in fields(ScsSettings)}
    found = {}
    for name, row in _data()["quirks"].items():
        where = f"settings.yaml, quirk {name}"
        expect_keys(row, ("text", "set", *_EVIDENCE), where)
        refuse_unknown_keys(row["set"], switches, where)
        values = {key: _switch(key, value) for key, value in row["set"].items()}
        found[str(name)] = Quirk(str(row["text"]), values, str(row["source"]), *evidence_of(row, where))
    return found


@cache
def ports() -> Ports:
    """The known ports.

    Raises:
        Fault: the data file is not well formed.
    """
    row = _data()["ports"]
    keys = ("https", "old_https", "old_http", *_EVIDENCE)
    expect_keys(row, keys, "settings.yaml, ports")
    evidence_of(row, "settings.yaml, ports")
    return Ports(int(row["https"]), tuple(map(int, row["old_https"])), tuple(map(int, row["old_http"])))


def split_list(text: str) -> tuple[str, ...]:
    """The members of a comma-separated list; spaces after commas vary (docs/field/scs.md 4: confirmed)."""
    return tuple(member.strip() for member in text.split(",") if member.strip())


@cache
def _data() -> Mapping[str, Any]:
    raw: Mapping[str, Any] = load_yaml(package_file("scs", "settings.yaml"))
    keys = ("versions", "ports", "quirks", "reason_codes")
    expect_keys(raw, keys, "settings.yaml")
    return raw


def _switch(name: str, value: Any) -> Any:
    if name == "ecdsa":
        return EcdsaForm(value)
    return frozenset(value) if name == "lists_empty_without_card" else value
