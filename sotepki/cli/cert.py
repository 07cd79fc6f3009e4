"""``sotepki cert``: the national profiles, and certificates shown, linted and verified against them."""

from __future__ import annotations

import click

from sotepki.cli.cert_bulk import bulk
from sotepki.cli.cert_lint import lint
from sotepki.cli.cert_ocsp import ocsp_faults
from sotepki.cli.cert_vectors import defects, vectors
from sotepki.cli.cert_verify import verify
from sotepki.cli.context import emit, read_input
from sotepki.cli.printing import one_line
from sotepki.errors import Refused


@click.group("cert")
def command() -> None:
    """Certificates: profiles, show, lint, verify."""


@command.command("profiles")
@click.argument("profile_id", metavar="[PROFILE]", required=False)
def profiles(profile_id: str | None) -> None:
    """List the certificate profiles, or print the rows of one with their sources and grades."""
    from sotepki.x509.profiles import find_profile, load_profiles

    chosen = [find_profile(profile_id)] if profile_id is not None else list(load_profiles().values())

    def text() -> str:
        if profile_id is None:
            return "\n".join(f"{profile.id:<44} {profile.title}" for profile in chosen)
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
    from sotepki.x509.reading import certificate_blocks, load_certificate

    shown = []
    for block in certificate_blocks(read_input(file), name=file):
        try:
            shown.append(describe_certificate(block))
        except DerError as error:
            load_certificate(block, name=file)  # says what the bytes are, if they are something else
            sentence = f"{file} is not in the encoding DER: {error}."
            raise Refused(sentence, rule="cert.encoding", subject=file) from None

    def one(description: Description) -> str:
        name = f" ({description.profile_id})" if description.profile_id else ""
        lines = [f"{description.title}{name}"]
        lines += [f"  taken for it by: {', '.join(description.why)}"] if description.why else []
        for field in description.fields:
            value = one_line(field.value)
            lines.append(f"{field.field}: {value}" + (f" [{field.encoding}]" if field.encoding else ""))
            lines += [f"    {field.meaning}"] if field.meaning else []
            lines += [f"    Profile: {field.rule}"] if field.rule else []
        return "\n".join(lines)

    rows = [
        {"profile": d.profile_id, "title": d.title, "why": list(d.why), "fields": [f.as_dict() for f in d.fields]}
        for d in shown
    ]
    emit({"file": file, "certificates": rows}, lambda: "\n\n".join(map(one, shown)))


command.add_command(bulk)
command.add_command(lint)
command.add_command(verify)
command.add_command(defects)
command.add_command(vectors)
command.add_command(ocsp_faults)
