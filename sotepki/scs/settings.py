"""How the service presents itself: version shapes and reason codes as data, switches as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.errors import Fault, Misuse
from sotepki.evidence import Basis, Grade, RuleBook, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file

PORT = 53952
"""The port of every current client (docs/field/scs.md 2: confirmed)."""


class EcdsaForm(StrEnum):
    """How an ECDSA signature is written: r and s side by side (docs/field/scs.md 5: secondhand), or DER."""

    RAW = "raw"
    DER = "der"


@dataclass(frozen=True)
class ScsSettings:
    """The switches of one service.

    Attributes:
        version: a version of settings.yaml.
        fields: what ``/version`` answers.
        lists_empty_without_card: fields that are empty strings while no card is in.
        reason_codes: rule id -> reasonCode.
        max_content: longest request body in bytes.
        read_seconds: longest time for a request to arrive.
        leaf_only: the chain holds the certificate alone (one implementation does so; the official one sends three).
        ecdsa: form of ECDSA signatures.
        origin_required: a request without Origin header gets no authentication signature (1.3; off in 1.1).
        content_type: replies name their content type (the official software was seen not to).
    """

    version: str
    fields: Mapping[str, Any]
    lists_empty_without_card: frozenset[str]
    reason_codes: Mapping[str, int]
    max_content: int = 16_777_216
    max_head: int = 65_536
    read_seconds: float = 30.0
    leaf_only: bool = False
    ecdsa: EcdsaForm = EcdsaForm.RAW
    origin_required: bool = False
    content_type: bool = True

    @property
    def hash_algorithms(self) -> tuple[str, ...]:
        """The hash algorithms that the version lists."""
        return split_list(str(self.fields["hashAlgorithms"]))

    @property
    def signature_types(self) -> tuple[str, ...]:
        """The signature types that the version lists."""
        return split_list(str(self.fields["signatureTypes"]))


@cache
def rulebook() -> RuleBook:
    """The rules of the Signature Creation Service, read once."""
    return RuleBook.load(package_file("scs", "rules.yaml"))


@cache
def load_settings(version: str = "1.1") -> ScsSettings:
    """The settings of one version; change single switches with ``dataclasses.replace``.

    Raises:
        Misuse: there is no such version.
        Fault: the data file is not well formed.
    """
    raw = load_yaml(package_file("scs", "settings.yaml"))
    refuse_unknown_keys(raw, ("versions", "reason_codes"), "settings.yaml")
    if version not in raw["versions"]:
        raise Misuse(f"There is no SCS version {version} here; there are {', '.join(sorted(raw['versions']))}.")
    row = raw["versions"][version]
    where = f"settings.yaml, version {version}"
    refuse_unknown_keys(row, ("fields", "lists_empty_without_card", "source", "grade", "basis"), where)
    try:
        Grade(row["grade"])
        Basis(row["basis"])
        codes = {str(rule): int(code) for rule, code in raw["reason_codes"].items()}
        settings = ScsSettings(version, dict(row["fields"]), frozenset(row["lists_empty_without_card"]), codes)
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from error
    for rule_id in codes:
        rulebook()[rule_id]
    return settings


def split_list(text: str) -> tuple[str, ...]:
    """The members of a comma-separated list; spaces after commas vary (docs/field/scs.md 4: confirmed)."""
    return tuple(member.strip() for member in text.split(",") if member.strip())
