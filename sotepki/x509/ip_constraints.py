"""Name constraints on IP addresses, which the library behind ``judge`` does not check (RFC 5280 4.2.1.10)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509

from sotepki.x509.extension_lookup import extension_of


class WithoutIpConstraints(asn1_x509.Certificate):  # type: ignore[misc]
    """A certificate as the library is to see it: constraints on addresses left out, all others as they stand."""

    @property
    def name_constraints_value(self) -> asn1_x509.NameConstraints | None:
        value = super().name_constraints_value
        if value is None or not any(_is_address(one) for part in _PARTS for one in _subtrees(value, part)):
            return value
        kept = {part: [one for one in _subtrees(value, part) if not _is_address(one)] for part in _PARTS}
        return asn1_x509.NameConstraints({part: subtrees for part, subtrees in kept.items() if subtrees})


def forbidden_address(chain: Sequence[x509.Certificate]) -> str | None:
    """What is wrong with the first address that a CA of a chain does not allow below it; None if there is none.

    The chain begins with the certificate. The root's own constraints do not count, as the library has it for other
    names, and a CA that issued itself a certificate is not bound by those above it (RFC 5280 6.1.3 b and c).

    Raises:
        ValueError: extensions cannot be read.
    """
    for number, authority in enumerate(chain[1:-1], start=1):
        constraints = extension_of(authority, x509.NameConstraints)
        if constraints is None:
            continue
        permitted, excluded = _networks(constraints.permitted_subtrees), _networks(constraints.excluded_subtrees)
        for place, certificate in enumerate(chain[:number]):
            if place and certificate.subject == certificate.issuer:
                continue
            names = extension_of(certificate, x509.SubjectAlternativeName)
            for address in names.get_values_for_type(x509.IPAddress) if names is not None else ():
                if any(address in network for network in excluded):
                    return f"the address {address} is excluded"
                if permitted and not any(address in network for network in permitted):
                    return f"the address {address} is not among those permitted"
    return None


_PARTS = ("permitted_subtrees", "excluded_subtrees")


def _subtrees(constraints: asn1_x509.NameConstraints, part: str) -> Sequence[Any]:
    value = constraints[part]
    return list(value) if isinstance(value, asn1_x509.GeneralSubtrees) else ()


def _is_address(subtree: Any) -> bool:
    """Whether a subtree is of addresses; with a minimum or maximum it is left to the library, which refuses it."""
    bounds = subtree["minimum"].native, subtree["maximum"].native
    return subtree["base"].name == "ip_address" and bounds == (0, None)


def _networks(subtrees: Sequence[x509.GeneralName] | None) -> list[IPv4Network | IPv6Network]:
    return [
        one.value
        for one in subtrees or ()
        if isinstance(one, x509.IPAddress) and isinstance(one.value, IPv4Network | IPv6Network)
    ]
