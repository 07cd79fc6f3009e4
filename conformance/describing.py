"""Evidence for people: certificates in words, and identity codes that must not be shown masked."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.x509.explaining import explain_extension
from sotepki.x509.names import readable
from sotepki.x509.purposes import key_usages
from sotepki.x509.serials import serial_text
from sotepki.x509.view import view_certificate

# Any code of the form of a Finnish personal identity code whose individual number is not in the 900-series.
_REAL_IDENTITY_CODE = re.compile(r"\b(\d{6})([-+A-FU-Y])([0-8]\d{2})([0-9A-Y])\b")


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
    """The key usages of a certificate by the names of RFC 5280; none if it has no such extension that can be read."""
    try:
        return key_usages(certificate) or ()
    except ValueError:
        return ()


def certificate_text(certificate: x509.Certificate) -> str:
    """A certificate in a dozen lines."""
    lines = [
        f"subject      {readable(certificate.subject)}",
        f"issuer       {readable(certificate.issuer)}",
        f"serial       {serial_text(certificate.serial_number)}",
        f"valid        {certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%SZ} to "
        f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%SZ}",
    ]
    try:
        view = view_certificate(certificate.public_bytes(Encoding.DER))
    except ValueError as error:
        lines.append(f"extensions   cannot be read: {error}")
        return "\n".join(lines)
    lines.append(f"key          {view.key}")
    for extension in view.extensions:
        name = f"{extension.name}{' (critical)' if extension.critical else ''}"
        lines.append(f"{name:<12} {explain_extension(extension.name, extension.value)}")
    return "\n".join(lines)
