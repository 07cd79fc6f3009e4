"""The fixtures about documents and frames: what the system made, and what it makes when it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from conformance.attaching import attached, missing
from conformance.bench import Bench
from conformance.judging import DocumentUnderTest, FrameUnderTest, judged_document, judged_frame
from conformance.session import RunSession
from conformance.sut.facets import Facet, SignatureKind, SignerIdentity, Skipped, SystemUnderTest
from sotepki.documents import SignatureKind as DocumentSignature
from sotepki.evidence import Severity

Documents = tuple[DocumentUnderTest, ...]

_FRAMER = "frame"
"""The table that attaches what frames on request; frames that lie in a directory are ``Facet.FRAMES``."""
_UNREADABLE = "see the case document.form"


@pytest.fixture(scope="session")
def all_documents(sut: SystemUnderTest, run_session: RunSession) -> Mapping[SignatureKind | None, Documents]:
    """Every document, by the signature that it was made for; None for those that lay in a directory unsorted."""
    if sut.documents is None and sut.signer is None:
        raise Skipped(missing(Facet.DOCUMENTS, Facet.SIGNER))
    found: dict[SignatureKind | None, Documents] = {}
    if sut.documents is not None:
        clock = run_session.clock
        found[None] = tuple(judged_document(f.name, f.content, sut.trust, clock) for f in sut.documents.files())
    if sut.signer is not None:
        for kind in SignatureKind:
            identity = sut.signer.identity(kind)
            if identity is not None:
                name = f"document with a {kind} signature"
                found[kind] = (_signed(sut, run_session, kind, run_session.bench.unsigned(identity), name),)
    return found


@pytest.fixture(scope="session")
def several_documents(
    sut: SystemUnderTest, all_documents: Mapping[SignatureKind | None, Documents], run_session: RunSession
) -> Documents:
    """Three documents that the system signs one after the other."""
    kind, identity = _last_kind(sut, all_documents)
    given = [run_session.bench.unsigned(identity) for _ in range(3)]
    return tuple(_signed(sut, run_session, kind, d, f"document {n} of 3") for n, d in enumerate(given, start=1))


@pytest.fixture(scope="session")
def countersigned_document(
    sut: SystemUnderTest, all_documents: Mapping[SignatureKind | None, Documents], run_session: RunSession
) -> DocumentUnderTest:
    """The professional's document, signed by the system too; ``unsigned`` is the professional's."""
    if sut.signer is None or not all(kind in all_documents for kind in SignatureKind):
        raise Skipped("The system does not make both kinds of signatures on request.")
    (first,) = all_documents[SignatureKind.PROFESSIONAL]
    if not first.examinable:
        raise Skipped(f"The signature in the professional's document cannot be read; {_UNREADABLE}.")
    if any(finding.severity is Severity.ERROR for finding in first.findings):
        raise Skipped("The professional's document is wrong by itself; see the other cases.")
    return _signed(sut, run_session, SignatureKind.SYSTEM, first.content, "document with both signatures")


@pytest.fixture(scope="session")
def documents(all_documents: Mapping[SignatureKind | None, Documents]) -> Documents:
    """Every document of the system, also those that cannot be read."""
    return tuple(document for group in all_documents.values() for document in group)


@pytest.fixture(scope="session")
def professional_documents(all_documents: Mapping[SignatureKind | None, Documents]) -> Documents:
    """The documents with a professional's signature whose signatures can be read."""
    return _of_kind(all_documents, SignatureKind.PROFESSIONAL, DocumentSignature.PROFESSIONAL.code)


@pytest.fixture(scope="session")
def system_documents(all_documents: Mapping[SignatureKind | None, Documents]) -> Documents:
    """The documents with a system signature whose signatures can be read."""
    return _of_kind(all_documents, SignatureKind.SYSTEM, DocumentSignature.SYSTEM.code)


