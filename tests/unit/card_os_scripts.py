"""Runs the scripts of ``tests/data/card_bytes.yaml`` against a card in memory."""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from card_os_world import make_card
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from sotepki.card import Credential, KeyUse
from sotepki.card.operating import partial_hash
from sotepki.tokens.keys import DIGEST_INFO_PREFIX

DATA = Path(__file__).parent.parent / "data" / "card_bytes.yaml"
SECRET = b"secret"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(), "sha224": hashes.SHA224(), "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip


@dataclass(frozen=True)
class Script:
    """One byte sequence: what card it needs, and its lines."""

    section: str
    name: str
    card: dict[str, Any] = field(default_factory=dict)
    script: tuple[str, ...] = ()


def load_scripts() -> list[Script]:
    """Every script of the data file."""
    rows = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return [Script(**{**row, "script": tuple(row["script"])}) for row in rows]


def run(script: Script) -> int:
    """Run one script; the number of commands that were compared."""
    return run_on(make_card(**script.card), script)


def run_on(card: Any, script: Script) -> int:
    """Run one script on any card that behaves as ``card_os_world.Card`` does."""
    collected, compared = b"", 0
    for line in script.script:
        words = line.split()
        if words == ["power"]:
            card.system.power()
        elif words[0] == "tries":
            for name, count in zip(words[1::2], words[2::2], strict=True):
                assert card.vault.state.tries[Credential(name)] == int(count), line
                assert card.memory.state.tries[Credential(name)] == int(count), "the counter is not persistent"
        elif words[0] == "signature":
            check_signature(card, KeyUse(words[1]), words[2], collected, partial=words[3:] == ["partial"])
        else:
            sent, wanted = line.split("->")
            command = fill(sent, card)
            answer = card.send(command)
            assert matches(answer, wanted, card), f"{line}\n  answered {answer.hex(' ').upper()}"
            collected = (collected if command[1:2] == b"\xc0" else b"") + answer[:-2]
            compared += 1
    return compared


def fill(text: str, card: Any) -> bytes:
    """The bytes of a command; ``<...>`` is filled in."""
    parts = re.findall(r"<[^>]*>|[0-9A-Fa-f]{2}", text)
    return b"".join(named(part[1:-1], card) if part.startswith("<") else bytes.fromhex(part) for part in parts)


def matches(answer: bytes, wanted: str, card: Any) -> bool:
    """Whether an answer fits its pattern."""
    pattern = b""
    for part in re.findall(r"<[^>]*>|\{\d+\}|\.\.|\*|[0-9A-Fa-f]{2}", wanted):
        if part.startswith("<"):
            pattern += re.escape(named(part[1:-1], card))
        elif part.startswith("{"):
            pattern += b"[\\x00-\\xff]" + part.encode()
        elif part == "..":
            pattern += b"[\\x00-\\xff]"
        elif part == "*":
            pattern += b"[\\x00-\\xff]*"
        else:
            pattern += re.escape(bytes.fromhex(part))
    return re.fullmatch(pattern, answer, re.DOTALL) is not None


def named(text: str, card: Any) -> bytes:
    """The bytes of a name: ``digest 32``, ``certificate signature 0:128``, ``cryptogram oaep``, ..."""
    words = text.split()
    cut = re.fullmatch(r"(\d+):(\d+)", words[-1])
    if cut:
        return named(" ".join(words[:-1]), card)[int(cut[1]) : int(cut[2])]
    match words:
        case ["digest", length]:
            return b"\x11" * int(length)
        case ["certificate", use]:
            return card.certificates[KeyUse(use)]
        case ["size", use]:
            return len(card.certificates[KeyUse(use)]).to_bytes(2, "big")
        case ["cryptogram", scheme]:
            return _cryptogram(card, scheme)
        case ["encoded", scheme]:
            return _encoded(card, scheme)
        case ["interim", name]:
            return _interim(name)
    raise AssertionError(f"the data file has an unknown name <{text}>")


def check_signature(card: Any, use: KeyUse, scheme: str, signature: bytes, *, partial: bool) -> None:
    """Verify with another library's public key; raises InvalidSignature."""
    key = _public_key(card, use)
    kind, _, hash_name = scheme.partition("-")
    if isinstance(key, ec.EllipticCurvePublicKey):
        half = len(signature) // 2
        if hash_name == "raw":
            r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            signature = encode_dss_signature(r, s)
        algorithm: hashes.HashAlgorithm = hashes.SHA384() if key.key_size == 384 else hashes.SHA256()
        key.verify(signature, b"\x11" * algorithm.digest_size, ec.ECDSA(Prehashed(algorithm)))
        return
    algorithm = _HASHES[hash_name]
    digest = b"\x11" * algorithm.digest_size
    if partial:
        digest = hashlib.new(hash_name, b"a" * 64 + b"abc").digest()
    filling = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if kind == "pss" else padding.PKCS1v15()
    key.verify(signature, digest, filling, Prehashed(algorithm))


def _public_key(card: Any, use: KeyUse) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    key = x509.load_der_x509_certificate(card.certificates[use]).public_key()
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    return key


_CRYPTOGRAMS: dict[tuple[bytes, str], bytes] = {}


def _cryptogram(card: Any, scheme: str) -> bytes:
    known = (card.certificates[KeyUse.AUTHENTICATION], scheme)
    if known not in _CRYPTOGRAMS:
        key = _public_key(card, KeyUse.AUTHENTICATION)
        assert isinstance(key, rsa.RSAPublicKey)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        _CRYPTOGRAMS[known] = key.encrypt(SECRET, oaep if scheme == "oaep" else padding.PKCS1v15())
    return _CRYPTOGRAMS[known]


def _encoded(card: Any, scheme: str) -> bytes:
    key = _public_key(card, KeyUse.AUTHENTICATION)
    assert isinstance(key, rsa.RSAPublicKey)
    length = key.key_size // 8
    digest_info = DIGEST_INFO_PREFIX["sha256"] + b"\x11" * 32
    if scheme == "pkcs1":
        return b"\x00\x01" + b"\xff" * (length - 3 - len(digest_info)) + b"\x00" + digest_info
    known = (card.certificates[KeyUse.AUTHENTICATION], "encoded")
    if known not in _CRYPTOGRAMS:
        signature = card.store.keys[KeyUse.AUTHENTICATION].sign_pss(b"\x11" * 32, "sha256", 32)
        numbers = key.public_numbers()
        _CRYPTOGRAMS[known] = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(length, "big")
    return _CRYPTOGRAMS[known]


def _interim(name: str) -> bytes:
    """The state after one block of 64 bytes 61, from the initial values of FIPS 180-4 5.3."""
    block = b"a" * 64
    if name == "sha1":
        start = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
        return struct.pack(">5I", *partial_hash._sha1(start, block))
    start256 = (
        0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
    )  # fmt: skip
    return struct.pack(">8I", *partial_hash._sha256(start256, block))
