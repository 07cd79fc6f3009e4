"""``sotepki cert lint``: which profile a certificate is taken for, and every rule it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.checks import FAILED, check_text, findings_text, worst_verdict
from sotepki.cli.context import emit, read_input
from sotepki.cli.lazy import offers_formats
from sotepki.errors import Refused

if TYPE_CHECKING:
    from sotepki.x509.lint import SerialWatch


@click.command("lint")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--own", is_flag=True, help="Judge with full severity, as sotepki's own output.")
@click.option(
    "--pkilint/--no-pkilint",
    "second",
    default=True,
    show_default=True,
    help="Merge the findings of pkilint (RFC 5280, ETSI EN 319 412).",
)
@offers_formats("html")
def lint(files: Sequence[str], own: bool, second: bool) -> int:
    """Compare the certificates in FILE... with their profiles (PEM, DER, PKCS#7; '-' reads standard input).

    Exit code 1 if a rule is broken that the evidence allows to fail.
    JSON: one object for one FILE, a list for several. HTML: one page that opens offline.
    """
    from sotepki.x509.lint import SerialWatch

    watch = SerialWatch()
    answers = [_lint_file(file, own, second, watch) for file in files]

    def page() -> str:
        from sotepki.x509.lint_page import lint_page

        return lint_page(answers)

    emit(answers[0] if len(answers) == 1 else answers, lambda: "\n".join(map(_lint_text, answers)), html=page)
    return FAILED if any(answer["verdict"] == "invalid" for answer in answers) else 0


def _lint_file(file: str, own: bool, second: bool, watch: SerialWatch) -> dict[str, Any]:
    from sotepki.evidence import Verdict
    from sotepki.x509.lint import lint_certificate
    from sotepki.x509.reading import certificate_blocks
    from sotepki.x509.rulebook import rulebook

    try:
        blocks = certificate_blocks(read_input(file), name=file)
    except Refused as refused:
        finding = rulebook().finding(refused.rule, refused.sentence, advice=refused.advice)
        return {"file": file, "verdict": str(Verdict.INVALID), "findings": [finding.as_dict()], "certificates": []}
    reports = [watch.look(block, lint_certificate(block, own=own)) for block in blocks]
    if second:
        from sotepki.x509.second_opinion import with_second_opinion

        reports = [with_second_opinion(*one) for one in zip(blocks, reports, strict=True)]
    return {
        "file": file,
        "verdict": worst_verdict(str(report.verdict) for report in reports),
        "profile": reports[0].profile_id,
        "findings": [finding.as_dict() for report in reports for finding in report.findings],
        "certificates": [report.as_dict() for report in reports],
    }


def _lint_text(answer: dict[str, Any]) -> str:
    lines = []
    for number, report in enumerate(answer["certificates"], 1):
        name = answer["file"] + (f" ({number})" if len(answer["certificates"]) > 1 else "")
        if report["profile"]:
            also = f" (or {', '.join(report['also'])})" if report["also"] else ""
            by = ", ".join(report["why"])
            lines.append(f"{name}: {report['verdict']}, taken for {report['profile']}{also} by {by}")
        else:
            lines.append(f"{name}: {report['verdict']}, of no profile")
        lines += findings_text(report["findings"])
        for near in report["nearest"]:
            lines.append(f"  near {near['profile']}: " + "; ".join(near["differences"][:6]))
    return "\n".join(lines) if lines else check_text(answer)
