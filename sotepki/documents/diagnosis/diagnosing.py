"""Trying the usual accidents on every part of a signature that does not verify."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from cryptography import x509
from lxml import etree

from sotepki.documents.diagnosis.accidents import accidents
from sotepki.documents.diagnosis.forms import Candidate, candidates
from sotepki.documents.diagnosis.timestamps import timestamp_candidates
from sotepki.documents.diagnosis.values import Reading, accident_of, readings
from sotepki.documents.outline import Outline, SignatureEntry, outline, signature_entries
from sotepki.errors import Refused
from sotepki.xmldsig import Use, load_algorithms, read_xml, reread, verify_signature
from sotepki.xmldsig.canonical import canonicalise, filtered_octets
from sotepki.xmldsig.structure import Reference, SignatureParts, read_signature

MOST_OCTETS = 300_000_000
"""How much is hashed for one digest or signature value, at most; so a hostile document cannot ask for hours."""
MOST_COSTLY = 400
"""How many candidates are tried where each costs a verification: with elliptic curves, or where the RSA key did not
make the value."""
_HASHES = ("sha256", "sha384", "sha512", "sha1", "sha224", "md5")


@dataclass(frozen=True)
class Diagnosis:
    """Why one part of a signature does not verify.

    Attributes:
        signature: number of the signature in the collection, from 1.
        part: ``body``, ``timestamp``, ``SignatureValue`` or ``document``.
        accidents: ids of the accidents that together make it verify; empty if none of those tried does.
    """

    signature: int
    part: str
    accidents: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        known = [accidents()[name] for name in self.accidents]
        return {
            "signature": self.signature,
            "part": self.part,
            "accidents": [{"id": one.id, "text": one.text, "advice": one.advice} for one in known],
        }

    def text(self) -> str:
        """Some lines for people."""
        head = f"signature {self.signature}, {self.part}:" if self.signature else f"{self.part}:"
        if not self.accidents:
            return (
                f"{head} none of the usual accidents explains it; the content itself was changed. Write the octets "
                "that are digested to a file when you sign, and compare them with those of the document as sent."
            )
        told = [f"{accidents()[name].text} {accidents()[name].advice}" for name in self.accidents]
        return f"{head} " + " And: ".join(told)


def diagnose(document: bytes, certificates: Sequence[x509.Certificate] = ()) -> tuple[Diagnosis, ...]:
    """The likely causes of what does not verify in a document; empty if digests and values are right, or if it
    cannot be read at all. Never raises for what the document holds.

    Args:
        certificates: further certificates that the signer may have meant, for example those of the same card.
    """
    try:
        parts = outline(read_xml(document))
        entries = signature_entries(parts)
    except Refused as refusal:
        return _unreadable(document, refusal)
    shown = [*certificates, *_shown(entries)]
    found: list[Diagnosis] = []
    for number, entry in enumerate(entries[:20], start=1):
        try:
            signature = read_signature(entry.signature)
        except Refused:
            continue
        found += _of_references(parts, entry, signature, number)
        found += _of_value(parts, entry, signature, shown, number)
    return tuple(found)


def _unreadable(document: bytes, refusal: Refused) -> tuple[Diagnosis, ...]:
    """A document that is written in another encoding than it says is not well formed, or is in one not read here."""
    if refusal.rule not in ("xml.not-well-formed", "xml.encoding"):
        return ()
    for encoding in ("utf-8", "iso-8859-1", "cp1252", "utf-16"):
        try:
            text = document.decode(encoding)
            again = re.sub(r"^\ufeff?(<\?xml[^>]*?)\s+encoding=[\"'][^\"']*[\"']", r"\1", text, count=1)
            parts = outline(read_xml(again.encode()))
            reports = [verify_signature(parts.document, e.signature, filtered=parts.filtered)
                       for e in signature_entries(parts)]  # fmt: skip
        except (Refused, UnicodeError):
            continue
        if all(not any(f.rule in ("dsig.digest", "dsig.signature-value") for f in r.findings) for r in reports):
            return (Diagnosis(0, "document", ("encoding.declaration",)),)
    return ()


def _shown(entries: Sequence[SignatureEntry]) -> Iterator[x509.Certificate]:
    for entry in entries:
        try:
            ders = read_signature(entry.signature).certificates
            yield from (x509.load_der_x509_certificate(der) for der in ders)
        except (Refused, ValueError, TypeError, x509.InvalidVersion):
            continue


def _of_references(
    parts: Outline, entry: SignatureEntry, signature: SignatureParts, number: int
) -> Iterator[Diagnosis]:
    for reference in signature.references:
        element = parts.body if reference.element_filter else parts.document.identified.get(reference.uri[1:])
        if element is None or element not in (parts.body, entry.timestamp):
            continue
        part = "body" if element is parts.body else "timestamp"
        try:
            exclusive, tree, prefixes = _named_form(parts, reference, element)
            octets = canonicalise(tree, exclusive=exclusive, prefixes=prefixes)
            right = _digest_accident(reference, octets) == ()
        except Refused:
            continue
        if not right:
            yield Diagnosis(number, part, _cause(reference, _tries(tree, exclusive, prefixes, part)))


def _named_form(
    parts: Outline, reference: Reference, element: etree._Element
) -> tuple[bool, etree._Element, tuple[str, ...]]:
    """Whether the named canonicalisation is exclusive, the element in the tree that it is applied to, and the
    PrefixList."""
    step = reference.canonicalised_by
    if reference.element_filter is not None:
        octets = filtered_octets(parts.root, reference.element_filter.name, prefixes=step.prefixes)
        return False, reread(octets), ()
    method = load_algorithms().canonicalisations.get(step.uri)
    return (method.exclusive if method else True), element, step.prefixes


def _tries(tree: etree._Element, exclusive: bool, prefixes: Sequence[str], part: str) -> Iterator[Candidate]:
    yield from candidates(tree, exclusive=exclusive, prefixes=prefixes)
    if part == "timestamp":
        yield from timestamp_candidates(tree, prefixes=prefixes)


class _Allowance:
    """What may still be hashed."""

    def __init__(self) -> None:
        self._left = MOST_OCTETS

    def spend(self, octets: bytes) -> bool:
        """Whether anything is left after these octets, each hashed by every algorithm."""
        self._left -= len(octets) * len(_HASHES)
        return self._left > 0


def _cause(reference: Reference, tries: Iterator[Candidate]) -> tuple[str, ...]:
    allowance = _Allowance()
    for names, octets in tries:
        wrong = _digest_accident(reference, octets)
        if wrong is not None:
            return (*names, *wrong)
        if not allowance.spend(octets):
            break
    return ()


def _digest_accident(reference: Reference, octets: bytes) -> tuple[str, ...] | None:
    """Empty if the named digest of the octets is DigestValue, an accident if another one is, else None."""
    method = load_algorithms().digests.get(reference.digest_method)
    named = method.hash if method else ""
    for name in dict.fromkeys((*([named] if named else []), *_HASHES)):
        digest = hashlib.new(name, octets, usedforsecurity=False)
        if hmac.compare_digest(digest.digest(), reference.digest_value):
            return () if name == named else ("digest.algorithm",)
        if digest.hexdigest().encode() == reference.digest_value.lower():
            return ("digest.hexadecimal",) if name == named else ("digest.hexadecimal", "digest.algorithm")
    return None


def _of_value(
    parts: Outline,
    entry: SignatureEntry,
    signature: SignatureParts,
    shown: Sequence[x509.Certificate],
    number: int,
) -> Iterator[Diagnosis]:
    report = verify_signature(parts.document, entry.signature, filtered=parts.filtered)
    rules = {finding.rule for finding in report.findings}
    if not rules & {"dsig.signature-value", "dsig.algorithm.signature"}:
        return
    method = load_algorithms().signatures.get(signature.signature_method)
    canonical = load_algorithms().canonicalisations.get(signature.canonicalisation.uri)
    if method is None or canonical is None:
        return
    ways = list(islice(readings(signature.signature_value, signature.certificates, shown), 60))
    prefixes = signature.canonicalisation.prefixes
    forms = candidates(signature.signed_info, exclusive=canonical.exclusive, prefixes=prefixes)
    tries = _affordable(chain(forms, _other_names(signature)))
    allowance = _Allowance()
    for way in ways:
        wrong = accident_of(way, tries[0][1], method.algorithm)
        if wrong:
            yield Diagnosis(number, "SignatureValue", wrong)
            return
        if not allowance.spend(tries[0][1]):
            break
    yield Diagnosis(number, "SignatureValue", _value_cause(ways, tries, method.algorithm, allowance))


def _affordable(tries: Iterable[Candidate]) -> list[Candidate]:
    """As many as may be hashed: with long attributes, SignedInfo is as long as a document may be."""
    held: list[Candidate] = []
    allowance = _Allowance()
    for one in tries:
        held.append(one)
        if not allowance.spend(one[1]):
            break
    return held


def _value_cause(
    ways: Sequence[Reading], tries: Sequence[Candidate], named: Any, allowance: _Allowance
) -> tuple[str, ...]:
    """The named form has been tried in every way; here the other forms, in the ways that are likely or cheap."""
    cheap = [way for way in ways if way.recovered is not None]
    for way in cheap or ways[:1]:
        for names, octets in tries if cheap else islice(tries, MOST_COSTLY):
            wrong = accident_of(way, octets, named)
            if wrong is not None:
                return (*names, *wrong)
            if not allowance.spend(octets):
                return ()
    return ()


def _other_names(signature: SignatureParts) -> Iterator[Candidate]:
    """SignedInfo with one algorithm under the name of another one of its kind."""
    octets = canonicalise(signature.signed_info, prefixes=signature.canonicalisation.prefixes)
    known = load_algorithms()
    kinds = (known.digests, known.signatures, known.canonicalisations)
    for kind in kinds:
        for old in kind:
            for new, row in kind.items():
                if old != new and row.use is not Use.WEAK and old.encode() in octets:
                    yield ("signed-info.algorithm",), octets.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
                    yield ("signed-info.algorithm",), octets.replace(f'"{old}"'.encode(), f'"{new}"'.encode(), 1)
