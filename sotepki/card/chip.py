"""The process of a card's chip: ``python -m sotepki.card.chip insert DIRECTORY``, or ``... personalise``.

SoftHSM has one configuration in a process, so every inserted card has a process of its own, and so has the machine
that personalises cards; a reader that serves nothing but its card may be that process itself (``chip_here``).
Requests come on standard input, answers go to standard output (``wire``); the end of the input is the card being
pulled out.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sotepki.card.key_store import TokenKeyStore
from sotepki.card.kinds import Credential, KeyUse, card_layout
from sotepki.card.seams import Operation
from sotepki.card.state import CardState, StateFile
from sotepki.card.vault import Vault
from sotepki.card.wire import LENGTH_BYTES, Message, body_length, decode, encode, error_message
from sotepki.errors import Misuse, Refused
from sotepki.tokens.pin import Pin
from sotepki.tokens.storage import no_core_file, try_lock

if TYPE_CHECKING:
    from sotepki.card.chip_door import ChipDoorRequests

Answer = Callable[[Message], Message]


def main(arguments: list[str]) -> int:
    """Serve until the input ends. The first message out says whether the chip is there."""
    no_core_file()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the reader; the chip ends when its input does
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    lock: IO[bytes] | None = None
    try:
        match arguments:
            case ["insert", directory]:
                lock = take_card(Path(directory))
                answer = chip_of(Path(directory))
            case ["personalise"]:
                answer = _personalise
            case _:
                raise Misuse("The chip is started by the reader: insert DIRECTORY, or personalise.")
    except BaseException as error:  # noqa: BLE001  whatever it is, the reader is told
        _send(answers, error_message(error))
        return 1
    _send(answers, {"ready": True})
    _serve(requests, answers, answer)
    if lock is not None:
        lock.close()
    return 0


def chip_of(directory: Path) -> Answer:
    """The chip of the card in a directory: a function from request to answer, errors included as data."""
    vault = Vault(StateFile(directory / "card.json"), TokenKeyStore(directory, card_layout()))
    door: list[ChipDoorRequests] = []  # made when it is first asked for: the in-process door needs no files

    def answer(request: Message) -> Message:
        if request.get("do") in ("image", "power", "apdu"):
            if not door:
                from sotepki.card.chip_door import ChipDoorRequests

                door.append(ChipDoorRequests(vault))
            return _through_door(door[0], request)
        return _answer(vault, request)

    return answer


def _through_door(door: ChipDoorRequests, request: Message) -> Message:
    match request["do"]:
        case "image":
            return door.show(request)
        case "power":
            return door.power()
        case _:
            return door.transmit(request)


def _answer(vault: Vault, request: Message) -> Message:
    command = request.get("do")
    match command:
        case "state":
            return _state(vault.state)
        case "activate":
            vault.activate(_pin(request, "code"), _pin(request, "pin1"), _pin(request, "pin2"))
        case "verify":
            vault.verify(_credential(request), _pin(request, "pin"))
        case "change-pin":
            vault.change_pin(_credential(request), _pin(request, "old"), _pin(request, "new"))
        case "unblock":
            vault.unblock(_pin(request, "code"), _credential(request), _pin(request, "new"))
        case "use-key":
            data = vault.use_key(
                KeyUse(request["use"]),
                Operation(request["operation"]),
                bytes.fromhex(request["data"]),
                hash_name=str(request.get("hash", "")),
                salt_length=int(request.get("salt", 0)),
            )
            return {"data": data.hex()}
        case _:
            raise Misuse(f"The chip does not know the request {command!r}.")
    return {"done": True}


def _personalise(request: Message) -> Message:
    from sotepki.card.manufacture import build_card, fill_blank  # only this door of the process makes cards

    (fill_blank if request.get("blank") else build_card)(request)
    return {"done": True}


def _state(state: CardState) -> Message:
    return {
        "phase": state.phase,
        "condition": state.condition,
        "tries": {credential: state.tries[credential] for credential in Credential},
    }


def _pin(request: Message, name: str) -> Pin:
    return Pin(str(request[name]))


def _credential(request: Message) -> Credential:
    return Credential(request["credential"])


def take_card(directory: Path) -> IO[bytes]:
    """The lock of the card in a directory, held until the file is closed.

    Raises:
        Misuse: rule ``card.unknown``.
        Refused: rule ``card.in-use``.
    """
    if not directory.is_dir():
        raise Misuse(f"There is no card in {directory}.", rule="card.unknown")
    lock = try_lock(directory / "card.lock")
    if lock is None:
        raise Refused(
            f"The card {directory.name} is in a reader already.",
            rule="card.in-use",
            advice="Use it there ('sotepki card client'), or take it out first ('sotepki card remove').",
            subject=directory.name,
        )
    return lock


def _serve(requests: IO[bytes], answers: IO[bytes], answer: Answer) -> None:
    while True:
        prefix = requests.read(LENGTH_BYTES)
        if len(prefix) < LENGTH_BYTES:
            return
        try:
            length = body_length(prefix)
        except ValueError:
            return  # what follows cannot be found any more
        body = requests.read(length)
        if len(body) < length:
            return
        try:
            message = answer(decode(body))
        except Exception as error:  # noqa: BLE001  any request gets an answer
            message = error_message(error)
        _send(answers, message)


def _send(answers: IO[bytes], message: Message) -> None:
    try:
        answers.write(encode(message))
        answers.flush()
    except BrokenPipeError:
        os._exit(0)  # the reader is gone, and nobody is left to tell


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
