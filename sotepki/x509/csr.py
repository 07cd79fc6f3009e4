"""Checking a certificate request: what DVV would send back, told before the vendor waits for it.

The rules are ``csr.*`` in ``rules.yaml``; the names a request should carry come from the profile of the certificate.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sotepki.errors import Refused
from sotepki.evidence import Finding, Verdict, verdict_of
from sotepki.x509 import der
from sotepki.x509.admission import is_dns_name, misfit
from sotepki.x509.csr_keys import key_findings, signature_findings
from sotepki.x509.keys import key_kind
from sotepki.x509.names import ATTRIBUTES, NamePart, name_text, read_name
from sotepki.x509.profile_values import Presence
from sotepki.x509.profiles import Profile, load_profiles
from sotepki.x509.reading import guess, plain_reason, private_key_given, request_block
from sotepki.x509.rulebook import rulebook


class CsrKind(StrEnum):
    """What the request is for (docs/field/pki.md 7, row Types for sote)."""

    SERVER = "server"
    SYSTEM_SIGNATURE = "system-signature"
    KELA_SIGNATURE = "kela-signature"
    EMAIL = "e-mail"


PROFILES: Mapping[CsrKind, str] = {
    CsrKind.SERVER: "test-server",
    CsrKind.SYSTEM_SIGNATURE: "test-system-signature",
    CsrKind.KELA_SIGNATURE: "test-kela-signature-rsa",
    CsrKind.EMAIL: "test-email-rsa",
}

_UNREADABLE = (
    ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip
_BUSINESS_ID = re.compile(r"\d{7}-\d")


@dataclass(frozen=True)
class CsrReport:
    """The answer of the check.

    Attributes:
        csr: the request, or None if the data is none.
        subject: requested values by attribute name, the first of a repeated one.
        dns_names, ip_addresses, emails: requested alternative names, as text.
        key: the kind of the key, ``rsa-2048``.
        more_subject: what else the subject asks for, as ``O=Name``: repeated values, attributes of other kinds.
        other_names: alternative names of other kinds, as ``URI:https://host.fi``.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    csr: x509.CertificateSigningRequest | None = None
    subject: Mapping[str, str] = field(default_factory=dict)
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    key: str = ""
    more_subject: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "verdict": str(self.verdict),
            "subject": dict(self.subject),
            "more_subject": list(self.more_subject),
            "dns_names": list(self.dns_names),
            "ip_addresses": list(self.ip_addresses),
            "other_names": list(self.other_names),
            "key": self.key,
            "findings": [finding.as_dict() for finding in self.findings],
        }


@dataclass(frozen=True)
class _Request:
    """A request taken apart."""

    csr: x509.CertificateSigningRequest
    subject: tuple[NamePart, ...]
    names: tuple[x509.GeneralName, ...]
    asks_for_ca: bool

    def texts(self, kind: type[x509.DNSName] | type[x509.RFC822Name] | type[x509.IPAddress]) -> tuple[str, ...]:
        return tuple(str(name.value) for name in self.names if isinstance(name, kind))

    def values(self, attribute: str) -> list[str]:
        return [part.value for part in self.subject if part.name == attribute]

    @property
    def host(self) -> str:
        return next(iter(self.values("common_name")), "").strip()


def check_csr(data: bytes, kind: CsrKind, *, seen_keys: Collection[bytes] = ()) -> CsrReport:
    """Check a request in PEM or DER; any bytes get an answer.

    Args:
        seen_keys: SHA-256 digests of public keys (``key_digest``) that already have a certificate.
    """
    rules = rulebook()
    try:
        block = request_block(data)
        csr = _load(block)
    except Refused as refused:
        finding = rules.finding(refused.rule, refused.sentence, advice=refused.advice)
        return CsrReport(Verdict.INVALID, (finding,))
    findings = list(signature_findings(csr))
    try:
        request = _take_apart(csr)
        findings += key_findings(csr, seen_keys)
    except _UNREADABLE as error:
        findings.append(
            rules.finding("csr.unreadable", f"The request cannot be read to its end: {plain_reason(error)}.")
        )
        return CsrReport(Verdict.INVALID, tuple(findings), csr)
    findings += _subject(request, kind)
    findings += _NAMES[kind](request, kind)
    if request.asks_for_ca:
        findings.append(rules.finding("csr.ca-requested", "The request asks for a CA certificate."))
    values = {part.name: part.value for part in reversed(request.subject) if part.name in ATTRIBUTES}
    more = [part for part in request.subject if part.name != "email" and part.value != values.get(part.name)]
    return CsrReport(
        verdict=verdict_of(findings),
        findings=tuple(findings),
        csr=csr,
        subject=dict(reversed(values.items())),
        dns_names=_domains(request),
        ip_addresses=request.texts(x509.IPAddress),
        emails=_emails(request),
        key=key_kind(csr.public_key()),
        more_subject=tuple(f"{part.short}={part.value}" for part in more),
        other_names=_other_names(request),
    )


