"""``sotepki document batch``: sign or verify archives of documents, resumable."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sotepki.cli.checks import FAILED
from sotepki.cli.context import emit, output_format, progress_wanted, read_input, workspace_directory
from sotepki.cli.document_sign import clock_offset, private_key
from sotepki.cli.document_trust import material
from sotepki.cli.printing import one_line
from sotepki.cli.writing import overwriting, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.documents import VerificationContext
    from sotepki.documents.bulk import FileKey, Job, Progress, Summary, TokenKey

Function = TypeVar("Function", bound=Callable[..., Any])


@click.group("batch")
def batch() -> None:
    """Sign or verify whole archives: a directory, a zip, a tar, or a text file with one path on each line.

    What is done is in a journal; after a kill the same command goes on where the journal ends.
    """


def _running(function: Function) -> Function:
    """Options that both commands have."""
    options = [
        click.option("--journal", metavar="FILE", help="Where results are kept; beside SOURCE by default."),
        click.option("--processes", type=click.IntRange(1, 64), help="Local processes; one for each CPU by default."),
        click.option("--scheduler", metavar="ADDRESS", help="Work with the Dask cluster of this scheduler instead."),
        click.option("--table", metavar="FILE", help="Write the results as a table, .csv or .parquet."),
        click.option("--pattern", default="*.xml", show_default=True, help="Names that count in SOURCE."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@batch.command("sign")
@click.argument("source")
@click.option("--system", metavar="KEYFILE", help="The system's private key (PEM or DER, not encrypted).")
@click.option("--token", metavar="DIR", help="Instead: the directory of a SoftHSM token with the key.")
@click.option("--token-label", default="", help="With --token: the token's label.")
@click.option("--key-label", default="", help="With --token: the key's label.")
@click.option("--pin-file", default="", metavar="FILE", help="With --token: the file with the token's PIN.")
@click.option("--certificate", required=True, metavar="FILE", help="The system signature certificate (DER or PEM).")
@click.option("--kanta", is_flag=True, help="Kanta's own signature (code 4) by Kela's key.")
@click.option("--into", default="", metavar="DIR", help="Write into a tree; without it beside each input.")
@_running
@writes("table")
def sign(
    source: str,
    system: str | None,
    token: str | None,
    token_label: str,
    key_label: str,
    pin_file: str,
    certificate: str,
    kanta: bool,
    into: str,
    **running: Any,
) -> int:
    """Sign every document of SOURCE by a system's key."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from sotepki.documents.bulk import Placing, SigningJob, clear_parts
    from sotepki.documents.bulk.sources import is_archive
    from sotepki.x509.reading import read_certificates

    _may_tabulate(running["table"], source, _journal(source, "sign", running["journal"]))
    if is_archive(source) and not into:
        raise Misuse("Nothing is written into an archive.", advice="Name a tree with --into.")
    _may_begin(Path(source), into, _journal(source, "sign", running["journal"]))
    signer = read_certificates(read_input(certificate), name=certificate)[0]
    job = SigningJob(
        key=_key(system, token, token_label, key_label, pin_file),
        certificate=signer.public_bytes(Encoding.DER),
        placing=Placing(str(Path(into).absolute()) if into else ""),
        kanta=kanta,
        offset=clock_offset(),
    )
    clear_parts(Path(into or source))
    return _run(job, source, "sign", **running)


def _may_begin(source: Path, into: str, journal: Path) -> None:
    """Refuse a run that begins, with a new journal, where signed documents would be written over.

    Raises:
        Misuse: there are files, and ``--overwrite`` was not given; or the tree is a part of the source.
    """
    from sotepki.documents.bulk.sources import DONE_SUFFIX

    if into and Path(into).resolve() != source.resolve() and Path(into).resolve().is_relative_to(source.resolve()):
        raise Misuse(
            f"The tree {into} is below {source}, so a second run would sign again what the first one wrote.",
            advice="Name a tree outside the source with --into.",
            subject=into,
        )
    place, pattern = (Path(into), "*") if into else (source, f"**/*{DONE_SUFFIX}")
    taken = next(place.glob(pattern), None) if place.is_dir() else None
    if taken is not None and not journal.exists() and not overwriting():
        raise Misuse(
            f"{taken} is there already, and there is no journal of a run that wrote it.",
            advice="Name an empty tree with --into or the run's journal with --journal, or give --overwrite.",
            subject=str(taken),
        )


def _may_tabulate(table: str | None, source: str, journal: Path) -> None:
    """Refuse a table that cannot be written, or that would take the place of what the run reads.

    Raises:
        Misuse: it has another ending, needs what is not installed, or is the source or the journal.
    """
    from sotepki.documents.bulk import table_writer

    if not table:
        return
    table_writer(Path(table))
    for own, what in ((Path(source), "source"), (journal, "journal")):
        if Path(table).absolute() == own.absolute() or (
            Path(table).exists() and own.exists() and Path(table).samefile(own)
        ):
            raise Misuse(
                f"{table} is the {what} of this run.", advice="Name another file with --table.", subject=table
            )


