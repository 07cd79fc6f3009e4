"""Exchanges with a card in words: what a command asks and what the answer means. PINs are hidden.

It reads the bytes by ISO 7816-4 and the facts about FINEID cards (docs/field/card.md 3 to 4), knows nothing of the
card's state, and explains commands of any client. Only who sees the exchanges in their order can tell what GET
RESPONSE fetches: ``SecretsHidden``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sotepki.card.door import Exchange

HIDDEN = 0x2A
_PIN_INSTRUCTIONS = frozenset({0x20, 0x24, 0x2C})
_DECIPHER = bytes.fromhex("2A8086")
_GET_RESPONSE = 0xC0
_CHAINED = 0x10
_MORE, _EXACT_LENGTH = 0x61, 0x6C  # first bytes of the status words after which GET RESPONSE goes on

_FILES = {
    "3f00": "MF", "2f00": "EF.DIR", "2f01": "EF.ATR", "d003": "EF.SN", "5015": "the PKCS#15 application",
    "5016": "DF.ESIGN", "5031": "EF.ODF", "5032": "EF.TokenInfo", "4401": "EF.AOD", "4402": "EF.PrKD",
    "4403": "EF.CD #1", "4404": "EF.CD #2", "4405": "EF.CD #3 (trusted)", "4406": "EF.DCOD",
    "4331": "the authentication certificate", "4332": "the signature certificate", "4333": "the issuing CA",
    "4334": "the root CA", "4336": "the issuing CA (citizen)",
}  # fmt: skip
_NAMES = {
    "a000000063504b43532d3135": "the PKCS#15 application",
    "452e5349474e": "DF.ESIGN",
    "a0000002471001": "the travel document application",
    "3f00": "MF",
}
_REFERENCES = {
    0x03: "PIN1", 0x04: "PIN2", 0x12: "the activation code",
    0x11: "PIN1 (citizen)", 0x82: "PIN2 (citizen)", 0x83: "the activation code (citizen, MaskTech)",
    0x91: "PIN1 (MaskTech)",
}  # fmt: skip
_TEMPLATES = {0xB6: "digital signature", 0xB8: "confidentiality", 0xA4: "authentication", 0xAA: "hash"}
_HASHES = {1: "SHA-1", 3: "SHA-224", 4: "SHA-256", 5: "SHA-384", 6: "SHA-512"}
_SCHEMES = {2: "PKCS#1", 4: "ECDSA", 5: "PSS"}
_DECIPHER_ALGORITHMS = {0x1A: "PKCS#1", 0x4D: "OAEP-SHA-256"}
_KEYS = {0x01: "authentication", 0x81: "authentication", 0x82: "signature", 0x02: "signature (citizen)"}
_SELECT_MODES = {
    0x00: "file", 0x01: "directory", 0x02: "file under the current directory", 0x03: "parent directory",
    0x04: "name", 0x08: "path from the MF", 0x09: "path from the current directory",
}  # fmt: skip
_ANSWERS = {
    0x9000: "done", 0x6282: "end of file", 0x6300: "failed", 0x6700: "wrong length", 0x6882: "no secure messaging",
    0x6884: "chaining not supported", 0x6982: "a PIN is missing", 0x6983: "locked", 0x6984: "not set or invalid",
    0x6985: "conditions not met", 0x6986: "no file selected", 0x6988: "secure messaging wrong", 0x6A80: "wrong data",
    0x6A81: "not supported", 0x6A82: "not found", 0x6A86: "wrong P1 or P2", 0x6A88: "unknown reference",
    0x6B00: "beyond the end", 0x6D00: "unknown instruction", 0x6E00: "unknown class", 0x6F00: "the card failed",
}  # fmt: skip


@dataclass(frozen=True)
class _Command:
    """A command APDU taken apart. ``expected`` is Le: None absent, 0 for all there is."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    expected: int | None = None


def explain(exchange: Exchange) -> str:
    """Three lines: the bytes of the command; what it asks; what was answered, and how long it took."""
    command, response = hidden_secrets(exchange.command, exchange.response)
    answer = f"{explain_response(response)} ({exchange.milliseconds:.1f} ms)"
    return f"{_shortened(command)}\n    {explain_command(command)}\n    -> {answer}"


def explain_command(command: bytes) -> str:
    """What a command APDU asks, in words; any bytes give an answer."""
    taken = _taken_apart(command)
    if taken is None:
        return "not a command APDU" if command else "nothing"
    words = _WORDS.get(taken.ins, _unknown)(taken)
    if taken.cla & _CHAINED:
        return f"{words} (chained, more follows)"
    return words if not taken.cla & 0xEF else f"{words} (class {taken.cla:02X})"


