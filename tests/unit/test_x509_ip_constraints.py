"""Name constraints on IP addresses (RFC 5280 4.2.1.10), as openssl has them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
import x509_world as w
from cryptography import x509
from test_x509_path import CA, authority, check, leaf, rules

from sotepki.x509.extensions import key_usage_of
from sotepki.x509.issuing import Issuer

Extension = tuple[x509.ExtensionType, bool]


def names(*values: str) -> Extension:
    """A subjectAltName of addresses and host names."""
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in values]
    ), False


def constraint(permitted: str = "", excluded: str = "") -> Extension:
    def subtrees(values: str) -> list[x509.GeneralName] | None:
        return [
            x509.IPAddress(ip_network(one)) if one[0].isdigit() else x509.DNSName(one) for one in values.split()
        ] or None

    return x509.NameConstraints(subtrees(permitted), subtrees(excluded)), True


@pytest.mark.parametrize(
    ("constraints", "address", "good"),
    [
        (constraint("10.0.0.0/8"), "10.1.1.1", True),
        (constraint("10.0.0.0/8"), "11.1.1.1", False),
        (constraint("10.0.0.0/8 192.0.2.0/24"), "192.0.2.255", True),
        (constraint("10.0.0.0/8"), "2001:db8::1", False),
        (constraint("2001:db8::/32"), "2001:db8::1", True),
        (constraint("2001:db8::/32"), "2001:db9::1", False),
        (constraint("", "10.0.0.0/8"), "11.1.1.1", True),
        (constraint("", "10.0.0.0/8"), "10.1.1.1", False),
        (constraint("10.0.0.0/8", "10.1.0.0/16"), "10.1.1.1", False),
        (constraint("10.0.0.0/8", "10.1.0.0/16"), "10.2.1.1", True),
        (constraint("0.0.0.0/0"), "203.0.113.9", True),
        (constraint("10.1.1.1/32"), "10.1.1.2", False),
        (constraint("testi.example"), "10.1.1.1", True),
        (constraint("10.0.0.0/8 other.example"), "10.1.1.1", False),
        (constraint("10.0.0.0/8 example"), "10.1.1.1", True),
        (constraint("", "10.0.0.0/8 testi.example"), "11.1.1.1", False),
    ],
)
def test_addresses_are_held_to_the_constraints_of_a_ca(constraints: Extension, address: str, good: bool) -> None:
    """A server certificate with an address below such a CA was called unreadable, good or bad."""
    by = authority("addresses", CA, constraints)
    certificate = leaf(by, extensions=[(key_usage_of(["nonRepudiation"]), True), names("testi.example", address)])
    report = check(certificate, intermediates=[by.certificate], revocation=False)
    assert rules(report) == ([] if good else ["path.name-constraints"])


def test_every_certificate_below_is_held_to_them_but_not_the_ca_itself_nor_others() -> None:
    """Constraints are handed down a path; a constrained CA could else certify another without them."""
    upper = authority("upper", CA, constraint("10.0.0.0/8"), names("11.1.1.1"))
    lower = authority("lower", CA, constraint("10.0.0.0/7"), by=upper)
    outside = authority("outside", CA, names("11.1.1.1"), by=upper)

    def found(issuer: Issuer, address: str) -> list[str]:
        certificate = leaf(issuer, extensions=[(key_usage_of(["nonRepudiation"]), True), names(address)])
        above = [issuer.certificate, upper.certificate]
        return rules(check(certificate, intermediates=above, revocation=False))

    assert found(upper, "10.1.1.1") == found(lower, "10.1.1.1") == []
    assert found(lower, "11.1.1.1") == found(outside, "10.1.1.1") == ["path.name-constraints"]


def test_a_ca_that_renews_its_own_certificate_is_not_bound_by_itself() -> None:
    """RFC 5280 6.1.3: the names of a self-issued certificate count only where it is the last of the path."""
    key = w.ec_key("rollover")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rollover TEST")])
    first = w.odd_certificate(
        subject=subject, key=key, issuer=w.world().root, extensions=[CA, constraint("10.0.0.0/8")]
    )
    again = w.ec_key("rollover again")
    second = w.odd_certificate(
        subject=subject, key=again, issuer=Issuer(first, key), extensions=[CA, names("11.1.1.1")]
    )
    certificate = leaf(
        Issuer(second, again), extensions=[(key_usage_of(["nonRepudiation"]), True), names("10.1.1.1")]
    )
    assert rules(check(certificate, intermediates=[first, second], revocation=False)) == []
