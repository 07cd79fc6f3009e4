"""Checks of the exercises with signatures (notebook 12): they verify the document that is handed in."""

from __future__ import annotations

from sotepki.documents import VerificationContext, verify_document
from sotepki.documents.diagnosis import diagnose
from sotepki.documents.report import DocumentReport
from sotepki.dvv import SOTE_PERSONS
from sotepki.evidence import Severity, Verdict
from sotepki.training.scene import DONE, Outcome, Scene


def signed_twice(scene: Scene) -> Outcome:
    """A valid document with two signatures."""
    if (report := _report(scene)) is None:
        return scene.lacks("no-document")
    if len(report.signatures) < 2:
        return scene.lacks("signatures", number=len(report.signatures))
    return DONE if report.verdict is Verdict.VALID else scene.lacks("not-valid", rules=_broken(report))


def renamed_prefixes(scene: Scene) -> Outcome:
    """A document whose digests broke since a program renamed its prefixes."""
    if (report := _report(scene)) is None:
        return scene.lacks("no-document")
    if report.verdict is Verdict.VALID:
        return scene.lacks("still-valid")
    named = {name for one in diagnose(scene.answer) for name in one.accidents}
    if "prefix.renamed" in named:
        return DONE
    return scene.lacks("other-accident", names=", ".join(sorted(named))) if named else scene.lacks("no-accident")


def one_letter(scene: Scene) -> Outcome:
    """A document that is broken by the digest of its body and by nothing else."""
    if (report := _report(scene)) is None:
        return scene.lacks("no-document")
    if report.verdict is Verdict.VALID:
        return scene.lacks("still-valid")
    rules = _broken(report)
    if not rules:
        return scene.lacks("no-document")
    return DONE if rules == "doc.digest.body" else scene.lacks("more", rules=rules)


def _report(scene: Scene) -> DocumentReport | None:
    """What the verifier says of the document handed in; None if there is none."""
    if not isinstance(scene.answer, bytes):
        return None
    workspace = scene.workspace
    context = VerificationContext(
        trust=[workspace.authorities.root],
        intermediates=[workspace.authorities.certificate(SOTE_PERSONS)],
        at=workspace.clock.now(),
        revocation=False,
        rights=workspace.valvira,
    )
    return verify_document(scene.answer, context)


def _broken(report: DocumentReport) -> str:
    rules = dict.fromkeys(one.rule for one in report.findings if one.severity is Severity.ERROR)
    return ", ".join(rules)
