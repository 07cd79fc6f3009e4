"""Tokens: PKCS#11 keys behind one interface, the pyca private key; the rest of the house never sees PKCS#11."""

from sotepki.tokens.keyring import KeyRing
from sotepki.tokens.keys import (
    KeyHandle,
    PrivateKey,
    TokenEcPrivateKey,
    TokenRsaPrivateKey,
    token_private_key,
)
from sotepki.tokens.pin import Pin
from sotepki.tokens.pool import READY_KEYS, KeyKind, KeyPool, ready_keys
from sotepki.tokens.session import TokenDirectory, TokenSession
from sotepki.tokens.softhsm import find_softhsm

__all__ = [
    "READY_KEYS",
    "KeyHandle",
    "KeyKind",
    "KeyPool",
    "KeyRing",
    "Pin",
    "PrivateKey",
    "TokenDirectory",
    "TokenEcPrivateKey",
    "TokenRsaPrivateKey",
    "TokenSession",
    "find_softhsm",
    "ready_keys",
    "token_private_key",
]
