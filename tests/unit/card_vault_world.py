"""A card without a token: keys and PINs in memory, and a power cut on demand."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from sotepki.card.kinds import Credential, KeyUse, card_kind
from sotepki.card.seams import Operation
from sotepki.card.state import StateFile, new_state
from sotepki.card.vault import Vault
from sotepki.errors import Fault
from sotepki.tokens import KeyHandle, Pin

CODE, PIN1, PIN2, WRONG = Pin("12345678"), Pin("1111"), Pin("222222"), Pin("87654321")
PINS = {Credential.PIN1: PIN1, Credential.PIN2: PIN2}


class PowerCut(Exception):
    """The card was pulled out."""


class MemoryKey:
    """A P-256 key that answers as a token does."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.signatures = 0

    def sign_ecdsa(self, digest: bytes) -> bytes:
        self.signatures += 1
        r, s = decode_dss_signature(self.key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        raise Fault("An EC key does not do that.")

    def sign_pss(self, digest: bytes, hash_name: str, salt_length: int) -> bytes:
        raise Fault("An EC key does not do that.")

    def sign_raw(self, encoded: bytes) -> bytes:
        raise Fault("An EC key does not do that.")

    def decrypt_pkcs1(self, cryptogram: bytes) -> bytes:
        raise ValueError("Decryption failed")

    def decrypt_raw(self, cryptogram: bytes) -> bytes:
        raise ValueError("Decryption failed")


class MemoryStore:
    """Keys and PINs of one card in memory. ``cut`` makes the next look at a PIN a power cut."""

    def __init__(self) -> None:
        self.keys = {use: MemoryKey() for use in KeyUse}
        self.pins: dict[Credential, Pin] = {}
        self.open: set[Credential] = set()
        self.cut = False
        self.looks = 0

    def _look(self, right: bool) -> bool:
        self.looks += 1
        if self.cut:
            self.cut = False
            raise PowerCut
        return right

    def check_pin(self, credential: Credential, pin: Pin) -> bool:
        if self._look(self.pins.get(credential) == pin):
            self.open.add(credential)
            return True
        return False

    def key(self, use: KeyUse) -> KeyHandle:
        assert (Credential.PIN1 if use is KeyUse.AUTHENTICATION else Credential.PIN2) in self.open
        return self.keys[use]

    def close(self, credential: Credential) -> None:
        self.open.discard(credential)

    def power_off(self) -> None:
        self.open.clear()

    def change_open_pin(self, credential: Credential, new: Pin) -> bool:
        if credential not in self.open:
            return False
        self.pins[credential] = new
        return True

    def check_code(self, code: Pin) -> bool:
        return self._look(code == CODE)

    def change_pin(self, credential: Credential, old: Pin, new: Pin) -> bool:
        right = self._look(self.pins.get(credential) == old)
        if right:
            self.pins[credential] = new
        return right

    def set_pin(self, credential: Credential, code: Pin, new: Pin) -> bool:
        right = self._look(code == CODE)
        if right:
            self.pins[credential] = new
        return right


def personalised(directory: Path) -> tuple[Vault, MemoryStore]:
    file = StateFile(directory / "card.json")
    file.save(new_state("TEST-1", "TEST Holder", card_kind("professional")))
    store = MemoryStore()
    return Vault(file, store), store


def sign(vault: Vault, use: KeyUse = KeyUse.SIGNATURE) -> bytes:
    return vault.use_key(use, Operation.SIGN_ECDSA, bytes(32))
