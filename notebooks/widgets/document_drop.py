"""Give it a file, of your own system or of a stranger's: what it is, and what is wrong with it, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets
from cryptography import x509
from widgets.showing import Said, Sheet, Shown, finding_of, kindly

from sotepki.documents import VerificationContext, verify_document
from sotepki.documents.diagnosis import diagnose
from sotepki.errors import Misuse, Refused
from sotepki.evidence import Finding
from sotepki.workspace import Workspace
from sotepki.x509.csr import CsrKind, check_csr
from sotepki.x509.lint import lint_certificate
from sotepki.x509.reading import certificate_blocks, guess, read_crls, request_block
from sotepki.x509.status import CertificateStatus

LARGEST = 20 * 1024 * 1024
_MOST_FILES = 50


@dataclass(frozen=True)
class Judged:
    """A file as it was judged: what it was taken for, the verdict, the findings, and what probably happened to it."""

    name: str
    what: str
    verdict: str
    findings: tuple[Finding, ...] = ()
    causes: tuple[str, ...] = ()


class DocumentDrop(Shown):
    """Files that were dropped, the last ones first to be seen; nothing of them is kept on the disk."""

    def __init__(self, workspace: Workspace, folder: Path, language: str) -> None:
        super().__init__(language)
        self._workspace = workspace
        self._folder = folder
        self.judged: tuple[Judged, ...] = ()

    @kindly
    def judge(self, name: str, data: bytes | str) -> DocumentDrop:
        """Judge one file: a document, a certificate, a request, a revocation list, or whatever it is."""
        octets = data.encode() if isinstance(data, str) else bytes(data)
        self.judged, self.said = (self._judged(str(name), octets),), ()
        return self

    @kindly
    def look(self) -> DocumentDrop:
        """Judge the files of the folder beside the notebook, at most 50."""
        self.judged = ()
        if not self._folder.is_dir():
            raise Misuse(self.say("no folder", folder=self._folder.name), advice=self.say("make folder"))
        files = sorted(path for path in self._folder.iterdir() if path.is_file() and not path.name.startswith("."))
        self.judged = tuple(self._from_disk(path) for path in files[:_MOST_FILES])
        self.said = () if files else (Said(self.say("folder empty", folder=self._folder.name), mark="hint"),)
        return self

    # --- judging ---------------------------------------------------------------------------------------------

    def _from_disk(self, path: Path) -> Judged:
        try:
            if path.stat().st_size > LARGEST:
                return Judged(path.name, self.say("too large"), self.say("not judged"))
            return self._judged(path.name, path.read_bytes())
        except OSError:
            return Judged(path.name, self.say("unreadable"), self.say("not judged"))

    def _judged(self, name: str, data: bytes) -> Judged:
        if len(data) > LARGEST:
            return Judged(name, self.say("too large"), self.say("not judged"))
        if not data.strip():
            return Judged(name, self.say("empty file"), self.say("not judged"))
        try:
            return self._kind_of(data)(name, data)
        except Refused as refused:
            return Judged(name, self.say("something else"), self.say("verdict invalid"), (finding_of(refused),))

    def _kind_of(self, data: bytes) -> Callable[[str, bytes], Judged]:
        """By what stands in it, never by its name."""
        if b"-----BEGIN CERTIFICATE REQUEST" in data or b"-----BEGIN NEW CERTIFICATE REQUEST" in data:
            return self._request
        if b"-----BEGIN X509 CRL" in data:
            return self._list
        if b"-----BEGIN" in data:
            return self._certificate
        if data[:1] == b"\x30":
            return {"certificate request": self._request, "revocation list": self._list}.get(
                guess(data), self._certificate
            )
        return self._document

    def _document(self, name: str, data: bytes) -> Judged:
        report = verify_document(data, self._context())
        causes = () if str(report.verdict) == "valid" else tuple(one.text() for one in diagnose(data))
        what = self.say("document", count=len(report.signatures)) if report.signatures else self.say("other text")
        return Judged(name, what, self.say(f"verdict {report.verdict}"), report.findings, causes)

    def _certificate(self, name: str, data: bytes) -> Judged:
        reports = [lint_certificate(block) for block in certificate_blocks(data, name=name)]
        kinds = ", ".join(report.profile_id or self.say("no profile") for report in reports)
        worst = "invalid" if any(str(one.verdict) == "invalid" for one in reports) else str(reports[0].verdict)
        findings = tuple(finding for report in reports for finding in report.findings)
        return Judged(name, self.say("certificate of", kinds=kinds), self.say(f"verdict {worst}"), findings)

    def _request(self, name: str, data: bytes) -> Judged:
        request_block(data, name=name)
        answers = [(kind, check_csr(data, kind)) for kind in (CsrKind.SERVER, CsrKind.SYSTEM_SIGNATURE)]
        kind, report = min(answers, key=lambda answer: len(answer[1].findings))
        return Judged(
            name, self.say("request for", kind=str(kind)), self.say(f"verdict {report.verdict}"), report.findings
        )

    def _list(self, name: str, data: bytes) -> Judged:
        entries = sum(len(one) for one in read_crls(data, name=name))
        return Judged(name, self.say("list of", entries=entries), self.say("verdict valid"))

    def _context(self) -> VerificationContext:
        """What the workspace knows: its roots and CAs, its books of revocation, Valvira's rights, its time."""
        authorities = self._workspace.authorities
        return VerificationContext(
            trust=authorities.roots,
            intermediates=[authorities.certificate(one) for one in authorities.made()],
            at=self._workspace.clock.now(),
            rights=self._workspace.valvira,
            status=self._status,
        )

    def _status(self, certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        return self._workspace.authorities.status(key, certificate.serial_number)

    # --- how it looks ----------------------------------------------------------------------------------------

    def sheet(self) -> Sheet:
        rows: list[list[str]] = []
        for one in self.judged:
            rows.append([one.name, one.what, one.verdict, ""])
            rows += [["", *self._told(finding)] for finding in _unlike(one.findings)]
            rows += [["", cause, self.say("cause"), ""] for cause in one.causes]
        header = (self.say("file"), self.say("what it is"), self.say("weight"), self.say("rule"))
        said: Sequence[Said] = self.said
        if not said and not self.judged:
            said = (Said(self.say("drop something", folder=self._folder.name), mark="hint"),)
        return Sheet(self.say("drop"), header, rows, said)

    def controls(self) -> ipywidgets.Widget:
        upload = ipywidgets.FileUpload(
            multiple=True, description=self.say("do choose"), layout=ipywidgets.Layout(width="16em")
        )
        upload.observe(self._uploaded, names="value")
        again = ipywidgets.Button(
            description=self.say("do look", folder=self._folder.name), layout=ipywidgets.Layout(width="16em")
        )
        again.on_click(lambda _button: self.look())
        return ipywidgets.HBox([upload, again])

    def _uploaded(self, change: Any) -> None:
        files = list(change["new"])[:_MOST_FILES]
        if files:
            self.said = ()
            self.judged = tuple(self._judged(str(one["name"]), bytes(one["content"])) for one in files)
            self.refresh()

    def _told(self, finding: Finding) -> list[str]:
        said = self.sentence_about(finding)
        weight, grade = self.say(f"weight {finding.severity}"), self.say(f"grade-{finding.grade}")
        return [f"{said.sentence} {said.advice}".strip(), f"{weight}, {grade}", said.rule]


def document_drop(workspace: Workspace, folder: Path | str = "my-files", *, language: str = "en") -> DocumentDrop:
    """A place for files; ``folder`` stands beside the notebook and is looked at when you ask for it.

    Raises:
        Misuse: the widgets do not speak the language.
    """
    return DocumentDrop(workspace, Path(folder), language)


def _unlike(findings: Sequence[Finding]) -> list[Finding]:
    """Each sentence once."""
    return list({(finding.rule, finding.message): finding for finding in findings}.values())
