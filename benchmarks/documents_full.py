"""Full verification beside the signature alone, and how its cost grows with the document.

Full verification is what ``verify_document`` does: structure, content, identity codes, coverage, the signer against
the header, certificate path, revocation and right in force. Path and status are remembered from the first document
on, as in an archive of one signer. The signature alone is reading, resolving, digests and signature value. Processor
time is counted, the two take turns.

The slope is that of the logarithm of the time over the logarithm of the size, from 10 kB to 10 MB; 1 is linear. It is
given for social-welfare documents (long base64 texts) and for health-care documents (many elements).
"""

from __future__ import annotations

import gc
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from lxml import etree

from sotepki.documents import VerificationContext, build_social_document, verify_document
from sotepki.documents.corpus.resigning import resign
from sotepki.documents.corpus.world import AT, AUTHOR, DOCUMENT, ORGANISATION, CorpusWorld
from sotepki.evidence import Verdict
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.registers import Person, Professional, ProfessionalRight, Register, RightKind
from sotepki.x509.status import CertificateState, CertificateStatus
from sotepki.xmldsig import DS, read_xml, verify_signature

SIZES = (35_000, 500_000)
GROWTH = (10_000, 100_000, 1_000_000, 9_500_000)
_RIGHT = ProfessionalRight("710", RightKind.LICENSED, Register.SUOSIKKI, "x", "x", date(2020, 1, 1))
_PARAGRAPH = "Asiakkaan kanssa on sovittu tuesta, sen tavoitteista ja seurannasta TESTI-ympäristössä. " * 4


class _Rights:
    """A rights register that knows the author."""

    def professional(self, registration_number: RegistrationNumber) -> Professional | None:
        return AUTHOR

    def professional_of(self, hetu: Hetu) -> Professional | None:
        return AUTHOR

    def rights_in_force(self, registration_number: RegistrationNumber, at: object) -> tuple[ProfessionalRight, ...]:
        return (_RIGHT,)


def measure(seconds: float = 2.0) -> dict[str, Any]:
    """Rates (operations per second of processor time) and ratios.

    Args:
        seconds: wall time for each comparison, about.
    """
    world = CorpusWorld()
    good = CertificateStatus(CertificateState.GOOD)
    context = VerificationContext(
        (world.root,), world.at, world.intermediates, rights=_Rights(), status=lambda certificate, issuer: good
    )
    ratios: dict[str, float] = {}
    rates: dict[str, float] = {}
    for size in SIZES:
        document = world.signed(_social(size), "card")
        own, alone = _compared(_full(document, context), _alone(document), seconds)
        name = f"{size // 1000}kb"
        rates |= {f"documents.full.{name}": round(own, 1), f"documents.signature-alone.{name}": round(alone, 1)}
        ratios[f"documents.full.{name}.vs_signature_alone"] = round(own / alone, 3)
    for family, made in (("social", _social_signed), ("health", _health_signed)):
        times = [_once(_full(made(world, size), context)) for size in GROWTH]
        ratios[f"documents.full.slope.{family}"] = round(_slope(GROWTH, times), 3)
        rates |= {
            f"documents.full.{family}.{size // 1000}kb_ms": round(t * 1000, 2)
            for size, t in zip(GROWTH, times, strict=True)
        }
    return {"name": "documents_full", "ratios": ratios, "rates": rates}


def _full(document: bytes, context: VerificationContext) -> Callable[[], bool]:
    def run() -> bool:
        return verify_document(document, context).verdict is Verdict.VALID

    if not run():
        raise SystemExit("The document to be measured is not valid.")
    return run


def _alone(document: bytes) -> Callable[[], bool]:
    def run() -> bool:
        read = read_xml(document)
        found = read.root.find(f".//{{{DS}}}Signature")
        return found is not None and not verify_signature(read, found).findings

    return run


def _social(size: int) -> bytes:
    def with_paragraphs(count: int) -> bytes:
        return build_social_document(
            client=Person(Hetu("010181-900C"), "Asta", "Äärelä"),
            organisation=ORGANISATION,
            author=AUTHOR,
            document_oid=DOCUMENT,
            created=AT - timedelta(minutes=5),
            paragraphs=[_PARAGRAPH] * count,
        )

    one, two = len(with_paragraphs(1)), len(with_paragraphs(2))
    return with_paragraphs(max(1, round(1 + (size - one) / (two - one))))


def _social_signed(world: CorpusWorld, size: int) -> bytes:
    return world.signed(_social(size), "card")


def _health_signed(world: CorpusWorld, size: int) -> bytes:
    """A health-care document with as many sections as fill ``size``; up to the bound on elements each is longer."""
    root = etree.fromstring(world.bases["health"])
    body = next(root.iter("{urn:hl7-org:v3}structuredBody"))
    length = max(200, size // 40_000)
    while len(body) * (length + 90) < size:
        component = etree.SubElement(body, "{urn:hl7-org:v3}component")
        section = etree.SubElement(component, "{urn:hl7-org:v3}section")
        etree.SubElement(section, "{urn:hl7-org:v3}text").text = (_PARAGRAPH * (length // 300 + 1))[:length]
    resign(next(root.iter(f"{{{DS}}}Signature")), world.identities["card"].key)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _compared(ours: Callable[[], object], theirs: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Operations per second of processor time, by the median of turns."""
    sides = (ours, theirs)
    counts = [max(1, round(0.05 / max(_once(side), 1e-6))) for side in sides]
    times: tuple[list[float], list[float]] = ([], [])
    gc.disable()
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end or not times[1]:
            for side, operation in enumerate(sides):
                begin = time.process_time()
                for _ in range(counts[side]):
                    operation()
                times[side].append((time.process_time() - begin) / counts[side])
    finally:
        gc.enable()
    return 1 / statistics.median(times[0]), 1 / statistics.median(times[1])


def _once(operation: Callable[[], object]) -> float:
    """Processor time of one operation, the best of some."""
    best = math.inf
    end = time.monotonic() + 0.6
    while time.monotonic() < end or best == math.inf:
        begin = time.process_time()
        operation()
        best = min(best, time.process_time() - begin)
    return best


def _slope(sizes: tuple[int, ...], times: list[float]) -> float:
    """Of the straight line through the logarithms, by least squares."""
    xs, ys = [math.log(size) for size in sizes], [math.log(t) for t in times]
    mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
    over = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return over / sum((x - mean_x) ** 2 for x in xs)


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0)))
