"""Evidence for people: certificates in words, and identity codes that must not be shown masked."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sotepki.x509.serials import serial_text

# Any code of the form of a Finnish personal identity code whose individual number is not in the 900-series.
_REAL_IDENTITY_CODE = re.compile(r"\b(\d{6})([-+A-FU-Y])([0-8]\d{2})([0-9A-Y])\b")

_KEY_USAGE = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def mask_identity_codes(data: bytes | str) -> bytes | str:
    """``data`` with every identity code outside the 900-series reduced to its date; other content is untouched."""
    if isinstance(data, str):
        return _REAL_IDENTITY_CODE.sub(r"\1\2****", data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    return _REAL_IDENTITY_CODE.sub(r"\1\2****", text).encode()


def key_usage_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The key usages of a certificate by the names of RFC 5280, except that the second bit is nonRepudiation."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(_camel(name) for name in _KEY_USAGE if getattr(usage, name))


def key_text(key: object) -> str:
    """The kind and size of a public key."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__


def certificate_text(certificate: x509.Certificate) -> str:
    """A certificate in a dozen lines."""
    lines = [
        f"subject      {certificate.subject.rfc4514_string()}",
        f"issuer       {certificate.issuer.rfc4514_string()}",
        f"serial       {serial_text(certificate.serial_number)}",
        f"valid        {certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%SZ} to "
        f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%SZ}",
    ]
    try:
        lines.append(f"key          {key_text(certificate.public_key())}")
        lines += [
            f"{_extension_name(extension):<12} {_extension_text(extension)}" for extension in certificate.extensions
        ]
    except ValueError as error:
        lines.append(f"extensions   cannot be read: {error}")
    return "\n".join(lines)


def _extension_name(extension: x509.Extension[x509.ExtensionType]) -> str:
    name = getattr(extension.oid, "_name", extension.oid.dotted_string)
    return f"{name}{' (critical)' if extension.critical else ''}"


def _extension_text(extension: x509.Extension[x509.ExtensionType]) -> str:
    value = extension.value
    if isinstance(value, x509.KeyUsage):
        return ", ".join(_camel(name) for name in _KEY_USAGE if getattr(value, name))
    if isinstance(value, x509.ExtendedKeyUsage):
        return ", ".join(getattr(oid, "_name", oid.dotted_string) for oid in value)
    if isinstance(value, x509.SubjectAlternativeName):
        return ", ".join(str(name.value) for name in value)
    if isinstance(value, x509.SubjectKeyIdentifier):
        return value.digest.hex()
    if isinstance(value, x509.AuthorityKeyIdentifier):
        return (value.key_identifier or b"").hex()
    if isinstance(value, x509.CertificatePolicies):
        return ", ".join(policy.policy_identifier.dotted_string for policy in value)
    if isinstance(value, x509.BasicConstraints):
        return "CA" if value.ca else "not a CA"
    if isinstance(value, x509.CRLDistributionPoints):
        return ", ".join(str(n.value) for point in value for n in point.full_name or ())
    if isinstance(value, x509.AuthorityInformationAccess):
        return ", ".join(str(a.access_location.value) for a in value)
    return "present"


def _camel(name: str) -> str:
    if name == "content_commitment":
        return "nonRepudiation"
    first, *rest = name.split("_")
    return first + "".join("CRL" if word == "crl" else word.title() for word in rest)
