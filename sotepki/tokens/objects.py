"""Keys and certificates as PKCS#11 object templates, and back."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11 import Attribute, CertificateType, KeyType, ObjectClass
from pkcs11.attributes import AttributeMapper, handle_ulong
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from sotepki.errors import Refused
from sotepki.tokens.keys import PrivateKey

CURVE_OIDS = {"secp256r1": "1.2.840.10045.3.1.7", "secp384r1": "1.3.132.0.34", "secp521r1": "1.3.132.0.35"}

Template = dict[Attribute, Any]


def attribute_mapper() -> AttributeMapper:
    """python-pkcs11's mapper, with the one attribute that it does not know."""
    mapper = AttributeMapper()
    mapper.register_handler(Attribute.CERTIFICATE_CATEGORY, *handle_ulong)
    return mapper


def private_key_template(key: PrivateKey, label: str, key_id: bytes) -> Template:
    """A token object that is private, sensitive and never extractable.

    Raises:
        Refused: rule ``token.key.kind``: neither RSA nor an elliptic curve that the tokens know.
    """
    template: Template = {
        Attribute.CLASS: ObjectClass.PRIVATE_KEY,
        Attribute.TOKEN: True,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.SIGN: True,
        Attribute.LABEL: label,
        Attribute.ID: key_id,
    }
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        public = numbers.public_numbers
        return template | {
            Attribute.KEY_TYPE: KeyType.RSA,
            Attribute.DECRYPT: True,
            Attribute.MODULUS: _bytes(public.n),
            Attribute.PUBLIC_EXPONENT: _bytes(public.e),
            Attribute.PRIVATE_EXPONENT: _bytes(numbers.d),
            Attribute.PRIME_1: _bytes(numbers.p),
            Attribute.PRIME_2: _bytes(numbers.q),
            Attribute.EXPONENT_1: _bytes(numbers.dmp1),
            Attribute.EXPONENT_2: _bytes(numbers.dmq1),
            Attribute.COEFFICIENT: _bytes(numbers.iqmp),
        }
    size = (key.curve.key_size + 7) // 8
    return template | {
        Attribute.KEY_TYPE: KeyType.EC,
        Attribute.EC_PARAMS: _curve_parameters(key.curve),
        Attribute.VALUE: key.private_numbers().private_value.to_bytes(size, "big"),
    }


def public_key_template(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, label: str, key_id: bytes) -> Template:
    """The public half beside it, readable without a PIN."""
    template: Template = {
        Attribute.CLASS: ObjectClass.PUBLIC_KEY,
        Attribute.TOKEN: True,
        Attribute.PRIVATE: False,
        Attribute.VERIFY: True,
        Attribute.LABEL: label,
        Attribute.ID: key_id,
    }
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return template | {
            Attribute.KEY_TYPE: KeyType.RSA,
            Attribute.ENCRYPT: True,
            Attribute.MODULUS: _bytes(numbers.n),
            Attribute.PUBLIC_EXPONENT: _bytes(numbers.e),
        }
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    length = bytes([len(point)]) if len(point) < 128 else bytes([0x81, len(point)])
    return template | {
        Attribute.KEY_TYPE: KeyType.EC,
        Attribute.EC_PARAMS: _curve_parameters(key.curve),
        Attribute.EC_POINT: b"\x04" + length + point,  # PKCS#11 wraps the point in a DER OCTET STRING
    }


def certificate_template(der: bytes, label: str, key_id: bytes, *, authority: bool) -> Template:
    """A certificate object, readable without a PIN; also of a certificate that pyca refuses.

    Raises:
        ValueError: ``der`` is not a certificate.
    """
    from asn1crypto import x509  # loads slowly, and using keys does not need it

    signed = x509.Certificate.load(der, strict=True)["tbs_certificate"]
    return {
        Attribute.CLASS: ObjectClass.CERTIFICATE,
        Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
        Attribute.TOKEN: True,
        Attribute.PRIVATE: False,
        Attribute.LABEL: label,
        Attribute.ID: key_id,
        Attribute.SUBJECT: signed["subject"].dump(),
        Attribute.ISSUER: signed["issuer"].dump(),
        Attribute.SERIAL_NUMBER: signed["serial_number"].dump(),
        Attribute.CERTIFICATE_CATEGORY: 2 if authority else 1,
        Attribute.VALUE: der,
    }


def public_key_of(stored: Any) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """The pyca public key in a python-pkcs11 public key object."""
    if stored.key_type is KeyType.RSA:
        modulus, exponent = stored[Attribute.MODULUS], stored[Attribute.PUBLIC_EXPONENT]
        return rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()
    loaded = serialization.load_der_public_key(encode_ec_public_key(stored))
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    return loaded


def _curve_parameters(curve: ec.EllipticCurve) -> bytes:
    try:
        return bytes(encode_named_curve_parameters(CURVE_OIDS[curve.name]))
    except KeyError:
        raise Refused(f"Keys on the curve {curve.name} are not kept in tokens.", rule="token.key.kind") from None


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
