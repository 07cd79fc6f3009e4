"""ASN.1 of the PKCS#15 objects on a card (PKCS#15 v1.1 section 6, ISO/IEC 7816-15), as asn1crypto specifications."""

# asn1crypto has no types, so every class here has a base that mypy does not know.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any, ClassVar

from asn1crypto.core import (
    BitString,
    Boolean,
    Choice,
    Enumerated,
    Integer,
    Null,
    ObjectIdentifier,
    OctetString,
    Sequence,
    SequenceOf,
    UTF8String,
)


class Path(Sequence):
    """Where an object is: file identifiers from the master file."""

    _fields: ClassVar[list[Any]] = [
        ("path", OctetString),
        ("index", Integer, {"optional": True}),
        ("length", Integer, {"implicit": 0, "optional": True}),
    ]


class PathChoice(Choice):
    """``PathOrObjects``: objects stand in a file of their own."""

    _alternatives: ClassVar[list[Any]] = [("path", Path)]


class DirectoryEntry(Choice):
    """One entry of EF.ODF."""

    _alternatives: ClassVar[list[Any]] = [
        ("private_keys", PathChoice, {"explicit": 0}),
        ("certificates", PathChoice, {"explicit": 4}),
        ("trusted_certificates", PathChoice, {"explicit": 5}),
        ("auth_objects", PathChoice, {"explicit": 8}),
    ]


class CommonFlags(BitString):
    _map: ClassVar[dict[int, str]] = {0: "private", 1: "modifiable"}


class CommonObject(Sequence):
    """``CommonObjectAttributes``."""

    _fields: ClassVar[list[Any]] = [
        ("label", UTF8String, {"optional": True}),
        ("flags", CommonFlags, {"optional": True}),
        ("auth_id", OctetString, {"optional": True}),
        ("user_consent", Integer, {"optional": True}),
    ]


class PinFlags(BitString):
    _map: ClassVar[dict[int, str]] = {
        0: "case-sensitive",
        1: "local",
        2: "change-disabled",
        3: "unblock-disabled",
        4: "initialized",
        5: "needs-padding",
        6: "unblocking",
        7: "so-pin",
    }


class PinType(Enumerated):
    _map: ClassVar[dict[int, str]] = {0: "bcd", 1: "ascii-numeric", 2: "utf8"}


class PinAttributes(Sequence):
    _fields: ClassVar[list[Any]] = [
        ("flags", PinFlags),
        ("type", PinType),
        ("min_length", Integer),
        ("stored_length", Integer),
        ("max_length", Integer, {"optional": True}),
        ("reference", Integer, {"implicit": 0, "optional": True}),
        ("pad_char", OctetString, {"optional": True}),
        ("path", Path, {"optional": True}),
    ]


class CommonAuthentication(Sequence):
    _fields: ClassVar[list[Any]] = [("auth_id", OctetString)]


class PinObject(Sequence):
    """One entry of EF.AOD."""

    _fields: ClassVar[list[Any]] = [
        ("common", CommonObject),
        ("class_", CommonAuthentication),
        ("type", PinAttributes, {"explicit": 1}),
    ]


class KeyUsageFlags(BitString):
    _map: ClassVar[dict[int, str]] = {
        0: "encrypt",
        1: "decrypt",
        2: "sign",
        3: "sign-recover",
        4: "wrap",
        5: "unwrap",
        6: "verify",
        7: "verify-recover",
        8: "derive",
        9: "non-repudiation",
    }


class KeyAccess(BitString):
    _map: ClassVar[dict[int, str]] = {
        0: "sensitive",
        1: "extractable",
        2: "always-sensitive",
        3: "never-extractable",
        4: "local",
    }


class CommonKey(Sequence):
    _fields: ClassVar[list[Any]] = [
        ("id", OctetString),
        ("usage", KeyUsageFlags),
        ("native", Boolean, {"default": True}),
        ("access", KeyAccess, {"optional": True}),
        ("reference", Integer, {"optional": True}),
    ]


class PrivateKeyType(Sequence):
    """Where the key is used, and its size: modulus length in bits, or field size for an EC key."""

    _fields: ClassVar[list[Any]] = [("value", Path), ("size", Integer)]


class RsaKeyObject(Sequence):
    _fields: ClassVar[list[Any]] = [
        ("common", CommonObject),
        ("class_", CommonKey),
        ("type", PrivateKeyType, {"explicit": 1}),
    ]


class EcKeyObject(Sequence):
    _fields: ClassVar[list[Any]] = [
        ("common", CommonObject),
        ("class_", CommonKey),
        ("type", PrivateKeyType, {"explicit": 1}),
    ]


class KeyObject(Choice):
    """One entry of EF.PrKD."""

    _alternatives: ClassVar[list[Any]] = [("rsa", RsaKeyObject), ("ec", EcKeyObject, {"implicit": 0})]


class CommonCertificate(Sequence):
    _fields: ClassVar[list[Any]] = [("id", OctetString), ("authority", Boolean, {"default": False})]


class CertificateType(Sequence):
    _fields: ClassVar[list[Any]] = [("value", Path)]


class CertificateObject(Sequence):
    """One entry of an EF.CD."""

    _fields: ClassVar[list[Any]] = [
        ("common", CommonObject),
        ("class_", CommonCertificate),
        ("type", CertificateType, {"explicit": 1}),
    ]


class Operations(BitString):
    _map: ClassVar[dict[int, str]] = {
        0: "compute-checksum",
        1: "compute-signature",
        2: "verify-checksum",
        3: "verify-signature",
        4: "encipher",
        5: "decipher",
        6: "hash",
        7: "generate-key",
    }


class AlgorithmInfo(Sequence):
    _fields: ClassVar[list[Any]] = [
        ("reference", Integer),
        ("mechanism", Integer),
        ("parameters", Null),
        ("operations", Operations),
        ("oid", ObjectIdentifier, {"optional": True}),
        ("card_reference", Integer, {"optional": True}),
    ]


class AlgorithmInfos(SequenceOf):
    _child_spec = AlgorithmInfo


class TokenFlags(BitString):
    _map: ClassVar[dict[int, str]] = {0: "readonly", 1: "login-required", 2: "random", 3: "eid-compliant"}


class TokenInfo(Sequence):
    """EF.TokenInfo (EF.CIAInfo)."""

    _fields: ClassVar[list[Any]] = [
        ("version", Integer),
        ("serial_number", OctetString),
        ("manufacturer", UTF8String, {"optional": True}),
        ("label", UTF8String, {"implicit": 0, "optional": True}),
        ("flags", TokenFlags),
        ("supported_algorithms", AlgorithmInfos, {"implicit": 2, "optional": True}),
    ]
