"""Messages between a reader and the chip's process: JSON behind a four-byte length, errors as data."""

from __future__ import annotations

import json
from typing import Any

from sotepki.errors import Fault, Misuse, Refused, SotepkiError

Message = dict[str, Any]

# A message fits into an empty pipe (64 KiB), so that sending one never waits for a chip that is stuck.
LARGEST_MESSAGE = 48 * 1024
LENGTH_BYTES = 4

_CLASSES: dict[str, type[SotepkiError]] = {cls.__name__: cls for cls in (Refused, Misuse, Fault)}


def encode(message: Message) -> bytes:
    """A message with its length in front.

    Raises:
        Misuse: rule ``card.message.length``: more than a chip takes at once.
    """
    body = json.dumps(message, ensure_ascii=False).encode()
    if len(body) > LARGEST_MESSAGE:
        raise Misuse("That is more data than a card takes at once.", rule="card.message.length")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def body_length(prefix: bytes) -> int:
    """The length that a prefix announces.

    Raises:
        ValueError: more than anybody here sends.
    """
    length = int.from_bytes(prefix, "big")
    if length > LARGEST_MESSAGE:
        raise ValueError("a message that is too long")
    return length


def decode(body: bytes) -> Message:
    """A message from its body.

    Raises:
        ValueError: not a JSON object.
    """
    try:
        message = json.loads(body)
    except RecursionError as error:
        raise ValueError("a message that is nested too deeply") from error
    if not isinstance(message, dict):
        raise ValueError("a message that is not an object")
    return message


def error_message(error: BaseException) -> Message:
    """An error as data. An unexpected one becomes a ``Fault`` that names its class only: texts may hold PINs."""
    if not isinstance(error, SotepkiError):
        error = Fault(f"The card's chip failed with {type(error).__name__}.", rule="card.chip.failed")
    return {
        "error": next((name for name, cls in _CLASSES.items() if isinstance(error, cls)), "Fault"),
        "sentence": error.sentence,
        "rule": error.rule,
        "advice": error.advice,
        "subject": error.subject,
    }


def raise_error(message: Message) -> None:
    """Raise the error that a message carries, if it carries one."""
    if "error" in message:
        raise _CLASSES.get(message["error"], Fault)(
            str(message.get("sentence", "")),
            rule=str(message.get("rule", "")),
            advice=str(message.get("advice", "")),
            subject=str(message.get("subject", "")),
        )
