"""``sotepki csr``: what DVV would send back, told before the application is sent."""

from __future__ import annotations

import click

from sotepki.cli.checks import FAILED, check_text
from sotepki.cli.context import emit, read_input, workspace_directory
from sotepki.cli.printing import one_line
from sotepki.errors import SotepkiError


@click.group("csr")
def command() -> None:
    """Check a certificate request before DVV does."""


@command.command("check")
@click.argument("file")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["server", "system-signature", "kela-signature", "e-mail"]),
    required=True,
    help="What the certificate is for: TLS, signing documents by a system (or by Kela), or e-mail.",
)
def check(file: str, kind: str) -> int:
    """Check the certificate request in FILE (PEM or DER, '-' reads standard input).

    If there is a workspace, the key is held against those of the certificates issued in it.
    Exit code 1 if DVV would send it back.
    """
    from sotepki.x509.csr import CsrKind, check_csr

    data = read_input(file)
    seen, compared = _keys_of_the_workspace()
    report = check_csr(data, CsrKind(kind), seen_keys=seen)
    answer = {"file": file, "type": kind, "reuse": compared} | report.as_dict()

    def text() -> str:
        wanted = one_line(", ".join(f"{name} {value}" for name, value in report.subject.items()))
        lines = [check_text(answer)]
        if report.csr is not None:
            lines.append(f"  asks for: {wanted or 'no name'}; {report.key or 'no readable key'}")
        if report.dns_names:
            lines.append(f"  domain names: {one_line(', '.join(report.dns_names))}")
        if report.other_names:
            lines.append(
                f"  names of other kinds, which no certificate carries: {one_line(', '.join(report.other_names))}"
            )
        lines.append(f"  key used before: {compared}")
        return "\n".join(lines)

    emit(answer, text)
    return FAILED if report.verdict == "invalid" else 0


def _keys_of_the_workspace() -> tuple[set[bytes], str]:
    """Digests of the keys that have a certificate in the workspace, and in words whether they could be had."""
    # The workspace's own module takes long to import; the name of its settings file is all that is needed of it here.
    if not (workspace_directory() / "workspace.json").exists():
        return set(), "not looked for: no workspace"
    from sotepki.workspace import Workspace

    try:
        with Workspace.open(workspace_directory()) as workspace:
            keys = workspace.seen_keys()
    except SotepkiError as error:
        return set(), f"not looked for: {error.sentence}"
    return keys, f"compared with {len(keys)} keys of the workspace"
