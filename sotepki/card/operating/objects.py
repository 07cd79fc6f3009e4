"""The PKCS#15 objects of a card, encoded (docs/field/card.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asn1crypto.core import ObjectIdentifier

from sotepki.card.kinds import Credential, KeyUse
from sotepki.card.operating import pkcs15
from sotepki.card.operating.profiles import Labels, Numbering

PKCS15_AID = bytes.fromhex("A000000063504B43532D3135")
_AUTH_IDS = {Credential.PIN1: b"\x01", Credential.PIN2: b"\x02", Credential.PUK: b"\x03"}
_KEY_PINS = {KeyUse.AUTHENTICATION: Credential.PIN1, KeyUse.SIGNATURE: Credential.PIN2}
_USAGE = {KeyUse.AUTHENTICATION: {"decrypt", "sign", "unwrap"}, KeyUse.SIGNATURE: {"non-repudiation"}}
_PIN_FLAGS = {
    Credential.PIN1: {"initialized"},
    Credential.PIN2: {"local", "initialized"},
    Credential.PUK: {"initialized", "unblocking"},
}
# PKCS#11 mechanism, operations, object identifier, reference in MSE (docs/field/card.md 5 row supportedAlgorithms).
_HASHES = (
    (0x220, "hash", "1.3.14.3.2.26", 0x10),
    (0x250, "hash", "2.16.840.1.101.3.4.2.1", 0x40),
)
_RSA = (
    (0x006, "compute-signature", "1.2.840.113549.1.1.5", 0x12),
    (0x040, "compute-signature", "1.2.840.113549.1.1.11", 0x42),
    (0x001, "compute-signature", "1.2.840.113549.1.1.1", 0x02),
    (0x001, "decipher", "1.2.840.113549.1.1.1", 0x1A),
)


def directory_record(numbering: Numbering, application_path: str) -> bytes:
    """EF.DIR with its one application template (docs/field/card.md 3.1)."""
    oid = ObjectIdentifier(numbering.directory_oid).dump()
    body = (
        _tlv(0x4F, PKCS15_AID)
        + _tlv(0x50, numbering.directory_label.encode())
        + _tlv(0x51, bytes.fromhex(application_path))
        + _tlv(0x73, oid)
    )
    return _tlv(0x61, body)


def object_directory(files: Mapping[str, str]) -> bytes:
    """EF.ODF: which file holds objects of which kind (``pkcs15.DirectoryEntry`` name to path in hexadecimal)."""
    return b"".join(
        pkcs15.DirectoryEntry(name=kind, value=pkcs15.PathChoice(name="path", value=_path(path))).dump()
        for kind, path in files.items()
    )


def token_info(serial_number: bytes, label: str, *, rsa: bool) -> bytes:
    """EF.TokenInfo."""
    algorithms = [
        {
            "reference": number,
            "mechanism": mechanism,
            "parameters": None,
            "operations": {operation},
            "oid": oid,
            "card_reference": reference,
        }
        for number, (mechanism, operation, oid, reference) in enumerate(_HASHES + (_RSA if rsa else ()), start=1)
    ]
    return _dump(
        pkcs15.TokenInfo(
            {
                "version": 0,
                "serial_number": serial_number,
                "manufacturer": "TEST sotepki",
                "label": label,
                "flags": {"login-required", "eid-compliant"},
                "supported_algorithms": algorithms,
            }
        )
    )


def authentication_objects(
    numbering: Numbering, labels: Labels, lengths: Mapping[Credential, tuple[int, int]]
) -> bytes:
    """EF.AOD: the three PINs. Bare PINs publish no padding, so that clients send the digits as typed."""
    return b"".join(_pin(credential, numbering, labels, lengths[credential]) for credential in Credential)


def private_key_objects(
    numbering: Numbering,
    labels: Labels,
    ids: Mapping[KeyUse, bytes],
    sizes: Mapping[KeyUse, tuple[str, int]],
    paths: Mapping[KeyUse, str],
    *,
    user_consent: bool,
) -> bytes:
    """EF.PrKD. ``sizes``: ``rsa`` with the modulus length or ``ec`` with the field size, in bits."""
    return b"".join(
        _dump(
            pkcs15.KeyObject(
                name=sizes[use][0],
                value={
                    "common": {
                        "label": labels.keys[use],
                        "flags": {"private"},
                        "auth_id": _AUTH_IDS[_KEY_PINS[use]],
                        **({"user_consent": 1} if user_consent and use is KeyUse.SIGNATURE else {}),
                    },
                    "class_": {
                        "id": ids[use],
                        "usage": _USAGE[use],
                        "access": {"sensitive", "always-sensitive", "never-extractable", "local"},
                        "reference": numbering.key_reference[use],
                    },
                    "type": {"value": _path(paths[use]), "size": sizes[use][1]},
                },
            )
        )
        for use in KeyUse
    )


def certificate_object(label: str, object_id: bytes, path: str, *, authority: bool = False) -> bytes:
    """One entry of EF.CD, or of the file of trusted certificates."""
    return _dump(
        pkcs15.CertificateObject(
            {
                "common": {"label": label},
                "class_": {"id": object_id, "authority": authority},
                "type": {"value": _path(path)},
            }
        )
    )


def _pin(credential: Credential, numbering: Numbering, labels: Labels, lengths: tuple[int, int]) -> bytes:
    common: dict[str, Any] = {"label": labels.pins[credential], "flags": {"private"}}
    if credential is not Credential.PUK:
        common["auth_id"] = _AUTH_IDS[Credential.PUK]
    flags = set(_PIN_FLAGS[credential])
    shortest, longest = lengths
    attributes: dict[str, Any] = {
        "flags": flags | ({"needs-padding"} if numbering.block else set()),
        "type": "ascii-numeric",
        "min_length": shortest,
        "stored_length": numbering.stored_length(longest),
        "max_length": longest,
        "reference": numbering.pins[credential],
        "path": _path("3F005016" if credential is Credential.PIN2 else "3F00"),
    }
    if numbering.block:
        attributes["pad_char"] = b"\0"
    return _dump(
        pkcs15.PinObject({"common": common, "class_": {"auth_id": _AUTH_IDS[credential]}, "type": attributes})
    )


def _path(path: str) -> pkcs15.Path:
    return pkcs15.Path({"path": bytes.fromhex(path)})


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value


def _dump(value: Any) -> bytes:
    return bytes(value.dump())
