"""The card's operating system as one object: bytes in, bytes out."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sotepki.card.operating import codes, data_objects, keys, reading
from sotepki.card.operating.apdu import (
    LONGEST_BODY,
    SHORT_MAXIMUM,
    Abort,
    Answer,
    Command,
    Status,
    parse_command,
)
from sotepki.card.operating.contents import CardContents, PublicCard, build_tree
from sotepki.card.operating.files import FileTree
from sotepki.card.operating.profiles import CardProfile, Placement, card_labels
from sotepki.card.operating.session import CardSession
from sotepki.card.vault import Vault
from sotepki.errors import Fault, Misuse, Refused

_CHAINED_CLASS = 0x10
_GET_RESPONSE = 0xC0
# What the vault's refusals are in status words (docs/field/card.md 4.10). Wrong codes tell the tries left.
_REFUSALS = {
    "card.pin.locked": Status.BLOCKED,
    "card.code.locked": Status.BLOCKED,
    "card.not-activated": Status.BLOCKED,
    "card.pin1.not-verified": Status.NOT_ALLOWED,
    "card.pin2.not-verified": Status.NOT_ALLOWED,
    "card.code.not-verified": Status.NOT_ALLOWED,
    "card.key.use": Status.NOT_SATISFIED,
    "card.out-of-use": Status.NOT_SATISFIED,
}


@dataclass(frozen=True)
class CardImage:
    """What a card shows of itself: profile and files. Faults change it while the card has power."""

    profile: CardProfile
    tree: FileTree
    quirks: bool


class CardSystem:
    """One card with power. It never raises for what comes in; a broken token is status 6F00."""

    def __init__(self, vault: Vault, public: PublicCard, image: CardImage) -> None:
        self._vault = vault
        self._public = public
        self._image = image
        self._session = CardSession()

    def show(self, image: CardImage) -> None:
        """Put another image in place; PINs, current file and environment stay."""
        self._image = image

    def power(self) -> None:
        """Power went or came, or the card was reset: everything volatile is forgotten."""
        self._vault.power_off()
        self._session = CardSession()

    def transmit(self, raw: bytes) -> bytes:
        """Answer a command: response data and status word."""
        # Any other command, also one that cannot be read, ends a chain and drops what GET RESPONSE did not fetch.
        pending, self._session.pending = self._session.pending, b""
        before, self._session.chained = self._session.chained, None
        try:
            command = parse_command(raw)
            if command.ins == _GET_RESPONSE and command.cla == 0:
                return self._get_response(command, pending).encode()
            return self._chain(command, before).encode()
        except Abort as abort:
            return abort.status.to_bytes(2, "big")
        except Refused as refusal:
            return self._status_of(refusal, raw[3]).to_bytes(2, "big")
        except Misuse:
            return Status.WRONG_DATA.to_bytes(2, "big")
        except Fault:
            return Status.FAILED.to_bytes(2, "big")

    def _chain(self, command: Command, before: Command | None) -> Answer:
        if command.cla & ~_CHAINED_CLASS:
            raise Abort(Status.UNKNOWN_CLASS)
        if before is not None and before[1:4] == command[1:4]:
            if len(before.data) + len(command.data) > LONGEST_BODY:
                raise Abort(Status.WRONG_LENGTH)
            command = command._replace(data=before.data + command.data)
        if command.cla & _CHAINED_CLASS:
            self._session.chained = command
            return Answer(b"", Status.OK)
        return self._deliver(command, self._execute(command))

    def _execute(self, command: Command) -> Answer:
        session, image, vault = self._session, self._image, self._vault
        match command.ins:
            case 0xA4:
                return reading.select(command, session, image.tree, image.profile, image.quirks)
            case 0xB0:
                return reading.read_binary(command, session, image.tree, image.quirks)
            case 0x20:
                return codes.verify(command, vault, image.profile)
            case 0x24:
                return codes.change(command, vault, image.profile)
            case 0x2C:
                return codes.reset(command, vault, image.profile)
            case 0x22:
                return keys.manage_environment(command, session, image.profile, image.quirks)
            case 0x2A:
                return keys.perform(command, session, vault, self._public)
            case 0x88:
                return keys.internal_authenticate(command, session, vault, self._public)
            case 0x84:
                return _challenge(command)
            case 0xCA | 0xCB:
                return data_objects.get_data(command, vault, image.profile, self._public)
            case _:
                raise Abort(Status.UNKNOWN_INSTRUCTION)

    def _deliver(self, command: Command, answer: Answer) -> Answer:
        """As much as was asked for. Without Le (T=0) nothing: GET RESPONSE fetches it."""
        size = command.le or 0
        if len(answer.data) <= size:
            return answer
        self._session.pending = answer.data[size:]
        return Answer(answer.data[:size], _more(self._session.pending))

    def _get_response(self, command: Command, pending: bytes) -> Answer:
        if command.p1 or command.p2:
            raise Abort(Status.WRONG_PARAMETERS)
        if not pending:
            raise Abort(Status.NOT_SATISFIED)
        size = command.le or SHORT_MAXIMUM
        if len(pending) < size < SHORT_MAXIMUM:
            self._session.pending = pending
            raise Abort(Status.EXACT_LENGTH | len(pending))
        rest = self._session.pending = pending[size:]
        return Answer(pending[:size], _more(rest) if rest else Status.OK)

    def _status_of(self, refusal: Refused, reference: int) -> int:
        if refusal.rule in ("card.pin.wrong", "card.code.wrong"):
            credential = codes.spent(reference, refusal.rule, self._image.profile)
            return Status.TRIES_LEFT | self._vault.state.tries[credential]
        return _REFUSALS.get(refusal.rule, Status.WRONG_DATA)


def card_image(
    vault: Vault,
    public: PublicCard,
    contents: CardContents,
    *,
    profile: CardProfile,
    placement: Placement,
    language: str = "fi",
    quirks: bool | None = None,
) -> CardImage:
    """The image of a card; ``quirks`` None takes those of the profile.

    Raises:
        Misuse: rule ``card.profile``: there is no such language.
    """
    tree = build_tree(contents, public, vault.kind, profile, placement, card_labels(language))
    return CardImage(profile, tree, profile.quirks if quirks is None else quirks)


def _challenge(command: Command) -> Answer:
    if command.p1 or command.p2:
        raise Abort(Status.WRONG_PARAMETERS)
    if command.data or not command.le:
        raise Abort(Status.WRONG_LENGTH)
    return Answer(os.urandom(min(command.le, SHORT_MAXIMUM)), Status.OK)


def _more(rest: bytes) -> int:
    return Status.MORE_DATA | (len(rest) if len(rest) < SHORT_MAXIMUM else 0)
