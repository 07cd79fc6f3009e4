"""A card's operating system over keys in memory: real PKCS#1, PSS, ECDSA and decryption, no token, no disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.x509.oid import NameOID

from sotepki.card import Credential, KeyUse, card_kind
from sotepki.card.operating import (
    CardContents,
    CardSystem,
    card_image,
    card_placement,
    card_profile,
    public_card,
)
from sotepki.card.state import CardState, Phase, new_state
from sotepki.card.vault import Vault
from sotepki.tokens import KeyHandle, Pin, PrivateKey

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PIN1, PIN2, CODE = Pin("1234"), Pin("222222"), Pin("12345678")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class MemoryState:
    """The card's persistent memory. ``history`` is every state that was ever saved."""

    def __init__(self, state: CardState) -> None:
        self.state = state
        self.history = [state]

    def load(self) -> CardState:
        return self.state

    def save(self, state: CardState, *, durable: bool = True) -> None:
        self.state = state
        self.history.append(state)


class SoftwareKey:
    """A private key in memory that answers as a token's key does."""

    def __init__(self, key: PrivateKey) -> None:
        self.key = key
        self.operations = 0

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        length = self._rsa().key_size // 8
        return self.sign_raw(b"\x00\x01" + b"\xff" * (length - 3 - len(digest_info)) + b"\x00" + digest_info)

    def sign_pss(self, digest: bytes, hash_name: str, salt_length: int) -> bytes:
        self.operations += 1
        algorithm = _HASHES[hash_name]
        return self._rsa().sign(digest, padding.PSS(padding.MGF1(algorithm), salt_length), Prehashed(algorithm))

    def sign_ecdsa(self, digest: bytes) -> bytes:
        self.operations += 1
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        octets = self.key.key_size // 8
        algorithm = hashes.SHA384() if octets == 48 else hashes.SHA256()
        r, s = decode_dss_signature(
            self.key.sign(digest[:octets].rjust(octets, b"\0"), ec.ECDSA(Prehashed(algorithm)))
        )
        return r.to_bytes(octets, "big") + s.to_bytes(octets, "big")

    def sign_raw(self, encoded: bytes) -> bytes:
        self.operations += 1
        numbers = self._rsa().private_numbers()
        message = int.from_bytes(encoded, "big")
        of_p, of_q = pow(message, numbers.dmp1, numbers.p), pow(message, numbers.dmq1, numbers.q)
        whole = of_q + (of_p - of_q) * numbers.iqmp % numbers.p * numbers.q
        return whole.to_bytes(self._rsa().key_size // 8, "big")

    def decrypt_pkcs1(self, cryptogram: bytes) -> bytes:
        self.operations += 1
        return self._rsa().decrypt(cryptogram, padding.PKCS1v15())

    def decrypt_raw(self, cryptogram: bytes) -> bytes:
        return self.sign_raw(cryptogram)

    def _rsa(self) -> rsa.RSAPrivateKey:
        assert isinstance(self.key, rsa.RSAPrivateKey)
        return self.key


class SoftwareStore:
    """Keys and PINs of one card. It refuses a key whose PIN was not checked, as a token would."""

    def __init__(self, keys: dict[KeyUse, PrivateKey], code: Pin = CODE) -> None:
        self.keys = {use: SoftwareKey(key) for use, key in keys.items()}
        self.pins: dict[Credential, Pin] = {}
        self.code = code
        self.open: set[Credential] = set()

    def check_pin(self, credential: Credential, pin: Pin) -> bool:
        right = self.pins.get(credential) == pin
        if right:
            self.open.add(credential)
        return right

    def key(self, use: KeyUse) -> KeyHandle:
        assert (Credential.PIN1 if use is KeyUse.AUTHENTICATION else Credential.PIN2) in self.open
        return self.keys[use]

    def close(self, credential: Credential) -> None:
        self.open.discard(credential)

    def power_off(self) -> None:
        self.open.clear()

    def change_pin(self, credential: Credential, old: Pin, new: Pin) -> bool:
        right = self.pins.get(credential) == old
        if right:
            self.pins[credential] = new
        return right

    def change_open_pin(self, credential: Credential, new: Pin) -> bool:
        if credential in self.open:
            self.pins[credential] = new
        return credential in self.open

    def set_pin(self, credential: Credential, code: Pin, new: Pin) -> bool:
        if code == self.code:
            self.pins[credential] = new
        return code == self.code

    def check_code(self, code: Pin) -> bool:
        return code == self.code


@dataclass
class Card:
    """A card with power, and everything behind it."""

    system: CardSystem
    vault: Vault
    store: SoftwareStore
    memory: MemoryState
    certificates: dict[KeyUse, bytes]
    issuers: tuple[bytes, ...]

    def send(self, command: str | bytes) -> bytes:
        return self.system.transmit(bytes.fromhex(command) if isinstance(command, str) else command)

    def read_all(self, command: str) -> bytes:
        """The data of a command, GET RESPONSE included."""
        answer = self.send(command)
        data = answer[:-2]
        while answer[-2] == 0x61:
            answer = self.send(bytes([0, 0xC0, 0, 0, answer[-1]]))
            data += answer[:-2]
        assert answer[-2:] == b"\x90\x00", answer.hex()
        return data


@cache
def private_key(kind: str, number: int = 0) -> PrivateKey:
    """A key of its kind, made once in a run: ``rsa-2048``, ``rsa-3072``, ``p-384``, ``p-256``."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[4:]))
    return ec.generate_private_key(ec.SECP384R1() if kind == "p-384" else ec.SECP256R1())


@cache
def certificate(name: str, kind: str, number: int) -> bytes:
    signer = private_key("p-256", 9)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = x509.CertificateBuilder(
        subject, subject, private_key(kind, number).public_key(), 4711 + number, NOW, NOW + timedelta(days=365)
    )
    return built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def make_card(
    *,
    profile: str = "opensc",
    layout: str = "application",
    language: str = "fi",
    key: str = "rsa-2048",
    phase: str = "active",
    quirks: bool | None = None,
    kind: str = "",
    missing_signature_certificate: bool = False,
    issuer_files: bool = True,
    readable_issuers: bool = True,
) -> Card:
    """A card with PIN1 1234, PIN2 222222 and activation code 12345678."""
    keys = {use: private_key(key, number) for number, use in enumerate(KeyUse)}
    certificates = {use: certificate(f"TEST {use}", key, number) for number, use in enumerate(KeyUse)}
    issuers = (certificate("TEST issuing CA", "p-256", 7), certificate("TEST root CA", "p-256", 8))
    numbering = card_profile(profile)
    state = new_state(
        "TEST-000001", "TEST Holder", card_kind(kind or ("citizen" if numbering.citizen else "professional"))
    )
    memory = MemoryState(state.in_phase(Phase(phase)))
    store = SoftwareStore(keys)
    if phase == "active":
        store.pins = {Credential.PIN1: PIN1, Credential.PIN2: PIN2}
    vault = Vault(memory, store)
    public = public_card(certificates)
    shown = {
        use: None if missing_signature_certificate and use == "signature" else certificates[use] for use in KeyUse
    }
    image = card_image(
        vault,
        public,
        CardContents("TEST-000001", shown, issuers, issuer_files=issuer_files, readable_issuers=readable_issuers),
        profile=numbering,
        placement=card_placement(layout),
        language=language,
        quirks=quirks,
    )
    return Card(CardSystem(vault, public, image), vault, store, memory, certificates, issuers)
