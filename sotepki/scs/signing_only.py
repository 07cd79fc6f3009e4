"""Operations of a private key that a signing service never uses: PSS and decryption."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm


class SigningOnly:
    """The parts of ``KeyHandle`` that no signature type of the signing service uses (docs/field/scs.md 4, 5)."""

    def sign_pss(self, digest: bytes, hash_name: str, salt_length: int) -> bytes:
        """Raises ``UnsupportedAlgorithm``."""
        raise UnsupportedAlgorithm("The signing service has no signature type with RSASSA-PSS.")

    def decrypt_pkcs1(self, cryptogram: bytes) -> bytes:
        """Raises ``UnsupportedAlgorithm``."""
        raise UnsupportedAlgorithm("The signing service signs; it does not decrypt.")

    def decrypt_raw(self, cryptogram: bytes) -> bytes:
        """Raises ``UnsupportedAlgorithm``."""
        raise UnsupportedAlgorithm("The signing service signs; it does not decrypt.")
