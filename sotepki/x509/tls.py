"""How a client meets a TLS service whose certificate it was told to trust."""

from __future__ import annotations

import ssl
from pathlib import Path

from sotepki.errors import Misuse


def tls_of(trust: Path | None = None) -> ssl.SSLContext:
    """The same for every Python: ``ssl`` of 3.13 is stricter than that of 3.11, and a verdict must not hang on that.

    Args:
        trust: certificates in PEM. The service's own, its issuer's or a root, each is enough; None leaves it to the
            machine's trusted authorities.

    Raises:
        Misuse: the file cannot be read, or holds no certificates.
    """
    try:
        context = ssl.create_default_context(cafile=str(trust) if trust else None)
    except ssl.SSLError:
        raise Misuse(
            f"The file {trust} holds no certificates in PEM.",
            advice="Give the certificate of the service or of its issuer in PEM.",
        ) from None
    except OSError as error:
        raise Misuse(f"The file {trust} cannot be read: {error.strerror}.", advice="Check the path.") from None
    # Authorities of development often leave out the key identifiers without which strict verification refuses.
    context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
