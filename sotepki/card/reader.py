"""The reader's side of the APDU door: hands bytes to the chip's process and lets faults happen on the way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.card.door import NO_FAULTS, Exchange, Faults, Quirks, Reissue
from sotepki.card.fault_certificates import faulty_certificate
from sotepki.card.inserted import InsertedCard
from sotepki.card.kinds import KeyUse
from sotepki.card.operating import card_placement, card_profile
from sotepki.card.operating.apdu import LONGEST_BODY, Status
from sotepki.card.state import Phase
from sotepki.card.wire import Message
from sotepki.errors import Fault, Refused

_GONE = b""
_LONGEST_COMMAND = LONGEST_BODY + 9  # header, extended length, body, extended Le
_COMPUTE_SIGNATURE = bytes.fromhex("2A9E9A")
_INTERNAL_AUTHENTICATE = 0x88


class CardDoor:
    """``ChipDoor`` of a card that is in a reader of this process. Several doors of one card share its power."""

    def __init__(
        self,
        card: InsertedCard,
        *,
        profile: str = "opensc",
        layout: str = "application",
        language: str = "fi",
        faults: Faults = NO_FAULTS,
        trace: Callable[[Exchange], None] | None = None,
        reissue: Reissue | None = None,
    ) -> None:
        """Arguments as of ``door.open_door``.

        Raises:
            Misuse: rule ``card.profile``.
            Fault: the chip is gone.
        """
        self._card = card
        self._profile = card_profile(profile)
        self._layout = card_placement(layout)
        self._language = language
        self._trace = trace
        self._reissue = reissue
        self._lock = threading.Lock()
        self._faults = NO_FAULTS
        self._answered = 0
        self._present = card.phase() is not Phase.DAMAGED
        self.set_faults(faults)

    @property
    def atr(self) -> bytes:
        return self._profile.atr

    @property
    def present(self) -> bool:
        return self._present

    @property
    def faults(self) -> Faults:
        """What is wrong with the card now."""
        return self._faults

    def power_on(self) -> bytes:
        return self._power()

    def power_off(self) -> None:
        self._power()

    def reset(self) -> bytes:
        return self._power()

    def transmit(self, command: bytes) -> bytes:
        started = time.perf_counter()
        with self._lock:
            response = self._transmit(bytes(command))
        if self._trace is not None:
            self._trace(Exchange(bytes(command), response, (time.perf_counter() - started) * 1000))
        return response

    def set_faults(self, faults: Faults) -> None:
        """See ``ChipDoor``.

        Raises:
            Fault: the chip is gone.
        """
        request = self._face(faults)
        with self._lock:
            self._card.link.ask(request)
            self._faults = faults
            self._answered = 0

    def _transmit(self, command: bytes) -> bytes:
        faults = self._faults
        if not self._present:
            return _GONE
        if faults.pulled_after is not None and self._answered >= faults.pulled_after:
            return self._pull()
        if faults.latency > 0:
            time.sleep(faults.latency)
        if len(command) > _LONGEST_COMMAND:
            return Status.WRONG_LENGTH.to_bytes(2, "big")
        response = self._ask({"do": "apdu", "command": command.hex()})
        if faults.pulled_in_signature and _signs(command) and response[-2:-1] in (b"\x90", b"\x61"):
            return self._pull()
        self._answered += 1
        return response

    def _power(self) -> bytes:
        with self._lock:
            if self._present:
                self._ask({"do": "power"})
            return self.atr if self._present else _GONE

    def _ask(self, request: Message) -> bytes:
        try:
            return bytes.fromhex(self._card.link.ask(request).get("response", ""))
        except Fault as fault:
            if fault.rule == "card.chip.failed":
                return Status.FAILED.to_bytes(2, "big")
            self._present = False  # somebody pulled the card, or killed its process
            return _GONE
        except Refused:
            return Status.FAILED.to_bytes(2, "big")

    def _pull(self) -> bytes:
        """The contact is lost now: the chip gets no chance to put anything in order."""
        self._present = False
        process = self._card.chip_process
        if process is not None:
            os.kill(process, signal.SIGKILL)
        self._card.remove()
        return _GONE

    def _face(self, faults: Faults) -> Message:
        card = self._card
        true = {use: card.leaf(use) for use in KeyUse}
        shown = {use: faulty_certificate(true[use], use, faults, self._reissue) for use in KeyUse}
        if faults.mismatched:
            shown = {use: shown[other] for use, other in zip(KeyUse, reversed(KeyUse), strict=True)}
        quirks = {Quirks.BY_PROFILE: None, Quirks.ON: True, Quirks.OFF: False}[faults.quirks]
        missing = {KeyUse.SIGNATURE} if faults.missing_signature_certificate else set()
        return {
            "do": "image",
            "profile": self._profile.id,
            "layout": self._layout,
            "language": self._language,
            "true": {use: true[use].der.hex() for use in KeyUse},
            "shown": {use: None if use in missing else shown[use].hex() for use in KeyUse},
            "issuers": [issuer.public_bytes(Encoding.DER).hex() for issuer in card.issuers],
            "issuer-files": not faults.missing_ca_files,
            "readable-issuers": not faults.unreadable_ca_files,
            "sound-token-info": not faults.corrupted_token_info,
            "quirks": quirks,
            "tries": dict(faults.tries),
        }


def _signs(command: bytes) -> bool:
    """Whether a command makes a signature; all but the last of a chain only bring data."""
    if command[:1] != b"\0":
        return False
    return command[1:4] == _COMPUTE_SIGNATURE or command[1:2] == bytes([_INTERNAL_AUTHENTICATE])
