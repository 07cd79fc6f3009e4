"""Card profiles (``profiles.yaml``): how a card presents itself to drivers; and its labels (``labels.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.card.kinds import Credential, KeyUse
from sotepki.errors import Fault, Misuse
from sotepki.evidence import Grade, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file

_LEAST_STORED = 8  # bytes for a PIN in bare digits


class Placement(StrEnum):
    """Where the PKCS#15 files are (docs/field/card.md 3): in DF 5015, or under 3F00, which then bears the AID."""

    APPLICATION = "application"
    MASTER_FILE = "master-file"


@dataclass(frozen=True)
class Numbering:
    """The numbers that a family of cards uses.

    Attributes:
        pins: reference of each PIN in VERIFY.
        block: bytes that a PIN is right-padded to with 00; 0 for bare digits.
        keys: the references a key answers to.
        key_reference: the one reference that the card itself writes in EF.PrKD.
        issuing_ca: file identifier of the issuing CA's certificate.
        signature_certificates: file identifiers of the signature certificate, the first of them in EF.CD.
        directory_label: application label in EF.DIR; ``directory_oid`` its object identifier.
        token_label: label in EF.TokenInfo.
    """

    id: str
    pins: Mapping[Credential, int]
    block: int
    keys: Mapping[KeyUse, tuple[int, ...]]
    key_reference: Mapping[KeyUse, int]
    issuing_ca: int
    signature_certificates: tuple[int, ...]
    directory_label: str
    directory_oid: str
    token_label: str
    source: str
    grade: Grade

    def stored_length(self, longest: int) -> int:
        """Bytes that a card of this family keeps for a PIN of at most ``longest`` digits (docs/field/card.md 3.3)."""
        return self.block or max(_LEAST_STORED, longest)

    def credential(self, reference: int) -> Credential | None:
        """The PIN that a reference names."""
        return next((credential for credential, number in self.pins.items() if number == reference), None)

    def key(self, reference: int) -> KeyUse | None:
        """The key that a reference names."""
        return next((use for use, numbers in self.keys.items() if reference in numbers), None)


@dataclass(frozen=True)
class CardProfile:
    """How a card presents itself: answer to reset, numbering and habits. ``quirks``: docs/field/card.md 3.2.

    ``missing_file`` is the status word of SELECT; ``user_consent``: the signature key asks for its PIN at each use.
    """

    id: str
    title: str
    atr: bytes
    numbering: Numbering
    quirks: bool
    missing_file: int
    user_consent: bool
    source: str
    grade: Grade

    @property
    def citizen(self) -> bool:
        """Whether this is a citizen card (S4-1)."""
        return self.numbering.id == "citizen"


@dataclass(frozen=True)
class Labels:
    """Names of the PINs, keys and certificates in one language."""

    pins: Mapping[Credential, str]
    keys: Mapping[KeyUse, str]
    certificates: Mapping[KeyUse, str]


@cache
def card_profiles() -> Mapping[str, CardProfile]:
    """All profiles by name.

    Raises:
        Fault: ``profiles.yaml`` is not well formed.
    """
    raw = _mapping("profiles.yaml")
    refuse_unknown_keys(raw, {"numberings", "profiles"}, "profiles.yaml")
    try:
        numberings = {name: _numbering(name, row) for name, row in raw["numberings"].items()}
        return {name: _profile(name, row, numberings) for name, row in raw["profiles"].items()}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Fault(f"profiles.yaml of the card is not well formed: {error}.") from error


def card_profile(name: str) -> CardProfile:
    """The profile of a name.

    Raises:
        Misuse: rule ``card.profile``.
    """
    if name not in card_profiles():
        raise _unknown("profile", name, card_profiles())
    return card_profiles()[name]


def card_placement(name: str) -> Placement:
    """The placement of a name.

    Raises:
        Misuse: rule ``card.profile``.
    """
    try:
        return Placement(name)
    except ValueError:
        raise _unknown("layout", name, {str(placement): None for placement in Placement}) from None


@cache
def _languages() -> Mapping[str, Labels]:
    try:
        return {str(language): _labels(str(language), row) for language, row in _mapping("labels.yaml").items()}
    except (KeyError, ValueError, TypeError) as error:
        raise Fault(f"labels.yaml of the card is not well formed: {error}.") from error


def card_labels(language: str) -> Labels:
    """The names on a card in ``fi``, ``sv`` or ``en``.

    Raises:
        Misuse: rule ``card.profile``.
    """
    if language not in _languages():
        raise _unknown("language", language, _languages())
    return _languages()[language]


def _numbering(name: str, row: Any) -> Numbering:
    names = {"pins", "block", "keys", "key_reference", "issuing_ca", "signature_certificates", "directory_label"}
    refuse_unknown_keys(row, names | {"directory_oid", "token_label", "source", "grade"}, f"numbering {name}")
    refuse_unknown_keys(row["pins"], set(Credential), f"numbering {name}, pins")
    refuse_unknown_keys(row["keys"], set(KeyUse), f"numbering {name}, keys")
    refuse_unknown_keys(row["key_reference"], set(KeyUse), f"numbering {name}, key_reference")
    return Numbering(
        id=str(name),
        pins={credential: int(row["pins"][credential], 16) for credential in Credential},
        block=int(row["block"]),
        keys={use: tuple(int(number, 16) for number in row["keys"][use]) for use in KeyUse},
        key_reference={use: int(row["key_reference"][use], 16) for use in KeyUse},
        issuing_ca=int(row["issuing_ca"], 16),
        signature_certificates=tuple(int(number, 16) for number in row["signature_certificates"]),
        directory_label=str(row["directory_label"]),
        directory_oid=str(row["directory_oid"]),
        token_label=str(row["token_label"]),
        source=str(row["source"]),
        grade=Grade(row["grade"]),
    )


def _profile(name: str, row: Any, numberings: Mapping[str, Numbering]) -> CardProfile:
    refuse_unknown_keys(
        row,
        {"title", "atr", "numbering", "quirks", "missing_file", "user_consent", "source", "grade"},
        f"profile {name}",
    )
    return CardProfile(
        id=str(name),
        title=str(row["title"]),
        atr=bytes.fromhex(row["atr"]),
        numbering=numberings[row["numbering"]],
        quirks=bool(row["quirks"]),
        missing_file=int(row["missing_file"], 16),
        user_consent=bool(row["user_consent"]),
        source=str(row["source"]),
        grade=Grade(row["grade"]),
    )


def _labels(language: str, row: Any) -> Labels:
    names = {*Credential} | {f"{use}_{what}" for use in KeyUse for what in ("key", "certificate")}
    refuse_unknown_keys(row, names | {"source", "grade"}, f"labels.yaml, {language}")
    Grade(row["grade"])
    return Labels(
        pins={credential: str(row[credential]) for credential in Credential},
        keys={use: str(row[f"{use}_key"]) for use in KeyUse},
        certificates={use: str(row[f"{use}_certificate"]) for use in KeyUse},
    )


def _mapping(name: str) -> dict[str, Any]:
    raw = load_yaml(package_file("card", "operating", name))
    if not isinstance(raw, dict):
        raise Fault(f"{name} of the card must be a mapping.")
    return raw


def _unknown(what: str, name: str, known: Mapping[str, object]) -> Misuse:
    return Misuse(
        f"A card has no {what} {name!r}.", rule="card.profile", advice=f"Known are {', '.join(sorted(known))}."
    )