def _load(block: bytes) -> x509.CertificateSigningRequest:
    try:
        return x509.load_der_x509_csr(block)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        seems = guess(block)
        if "private key" in seems:
            raise private_key_given("The file", "csr") from None
        what = f"The file is a {seems}" if seems else f"The file is not a certificate request: {plain_reason(error)}"
        raise Refused(f"{what}.", rule="csr.not-a-csr", advice=rulebook()["csr.not-a-csr"].advice) from None


def _take_apart(csr: x509.CertificateSigningRequest) -> _Request:
    subject = read_name(der.parse(csr.tbs_certrequest_bytes).children()[1].raw)
    if not any(part.tag == der.Tag.T61_STRING for part in subject):  # pyca reads no T61String
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an odd length in a name becomes a finding, not a warning
            csr.subject  # noqa: B018 - refuses octets that are no text
    names: tuple[x509.GeneralName, ...] = ()
    ca = False
    for extension in csr.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names = tuple(extension.value)
        elif isinstance(extension.value, x509.BasicConstraints):
            ca = extension.value.ca
    return _Request(csr, subject, names, ca)


def _profile(kind: CsrKind) -> Profile:
    return load_profiles()[PROFILES[kind]]


def _subject(request: _Request, kind: CsrKind) -> Iterator[Finding]:
    rules = rulebook()
    known: dict[str, str] = {}
    for name, row, value in _profile(kind).subject_rows:
        known[name] = value.pattern
        label = ATTRIBUTES[name].short
        texts = [text for text in request.values(name) if text.strip()]
        if not texts:
            if row.presence is Presence.REQUIRED:
                message = f"The subject has no {label}."
                yield rules.finding("csr.subject.missing", message, expected=row.rule, where=label)
            continue
        text, *more = texts
        for one in more:
            message = f"The subject has {label} more than once; the certificate will carry the first."
            yield rules.finding("csr.subject.extra", message, found=f"{label}={one}"[:200], where=label)
        wrong = misfit(name, value, text)
        if wrong is not None:
            message = f"{label} {wrong.fault}; a certificate cannot hold it. {wrong.advice}"
            yield rules.finding("csr.subject.value", message, found=text[:100], where=label)
        elif value.fixed and text != value.fixed:
            message = f"{label} is {text!r}."
            yield rules.finding("csr.subject.value", message, expected=value.fixed, found=text, where=label)
        elif _is_garbled(text):
            yield rules.finding(
                "csr.subject.value",
                f"{label} has letters that were read in another encoding than they were written in.",
                found=text,
                where=label,
                advice="Give names in UTF-8: 'openssl req' with -utf8, keytool in a terminal with a UTF-8 locale.",
            )
    for part in request.subject:
        if part.tag == der.Tag.T61_STRING:
            yield _old_string(part)
        # Units and e-mail addresses of a server request have rules of their own.
        own_rule = part.name == "email" or (kind is CsrKind.SERVER and part.name == "organisational_unit")
        if part.name not in known and not own_rule:
            message = f"The subject has {part.short}, which the certificate will not carry."
            yield rules.finding(
                "csr.subject.extra", message, found=f"{part.short}={part.value}"[:200], where=part.short
            )


def _old_string(part: NamePart) -> Finding:
    return rulebook().finding(
        "csr.subject.value",
        f"{part.short} is a T61String, whose letters many programs cannot read.",
        expected="UTF8String or PrintableString",  # RFC 5280 4.1.2.4
        found=part.value[:100],
        where=part.short,
        advice="Take 'string_mask' out of openssl's configuration or set it to utf8only; use 'openssl req -utf8'.",
    )


def _is_garbled(text: str) -> bool:
    """Whether letters were lost (U+FFFD), or octets of UTF-8 were taken for Latin-1: Ã¤ in the place of ä."""
    try:
        return "\ufffd" in text or text.encode("latin-1").decode("utf-8") != text
    except UnicodeError:
        return False


