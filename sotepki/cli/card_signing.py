"""How commands sign with a card of the workspace: insert it, give the PIN, sign, take it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sotepki.cli.pin_entry import read_pins

if TYPE_CHECKING:
    from sotepki.dvv import CardSignature
    from sotepki.workspace import Workspace

card_option = click.option("--card", "card_number", help="Number of the card in the reader that signs.")


def login_signature(workspace: Workspace, number: str, pin_file: str | None, challenge: bytes) -> CardSignature:
    """The authentication key's signature over a challenge, after PIN1."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from sotepki.dvv import CardSignature, sign_with_card

    (pin,) = read_pins(pin_file, ["PIN1"])
    with workspace.cards.insert(number) as card:
        card.verify_pin1(pin)
        signature = sign_with_card(card.authentication_key, challenge)
        return CardSignature(card.certificate("authentication").public_bytes(Encoding.DER), signature)


def contract_signature(workspace: Workspace, number: str, pin_file: str | None, text: bytes) -> CardSignature:
    """The signature key's signature over a text, after PIN2."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from sotepki.dvv import CardSignature, sign_with_card

    (pin,) = read_pins(pin_file, ["PIN2"])
    with workspace.cards.insert(number) as card:
        card.verify_pin2(pin)
        signature = sign_with_card(card.signature_key, text)
        return CardSignature(card.certificate("signature").public_bytes(Encoding.DER), signature)
