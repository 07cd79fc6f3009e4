"""Private keys that live elsewhere, as pyca private keys: pyca's builders and everything above take them as such.

What a key can do is asked of a ``KeyHandle``: a PKCS#11 object of this process, or the chip of a card in another.
"""

from __future__ import annotations

from typing import Any, NoReturn, Protocol, Self

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives._asymmetric import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric import utils as asymmetric_utils

from sotepki.errors import Fault, Refused
from sotepki.tokens.oaep import decode_oaep

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# DigestInfo up to the digest (RFC 8017 9.2 note 1), by pyca's name of the hash.
DIGEST_INFO_PREFIX = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha224": bytes.fromhex("302d300d06096086480165030402040500041c"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
    "sha3-224": bytes.fromhex("302d300d06096086480165030402070500041c"),
    "sha3-256": bytes.fromhex("3031300d060960864801650304020805000420"),
    "sha3-384": bytes.fromhex("3041300d060960864801650304020905000430"),
    "sha3-512": bytes.fromhex("3051300d060960864801650304020a05000440"),
}
PSS_HASHES = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"})
_NO_DIGEST_INFO: Any = getattr(asymmetric_utils, "NoDigestInfo", None)


class KeyHandle(Protocol):
    """The private operations of one key. RSA keys answer all but the last, EC keys the last."""

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        """Pad by EMSA-PKCS1-v1_5 block type 1 and exponentiate (CKM_RSA_PKCS)."""
        ...

    def sign_pss(self, digest: bytes, hash_name: str, salt_length: int) -> bytes:
        """RSASSA-PSS over a digest, MGF1 with the same hash, salt length in bytes."""
        ...

    def sign_raw(self, encoded: bytes) -> bytes:
        """The bare RSA signature of an encoded message as long as the modulus (CKM_RSA_X_509)."""
        ...

    def decrypt_pkcs1(self, cryptogram: bytes) -> bytes:
        """Decrypt and remove the padding of RSAES-PKCS1-v1_5."""
        ...

    def decrypt_raw(self, cryptogram: bytes) -> bytes:
        """The bare RSA decryption, as long as the modulus."""
        ...

    def sign_ecdsa(self, digest: bytes) -> bytes:
        """ECDSA over a digest: r and s side by side, each as long as the order of the curve."""
        ...


