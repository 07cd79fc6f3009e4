"""Throws command sequences at the card's operating system and watches what must never happen.

    python tests/fuzz/card_apdus.py --sequences 200000 --seed 1 --processes 2

A sequence is 1 to 16 commands on one card that keeps its state between sequences: commands of the facts, cut, spliced
and mutated; commands made from fields; and plain noise. After every command:

- no exception, an answer of at least two bytes with a status word, in less than a second;
- a counter rises only if a right PIN or activation code was looked at in that very command, and is on the disk;
- a PIN is looked at only after the try was written down;
- a private operation only with the PIN of its key: PIN1 since the last power-on, PIN2 since the last signature;
- no bytes of a private key and no PIN in an answer.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import random
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from card_os_scripts import load_scripts
from card_os_world import Card, SoftwareStore, make_card, private_key
from cryptography.hazmat.primitives.asymmetric import rsa

from sotepki.card import Credential, KeyUse
from sotepki.card.state import CardState, Phase
from sotepki.tokens import KeyHandle, Pin, PrivateKey

SLOWEST_COMMAND = 1.0
PIN1, PIN2, CODE = Pin("39174820"), Pin("60281947"), Pin("85730164")
CARDS = (
    {"profile": "opensc", "key": "rsa-2048"},
    {"profile": "opensc", "key": "p-384", "layout": "master-file"},
    {"profile": "authentic", "key": "rsa-2048"},
    {"profile": "citizen", "key": "p-384"},
    {"profile": "authentic-v7", "key": "p-384", "phase": "personalised"},
    {"profile": "opensc", "key": "p-384", "phase": "emptied"},
)


class Violation(AssertionError):
    """Something happened that never may."""


class QuickKey:
    """A key whose operations are instant and counted: what they compute is no matter here."""

    def __init__(self, watch: Watch, use: KeyUse, length: int) -> None:
        self._watch = watch
        self._use = use
        self._length = length

    def _operate(self, data: bytes) -> bytes:
        self._watch.operation(self._use)
        return random.Random(data).randbytes(self._length)

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        return self._operate(digest_info)

    def sign_pss(self, digest: bytes, hash_name: str, salt_length: int) -> bytes:
        return self._operate(digest)

    def sign_ecdsa(self, digest: bytes) -> bytes:
        return self._operate(digest)

    def sign_raw(self, encoded: bytes) -> bytes:
        return self._operate(encoded)

    def decrypt_pkcs1(self, cryptogram: bytes) -> bytes:
        plain = self._operate(cryptogram)
        if cryptogram[0] & 1:
            raise ValueError("Decryption failed")
        return plain[:32]

    def decrypt_raw(self, cryptogram: bytes) -> bytes:
        return self._operate(cryptogram)


@dataclass
class Watch:
    """What was seen since the card was made, from below the card's own rules."""

    card: Card | None = None
    right: set[Credential] = field(default_factory=set)
    pin1: bool = False
    pin2: bool = False
    operations: int = 0
    looks: int = 0
    before: CardState | None = None

    def look(self, credential: Credential, right: bool) -> bool:
        """Somebody compares a PIN: the try must be in persistent memory already."""
        self.looks += 1
        assert self.card is not None and self.before is not None
        now, then = self.card.memory.state.tries[credential], self.before.tries[credential]
        if now != then - 1 and credential not in self.right:
            raise Violation(f"{credential} was looked at with {now} tries on the disk, {then} before")
        if right:
            self.right.add(credential)
        return right

    def operation(self, use: KeyUse) -> None:
        """A private operation: its PIN must have been right."""
        self.operations += 1
        if use is KeyUse.AUTHENTICATION and not self.pin1:
            raise Violation("the authentication key worked without PIN1")
        if use is KeyUse.SIGNATURE:
            if not self.pin2:
                raise Violation("the signature key worked without PIN2")
            self.pin2 = False


