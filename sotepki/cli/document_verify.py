"""``sotepki document verify``: signatures of documents, frames and whole directories; why, and what others say."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.checks import FAILED, check_text
from sotepki.cli.context import emit, read_input
from sotepki.cli.document_trust import material
from sotepki.cli.printing import one_line
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse, Refused

if TYPE_CHECKING:
    from sotepki.documents import DocumentReport, VerificationContext

LONGEST = 20 * 1024 * 1024


@click.command("verify")
@click.argument("files", metavar="FILE|DIR...", nargs=-1, required=True)
@click.option("--trust", multiple=True, metavar="FILE", help="Trusted roots; without it the workspace's.")
@click.option("--intermediates", multiple=True, metavar="FILE", help="Issuing CAs.")
@click.option("--crl", "crls", multiple=True, metavar="FILE", help="Revocation lists.")
@click.option("--ocsp", "responses", multiple=True, metavar="FILE", help="OCSP responses (DER).")
@click.option("--at", metavar="TIME", help="The moment of verification, as 2026-03-01T12:00:00Z; without it now.")
@click.option("--no-revocation", is_flag=True, help="Do not look at revocation at all.")
@click.option("--no-diagnosis", is_flag=True, help="Do not try the usual accidents when a signature does not verify.")
@click.option("--also", metavar="NAMES", default="", help="Other verifiers to ask: xmlsec1, signxml, or both.")
@click.option("--content", metavar="OUT", help="Write the verified body, as it was signed, to OUT (one FILE only).")
@writes("content")
def verify(
    files: Sequence[str],
    trust: Sequence[str],
    intermediates: Sequence[str],
    crls: Sequence[str],
    responses: Sequence[str],
    at: str | None,
    no_revocation: bool,
    no_diagnosis: bool,
    also: str,
    content: str | None,
) -> int:
    """Verify the signatures of each FILE, or of all .xml files below DIR: what is covered, intact, by whom, with
    what right. A message frame is opened and compared with the document in it.

    Without --trust the workspace gives its root, its CAs, its records of revocation, Valvira's rights and its time.
    With --trust no workspace is needed. JSON: one object for one FILE, a list for several or for a DIR; as text,
    several end with a line that counts the verdicts.
    """
    names = [name.strip() for name in also.split(",") if name.strip()]
    sources = list(_sources(files))
    single = len(sources) == 1 and not Path(files[0]).is_dir()
    if content and not single:
        raise Misuse("--content goes with one FILE.")
    rows: list[dict[str, Any]] = []
    texts: list[str] = []
    with material(trust, intermediates, crls, responses, at, revocation=not no_revocation) as context:
        for file in sources:
            row, report, text = _judged(file, context, names, diagnosis=not no_diagnosis)
            rows.append(row)
            texts.append(text)
    if content:
        _write_content(content, report)
    emit(rows[0] if single else rows, lambda: "\n\n".join(texts if single else [*texts, _counted(rows)]))
    return FAILED if any(row["verdict"] != "valid" for row in rows) else 0


def _sources(files: Sequence[str]) -> Iterator[str]:
    for name in files:
        path = Path(name)
        if name == "-" or not path.is_dir():
            yield name
            continue
        found = sorted(str(inner) for inner in path.rglob("*.xml") if inner.is_file())
        if not found:
            raise Misuse(f"There is no .xml file below {name}.")
        yield from found


def _judged(
    file: str, context: VerificationContext, names: Sequence[str], *, diagnosis: bool
) -> tuple[dict[str, Any], DocumentReport, str]:
    from sotepki.documents import check_frame, is_frame, open_frame, unread, verify_document
    from sotepki.documents.diagnosis import diagnose
    from sotepki.documents.opinions import opinions_of
    from sotepki.evidence import Verdict, verdict_of

    data, frame, report = _beginning(file), None, None
    if is_frame(data):
        try:
            frame = open_frame(data)
            data = frame.document
        except Refused as refusal:
            report = unread(refusal)
    report = report or verify_document(data, context)
    row: dict[str, Any] = {"file": file} | report.as_dict()
    if frame is not None:
        findings = check_frame(frame, report)
        row["frame"] = {"message_id": frame.message_key, "sender": str(frame.sender)}
        row["findings"] += [finding.as_dict() for finding in findings]
        if verdict_of(findings) is Verdict.INVALID:
            row["verdict"] = str(Verdict.INVALID)
    known = [*context.intermediates, *context.trust]
    told = diagnose(data, known) if diagnosis and report.verdict is not Verdict.VALID else ()
    row["diagnosis"] = [one.as_dict() for one in told]
    opinions = opinions_of(data, report, context, names) if names else ()
    row["opinions"] = [one.as_dict() for one in opinions]
    lines = [f"  cause: {one.text()}" for one in told] + [f"  {one.text()}" for one in opinions]
    return row, report, "\n".join([_text(row), *lines])


def _beginning(file: str) -> bytes:
    """The bytes of a file, or as many as show that it is too long; that is for the verifier to say."""
    if file != "-" and Path(file).is_file() and Path(file).stat().st_size > LONGEST:
        with open(file, "rb") as stream:
            return stream.read(LONGEST + 1)
    return sys.stdin.buffer.read(LONGEST + 1) if file == "-" else read_input(file)


def _write_content(out: str, report: DocumentReport) -> None:
    if report.body_octets is None:
        raise Refused("No signature is intact, so there is no verified content.", rule="doc.digest.body")
    write_output(out, report.body_octets)


def _counted(rows: Sequence[dict[str, Any]]) -> str:
    """The last line about several documents: how many there are, and how many of each verdict."""
    from sotepki.evidence import Verdict

    counts = ", ".join(f"{sum(row['verdict'] == verdict for row in rows)} {verdict}" for verdict in Verdict)
    return f"{len(rows)} {'document' if len(rows) == 1 else 'documents'}: {counts}."


def _state(signature: dict[str, Any]) -> str:
    """Whether the signature is intact; what could not be examined to its end is not said to be broken."""
    if signature["intact"]:
        return "intact"
    return "not shown to be intact" if signature["verdict"] == "indeterminate" else "not intact"


def _text(row: dict[str, Any]) -> str:
    lines = [check_text(row)]
    for signature in row["signatures"]:
        who = one_line(f"{signature['kind'] or 'unknown kind'} {signature['signer'] or 'unknown signer'}")
        state = _state(signature)
        lines.append(f"  signature: {who}, {signature['time'] or 'no time'}, {state}")
        lines += [f"    covers {path}" for path in signature["covered"]]
        if signature["revocation"]["at_signing"]:
            states = signature["revocation"]
            lines.append(f"    certificate: {states['at_signing']} when it signed, {states['now']} now")
    return "\n".join(lines)
