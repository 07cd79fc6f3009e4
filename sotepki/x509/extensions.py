"""Certificate extensions exactly as a profile prescribes them.

What pyca encodes exactly goes through pyca. Policies with a VisibleString notice and QC statements are encoded here
and handed over as finished DER (``UnrecognizedExtension``), once per profile.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from sotepki.x509 import der
from sotepki.x509.profile_values import (
    EXTENDED_KEY_USAGES,
    EXTENSIONS,
    KEY_USAGES,
    QC_STATEMENTS,
    QC_TYPES,
    AccessValue,
    BasicConstraintsValue,
    KeyUsageValue,
    NoticeType,
    PoliciesValue,
    Policy,
    QcValue,
    Qualifier,
    UrlValue,
)
from sotepki.x509.profiles import Profile

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

CPS_QUALIFIER = "1.3.6.1.5.5.7.2.1"
NOTICE_QUALIFIER = "1.3.6.1.5.5.7.2.2"
UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


@dataclass(frozen=True)
class AlternativeNames:
    """What goes into the subject alternative name, by kind."""

    dns: Sequence[str] = ()
    ip: Sequence[IPv4Address | IPv6Address] = ()
    email: str = ""
    upn: str = ""

    def __bool__(self) -> bool:
        return bool(self.dns or self.ip or self.email or self.upn)


@functools.cache
def constant_extensions(profile: Profile) -> Mapping[str, x509.ExtensionType]:
    """The extensions that are the same in every certificate of a profile, by short name."""
    found: dict[str, x509.ExtensionType] = {}
    if (policies := profile.find("extension.certificate-policies", PoliciesValue)) is not None:
        found["certificate-policies"] = _finished("certificate-policies", encode_policies(policies.policies))
    if (basic := profile.find("extension.basic-constraints", BasicConstraintsValue)) is not None:
        found["basic-constraints"] = x509.BasicConstraints(basic.ca, basic.path_length)
    if (crl := profile.find("extension.crl-distribution-points", UrlValue)) is not None:
        found["crl-distribution-points"] = x509.CRLDistributionPoints(
            [x509.DistributionPoint([x509.UniformResourceIdentifier(crl.url)], None, None, None)]
        )
    if (access := profile.find("extension.authority-information-access", AccessValue)) is not None:
        found["authority-information-access"] = _access(access)
    if (qc := profile.find("extension.qc-statements", QcValue)) is not None:
        found["qc-statements"] = _finished("qc-statements", encode_qc_statements(qc.statements, qc.types))
    found["ocsp-no-check"] = x509.OCSPNoCheck()
    return found


@functools.cache
def key_usage(profile: Profile, *, rsa_key: bool) -> x509.KeyUsage:
    """The key usage of a profile for an RSA or an EC subject key."""
    value = profile.value("extension.key-usage", KeyUsageValue)
    return key_usage_of(value.rsa if rsa_key else value.ec)


def key_usage_of(bits: Sequence[str]) -> x509.KeyUsage:
    """A key usage from RFC 5280 bit names."""
    flags = [bit in bits for bit in KEY_USAGES]
    return x509.KeyUsage(*flags)


@functools.lru_cache(maxsize=64)
def extended_key_usage_of(names: tuple[str, ...]) -> x509.ExtendedKeyUsage:
    """An extended key usage from short names."""
    return x509.ExtendedKeyUsage([x509.ObjectIdentifier(EXTENDED_KEY_USAGES[name]) for name in names])


def alternative_names(names: AlternativeNames) -> x509.SubjectAlternativeName:
    """A subject alternative name: e-mail, user principal name, domain names, addresses, in this order."""
    general: list[x509.GeneralName] = []
    if names.email:
        general.append(x509.RFC822Name(names.email))
    if names.upn:
        general.append(x509.OtherName(UPN, der.tlv(der.Tag.UTF8_STRING, names.upn.encode("utf-8"))))
    general += [x509.DNSName(name) for name in names.dns]
    general += [x509.IPAddress(address) for address in names.ip]
    return x509.SubjectAlternativeName(general)


def encode_policies(policies: Sequence[Policy]) -> bytes:
    """The value of certificatePolicies (RFC 5280 4.2.1.4), qualifiers in the order the profile gives."""
    return der.sequence(*(_policy(policy) for policy in policies))


def encode_qc_statements(statements: Sequence[str], types: Sequence[str] = ()) -> bytes:
    """The value of qcStatements (RFC 3739 3.2.6, ETSI EN 319 412-5 4.2.3 for the types)."""
    encoded = []
    for statement in statements:
        parts = [der.oid(QC_STATEMENTS[statement])]
        if statement == "QcType":
            parts.append(der.sequence(*(der.oid(QC_TYPES[kind]) for kind in types)))
        encoded.append(der.sequence(*parts))
    return der.sequence(*encoded)


def _policy(policy: Policy) -> bytes:
    qualifiers = []
    for kind in policy.qualifiers:
        if kind is Qualifier.CPS:
            address = der.tlv(der.Tag.IA5_STRING, policy.cps.encode("ascii"))
            qualifiers.append(der.sequence(der.oid(CPS_QUALIFIER), address))
        else:
            tag = der.Tag.VISIBLE_STRING if policy.notice_type is NoticeType.VISIBLE else der.Tag.UTF8_STRING
            text = der.tlv(tag, policy.user_notice.encode("utf-8"))
            qualifiers.append(der.sequence(der.oid(NOTICE_QUALIFIER), der.sequence(text)))
    return der.sequence(der.oid(policy.oid), *([der.sequence(*qualifiers)] if qualifiers else []))


def _access(value: AccessValue) -> x509.AuthorityInformationAccess:
    methods = {
        "caIssuers": (AuthorityInformationAccessOID.CA_ISSUERS, value.ca_issuers),
        "ocsp": (AuthorityInformationAccessOID.OCSP, value.ocsp),
    }
    return x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(methods[name][0], x509.UniformResourceIdentifier(methods[name][1]))
            for name in value.order
        ]
    )


def _finished(name: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(EXTENSIONS[name]), value)
