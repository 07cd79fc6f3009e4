"""Which certificate of the card a selector selects (docs/field/scs.md 5), and the chain above it."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sotepki.scs.request import Selector
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.names import readable
from sotepki.x509.purposes import key_usages

EC_NAMES = frozenset({"ecdsa", "ec"})
RSA_NAMES = frozenset({"rsa"})


def chain_of(leaf: x509.Certificate, issuers: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Leaf first, as far up as the issuers are known; three in the ordinary case (docs/field/scs.md 11)."""
    chain = [leaf]
    while chain[-1].issuer != chain[-1].subject:
        above = next((ca for ca in issuers if ca.subject == chain[-1].issuer and ca not in chain), None)
        if above is None:
            break
        chain.append(above)
    return chain


def holder_of(certificate: x509.Certificate) -> str:
    """The common name, or the whole subject where there is none: what a person recognises the card by."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else readable(certificate.subject)


def algorithm_names(certificate: x509.Certificate) -> frozenset[str]:
    """What pages may call the algorithm of a certificate's key, in lower case."""
    return RSA_NAMES if isinstance(certificate.public_key(), rsa.RSAPublicKey) else EC_NAMES


def key_use(certificate: x509.Certificate) -> str | None:
    """What a card keeps a certificate for: ``signature``, ``authentication``, or None (one of a CA)."""
    usages = {usage.lower() for usage in key_usages(certificate) or ()}
    if "keycertsign" in usages:  # first: a CA may have the usages of a person as well
        return None
    if "nonrepudiation" in usages:
        return "signature"
    return "authentication" if "digitalsignature" in usages else None


def selects(selector: Selector, chain: Sequence[x509.Certificate]) -> bool:
    """Whether the first certificate of a chain fits every part of the selector that is given, without case."""
    certificate = chain[0]
    usages = key_usages(certificate)  # None: the certificate restricts nothing (RFC 5280 4.2.1.3)
    if usages is not None and not set(selector.key_usages) <= {usage.lower() for usage in usages}:
        return False
    if selector.key_algorithms and not set(selector.key_algorithms) & algorithm_names(certificate):
        return False
    issuers = {_plain_name(link.issuer.rfc4514_string()) for link in chain}
    if selector.issuers and not {_plain_name(wanted) for wanted in selector.issuers} & issuers:
        return False
    return not selector.akis or bool(set(selector.akis) & _authority_keys(certificate))


def _authority_keys(certificate: x509.Certificate) -> set[str]:
    found = readable_extension(certificate, x509.AuthorityKeyIdentifier)
    if found is None or found.key_identifier is None:
        return set()
    return {found.key_identifier.hex(), base64.b64encode(found.key_identifier).decode("ascii").lower()}


def _plain_name(name: str) -> str:
    """A distinguished name for comparison: parts sorted, since pages write them in either direction."""
    return ",".join(sorted("=".join(p.strip() for p in part.split("=", 1)) for part in name.lower().split(",")))
