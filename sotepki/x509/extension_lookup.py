"""One extension of a certificate by its pyca class."""

from __future__ import annotations

from typing import TypeVar

from cryptography import x509

Kind = TypeVar("Kind", bound=x509.ExtensionType)


def extension_of(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    """An extension of a certificate by its pyca class, or None if it is not there.

    Raises:
        ValueError: the extensions cannot be read.
    """
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        # pyca has classes of their own for these, which are no ValueError.
        raise ValueError(str(error)) from error


def readable_extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    """As ``extension_of``, but also None if the extensions cannot be read: for other people's certificates."""
    try:
        return extension_of(certificate, kind)
    except ValueError:
        return None