def explain_response(response: bytes) -> str:
    """What a response APDU says, in words; empty is a card that was pulled."""
    if len(response) < 2:
        return "nothing: the card is gone" if not response else "not a response APDU"
    status = int.from_bytes(response[-2:], "big")
    data = f"{len(response) - 2} bytes, " if len(response) > 2 else ""
    return f"{data}{status:04X} {explain_status(status)}"


def explain_status(status: int) -> str:
    """A status word in words."""
    if status & 0xFFF0 == 0x63C0:
        left = status & 0xF
        return f"{left} {'try' if left == 1 else 'tries'} left"
    if status >> 8 == 0x61:
        return f"{status & 0xFF or 256} more bytes" + ("" if status & 0xFF else " or more")
    if status >> 8 == 0x6C:
        return f"ask for {status & 0xFF} bytes"
    return _ANSWERS.get(status, "unknown status word")


def hidden_secrets(command: bytes, response: bytes) -> tuple[bytes, bytes]:
    """The exchange with every byte of a PIN, and of a decrypted content, replaced by ``*`` (2A).

    What GET RESPONSE fetches depends on the command before it: a trace is hidden by ``SecretsHidden``.
    """
    if len(command) < 4:
        return command, response
    if command[1] in _PIN_INSTRUCTIONS and len(command) > 5:
        # A length that does not fit may hide digits anywhere behind it; everything goes.
        return command[:5] + bytes([HIDDEN]) * (len(command) - 5), response
    if command[1:4] == _DECIPHER:
        return command, _without_data(response)
    return command, response


class SecretsHidden:
    """Hides the secrets of one reader's exchanges, given in their order: also those that GET RESPONSE fetches."""

    def __init__(self) -> None:
        self._deciphered = False
        """What GET RESPONSE would fetch now is of a decrypted content."""

    def of(self, exchange: Exchange) -> Exchange:
        """The next exchange, with every byte of a PIN and of a decrypted content replaced by ``*`` (2A)."""
        command, response = hidden_secrets(exchange.command, exchange.response)
        status = response[-2:-1]
        if command[1:2] == bytes([_GET_RESPONSE]):
            if self._deciphered:
                response = _without_data(response)
            self._deciphered = self._deciphered and status in (bytes([_MORE]), bytes([_EXACT_LENGTH]))
        else:
            whole = len(command) >= 4 and not command[0] & _CHAINED
            self._deciphered = whole and command[1:4] == _DECIPHER and status == bytes([_MORE])
        return replace(exchange, command=command, response=response)


def _without_data(response: bytes) -> bytes:
    return bytes([HIDDEN]) * (len(response) - 2) + response[-2:]


def _taken_apart(command: bytes) -> _Command | None:
    if len(command) < 4:
        return None
    cla, ins, p1, p2 = command[:4]
    body = command[4:]
    if not body:
        return _Command(cla, ins, p1, p2)
    if len(body) == 1:
        return _Command(cla, ins, p1, p2, expected=body[0])
    if body[0] or len(body) == 2:
        length, start, wide = body[0], 1, 1
    elif len(body) == 3:
        return _Command(cla, ins, p1, p2, expected=int.from_bytes(body[1:], "big"))
    else:
        length, start, wide = int.from_bytes(body[1:3], "big"), 3, 2
    data, rest = body[start : start + length], body[start + length :]
    if len(data) < length or len(rest) not in (0, wide):
        return None
    return _Command(cla, ins, p1, p2, data, int.from_bytes(rest, "big") if rest else None)


def _select(command: _Command) -> str:
    identifier = command.data.hex()
    mode = _SELECT_MODES.get(command.p1)
    if mode is None:
        return f"SELECT in the unknown mode {command.p1:02X}"
    if command.p1 == 0x03:
        what = ""
    elif command.p1 == 0x04:
        what = f" {identifier}" + (f" = {_NAMES[identifier]}" if identifier in _NAMES else "")
    elif not identifier:
        what = " (none given: MF)"
    else:
        parts = [identifier[at : at + 4] for at in range(0, len(identifier), 4)]
        name = _FILES.get(parts[-1])
        what = f" {'/'.join(parts)}" + (f" = {name}" if name else "")
    wanted = {0x00: ", FCI wanted", 0x04: ", FCP wanted"}.get(command.p2 & 0x0C, "")
    return f"SELECT {mode}{what}{wanted}"


