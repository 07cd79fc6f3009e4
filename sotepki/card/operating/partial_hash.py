"""Finishing a hash that the host began: SHA-1 and SHA-256 from an interim state (FIPS 180-4 6.1 and 6.2)."""

from __future__ import annotations

import struct
from collections.abc import Callable

_BLOCK = 64
_MASK = 0xFFFFFFFF
_SHA1_CONSTANTS = (0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6)


def finish_hash(interim: bytes, bits: int, rest: bytes) -> bytes:
    """The digest of a message whose first ``bits`` bits led to ``interim`` and whose end is ``rest``.

    Raises:
        ValueError: the interim value is not of SHA-1 (20 bytes) or SHA-256 (32), ``bits`` is not whole blocks, or
            ``rest`` is longer than one block.
    """
    compress = {20: _sha1, 32: _sha256}.get(len(interim))
    if compress is None or bits % (8 * _BLOCK) or len(rest) > _BLOCK or bits >= 1 << 61:
        raise ValueError("not a hash that can be finished")
    padded = rest + b"\x80" + bytes((-len(rest) - 9) % _BLOCK) + (bits + 8 * len(rest)).to_bytes(8, "big")
    state = struct.unpack(f">{len(interim) // 4}I", interim)
    for start in range(0, len(padded), _BLOCK):
        state = compress(state, padded[start : start + _BLOCK])
    return struct.pack(f">{len(state)}I", *state)


_Compression = Callable[[tuple[int, ...], bytes], tuple[int, ...]]


def _left(word: int, count: int) -> int:
    return (word << count | word >> (32 - count)) & _MASK


def _right(word: int, count: int) -> int:
    return _left(word, 32 - count)


def _sha1(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    words = list(struct.unpack(">16I", block))
    for at in range(16, 80):
        words.append(_left(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1))
    a, b, c, d, e = state
    for at, word in enumerate(words):
        mixed = (b & c | ~b & d, b ^ c ^ d, b & c | b & d | c & d, b ^ c ^ d)[at // 20] & _MASK
        a, b, c, d, e = (_left(a, 5) + mixed + e + _SHA1_CONSTANTS[at // 20] + word) & _MASK, a, _left(b, 30), c, d
    return tuple((old + new) & _MASK for old, new in zip(state, (a, b, c, d, e), strict=True))


def _sha256(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    words = list(struct.unpack(">16I", block))
    for at in range(16, 64):
        low, high = words[at - 15], words[at - 2]
        words.append(
            words[at - 16]
            + (_right(low, 7) ^ _right(low, 18) ^ low >> 3)
            + words[at - 7]
            + (_right(high, 17) ^ _right(high, 19) ^ high >> 10)
            & _MASK
        )
    a, b, c, d, e, f, g, h = state
    for word, constant in zip(words, _SHA256_CONSTANTS, strict=True):
        first = h + (_right(e, 6) ^ _right(e, 11) ^ _right(e, 25)) + (e & f ^ ~e & g) + constant + word
        second = (_right(a, 2) ^ _right(a, 13) ^ _right(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (first + second) & _MASK, a, b, c, (d + first) & _MASK, e, f, g
    return tuple((old + new) & _MASK for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))


def _cube_root_fractions(count: int) -> tuple[int, ...]:
    """The first 32 bits of the fractions of the cube roots of the first primes, as FIPS 180-4 4.2.2 defines them."""
    constants: list[int] = []
    candidate = 2
    while len(constants) < count:
        if all(candidate % divisor for divisor in range(2, candidate)):
            root, bit = 0, 1 << 40
            while bit:
                if (root | bit) ** 3 <= candidate << 96:
                    root |= bit
                bit >>= 1
            constants.append(root & _MASK)
        candidate += 1
    return tuple(constants)


_SHA256_CONSTANTS = _cube_root_fractions(64)
