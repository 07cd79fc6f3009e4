"""The algorithms that a signature may name, read from ``algorithms.yaml``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from cryptography.hazmat.primitives import hashes

from sotepki.errors import Fault
from sotepki.evidence import expect_keys, load_yaml
from sotepki.resources import package_file

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
"""Canonicalisations without comments: exclusive 1.0 and canonical XML 1.0."""

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
"""The transform that leaves the signature itself out; accepted before canonicalisation (kanta.md 3.2)."""


class Use(StrEnum):
    """What an algorithm is good for here."""

    SIGN = "sign"
    ACCEPT = "accept"
    WEAK = "weak"


class KeyFamily(StrEnum):
    """The kind of public key that a signature method needs."""

    RSA = "rsa"
    EC = "ec"


@dataclass(frozen=True)
class DigestMethod:
    """A digest; ``hash`` is its name in hashlib."""

    uri: str
    hash: str
    use: Use
    source: str

    def digest(self, *pieces: bytes) -> bytes:
        """The digest of ``pieces``, one after the other."""
        state = hashlib.new(self.hash, usedforsecurity=False)
        for piece in pieces:
            state.update(piece)
        return state.digest()


@dataclass(frozen=True)
class SignatureMethod:
    """RSA PKCS#1 v1.5 or ECDSA over a hash. Methods with a shared secret are not known here."""

    uri: str
    key: KeyFamily
    hash: str
    use: Use
    source: str

    @property
    def algorithm(self) -> hashes.HashAlgorithm:
        return _HASHES[self.hash]()


@dataclass(frozen=True)
class Canonicalisation:
    """A canonicalisation without comments."""

    uri: str
    exclusive: bool
    use: Use
    source: str


@dataclass(frozen=True)
class Algorithms:
    """The allow-list, by identifier."""

    digests: Mapping[str, DigestMethod]
    signatures: Mapping[str, SignatureMethod]
    canonicalisations: Mapping[str, Canonicalisation]


_HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


@cache
def load_algorithms() -> Algorithms:
    """The allow-list that comes with the package.

    Raises:
        Fault: the data file is not well formed.
    """
    path = package_file("xmldsig", "algorithms.yaml")
    raw = load_yaml(path)
    expect_keys(raw, Algorithms.__dataclass_fields__, path.name)
    return Algorithms(
        digests=_table(DigestMethod, raw["digests"], path.name),
        signatures=_table(SignatureMethod, raw["signatures"], path.name),
        canonicalisations=_table(Canonicalisation, raw["canonicalisations"], path.name),
    )


T = TypeVar("T", DigestMethod, SignatureMethod, Canonicalisation)


def _table(kind: type[T], rows: list[dict[str, Any]], where: str) -> dict[str, T]:
    table: dict[str, T] = {}
    for row in rows:
        expect_keys(row, kind.__dataclass_fields__, where)
        try:
            converted = dict(row, use=Use(row["use"]))
            if "key" in row:
                converted["key"] = KeyFamily(row["key"])
        except ValueError as error:
            raise Fault(f"The algorithm {row['uri']} in {where} is not well formed: {error}.") from None
        if row["uri"] in table or row.get("hash", "sha256") not in _HASHES:
            raise Fault(f"The algorithm {row['uri']} in {where} is listed twice or names an unknown hash.")
        table[row["uri"]] = kind(**converted)
    return table
