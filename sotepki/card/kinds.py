"""Kinds of card and the layout of their contents, read from ``kinds.yaml`` and ``layout.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Grade, expect_keys, grade_of, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.tokens.pin import Pin

_LONGEST_TOKEN_LABEL = 32


class Credential(StrEnum):
    """What a card asks for: PIN1 (perustunnusluku), PIN2 (allekirjoitustunnusluku), PUK (aktivointitunnusluku)."""

    PIN1 = "pin1"
    PIN2 = "pin2"
    PUK = "puk"


class KeyUse(StrEnum):
    """The two keys of a card."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"


PIN_NAMES = {
    Credential.PIN1: "PIN1 (perustunnusluku)",
    Credential.PIN2: "PIN2 (allekirjoitustunnusluku)",
    Credential.PUK: "activation code (aktivointitunnusluku)",
}


@dataclass(frozen=True)
class CardKind:
    """A kind of card: its names, the digits its PINs may have, the tries until they lock, and the evidence.

    ``lengths`` holds (shortest, longest) for each credential.
    """

    id: str
    title_fi: str
    title_sv: str
    title_en: str
    lengths: Mapping[Credential, tuple[int, int]]
    tries: Mapping[Credential, int]
    source: str
    grade: Grade

    def check_form(self, credential: Credential, pin: Pin) -> None:
        """Refuse a new PIN or an activation code of a length that this kind of card does not have.

        Raises:
            Refused: rule ``card.pin.form``. The card was not asked, so no try is spent.
        """
        shortest, longest = self.lengths[credential]
        if not shortest <= len(pin) <= longest:
            digits = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
            raise Refused(
                f"The {PIN_NAMES[credential]} of this kind of card has {digits} digits; {len(pin)} were given.",
                rule="card.pin.form",
                advice="Give it again; no try was spent.",
            )


@dataclass(frozen=True)
class Place:
    """Where one key and its certificate are: the PIN that guards them, labels, and the object identifier."""

    use: KeyUse
    credential: Credential
    token_label: str
    key_label: str
    certificate_label: str
    id: bytes


@dataclass(frozen=True)
class Layout:
    """The two places of a card, and the identifiers of the CA certificates (issuing CA first, then root)."""

    places: Mapping[KeyUse, Place]
    issuer_ids: tuple[bytes, ...]

    def token_label(self, credential: Credential) -> str:
        """The label of the token that a PIN opens."""
        return next(place.token_label for place in self.places.values() if place.credential is credential)


def token_label(card_label: str, pin_label: str) -> str:
    """The label that OpenSC 0.23 gives the slot of one PIN: at most 32 characters, the PIN's label kept whole.

    Source: docs/field/card.md 5.4 row OpenSC 0.23: confirmed (measured).
    """
    room = _LONGEST_TOKEN_LABEL - len(pin_label) - len(" ()")
    shown = card_label if len(card_label) <= room else card_label[: max(0, room - 3)] + "..."
    return f"{shown} ({pin_label})"


def card_kind(kind_id: str) -> CardKind:
    """The kind of card of an id.

    Raises:
        Misuse: rule ``card.kind``: there is no such kind.
    """
    kinds = card_kinds()
    if kind_id not in kinds:
        raise Misuse(
            f"There is no kind of card {kind_id!r}.",
            rule="card.kind",
            advice=f"Known are {', '.join(sorted(kinds))}.",
        )
    return kinds[kind_id]


@cache
def card_kinds() -> Mapping[str, CardKind]:
    """All kinds of card, by id.

    Raises:
        Fault: ``kinds.yaml`` is not well formed.
    """
    return {str(kind_id): _kind(str(kind_id), row) for kind_id, row in _mapping("kinds.yaml").items()}


@cache
def card_layout() -> Layout:
    """The labels and identifiers of the objects on a card.

    Raises:
        Fault: ``layout.yaml`` is not well formed.
    """
    raw = _mapping("layout.yaml")
    keys = {"label", *KeyUse, "issuers", "source", "grade"}
    expect_keys(raw, keys, "layout.yaml")
    grade_of(raw, "layout.yaml")
    places = {use: _place(use, raw[use], str(raw["label"])) for use in KeyUse}
    return Layout(places=places, issuer_ids=tuple(bytes.fromhex(row) for row in raw["issuers"]))


def _kind(kind_id: str, row: Any) -> CardKind:
    where = f"The kind of card {kind_id}"
    keys = {"title_fi", "title_sv", "title_en", "pin1", "pin2", "activation_code", "tries", "source", "grade"}
    expect_keys(row, keys, where)
    refuse_unknown_keys(row["tries"], set(Credential), where)
    try:
        lengths = {Credential.PUK: (int(row["activation_code"]),) * 2}
        for credential in (Credential.PIN1, Credential.PIN2):
            refuse_unknown_keys(row[credential], {"shortest", "longest"}, where)
            lengths[credential] = (int(row[credential]["shortest"]), int(row[credential]["longest"]))
        return CardKind(
            id=kind_id,
            title_fi=str(row["title_fi"]),
            title_sv=str(row["title_sv"]),
            title_en=str(row["title_en"]),
            lengths=lengths,
            tries={credential: int(row["tries"][credential]) for credential in Credential},
            source=str(row["source"]),
            grade=Grade(row["grade"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Fault(f"{where} in kinds.yaml is not well formed: {error}.") from error


def _place(use: KeyUse, row: Any, card_label: str) -> Place:
    refuse_unknown_keys(row, {"pin", "pin_label", "key_label", "certificate_label", "id"}, f"layout.yaml, {use}")
    try:
        return Place(
            use=use,
            credential=Credential(row["pin"]),
            token_label=token_label(card_label, row["pin_label"]),
            key_label=row["key_label"],
            certificate_label=row["certificate_label"],
            id=bytes.fromhex(row["id"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Fault(f"The place of the {use} key in layout.yaml is not well formed: {error}.") from error


def _mapping(name: str) -> dict[str, Any]:
    raw = load_yaml(package_file("card", name))
    if not isinstance(raw, dict):
        raise Fault(f"{name} must be a mapping.")
    return raw
