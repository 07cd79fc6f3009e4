"""A second opinion on a certificate: pkilint, by RFC 5280 and ETSI EN 319 412.

Its findings are merged with ours without saying a thing twice: ``pkilint.yaml`` names what is left out and why.
pkilint is imported when it is first asked, since that takes half a second.
"""

from __future__ import annotations

import functools
import importlib.metadata
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.errors import Fault
from sotepki.evidence import Finding, Grade, Severity, expect_keys, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.x509.lint import LintReport, lint_certificate
from sotepki.x509.profiles import Profile, ProfileKind, load_profiles
from sotepki.x509.rulebook import rulebook

_SEVERITY = {
    "FATAL": Severity.ERROR,
    "ERROR": Severity.ERROR,
    "WARNING": Severity.WARNING,
    "NOTICE": Severity.NOTICE,
}
_WEIGHT = (Severity.NOTICE, Severity.WARNING, Severity.ERROR)
_UNREADABLE = frozenset({"cert.not-a-certificate", "cert.private-key"})


@dataclass(frozen=True)
class Supersession:
    """Why a finding of pkilint is left out: one of our ``rules`` spoke, or a profile's ``row`` judged it."""

    code: str
    rules: frozenset[str]
    row: str
    reason: str


@dataclass(frozen=True)
class Merging:
    """What ``pkilint.yaml`` says; ``ceilings`` are the heaviest severities by beginning of the code."""

    superseded: Mapping[str, Supersession]
    ceilings: Mapping[str, Severity]


@dataclass(frozen=True)
class _Said:
    """One finding of pkilint."""

    code: str
    severity: str
    validator: str
    path: str
    message: str


def lint_with_pkilint(certificate: bytes | x509.Certificate, *, own: bool = False) -> LintReport:
    """``lint_certificate`` with pkilint's findings merged in; any bytes get an answer."""
    data = certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)
    return with_second_opinion(data, lint_certificate(data, own=own))


def with_second_opinion(data: bytes, report: LintReport) -> LintReport:
    """A report of our linter, with what pkilint adds to it."""
    rules = {finding.rule for finding in report.findings}
    if rules & _UNREADABLE:
        return report
    profile = load_profiles()[report.profile_id] if report.profile_id else None
    try:
        said = _ask(data, profile)
    except Exception as error:  # noqa: BLE001 - it parses hostile bytes; whatever it stumbles over is an answer too
        if "cert.encoding" in rules:
            return report
        message = "pkilint cannot read the certificate."
        finding = rulebook().finding("cert.second-opinion", message, found=type(error).__name__)
        return replace(report, findings=(*report.findings, finding))
    merging = load_merging()
    added: dict[tuple[str, str], Finding] = {}
    left_out: dict[str, str] = dict(report.left_out)
    for one in said:
        reason = _superseded(merging.superseded.get(one.code), rules, profile)
        if reason is not None:
            left_out[_rule_id(one.code)] = reason
        elif one.severity in _SEVERITY:
            added[one.code, one.path] = _finding(one, merging)
    return replace(report, findings=(*report.findings, *added.values()), left_out=tuple(sorted(left_out.items())))


@functools.cache
def load_merging() -> Merging:
    """The data of ``pkilint.yaml``.

    Raises:
        Fault: it has unknown or missing keys, or names a rule that is not in the rule book.
    """
    path = package_file("x509", "pkilint.yaml")
    raw = load_yaml(path)
    expect_keys(raw, ("superseded", "ceilings"), path.name)
    superseded = {}
    for code, entry in raw["superseded"].items():
        refuse_unknown_keys(entry, ("rules", "row", "reason"), f"{path.name}, {code}")
        if not entry.get("reason") or not (entry.get("rules") or entry.get("row")):
            raise Fault(f"In {path.name} the entry {code} needs a reason, and rules or a row.")
        for rule in entry.get("rules", []):
            _ = rulebook()[rule]
        superseded[code] = Supersession(
            code, frozenset(entry.get("rules", [])), entry.get("row", ""), entry["reason"]
        )
    return Merging(superseded, {start: Severity(entry["severity"]) for start, entry in raw["ceilings"].items()})


def _superseded(entry: Supersession | None, rules: set[str], profile: Profile | None) -> str | None:
    if entry is None:
        return None
    if entry.rules & rules or (entry.row and profile is not None and entry.row in profile.by_field):
        return entry.reason
    return None


def _finding(one: _Said, merging: Merging) -> Finding:
    severity = _SEVERITY[one.severity]
    for start, ceiling in merging.ceilings.items():
        if one.code.startswith(start):
            severity = min(severity, ceiling, key=_WEIGHT.index)
    words = one.code.rpartition(".")[2].replace("_", " ")
    return Finding(
        rule=_rule_id(one.code),
        severity=severity,
        message=f"pkilint: {words}." if not one.message else f"pkilint: {words}: {one.message[:300]}.",
        source=f"pkilint {_version()}, {one.validator} ({_standard(one.code)})",
        grade=Grade.CONFIRMED,
        where=one.path,
    )


def _rule_id(code: str) -> str:
    return f"pkilint.{code.lower().replace('_', '-')}"


def _standard(code: str) -> str:
    if code.startswith("etsi."):
        return "ETSI " + code.split(".")[1].upper().replace("_", " ").replace("EN 319 412 ", "EN 319 412-")
    return "RFC 5280 and the standards it names"


@functools.cache
def _version() -> str:
    return importlib.metadata.version("pkilint")


def _ask(data: bytes, profile: Profile | None) -> list[_Said]:
    """What pkilint says, in its own words; raises whatever pkilint raises."""
    from pkilint import etsi, finding_filter, loader  # type: ignore[import-untyped]

    with _quiet():
        document: Any = loader.RFC5280CertificateDocumentLoader().load_der_document(data, "certificate")
        results: Any
        if _outside_etsi(document, profile):
            results = _pkix_validator().validate(document.root)
        else:
            kind = etsi.determine_certificate_type(document)
            results, _ = finding_filter.filter_results(
                etsi.create_etsi_finding_filters(kind), _etsi_validator(kind).validate(document.root)
            )
    return [
        _Said(
            code=said.finding.code,
            severity=said.finding.severity.name,
            validator=result.validator.name,
            path=str(result.node.path),
            message=(said.message or "").rstrip("."),
        )
        for result in results
        for said in result.finding_descriptions
    ]


def _outside_etsi(document: Any, profile: Profile | None) -> bool:
    """EN 319 412 speaks of certificates for people, organisations and web sites; not of CAs and OCSP responders."""
    if profile is not None:
        return profile.kind is not ProfileKind.END_ENTITY
    return bool(document.is_ca)


@functools.cache
def _pkix_validator() -> Any:
    from pkilint.pkix import certificate, extension, name  # type: ignore[import-untyped]

    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


@functools.cache
def _etsi_validator(kind: Any) -> Any:
    from pkilint import etsi
    from pkilint.pkix import certificate

    return certificate.create_pkix_certificate_validator_container(
        etsi.create_decoding_validators(kind), etsi.create_validators(kind)
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """pkilint writes tracebacks of its own stumbles to the log; they are findings here, not news for a terminal."""
    log = logging.getLogger("pkilint")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)
