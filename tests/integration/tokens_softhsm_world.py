"""A token in a temporary directory with a key of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sotepki.tokens import (
    KeyKind,
    Pin,
    PrivateKey,
    TokenDirectory,
    TokenSession,
)
from sotepki.tokens.pool import make_key

SO_PIN, USER_PIN = Pin("87654321"), Pin("1234")
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HASHES = [hashes.SHA1(), hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]


@pytest.fixture(scope="module")
def originals() -> dict[str, PrivateKey]:
    return {kind: make_key(kind) for kind in (KeyKind.RSA_2048, KeyKind.RSA_3072, KeyKind.P_256, KeyKind.P_384)}


@pytest.fixture
def session(tmp_path: Path, originals: dict[str, PrivateKey]) -> Iterator[TokenSession]:
    directory = TokenDirectory(tmp_path / "hsm")
    directory.create_token("keys", SO_PIN, USER_PIN)
    with directory.open("keys", USER_PIN) as opened:
        for number, (label, key) in enumerate(originals.items()):
            opened.import_key(key, label, bytes([number]))
        yield opened


def rsa_key(session: TokenSession, label: str = "rsa-2048") -> rsa.RSAPrivateKey:
    key = session.private_key(label)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def ec_key(session: TokenSession, label: str = "p-384") -> ec.EllipticCurvePrivateKey:
    key = session.private_key(label)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