def _server_names(request: _Request, _kind: CsrKind) -> Iterator[Finding]:
    rules = rulebook()
    for unit in request.values("organisational_unit"):
        yield rules.finding("csr.organisational-unit", "The subject has an organisational unit.", found=f"OU={unit}")
    for email in _emails(request):
        yield rules.finding("csr.email", "The request has an e-mail address.", found=email[:200])
    names = request.texts(x509.DNSName)
    addresses = [name for name in (request.host, *names) if _is_address(name)] + list(request.texts(x509.IPAddress))
    domains = _domains(request)
    if not domains and addresses:
        message = "The request names an IP address and no domain name."
        yield rules.finding("csr.ip-only", message, expected="a domain name", found=", ".join(addresses)[:200])
    elif not domains:
        yield rules.finding(
            "csr.domain.missing", "The request names no domain.", found=name_text(request.subject)[:200]
        )
    for domain in domains:
        if not is_dns_name(domain) or "." not in domain.removeprefix("*."):
            message = f"{domain[:100]!r} is not a full domain name."
            yield rules.finding("csr.domain.form", message, expected="host.domain.fi", found=domain[:200])
        elif domain.startswith("*."):
            yield rules.finding("csr.wildcard", "The request is for a wildcard name.", found=domain)
    for name in names:
        if _is_address(name):
            message = "An IP address stands as domain name."
            yield rules.finding("csr.domain.form", message, expected="iPAddress or a host name", found=name)
    if domains and request.host.lower() not in map(str.lower, names):
        message = "The common name is not repeated as dNSName."
        yield rules.finding("csr.domain.common-name", message, expected=request.host, found=", ".join(names)[:200])


def _system_names(request: _Request, kind: CsrKind) -> Iterator[Finding]:
    rules = rulebook()
    for email in _emails(request):
        yield rules.finding("csr.email.system", "The request has an e-mail address.", found=email[:200])
    pattern = _number_pattern(kind)
    for number in request.values("serial_number"):
        if len(number) > 200 or not re.fullmatch(pattern, number):
            message = "The serialNumber is not the organisation's OID."
            if _BUSINESS_ID.fullmatch(number):
                message += " A business ID stands there, as in a general service certificate."
            arc = "1.2.246.556, Kela's own" if kind is CsrKind.KELA_SIGNATURE else "1.2.246, from THL's register"
            yield rules.finding(
                "csr.subject.value", message, expected=f"an OID under {arc}", found=number[:100], where="serialNumber"
            )


def _email_names(request: _Request, kind: CsrKind) -> Iterator[Finding]:
    rules = rulebook()
    if not _emails(request):
        message = "The request names no e-mail address."
        yield rules.finding("csr.email.missing", message, found=name_text(request.subject)[:200])
    for number in request.values("serial_number"):
        if len(number) > 200 or not re.fullmatch(_number_pattern(kind), number):
            message = "The serialNumber is not a business ID."
            expected = "a business ID (Y-tunnus)"
            yield rules.finding(
                "csr.subject.value", message, expected=expected, found=number[:100], where="serialNumber"
            )


def _number_pattern(kind: CsrKind) -> str:
    """The form of the subject's serialNumber in the profile."""
    return next(value.pattern for name, _, value in _profile(kind).subject_rows if name == "serial_number")


_NAMES: Mapping[CsrKind, Callable[[_Request, CsrKind], Iterator[Finding]]] = {
    CsrKind.SERVER: _server_names,
    CsrKind.SYSTEM_SIGNATURE: _system_names,
    CsrKind.KELA_SIGNATURE: _system_names,
    CsrKind.EMAIL: _email_names,
}


def _domains(request: _Request) -> tuple[str, ...]:
    """Requested domain names: the common name if it looks like one, then the dNSNames, each once."""
    names = list(request.texts(x509.DNSName))
    if request.host and not _is_address(request.host) and "." in request.host and " " not in request.host:
        names.insert(0, request.host)
    unique = {name.lower(): name for name in reversed(names) if not _is_address(name)}
    return tuple(reversed(unique.values()))


def _emails(request: _Request) -> tuple[str, ...]:
    in_subject = [part.value for part in request.subject if part.name == "email"]
    hidden = [text for text in request.values("common_name") if "@" in text]
    return tuple(dict.fromkeys((*in_subject, *request.texts(x509.RFC822Name), *hidden)))


def _other_names(request: _Request) -> tuple[str, ...]:
    """Alternative names that no service certificate has a place for; of an otherName the kind only."""
    found = []
    for name in request.names:
        if isinstance(name, x509.UniformResourceIdentifier):
            found.append(f"URI:{name.value}")
        elif isinstance(name, x509.DirectoryName):
            found.append(f"dirName:{name.value.rfc4514_string()}")
        elif isinstance(name, x509.OtherName):
            found.append(f"otherName:{name.type_id.dotted_string}")
        elif isinstance(name, x509.RegisteredID):
            found.append(f"registeredID:{name.value.dotted_string}")
    return tuple(found)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip().strip("[]"))
    except ValueError:
        return False
    return True
