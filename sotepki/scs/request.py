"""A request to /sign, read strictly: every field has its type, content is base64, the selector is understood."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes

from sotepki.errors import Refused
from sotepki.scs.settings import ScsSettings

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "SHA1": hashes.SHA1(),
    "SHA224": hashes.SHA224(),
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}

MADE_TYPES = frozenset({"signature", "signature-plain", "cms", "cms-pades"})
"""``signature-plain`` is taken for the bare signature value; its format is not public (docs/field/scs.md 12)."""

_MAX_SELECTOR_ITEMS = 64


@dataclass(frozen=True)
class Selector:
    """Which certificate the page wants; all values in lower case, an empty tuple means any."""

    key_usages: tuple[str, ...] = ()
    key_algorithms: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    akis: tuple[str, ...] = ()

    @property
    def wants_signature_key(self) -> bool:
        """nonRepudiation selects the signature key, everything else the authentication key (docs/field/scs.md 5)."""
        return "nonrepudiation" in self.key_usages


@dataclass(frozen=True)
class SignRequest:
    """What a page asks to have signed."""

    content: bytes
    is_digest: bool
    hash_name: str
    signature_type: str
    signature_algorithm: str
    selector: Selector

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The hash algorithm that the page chose."""
        return HASHES[self.hash_name]


def read_request(body: bytes, settings: ScsSettings) -> SignRequest:
    """Read the JSON of /sign.

    Raises:
        Refused: one of the ``scs.request``, ``scs.content``, ``scs.hash`` or ``scs.signature-type`` rules.
    """
    row = read_object(body)
    return read_sign_fields(row, read_selector(row.get("selector")), settings)


def read_object(body: bytes) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        Refused: ``scs.request.json``.
    """
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("The request is not JSON.", rule="scs.request.json") from None
    if not isinstance(row, dict):
        raise Refused("The request is not a JSON object.", rule="scs.request.json")
    return row


def read_sign_fields(row: Mapping[str, Any], selector: Selector, settings: ScsSettings) -> SignRequest:
    """Read what is to be signed; in a transaction it comes without a selector of its own.

    Raises:
        Refused: as ``read_request``.
    """
    content_type = _text(row, "contentType", "data").lower()
    if content_type not in ("data", "digest"):
        raise Refused("contentType is neither data nor digest.", rule="scs.content.type")
    hash_name = _text(row, "hashAlgorithm", "SHA256").upper().replace("-", "")
    if hash_name not in settings.hash_algorithms or hash_name not in HASHES:
        raise Refused("The hash algorithm is not one of this service's.", rule="scs.hash.unknown")
    signature_type = _text(row, "signatureType", "signature")
    if signature_type not in settings.signature_types:
        raise Refused("The signature type is not one of this service's.", rule="scs.signature-type.unknown")
    if signature_type not in MADE_TYPES:
        raise Refused(
            f"How a signature of the type {signature_type} is built is not public; it is not made here.",
            rule="scs.signature-type.unpublished",
        )
    request = SignRequest(
        content=_content(row),
        is_digest=content_type == "digest",
        hash_name=hash_name,
        signature_type=signature_type,
        signature_algorithm=_text(row, "signatureAlgorithm", "").lower(),
        selector=selector,
    )
    if request.is_digest and not settings.digests:
        raise Refused("This service signs no digests.", rule="scs.content.digest-unsupported")
    if request.is_digest and len(request.content) != request.hash.digest_size:
        raise Refused(
            f"The digest has {len(request.content)} bytes, {hash_name} has {request.hash.digest_size}.",
            rule="scs.content.digest-length",
        )
    return request


def _content(row: Mapping[str, Any]) -> bytes:
    try:
        content = base64.b64decode(_text(row, "content", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("content is not base64.", rule="scs.content.base64") from None
    if not content:
        raise Refused("There is no content to sign.", rule="scs.content.base64")
    return content


def _text(row: Mapping[str, Any], name: str, default: str) -> str:
    value = row.get(name, default)
    if value is None:
        return default
    if not isinstance(value, str):
        raise Refused(f"{name} is not a text.", rule="scs.request.json")
    return value


def read_selector(row: Any) -> Selector:
    if row is None:
        return Selector()
    if not isinstance(row, dict):
        raise Refused("selector is not an object.", rule="scs.request.json")
    return Selector(
        _texts(row, "keyusages"), _texts(row, "keyalgorithms"), _texts(row, "issuers"), _texts(row, "akis")
    )


def _texts(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = row.get(name)
    values: Sequence[Any] = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(values, list) or len(values) > _MAX_SELECTOR_ITEMS:
        raise Refused(f"selector.{name} is not a list of texts.", rule="scs.request.json")
    if not all(isinstance(item, str) for item in values):
        raise Refused(f"selector.{name} holds something that is no text.", rule="scs.request.json")
    return tuple(item.strip().lower() for item in values if item.strip())