class WatchedStore(SoftwareStore):
    """PINs that report every look, keys that report every use."""

    def __init__(self, keys: dict[KeyUse, PrivateKey], watch: Watch) -> None:
        super().__init__(keys, CODE)
        self._watch = watch
        length = {use: key.key_size // (8 if isinstance(key, rsa.RSAPrivateKey) else 4) for use, key in keys.items()}
        self._quick = {use: QuickKey(watch, use, length[use]) for use in keys}

    def check_pin(self, credential: Credential, pin: Pin) -> bool:
        right = self._watch.look(credential, super().check_pin(credential, pin))
        if credential is Credential.PIN1:
            self._watch.pin1 = right
        else:
            self._watch.pin2 = right
        return right

    def key(self, use: KeyUse) -> KeyHandle:
        return self._quick[use]

    def close(self, credential: Credential) -> None:
        super().close(credential)
        if credential is Credential.PIN1:
            self._watch.pin1 = False
        else:
            self._watch.pin2 = False

    def change_pin(self, credential: Credential, old: Pin, new: Pin) -> bool:
        return self._watch.look(credential, super().change_pin(credential, old, new))

    def set_pin(self, credential: Credential, code: Pin, new: Pin) -> bool:
        return self._watch.look(Credential.PUK, super().set_pin(credential, code, new))

    def check_code(self, code: Pin) -> bool:
        return self._watch.look(Credential.PUK, super().check_code(code))


def watched_card(options: dict[str, str]) -> tuple[Card, Watch]:
    """A card whose store is watched."""
    card = make_card(**options)  # type: ignore[arg-type]
    watch = Watch(card=card, before=card.memory.state)
    store = WatchedStore({use: key.key for use, key in card.store.keys.items()}, watch)
    if card.vault.state.phase is Phase.ACTIVE:
        store.pins = {Credential.PIN1: PIN1, Credential.PIN2: PIN2}
    card.store = card.vault._store = store
    return card, watch


def secrets_of(card: Card) -> list[bytes]:
    """Pieces of the private keys, and the PINs."""
    pieces = [pin.reveal().encode() for pin in (PIN1, PIN2, CODE)]
    for key in (software.key for software in card.store.keys.values()):
        if isinstance(key, rsa.RSAPrivateKey):
            numbers = key.private_numbers()
            values = [numbers.p, numbers.q, numbers.d, numbers.dmp1, numbers.dmq1, numbers.iqmp]
        else:
            values = [key.private_numbers().private_value]
        for value in values:
            octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
            pieces += [octets[at : at + 12] for at in range(0, len(octets) - 12, 12)]
    return pieces


@functools.cache
def known_commands() -> tuple[bytes, ...]:
    """The commands of the facts, without those that need names filled in, plus the ways to this card's PINs."""
    found = []
    for script in load_scripts():
        for line in script.script:
            sent = line.split("->")[0]
            sent = re.sub(r"<digest (\d+)>", lambda match: "11" * int(match[1]), sent)
            if "->" in line and "<" not in sent:
                found.append(bytes.fromhex(sent))
    pin1, pin2, code = (pin.reveal().encode() for pin in (PIN1, PIN2, CODE))
    pad = bytes(4)
    found += 3 * [
        b"\x00\x20\x00\x03\x08" + pin1, b"\x00\x20\x00\x04\x08" + pin2, b"\x00\x20\x00\x12\x08" + code,
        b"\x00\x20\x00\x11\x0c" + pin1 + pad, b"\x00\x20\x00\x82\x0c" + pin2 + pad,
        b"\x00\x20\x00\x83\x0c" + code + pad, b"\x00\x20\x00\x83\x08" + code,
        b"\x00\x2c\x00\x03\x10" + code + pin1, b"\x00\x2c\x00\x04\x10" + code + pin2,
        b"\x00\x2c\x02\x03\x08" + pin1, b"\x00\x2c\x02\x04\x08" + pin2, b"\x00\x2c\x02\x91\x08" + pin1,
        b"\x00\x2c\x00\x11\x18" + code + pad + pin1 + pad, b"\x00\x2c\x00\x82\x18" + code + pad + pin2 + pad,
        b"\x00\x24\x00\x03\x10" + pin1 + pin1, b"\x00\x24\x01\x03\x08" + pin1, b"\x00\x24\x01\x04\x08" + pin2,
        b"\x00\x2a\x9e\x9a\x20" + bytes(32) + b"\x00", b"\x00\x2a\x9e\x9a\x30" + bytes(48) + b"\x00",
        b"\x00\x2a\x9e\x9a\x00", b"\x00\x22\x41\xb6\x03\x84\x01\x82", b"\x00\x22\x41\xb6\x06\x80\x01\x42\x84\x01\x82",
        b"\x00\x22\x41\xb6\x06\x80\x01\x54\x84\x01\x82", b"\x00\x22\x41\xb6\x06\x80\x01\x54\x84\x01\x01",
        b"\x00\x2a\x80\x86\x00\x01\x00" + bytes(256) + b"\x00\x00", b"\x10\x2a\x9e\x9a\x80" + bytes(128),
        b"\x00\x2a\x9e\x9a\x80" + bytes(128) + b"\x00", b"\x00\xc0\x00\x00\x00",
    ]  # fmt: skip
    return tuple(found)


_INSTRUCTIONS = (0xA4, 0xB0, 0x20, 0x24, 0x2C, 0x22, 0x2A, 0x88, 0x84, 0xCA, 0xCB, 0xC0, 0xB1, 0x2E)
_PARAMETERS = (0, 1, 2, 3, 4, 8, 9, 0x0C, 0x11, 0x12, 0x41, 0x80, 0x82, 0x83, 0x86, 0x90, 0x91, 0x9A, 0x9E, 0xA0)


def command(source: random.Random) -> bytes:
    """One command: known, mutated, made from fields, or noise."""
    way = source.random()
    if way < 0.5:
        return source.choice(known_commands())
    if way < 0.75:
        return _mutated(source)
    if way < 0.95:
        return _from_fields(source)
    return source.randbytes(source.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 40, 300, 5000)))


