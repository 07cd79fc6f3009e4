"""The cases on signatures do not fail a right signer: for a clock a little slow, nor for a second signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import document_world as world
import pytest

from conformance.cases import signatures
from conformance.check import Check
from conformance.declaring import case_of
from conformance.judging import DocumentUnderTest, judged_document
from conformance.requirements import requirements
from conformance.verdicts import CaseVerdict
from sotepki.clock import SetClock
from sotepki.documents import correct_document, sign_as_system
from sotepki.identifiers import Oid

CLOCK = SetClock(world.NOW)
Case = Callable[[tuple[DocumentUnderTest, ...], Check], None]


def verdict(case: Case, *documents: DocumentUnderTest) -> CaseVerdict:
    declared = case_of(case)
    assert declared is not None
    check = Check(declared, requirements())
    case(documents, check)
    return check.result(1).verdict


def judged(content: bytes, *, earlier: bytes | None = None, unsigned: bytes | None = None) -> DocumentUnderTest:
    return judged_document("a.xml", content, None, CLOCK, earlier=earlier, unsigned=unsigned)


FIRST = world.signed_by_system()
CORRECTED = correct_document(FIRST, document_oid=Oid(f"{world.DOCUMENT.value}.2"), at=world.NOW)


@pytest.mark.parametrize(("behind", "lying"), [(3, CaseVerdict.PASS), (59, CaseVerdict.PASS), (90, CaseVerdict.FAIL)])
def test_a_signer_whose_clock_is_slow_keeps_no_old_signature(behind: int, lying: CaseVerdict) -> None:
    """A vendor whose clock was 2 seconds behind failed for an earlier signature, which it had taken out."""
    signed = world.signed_by_system(CORRECTED, world.NOW - timedelta(seconds=behind))
    assert verdict(signatures.no_stale, judged(signed, earlier=FIRST)) is CaseVerdict.PASS
    assert verdict(signatures.no_stale, judged(signed)) is lying


def test_a_kept_signature_is_found_by_its_value() -> None:
    """However near the versions lie in time, a signature of the earlier one must not come through."""
    old = FIRST[FIRST.index(b"<ds:Signature ") : FIRST.index(b"</ds:Signature>") + len(b"</ds:Signature>")]
    kept = world.signed_by_system(CORRECTED).replace(b"</ds:Signature>", b"</ds:Signature>" + old, 1)
    assert verdict(signatures.no_stale, judged(kept, earlier=FIRST)) is CaseVerdict.FAIL


@pytest.mark.parametrize(("behind", "wanted"), [(3, CaseVerdict.PASS), (90, CaseVerdict.WARN)])
def test_a_timestamp_a_little_before_the_document_is_plausible(behind: int, wanted: CaseVerdict) -> None:
    """Two clocks are never equal: the suite dates the document, and the signer its signature."""
    signed = world.signed_by_system(at=world.CREATED - timedelta(seconds=behind))
    assert verdict(signatures.timestamp, judged(signed)) is wanted


def test_a_document_that_bears_both_signatures_is_described_rightly() -> None:
    """A professional's document that the system signed too failed, though each signature had its own code; a system
    that called its own signature Kanta's passed.
    """
    both = judged(sign_both())
    assert [s.code for s in both.report.signatures] == ["1", "3"]
    for case in (signatures.professional_description, signatures.system_description):
        assert verdict(case, both) is CaseVerdict.PASS
        assert verdict(case, replace(both, unsigned=b"<a/>")) is CaseVerdict.FAIL, "asked for one signature"
    for code in (b"2", b"4", b"9"):
        strange = judged(sign_both().replace(b'Description code="3"', b'Description code="%b"' % code))
        assert verdict(signatures.professional_description, strange) is CaseVerdict.FAIL, code


def test_kantas_own_signature_beside_the_systems_is_no_fault() -> None:
    """A vendor that keeps a document as the archive gave it back would fail for the archive's signature."""
    called = judged(sign_both().replace(b'Description code="3"', b'Description code="4"'))
    of_kela = tuple(finding for finding in called.report.findings if finding.rule != "doc.kela")
    assert len(of_kela) < len(called.report.findings)
    archived = replace(called, report=replace(called.report, findings=of_kela))
    assert verdict(signatures.professional_description, archived) is CaseVerdict.PASS


def sign_both() -> bytes:
    signed = world.signed_by_professional()
    return sign_as_system(signed, key=world.ec_key("system"), certificate=world.system_certificate(), at=world.NOW)