@batch.command("verify")
@click.argument("source")
@click.option("--trust", multiple=True, metavar="FILE", help="Trusted roots; without it the workspace's.")
@click.option("--intermediates", multiple=True, metavar="FILE", help="Issuing CAs.")
@click.option("--crl", "crls", multiple=True, metavar="FILE", help="Revocation lists.")
@click.option("--ocsp", "responses", multiple=True, metavar="FILE", help="OCSP responses (DER).")
@click.option("--at", metavar="TIME", help="The moment of verification, as 2026-03-01T12:00:00Z; without it now.")
@click.option("--no-revocation", is_flag=True, help="Do not look at revocation at all.")
@_running
@writes("table")
def verify(
    source: str,
    trust: tuple[str, ...],
    intermediates: tuple[str, ...],
    crls: tuple[str, ...],
    responses: tuple[str, ...],
    at: str | None,
    no_revocation: bool,
    **running: Any,
) -> int:
    """Verify every document of SOURCE; trust is named as in 'document verify'."""
    from sotepki.documents.bulk import Opening, VerifyingJob

    _may_tabulate(running["table"], source, _journal(source, "verify", running["journal"]))
    arguments = (tuple(map(_absolute, files)) for files in (trust, intermediates, crls, responses))
    workspace = str(workspace_directory().absolute())
    opened = Opening(worker_context, (workspace, tuple(arguments), at, not no_revocation))
    with opened():
        pass  # what cannot be read is said here, before any worker starts
    described = (
        ("trust", " ".join(trust) or workspace),
        ("intermediates", " ".join(intermediates)),
        ("revocation lists", " ".join(crls)),
        ("OCSP responses", " ".join(responses)),
        ("at", at or "now"),
        ("revocation", str(not no_revocation)),
    )
    return _run(VerifyingJob(opened, described), source, "verify", **running)


@contextmanager
def worker_context(
    workspace: str, files: tuple[tuple[str, ...], ...], at: str | None, revocation: bool
) -> Iterator[VerificationContext]:
    """What a worker verifies against, opened in its own process."""
    trust, intermediates, crls, responses = files
    with ExitStack() as held:
        # Click's context says where the workspace is; it must not stay the current one of a command that goes on.
        with click.Context(click.Command("batch")) as ctx:
            ctx.meta["sotepki.workspace"] = workspace
            opened = material(trust, intermediates, crls, responses, at, revocation=revocation)
            context = held.enter_context(opened)
        yield context


def _absolute(file: str) -> str:
    return str(Path(file).absolute())


def _key(
    system: str | None, token: str | None, token_label: str, key_label: str, pin_file: str
) -> FileKey | TokenKey:
    from sotepki.documents.bulk import FileKey, TokenKey

    if bool(system) == bool(token):
        raise Misuse("Give either --system KEYFILE, or --token with --token-label, --key-label and --pin-file.")
    if system:
        private_key(system)
        return FileKey(_absolute(system))
    if not (token_label and key_label and pin_file):
        raise Misuse("A key in a token needs --token-label, --key-label and --pin-file.")
    return TokenKey(_absolute(token or ""), token_label, key_label, _absolute(pin_file))


def _run(
    job: Job,
    source: str,
    work: str,
    *,
    journal: str | None,
    processes: int | None,
    scheduler: str | None,
    table: str | None,
    pattern: str,
) -> int:
    import os

    from sotepki.documents.bulk import BulkJournal, open_source, run_bulk, write_table

    items = open_source(source, pattern)
    path = _journal(source, work, journal)
    with BulkJournal(path, job.describe()) as kept:
        summary = run_bulk(
            job,
            items,
            kept,
            processes=processes or os.cpu_count() or 1,
            scheduler=scheduler or "",
            tell=_teller(),
        )
        rows = write_table(kept, Path(table)) if table else 0
        counts = kept.counts()
    data = {
        "source": source,
        "journal": str(path),
        "worked": summary.worked,
        "failed": summary.failed,
        "not_valid": summary.invalid,
        "skipped": summary.skipped,
        "counts": counts,
        "first": [
            {"name": row.name, "verdict": row.verdict, "rules": row.rules, "message": row.message}
            for row in summary.first
        ],
        "table": table or "",
        "rows": rows,
    }
    emit(data, lambda: _text(summary, path, counts))
    return 0 if not set(counts) - {"done", "valid"} else FAILED


def _journal(source: str, work: str, named: str | None) -> Path:
    return Path(named or f"{Path(source).absolute()}.{work}.sqlite")


def _teller() -> Callable[[Progress], None]:
    """A line that counts on a terminal; nothing elsewhere. How many documents there are is not known beforehand."""
    if not progress_wanted() or output_format() == "json":
        return lambda _progress: None

    def tell(progress: Progress) -> None:
        bad = progress.failed + progress.invalid
        click.echo(f"\r{progress.worked} done, {bad} not good, {progress.skipped} before", nl=False, file=sys.stderr)

    return tell


def _text(summary: Summary, journal: Path, counts: dict[str, int]) -> str:
    lines = [f"{summary.worked} documents worked on, {summary.skipped} were done before."]
    kept = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    lines.append(f"  in the journal: {kept or 'nothing'}")
    for row in summary.first:
        rules = f" [{row.rules}]" if row.rules else ""
        lines.append(one_line(f"  {row.name}: {row.verdict or 'failed'}: {row.message}{rules}"))
    lines.append(f"  journal: {journal}")
    return "\n".join(lines)
