"""What an SCS answered, as values, and whether its signature verifies. Reads any service's answers, not only ours."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from sotepki.errors import Refused
from sotepki.evidence import RuleBook
from sotepki.resources import package_file
from sotepki.scs.cms import CmsRefused, verify_cms
from sotepki.scs.request import HASHES
from sotepki.scs.settings import split_list

GENERATED = 200


@cache
def answer_rules() -> RuleBook:
    """The rules that an answer is judged by."""
    return RuleBook.load(package_file("scs", "rules_answers.yaml"))


@dataclass(frozen=True)
class ScsVersion:
    """The answer of ``/version``.

    Attributes:
        card_present: what the algorithm lists tell of a card; None before 1.2, where they tell nothing.
        raw: everything that was answered.
    """

    version: str
    signature_types: tuple[str, ...]
    hash_algorithms: tuple[str, ...]
    content_types: tuple[str, ...]
    card_present: bool | None
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class ScsAnswer:
    """The answer of ``/sign``; signature and chain are empty unless ``ok``."""

    version: str
    ok: bool
    reason_code: int
    reason_text: str
    signature: bytes = b""
    signature_type: str = ""
    signature_algorithm: str = ""
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate.

        Raises:
            Refused: ``scs.answer.refused``: the service did not sign.
        """
        if not self.ok or not self.chain:
            sentence = f"The SCS did not sign: {self.reason_text[:200]} (reason code {self.reason_code})."
            raise answer_rules().refusal("scs.answer.refused", sentence)
        return self.chain[0]

    @property
    def hash_name(self) -> str:
        """The hash algorithm in signatureAlgorithm (``SHA256`` of ``SHA256withRSA``); empty if it is unknown."""
        name = self.signature_algorithm.partition("with")[0].upper().replace("-", "")
        return name if name in HASHES else ""

    def verify(self, content: bytes, *, is_digest: bool = False) -> None:
        """Verify the signature over what was sent.

        Raises:
            Refused: ``scs.answer.refused``, ``scs.answer.signature``, ``scs.answer.form``.
        """
        certificate = self.certificate
        if not self.hash_name:
            raise _form(f"signatureAlgorithm {self.signature_algorithm[:40]!r} is not known.")
        try:
            if self.signature_type.startswith("cms"):
                verify_cms(self.signature, content, certificate, is_digest=is_digest)
            else:
                self._verify_value(certificate, content, is_digest=is_digest)
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm, CmsRefused):
            sentence = "The signature does not verify over what was sent with the certificate's key."
            raise answer_rules().refusal("scs.answer.signature", sentence) from None

    def _verify_value(self, certificate: x509.Certificate, content: bytes, *, is_digest: bool) -> None:
        algorithm: Any = HASHES[self.hash_name]
        if is_digest:
            algorithm = utils.Prehashed(algorithm)
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(self.signature, content, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der(self.signature, key), content, ec.ECDSA(algorithm))
        else:
            raise TypeError("neither RSA nor EC")


def read_version(body: bytes) -> ScsVersion:
    """Read the answer of ``/version``, whatever its MIME type says.

    Raises:
        Refused: ``scs.answer.form``.
    """
    row = _object(body)
    version = _text(row, "version")
    hashes = split_list(_text(row, "hashAlgorithms"))
    return ScsVersion(
        version=version,
        signature_types=split_list(_text(row, "signatureTypes")),
        hash_algorithms=hashes,
        content_types=split_list(_text(row, "contentTypes")),
        card_present=bool(hashes) if "signatureAlgorithms" in row else None,
        raw=row,
    )


def read_answer(body: bytes | Mapping[str, Any]) -> ScsAnswer:
    """Read the answer of ``/sign``: bytes, or the JSON object that a page passed on.

    Raises:
        Refused: ``scs.answer.form``.
    """
    row = _object(body) if isinstance(body, bytes) else body
    status, code = row.get("status"), row.get("reasonCode")
    if status not in ("ok", "failed") or not isinstance(code, int):
        raise _form("The answer has no status ok or failed, or no reasonCode.")
    answer = ScsAnswer(
        version=_text(row, "version"),
        ok=status == "ok" and code == GENERATED,
        reason_code=code,
        reason_text=_text(row, "reasonText"),
    )
    if not answer.ok:
        return answer
    chain = row.get("chain")
    if not isinstance(chain, list) or not chain or len(chain) > 16:
        raise _form("The answer has no chain.")
    return ScsAnswer(
        version=answer.version,
        ok=True,
        reason_code=code,
        reason_text=answer.reason_text,
        signature=_decoded(row.get("signature"), "signature"),
        signature_type=_text(row, "signatureType") or "signature",
        signature_algorithm=_text(row, "signatureAlgorithm"),
        chain=tuple(_certificate(link) for link in chain),
    )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise _form("The answer is not a JSON object.")
    return row


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        raise _form(f"{name} is not a text.")
    return value


def _decoded(value: object, name: str) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        raise _form(f"{name} is not base64.") from None


def _certificate(value: object) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(_decoded(value, "chain"))
    except ValueError:
        raise _form("The chain holds something that is no certificate.") from None


def _der(signature: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """r and s side by side, as one implementation writes them, or DER as others may (docs/field/scs.md 5)."""
    half = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * half:
        return signature
    return utils.encode_dss_signature(
        int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    )


def _form(sentence: str) -> Refused:
    return answer_rules().refusal("scs.answer.form", sentence)