@pytest.fixture(scope="session")
def corrected_documents(
    sut: SystemUnderTest, all_documents: Mapping[SignatureKind | None, Documents], run_session: RunSession
) -> Documents:
    """Corrections: of a document that the system signed before, or lying in its directory as later versions."""
    lying = tuple(d for d in all_documents.get(None, ()) if d.report.version > 1)
    if sut.signer is None:
        return _some(lying, "No document of a later version is attached.")
    kind = next(k for k in SignatureKind if k in all_documents)
    earlier, identity = all_documents[kind][0], sut.signer.identity(kind)
    if identity is None or not earlier.examinable:
        raise Skipped(f"The signature in the first version cannot be read, so nothing is corrected; {_UNREADABLE}.")
    signed = sut.signer.sign(run_session.bench.corrected(earlier.content, identity), kind, correction=True)
    made = judged_document("corrected document", signed, sut.trust, run_session.clock, earlier=earlier.content)
    return (*lying, made)


@pytest.fixture(scope="session")
def frames(
    sut: SystemUnderTest, run_session: RunSession, request: pytest.FixtureRequest
) -> tuple[FrameUnderTest, ...]:
    """Frames of the system: those that lay in a directory, and one around each document that it signs."""
    clock = run_session.clock
    lying = sut.frames.files() if sut.frames else ()
    found = [judged_frame(f.name, f.content, sut.trust, clock) for f in lying]
    if sut.framer is not None:
        every: Documents = request.getfixturevalue("documents")
        for document in every:
            if document.examinable:
                found.append(_framed(sut, run_session, document))
    if found:
        return tuple(found)
    if sut.framer is not None:
        raise Skipped(f"No document has signatures that can be read, so none is framed; {_UNREADABLE}.")
    raise Skipped(missing(Facet.FRAMES, _FRAMER))


@pytest.fixture(scope="session")
def corrected_frame(sut: SystemUnderTest, corrected_documents: Documents, run_session: RunSession) -> FrameUnderTest:
    """The frame around a corrected document, whose set id is that of its first version."""
    return _framed(sut, run_session, corrected_documents[-1])


@pytest.fixture(scope="session")
def large_frame(
    sut: SystemUnderTest, all_documents: Mapping[SignatureKind | None, Documents], run_session: RunSession
) -> FrameUnderTest:
    """The frame around a document of about a million bytes."""
    kind, identity = _last_kind(sut, all_documents)
    given = run_session.bench.maker.large(identity)
    return _framed(sut, run_session, _signed(sut, run_session, kind, given, "large document"))


@pytest.fixture(scope="session")
def any_frame(bench: Bench) -> bytes:
    """A frame for connection cases: what it carries does not matter there, and it is never archived."""
    return bench.some_frame


def _last_kind(
    sut: SystemUnderTest, groups: Mapping[SignatureKind | None, Documents]
) -> tuple[SignatureKind, SignerIdentity]:
    """The system's own signature if it makes that, else the professional's; with who signs."""
    for kind in reversed(SignatureKind):
        identity = sut.signer.identity(kind) if sut.signer and kind in groups else None
        if identity is not None:
            return kind, identity
    raise Skipped(missing(Facet.SIGNER))


def _signed(
    sut: SystemUnderTest, run_session: RunSession, kind: SignatureKind, unsigned: bytes, name: str
) -> DocumentUnderTest:
    assert sut.signer is not None
    signed = sut.signer.sign(unsigned, kind)
    return judged_document(name, signed, sut.trust, run_session.clock, unsigned=unsigned)


def _framed(sut: SystemUnderTest, run_session: RunSession, document: DocumentUnderTest) -> FrameUnderTest:
    content = attached(sut.framer, _FRAMER).frame(document.content)
    name = f"frame around the {document.name}"
    return judged_frame(name, content, sut.trust, run_session.clock, given=document.content)


def _some(found: Documents, otherwise: str) -> Documents:
    if not found:
        raise Skipped(otherwise)
    return found


def _of_kind(groups: Mapping[SignatureKind | None, Documents], kind: SignatureKind, code: str) -> Documents:
    lying: Sequence[DocumentUnderTest] = [d for d in groups.get(None, ()) if d.is_signed_as(code)]
    made = groups.get(kind, ())
    readable = tuple(d for d in (*lying, *made) if d.examinable)
    if made and not readable:
        raise Skipped(f"The signature in the document cannot be read; {_UNREADABLE}.")
    return _some(readable, f"No document with a {kind} signature (code {code}) is attached.")
