"""The requests of the APDU door in the chip's process: take on a profile, lose power, answer a command."""

from __future__ import annotations

from sotepki.card.kinds import Credential, KeyUse
from sotepki.card.operating import (
    CardContents,
    CardSystem,
    card_image,
    card_placement,
    card_profile,
    public_card,
)
from sotepki.card.vault import Vault
from sotepki.card.wire import Message
from sotepki.errors import Misuse


class ChipDoorRequests:
    """Answers ``image``, ``power`` and ``apdu`` for one vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._system: CardSystem | None = None

    def show(self, request: Message) -> Message:
        """``image``: what the card shows from now on, and the tries that a fault takes from it."""
        certificates = {use: bytes.fromhex(request["true"][use]) for use in KeyUse}
        public = public_card(certificates)
        shown = {use: request["shown"][use] for use in KeyUse}
        image = card_image(
            self._vault,
            public,
            CardContents(
                number=self._vault.state.number,
                certificates={use: bytes.fromhex(row) if row else None for use, row in shown.items()},
                issuers=tuple(bytes.fromhex(row) for row in request["issuers"]),
                issuer_files=bool(request["issuer-files"]),
                readable_issuers=bool(request["readable-issuers"]),
                sound_token_info=bool(request["sound-token-info"]),
            ),
            profile=card_profile(str(request["profile"])),
            placement=card_placement(str(request["layout"])),
            language=str(request["language"]),
            quirks=request["quirks"],
        )
        for credential, count in request["tries"].items():
            self._vault.lower_tries(Credential(credential), int(count))
        if self._system is None:
            self._system = CardSystem(self._vault, public, image)
        else:
            self._system.show(image)
        return {"done": True}

    def power(self) -> Message:
        """``power``: it went, or came, or the card was reset."""
        if self._system is not None:
            self._system.power()
        else:
            self._vault.power_off()
        return {"done": True}

    def transmit(self, request: Message) -> Message:
        """``apdu``: one command."""
        if self._system is None:
            raise Misuse("The door of the card is not open.")
        return {"response": self._system.transmit(bytes.fromhex(request["command"])).hex()}