def sequence(source: random.Random) -> list[bytes]:
    """1 to 16 commands; half of the sequences follow a way to a private operation, with disturbances."""
    if source.random() < 0.5:
        return [command(source) for _ in range(source.randint(1, 16))]
    steps = []
    for choices in source.choice(_ways()):
        if source.random() < 0.15:
            steps.append(command(source))
        if source.random() < 0.95:
            steps.append(source.choice(choices))
    return steps[:16]


@functools.cache
def _ways() -> tuple[tuple[tuple[bytes, ...], ...], ...]:
    def group(*heads: str) -> tuple[bytes, ...]:
        starts = tuple(bytes.fromhex(head) for head in heads)
        return tuple(one for one in known_commands() if one.startswith(starts))

    select = group("00A4")
    sign = group("002A9E9A", "102A9E9A", "002A90A0", "00880000", "00C0")
    pin1, pin2, code = (pin.reveal().encode() for pin in (PIN1, PIN2, CODE))
    pad = bytes(4)
    verify1 = (b"\x00\x20\x00\x03\x08" + pin1, b"\x00\x20\x00\x11\x0c" + pin1 + pad)
    verify2 = (b"\x00\x20\x00\x04\x08" + pin2, b"\x00\x20\x00\x82\x0c" + pin2 + pad)
    set1 = (b"\x00\x2c\x00\x03\x10" + code + pin1, b"\x00\x2c\x00\x11\x18" + code + pad + pin1 + pad)
    set2 = (b"\x00\x2c\x00\x04\x10" + code + pin2, b"\x00\x2c\x00\x82\x18" + code + pad + pin2 + pad)
    decipher = (b"\x00\x2a\x80\x86\x00\x01\x00" + bytes(256) + b"\x00\x00", *group("102A8086", "002A8086"))
    environment, confidentiality = group("002241B6", "002241A4"), group("002241B8")
    esign = (bytes.fromhex("00A4040C06452E5349474E"),)
    return (
        (verify1, environment, sign, sign, environment, sign),
        (esign, verify2, environment, sign, sign, verify2, sign, sign),
        (verify1, confidentiality, decipher, decipher),
        (verify2, esign, confidentiality, decipher, environment, sign, sign),
        (set1, set2, verify1, verify2, select, environment, sign, sign, sign),
        (verify1, verify2, environment, sign, group("0020"), group("0024"), group("002C"), sign),
    )


def _mutated(source: random.Random) -> bytes:
    raw = bytearray(source.choice(known_commands()))
    for _ in range(source.randint(1, 3)):
        at = source.randrange(len(raw)) if raw else 0
        match source.randrange(5):
            case 0 if raw:
                raw[at] = source.randrange(256)
            case 1 if raw:
                raw[at] ^= 1 << source.randrange(8)
            case 2 if raw:
                del raw[at : at + source.randint(1, 4)]
            case 3:
                raw[at:at] = source.randbytes(source.randint(1, 4))
            case _:
                raw = raw[:at] + bytearray(source.choice(known_commands())[at:])
    return bytes(raw)