def token_private_key(
    handle: KeyHandle, public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
) -> TokenRsaPrivateKey | TokenEcPrivateKey:
    """The pyca private key that goes with ``public_key`` and works through ``handle``."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return TokenRsaPrivateKey(handle, public_key)
    return TokenEcPrivateKey(handle, public_key)


class _StaysInTheToken:
    """What every key in a token has: it is never given out, and a copy of it is the key itself."""

    _handle: KeyHandle

    @property
    def handle(self) -> KeyHandle:
        """What does the work; the chip of a card passes operations on to it."""
        return self._handle

    def private_numbers(self) -> NoReturn:
        raise _stays_in_the_token()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        raise _stays_in_the_token()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise _stays_in_the_token()


class TokenRsaPrivateKey(_StaysInTheToken, rsa.RSAPrivateKey):
    """An RSA key that cannot leave its token."""

    def __init__(self, handle: KeyHandle, public_key: rsa.RSAPublicKey) -> None:
        self._handle = handle
        self._public_key = public_key

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public_key

    def sign(
        self,
        data: Any,
        padding: AsymmetricPadding,
        algorithm: Any,
    ) -> bytes:
        """PKCS#1 v1.5 (any hash of RFC 8017, ``Prehashed``, ``NoDigestInfo``) or PSS; hashed here, signed there.

        Raises:
            UnsupportedAlgorithm: a padding or hash that the token cannot do.
            Fault, Refused: what the token answered.
        """
        if isinstance(padding, _PKCS1):
            if _NO_DIGEST_INFO is not None and isinstance(algorithm, _NO_DIGEST_INFO):
                return self._handle.sign_pkcs1(bytes(data))
            digest, hash_algorithm = _digest(data, algorithm)
            return self._handle.sign_pkcs1(_prefix(hash_algorithm) + digest)
        if isinstance(padding, _PSS):
            digest, hash_algorithm = _digest(data, algorithm)
            return self._handle.sign_pss(
                digest, hash_algorithm.name, _salt_length(padding, self._public_key, hash_algorithm)
            )
        raise UnsupportedAlgorithm(f"A token key does not sign with the padding {padding.name}.")

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """RSAES-PKCS1-v1_5 or RSAES-OAEP (RFC 8017 7).

        Raises:
            ValueError: the cryptogram does not decrypt, as pyca's own keys say it.
        """
        if len(ciphertext) != (self.key_size + 7) // 8:
            raise ValueError("Ciphertext length must be equal to key size.")
        if isinstance(padding, _PKCS1):
            return self._handle.decrypt_pkcs1(ciphertext)
        if isinstance(padding, _OAEP):
            try:
                return decode_oaep(self._handle.decrypt_raw(ciphertext), padding)
            except InvalidTag:
                raise ValueError("Decryption failed") from None
        raise UnsupportedAlgorithm(f"A token key does not decrypt with the padding {padding.name}.")

    def __repr__(self) -> str:
        return f"<RSA-{self.key_size} key in a token>"


class TokenEcPrivateKey(_StaysInTheToken, ec.EllipticCurvePrivateKey):
    """An elliptic-curve key that cannot leave its token."""

    def __init__(self, handle: KeyHandle, public_key: ec.EllipticCurvePublicKey) -> None:
        self._handle = handle
        self._public_key = public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """ECDSA, the answer in DER as pyca gives it.

        Raises:
            UnsupportedAlgorithm: another algorithm than ECDSA, or deterministic ECDSA.
        """
        if not isinstance(signature_algorithm, ec.ECDSA):
            raise UnsupportedAlgorithm("A token's elliptic-curve key signs with ECDSA only.")
        if signature_algorithm.deterministic_signing:
            raise UnsupportedAlgorithm("A token does not offer deterministic ECDSA.")
        digest, _ = _digest(data, signature_algorithm.algorithm)
        pair = self._handle.sign_ecdsa(digest)
        half = len(pair) // 2
        r, s = int.from_bytes(pair[:half], "big"), int.from_bytes(pair[half:], "big")
        if not r or not s or len(pair) % 2:
            raise Fault("The token gave an ECDSA signature that is not one.")
        return asymmetric_utils.encode_dss_signature(r, s)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        raise UnsupportedAlgorithm("Keys in these tokens are for signing; they agree on no secrets.")

    def __repr__(self) -> str:
        return f"<{self.curve.name} key in a token>"


# Under these names, because ``sign`` and ``decrypt`` have a parameter called ``padding`` as pyca's have.
_PKCS1 = padding.PKCS1v15
_PSS = padding.PSS
_OAEP = padding.OAEP


def _digest(data: Any, algorithm: Any) -> tuple[bytes, hashes.HashAlgorithm]:
    if isinstance(algorithm, asymmetric_utils.Prehashed):
        if len(data) != algorithm.digest_size:
            raise ValueError("The provided data must be the same length as the hash algorithm's digest size.")
        return bytes(data), algorithm._algorithm
    if not isinstance(algorithm, hashes.HashAlgorithm):
        raise TypeError("Expected instance of hashes.HashAlgorithm.")
    context = hashes.Hash(algorithm)
    context.update(data)
    return context.finalize(), algorithm


def _prefix(algorithm: hashes.HashAlgorithm) -> bytes:
    try:
        return DIGEST_INFO_PREFIX[algorithm.name]
    except KeyError:
        raise UnsupportedAlgorithm(f"A token key does not sign {algorithm.name} digests.") from None


def _salt_length(scheme: padding.PSS, key: rsa.RSAPublicKey, algorithm: hashes.HashAlgorithm) -> int:
    if algorithm.name not in PSS_HASHES or scheme.mgf._algorithm.name != algorithm.name:
        raise UnsupportedAlgorithm("A token does PSS with SHA-1 or SHA-2, and MGF1 with the same hash.")
    chosen = scheme._salt_length
    if isinstance(chosen, int):
        return chosen
    if chosen is padding.PSS.DIGEST_LENGTH:
        return algorithm.digest_size
    if chosen is padding.PSS.MAX_LENGTH:
        return padding.calculate_max_pss_salt_length(key, algorithm)
    raise ValueError("PSS salt length can only be set to Auto when verifying")


def _stays_in_the_token() -> Refused:
    return Refused(
        "This private key lives in a token and cannot be taken out.",
        rule="token.key.not-extractable",
        advice="Use the key where it is: sign with it, or ask for its public key.",
    )
