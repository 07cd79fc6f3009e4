"""Certificates and signatures that no honest office or signer would make: raw material for bad documents and mutants.

Everything here is TEST and made at run time. A forged certificate differs from its model in exactly what is named.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree

from sotepki.tokens import PrivateKey
from sotepki.xmldsig import DS, canonicalise


def forged(
    model: x509.Certificate,
    issuer_key: PrivateKey,
    *,
    public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | None = None,
    subject: x509.Name | None = None,
    issuer: x509.Name | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    serial: int = 0,
    replace: Sequence[x509.ExtensionType] = (),
    remove: Sequence[x509.ObjectIdentifier] = (),
    add: Sequence[x509.ExtensionType] = (),
) -> x509.Certificate:
    """A certificate like ``model`` but for what is given, signed by ``issuer_key``; ``serial`` 0 is a new one."""
    key = public_key or model.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or model.subject)
        .issuer_name(issuer or model.issuer)
        .public_key(key)
        .serial_number(serial or int.from_bytes(secrets.token_bytes(14), "big") | 1 << 110)
        .not_valid_before(not_before or model.not_valid_before_utc)
        .not_valid_after(not_after or model.not_valid_after_utc)
    )
    replaced = {value.oid: value for value in replace}
    if public_key is not None:
        identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
        replaced[identifier.oid] = identifier
    for extension in model.extensions:
        if extension.oid not in remove:
            builder = builder.add_extension(replaced.get(extension.oid, extension.value), extension.critical)
    for value in add:
        builder = builder.add_extension(value, critical=False)
    return builder.sign(issuer_key, hashes.SHA512())


def key_usage(**bits: bool) -> x509.KeyUsage:
    """A key usage with the named bits set and the others clear."""
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: bits.get(name, False) for name in names})


def with_attribute(name: x509.Name, oid: x509.ObjectIdentifier, value: str | None) -> x509.Name:
    """``name`` with the attribute ``oid`` set to another value, or without it."""
    changed = []
    for attribute in name:
        if attribute.oid == oid:
            if value is None:
                continue
            attribute = x509.NameAttribute(oid, value, attribute._type)
        changed.append(attribute)
    return x509.Name(changed)


def resigned(document: bytes, key: PrivateKey, change: Callable[[etree._Element], None]) -> bytes:
    """The document with ``change`` made to the ``ds:Signature`` of its last signature, and a new signature value.

    ``change`` gets the ds:Signature element. The value is RSA PKCS #1 v1.5 with SHA-256.
    """
    root = etree.fromstring(document)
    signature = last_signature(root)
    change(signature)
    # Canonicalised from the document as it will be read again, so that the value fits what is sent.
    root = etree.fromstring(etree.tostring(root))
    signature = last_signature(root)
    signed_info = signature.find(f"{{{DS}}}SignedInfo")
    value = signature.find(f"{{{DS}}}SignatureValue")
    assert signed_info is not None and value is not None and isinstance(key, rsa.RSAPrivateKey)
    value.text = base64.b64encode(key.sign(canonicalise(signed_info), padding.PKCS1v15(), hashes.SHA256())).decode()
    return serialised(root)


def last_signature(root: etree._Element) -> etree._Element:
    """The last ds:Signature of a document."""
    *_, signature = root.iter(f"{{{DS}}}Signature")
    return signature


def edited(document: bytes, change: Callable[[etree._Element], None]) -> bytes:
    """The document after ``change`` was made to its root element; nothing is signed again."""
    root = etree.fromstring(document)
    change(root)
    return serialised(root)


def serialised(root: etree._Element) -> bytes:
    """The whole document with its XML declaration."""
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


def attributes(element: etree._Element, path: str, namespaces: Mapping[str, str]) -> Any:
    """The attributes of the one element at ``path``."""
    found = element.find(path, dict(namespaces))
    assert found is not None, path
    return found.attrib