def _from_fields(source: random.Random) -> bytes:
    head = bytes(
        [
            source.choice((0, 0, 0, 0x10, 0x0C, 0x80)),
            source.choice(_INSTRUCTIONS),
            source.choice(_PARAMETERS),
            source.choice((*_PARAMETERS, 0xB6, 0xB8, 0xA4, 0xAA, 0xFF)),
        ]
    )
    body = source.choice(
        (b"", source.choice(known_commands())[5:], source.randbytes(source.choice((1, 2, 8, 48, 257))))
    )
    le = source.choice((b"", b"\x00", b"\x10", b"\xff"))
    if len(body) > 255 or source.random() < 0.1:
        return head + b"\x00" + len(body).to_bytes(2, "big") + body + source.choice((b"", b"\x00\x00", b"\x00"))
    return head + (bytes([len(body)]) if body else b"") + body + le


def check(card: Card, watch: Watch, raw: bytes, secrets: list[bytes]) -> int:
    """Send one command and look at everything afterwards; the status word."""
    watch.before = before = card.memory.state
    watch.right.clear()
    started = time.process_time()
    try:
        answer = card.system.transmit(raw)
    except Violation:
        raise
    except Exception as error:
        raise Violation(f"{type(error).__name__} for {raw.hex()}: {error}") from error
    if time.process_time() - started > SLOWEST_COMMAND:
        raise Violation(f"{raw.hex()} took longer than {SLOWEST_COMMAND} s")
    if not 2 <= len(answer) <= 65538 or answer[-2] not in (0x61, 0x62, 0x63, *range(0x67, 0x6F), 0x90):
        raise Violation(f"{raw.hex()} was answered {answer.hex()}")
    after = card.memory.state
    if after != card.vault.state:
        raise Violation(f"after {raw.hex()} memory and disk differ")
    for credential, count in after.tries.items():
        if count > before.tries[credential]:
            helped = {credential} | ({Credential.PUK} if credential is not Credential.PUK else set())
            if not watch.right & helped:
                raise Violation(f"{credential} rose from {before.tries[credential]} to {count} by {raw.hex()}")
        if not 0 <= count <= 5 or before.tries[credential] - count > 1:
            raise Violation(f"{credential} went from {before.tries[credential]} to {count} by {raw.hex()}")
    if len(answer) > 8 and any(piece in answer for piece in secrets):
        raise Violation(f"{raw.hex()} was answered with a secret")
    return int.from_bytes(answer[-2:], "big")


def fuzz(sequences: int, seed: int) -> Counter[str]:
    """Run sequences; figures by name. Raises Violation with the commands that led there."""
    source = random.Random(seed)
    figures: Counter[str] = Counter()
    cards: list[tuple[Card, Watch, list[bytes]]] = []
    for number in range(sequences):
        if number % 120 == 0:  # fresh cards now and then: locked ones are dull
            figures["private operations"] += sum(watch.operations for _, watch, _ in cards)
            figures["PIN comparisons"] += sum(watch.looks for _, watch, _ in cards)
            cards = [(card, watch, secrets_of(card)) for card, watch in map(watched_card, CARDS)]
        card, watch, secrets = cards[number % len(cards)]
        if source.random() < 0.3:
            card.system.power()
            watch.pin1 = watch.pin2 = False
        commands = sequence(source)
        for sent, raw in enumerate(commands, start=1):
            try:
                status = check(card, watch, raw, secrets)
            except Violation as violation:
                trail = "\n".join(one.hex() for one in commands[:sent])
                raise Violation(f"{violation}\nseed {seed}, sequence {number}:\n{trail}") from violation
            figures["commands"] += 1
            figures[f"{status & 0xFF00:04X}" if status >> 8 in (0x61, 0x6C, 0x63) else f"{status:04X}"] += 1
        card.memory.history.clear()
        figures["sequences"] += 1
    figures["private operations"] += sum(watch.operations for _, watch, _ in cards)
    figures["PIN comparisons"] += sum(watch.looks for _, watch, _ in cards)
    return figures


def _part(arguments: tuple[int, int]) -> Counter[str]:
    return fuzz(*arguments)


def main() -> int:
    """Fuzz in several processes and print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Fuzz the card's operating system.")
    parser.add_argument("--sequences", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    for kind in ("rsa-2048", "p-384", "p-256"):
        for number in (0, 1, 7, 8, 9):
            private_key(kind, number)
    portions = 8 * options.processes
    share = -(-options.sequences // portions)
    started = time.monotonic()
    figures: Counter[str] = Counter()
    with multiprocessing.get_context("fork").Pool(options.processes) as pool:
        for part in pool.imap_unordered(_part, [(share, options.seed + number) for number in range(portions)]):
            figures += part
    seconds = time.monotonic() - started
    print(json.dumps({**dict(sorted(figures.items())), "seconds": round(seconds, 1)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
