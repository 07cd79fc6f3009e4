"""``sotepki cert``: the national profiles, and certificates shown, linted and verified against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from sotepki.cli.cert_verify import verify
from sotepki.cli.checks import FAILED, check_text, findings_text, worst_verdict
from sotepki.cli.context import emit, read_input
from sotepki.errors import Refused


@click.group("cert")
def command() -> None:
    """Certificates: profiles, show, lint, verify."""


@command.command("profiles")
@click.argument("profile_id", metavar="[PROFILE]", required=False)
def profiles(profile_id: str | None) -> None:
    """List the certificate profiles, or print the rows of one with their sources and grades."""
    from sotepki.x509.profiles import find_profile, load_profiles

    chosen = [find_profile(profile_id)] if profile_id else list(load_profiles().values())

    def text() -> str:
        if profile_id is None:
            return "\n".join(f"{profile.id:<34} {profile.title}" for profile in chosen)
        (profile,) = chosen
        lines = [f"{profile.title} ({profile.section})"]
        for row in profile.rows:
            critical = {True: ", critical", False: ", not critical", None: ""}[row.critical]
            lines += [f"\n{row.id} ({row.presence}{critical})", f"  {row.rule}"]
            lines.append(f"  {row.grade}, {row.basis}: {row.source}")
        return "\n".join(lines)

    emit([profile.as_dict() for profile in chosen], text)


@command.command("show")
@click.argument("file")
def show(file: str) -> None:
    """Explain the certificates in FILE field by field ('-' reads standard input)."""
    from sotepki.x509.der import DerError
    from sotepki.x509.describing import Description, describe_certificate
    from sotepki.x509.reading import read_certificates

    try:
        shown = [describe_certificate(certificate) for certificate in read_certificates(read_input(file), name=file)]
    except DerError as error:
        raise Refused(f"{file} is not in the encoding DER: {error}.", rule="cert.encoding", subject=file) from None

    def one(description: Description) -> str:
        name = f" ({description.profile_id})" if description.profile_id else ""
        lines = [f"{description.title}{name}"]
        lines += [f"  taken for it by: {', '.join(description.why)}"] if description.why else []
        for field in description.fields:
            lines.append(f"{field.field}: {field.value}" + (f" [{field.encoding}]" if field.encoding else ""))
            lines += [f"    {field.rule}"] if field.rule else []
        return "\n".join(lines)

    rows = [
        {"profile": d.profile_id, "title": d.title, "why": list(d.why), "fields": [f.as_dict() for f in d.fields]}
        for d in shown
    ]
    emit({"file": file, "certificates": rows}, lambda: "\n\n".join(map(one, shown)))


@command.command("lint")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--own", is_flag=True, help="Judge with full severity, as sotepki's own output.")
def lint(files: Sequence[str], own: bool) -> int:
    """Compare the certificates in FILE... with their profiles (PEM, DER, PKCS#7; '-' reads standard input).

    Exit code 1 if a rule is broken that the evidence allows to fail.
    JSON: one object for one FILE, a list for several.
    """
    answers = [_lint_file(file, own) for file in files]
    emit(answers[0] if len(answers) == 1 else answers, lambda: "\n".join(map(_lint_text, answers)))
    return FAILED if any(answer["verdict"] == "invalid" for answer in answers) else 0


def _lint_file(file: str, own: bool) -> dict[str, Any]:
    from sotepki.evidence import Verdict
    from sotepki.x509.lint import lint_certificate
    from sotepki.x509.reading import certificate_blocks
    from sotepki.x509.rulebook import rulebook

    try:
        reports = [lint_certificate(block, own=own) for block in certificate_blocks(read_input(file), name=file)]
    except Refused as refused:
        finding = rulebook().finding(refused.rule, refused.sentence, advice=refused.advice)
        return {"file": file, "verdict": str(Verdict.INVALID), "findings": [finding.as_dict()], "certificates": []}
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
            lines.append(f"{name}: {report['verdict']}, taken for {report['profile']} by {', '.join(report['why'])}")
        else:
            lines.append(f"{name}: {report['verdict']}, of no profile")
        lines += findings_text(report["findings"])
        for near in report["nearest"]:
            lines.append(f"  near {near['profile']}: " + "; ".join(near["differences"][:6]))
    return "\n".join(lines) if lines else check_text(answer)


command.add_command(verify)
