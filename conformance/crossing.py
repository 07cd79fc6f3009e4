"""Cross-testing: two systems under test exchange documents through our Kanta, each as author and as reader.

The author signs and frames a document, our Kanta archives the frame, and the reader verifies what the archive gives.
The reader also gets the document with one word of its body changed, which it must refuse. Documents are of both
forms: with a base64 body (social welfare) and with an XML body (a patient record). Our Kanta knows the authorities of
its own workspace only; where it refuses an author for that, the document goes to the reader directly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conformance.bench import Bench
from conformance.bench.documents import change_body
from conformance.bench.forging import serialised
from conformance.describing import mask_identity_codes
from conformance.sut.facets import CertificateRole, SignatureKind, SystemFailed, SystemUnderTest, Trust
from conformance.verdicts import CaseVerdict, Evidence
from sotepki import __version__
from sotepki.documents import build_frame
from sotepki.documents.vocabulary import hl7
from sotepki.errors import Refused, SotepkiError
from sotepki.records import write_atomically
from sotepki.x509.reading import read_certificates
from sotepki.xmldsig import parse

FORMAT = "sotepki-conformance-cross/1"
CROSS_NAME = "cross.json"
DOCUMENTS = {
    SignatureKind.PROFESSIONAL: ("client-plan", "visit-note"),
    SignatureKind.SYSTEM: ("client-relationship",),
}
"""The kinds of documents that are exchanged, by who signs them."""


@dataclass(frozen=True)
class Leg:
    """One document on its way.

    Attributes:
        kind: who signed it.
        document: its kind.
        kanta: what our Kanta said; empty if it was not asked.
        verdict: pass, fail (the exchange does not work), skip (a part is not attached) or error.
    """

    author: str
    reader: str
    kind: str
    verdict: CaseVerdict
    reason: str
    kanta: str = ""
    document: str = ""
    evidence: tuple[Evidence, ...] = field(default=())


def exchange(first: SystemUnderTest, second: SystemUnderTest, bench: Bench) -> list[Leg]:
    """Both ways, for each kind of signature that the author makes and each kind of document that it signs so."""
    return [*_one_way(first, second, bench), *_one_way(second, first, bench)]


def exit_code(legs: list[Leg]) -> int:
    """1 if a leg failed; else 3 if one had an error; else 2 if every leg was skipped; else 0."""
    verdicts = {leg.verdict for leg in legs}
    if CaseVerdict.FAIL in verdicts:
        return 1
    if CaseVerdict.ERROR in verdicts:
        return 3
    return 2 if nothing_exchanged(legs) else 0


def nothing_exchanged(legs: list[Leg]) -> bool:
    """Whether every leg was skipped, so that the exchange shows nothing."""
    return all(leg.verdict is CaseVerdict.SKIP for leg in legs)


def cross_data(legs: list[Leg]) -> dict[str, Any]:
    """The outcome as plain data."""
    return {"format": FORMAT, "sotepki_version": __version__, "legs": [asdict(leg) for leg in legs]}


def write_cross(directory: Path, legs: list[Leg]) -> None:
    """Write ``cross.json``.

    Raises:
        Fault: the directory cannot be written.
    """
    text = json.dumps(cross_data(legs), ensure_ascii=False, indent=2)
    write_atomically(directory / CROSS_NAME, text.encode("utf-8", "replace") + b"\n")


def _one_way(author: SystemUnderTest, reader: SystemUnderTest, bench: Bench) -> Iterator[Leg]:
    missing = "" if author.signer else f"{author.name} has no [sign]."
    missing = missing or ("" if reader.verifier else f"{reader.name} has no [verify].")
    if not missing and author.trust is None:  # with other authorities any good reader would refuse it
        missing = f"{author.name} has no [trust], so {reader.name} cannot be told by which authorities it signs."
    if missing or author.signer is None or author.trust is None:
        yield Leg(author.name, reader.name, "", CaseVerdict.SKIP, missing)
        return
    for kind in SignatureKind:
        if author.signer.identity(kind) is not None:
            for name in DOCUMENTS[kind]:
                yield _leg(author, reader, author.trust, kind, name, bench)


def _leg(
    author: SystemUnderTest, reader: SystemUnderTest, trust: Trust, kind: SignatureKind, name: str, bench: Bench
) -> Leg:
    evidence: list[Evidence] = []
    said = ""

    def leg(verdict: CaseVerdict, reason: str) -> Leg:
        return Leg(author.name, reader.name, kind, verdict, reason, said, name, tuple(evidence))

    try:
        document = _signed(author, kind, name, bench)
        evidence.append(Evidence.of("signed document", mask_identity_codes(document), "application/xml"))
        if mask_identity_codes(document) != document:
            reason = "The document holds an identity code outside the 900-series; it is not exchanged."
            return leg(CaseVerdict.FAIL, reason)
        said, archived = _through_kanta(author, kind, document, bench)
        evidence.append(Evidence.of("what Kanta said", said))
        return leg(*_read(reader, archived or document, trust, evidence))
    except SystemFailed as error:
        evidence.append(Evidence.of("what the system wrote", error.log))
        return leg(CaseVerdict.FAIL, error.sentence)
    except SotepkiError as error:
        return leg(CaseVerdict.ERROR, str(error))


def _signed(author: SystemUnderTest, kind: SignatureKind, name: str, bench: Bench) -> bytes:
    assert author.signer is not None
    identity = author.signer.identity(kind)
    assert identity is not None
    return author.signer.sign(bench.maker.of_kind(name, identity), kind)


def _through_kanta(
    author: SystemUnderTest, kind: SignatureKind, document: bytes, bench: Bench
) -> tuple[str, bytes | None]:
    """What our Kanta says of the frame, and the document as it archived it."""
    held = author.certificates.certificates() if author.certificates else {}
    if CertificateRole.SERVER not in held:
        return "Kanta was not asked: the server certificate of the author is not attached.", None
    client = read_certificates(held[CertificateRole.SERVER])[0]
    if author.framer is not None:
        frame = author.framer.frame(document)
    else:
        assert author.signer is not None
        identity = author.signer.identity(kind)
        assert identity is not None
        oid = identity.organisation.oid
        frame = build_frame(document, message_id=bench.maker.new_id(oid), sender=oid, at=bench.clock.now())
    kanta = bench.services.kanta
    answer = kanta.archive(frame, client)
    if not answer.accepted:
        return "; ".join([str(answer.code), *(finding.message for finding in answer.findings)]), None
    return str(answer.code), kanta.retrieve(answer.document_id, client)


def _read(
    reader: SystemUnderTest, document: bytes, trust: Trust, evidence: list[Evidence]
) -> tuple[CaseVerdict, str]:
    assert reader.verifier is not None
    answer = reader.verifier.verify(document, trust)
    evidence.append(Evidence.of("what the reader said of it", "\n".join([str(answer.accepted), *answer.reasons])))
    if not answer.accepted:
        return CaseVerdict.FAIL, f"{reader.name} refuses what the other signed: {'; '.join(answer.reasons)}"
    changed = _changed(document)
    if changed and reader.verifier.verify(changed, trust).accepted:
        return CaseVerdict.FAIL, f"{reader.name} accepts the document also after its body was changed."
    return CaseVerdict.PASS, ""


def _changed(document: bytes) -> bytes:
    """The document with one word of its body changed; empty if it has no body that could be changed."""
    try:
        root = parse(document)
    except Refused:
        return b""
    if root.find(f"{hl7('component')}/{hl7('nonXMLBody')}/{hl7('text')}") is not None:
        change_body(root)
        return serialised(root)
    for title in root.iterfind(f"{hl7('component')}/{hl7('structuredBody')}//{hl7('title')}"):
        title.text = f"{title.text or ''} TSET"
        return serialised(root)
    return b""