def _read_binary(command: _Command) -> str:
    count = "all" if not command.expected else f"{command.expected} bytes"
    if command.p1 & 0x80:
        return f"READ BINARY {count} at {command.p2} of the file with short identifier {command.p1 & 0x1F:02X}"
    return f"READ BINARY {count} at {command.p1 << 8 | command.p2}"


def _pin(reference: int) -> str:
    return _REFERENCES.get(reference, "an unknown PIN") + f" ({reference:02X})"


def _verify(command: _Command) -> str:
    if not command.data:
        return f"VERIFY {_pin(command.p2)} without a PIN: how many tries are left?"
    return f"VERIFY {_pin(command.p2)} with {len(command.data)} hidden bytes"


def _change(command: _Command) -> str:
    how = "by the old one" if command.p1 == 0x00 else "that is verified"
    return f"CHANGE REFERENCE DATA: {_pin(command.p2)} {how}, {len(command.data)} hidden bytes"


def _reset_counter(command: _Command) -> str:
    how = {0x00: "by the activation code in the command", 0x02: "by the activation code verified before"}.get(
        command.p1, f"in the mode {command.p1:02X}"
    )
    return f"RESET RETRY COUNTER: set {_pin(command.p2)} {how}, {len(command.data)} hidden bytes"


def _mse(command: _Command) -> str:
    if command.p1 == 0xF3:
        return f"MSE RESTORE environment {command.p2:02X}"
    template = _TEMPLATES.get(command.p2, f"template {command.p2:02X}")
    said, data = [], command.data
    while len(data) >= 2:
        tag, length = data[0], data[1]
        said.append(_reference(tag, data[2 : 2 + length], command.p2))
        data = data[2 + length :]
    return f"MSE SET {template}: {', '.join(said) or 'nothing'}"


def _reference(tag: int, value: bytes, template: int) -> str:
    number = value[0] if len(value) == 1 else None
    if tag == 0x84:
        return f"key {value.hex().upper()}" + (f" ({_KEYS[number]})" if number in _KEYS else "")
    if tag == 0x81:
        return f"key file {value.hex().upper()}"
    if tag == 0x80 and number is not None:
        if template == 0xB8 and number in _DECIPHER_ALGORITHMS:
            return f"algorithm {number:02X} ({_DECIPHER_ALGORITHMS[number]})"
        known = _SCHEMES.get(number & 0xF), _HASHES.get(number >> 4)
        return f"algorithm {number:02X}" + (f" ({known[0]} with {known[1]})" if all(known) else "")
    return f"tag {tag:02X} {value.hex().upper()}"


def _pso(command: _Command) -> str:
    count = len(command.data)
    match command.p1, command.p2:
        case 0x9E, 0x9A:
            if not count:
                return "PSO COMPUTE DIGITAL SIGNATURE over the hash loaded before"
            kind = "DigestInfo" if command.data[0] == 0x30 and count > 32 else "digest"
            kind = kind if count <= 83 else "encoded message"
            return f"PSO COMPUTE DIGITAL SIGNATURE over a {kind} of {count} bytes"
        case 0x90, 0xA0 | 0x80:
            return f"PSO HASH: load {count} bytes"
        case 0x80, 0x86:
            return f"PSO DECIPHER a cryptogram, {count} bytes"
    return f"PSO {command.p1:02X}{command.p2:02X} with {count} bytes"


def _get_data(command: _Command) -> str:
    said = f" for {command.data.hex().upper()}" if command.data else ""
    return f"GET DATA {command.p1:02X}{command.p2:02X}{said}"


def _unknown(command: _Command) -> str:
    return f"instruction {command.ins:02X}, P1 {command.p1:02X}, P2 {command.p2:02X}, {len(command.data)} bytes"


_WORDS: dict[int, Callable[[_Command], str]] = {
    0xA4: _select,
    0xB0: _read_binary,
    0x20: _verify,
    0x24: _change,
    0x2C: _reset_counter,
    0x22: _mse,
    0x2A: _pso,
    0xCA: _get_data,
    0xCB: _get_data,
    0x88: lambda command: f"INTERNAL AUTHENTICATE with {len(command.data)} bytes",
    0x84: lambda command: f"GET CHALLENGE of {command.expected or 'all'} bytes",
    0xC0: lambda command: f"GET RESPONSE: the next {command.expected or 256} bytes",
    0x2E: lambda _command: "forget verified PINs (MyEID)",
}


def _shortened(command: bytes) -> str:
    parts = [f"{byte:02X}" for byte in command[:40]]
    if command[1:2] and command[1] in _PIN_INSTRUCTIONS:
        parts[5:] = ["**"] * len(parts[5:])
    return " ".join(parts) + (f" ... ({len(command)} bytes)" if len(command) > 40 else "")
