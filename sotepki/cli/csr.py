"""``sotepki csr``: what DVV would send back, told before the application is sent."""

from __future__ import annotations

import click

from sotepki.cli.checks import FAILED, check_text
from sotepki.cli.context import emit, read_input


@click.group("csr")
def command() -> None:
    """Check a certificate request before DVV does."""


@command.command("check")
@click.argument("file")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["server", "system-signature"]),
    required=True,
    help="What the certificate is for: TLS, or signing documents by a system.",
)
def check(file: str, kind: str) -> int:
    """Check the certificate request in FILE (PEM or DER, '-' reads standard input).

    Exit code 1 if DVV would send it back.
    """
    from sotepki.x509.csr import CsrKind, check_csr

    report = check_csr(read_input(file), CsrKind(kind))
    answer = {"file": file, "type": kind} | report.as_dict()

    def text() -> str:
        wanted = ", ".join(f"{name} {value}" for name, value in report.subject.items())
        lines = [check_text(answer)]
        if report.csr is not None:
            lines.append(f"  asks for: {wanted or 'no name'}; {report.key or 'no readable key'}")
        if report.dns_names:
            lines.append(f"  domain names: {', '.join(report.dns_names)}")
        return "\n".join(lines)

    emit(answer, text)
    return FAILED if report.verdict == "invalid" else 0
