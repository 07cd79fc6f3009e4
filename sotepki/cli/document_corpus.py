"""``sotepki document corpus`` and ``score``: documents for trying any verifier, and how right it is on them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sotepki.cli.checks import FAILED
from sotepki.cli.context import emit, read_input
from sotepki.cli.writing import overwriting, there_already, writes
from sotepki.errors import Misuse


@click.command("corpus")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@writes()
def corpus(out: Path) -> None:
    """Write the mutation corpus to the directory OUT: documents, certificates to trust, and index.json.

    Keys and certificates are made anew each time. docs/signature-corpus.md says how a verifier is run on it.
    """
    from sotepki.documents.corpus import INDEX, write_corpus

    if out.is_dir() and any(out.iterdir()) and not overwriting():
        raise there_already(f"The directory {out}", out)
    index = write_corpus(out)
    count = len(index["documents"])
    emit({"directory": str(out), "index": str(out / INDEX), "documents": count}, f"{count} documents are in {out}.")


@click.command("score", context_settings={"ignore_unknown_options": True})
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--seconds", type=float, default=30.0, show_default=True, help="Longest time for one document.")
def score(directory: Path, program: Sequence[str], seconds: float) -> int:
    """Run PROGRAM on every document of the corpus in DIRECTORY and compare its verdicts with the index.

    PROGRAM gets one document on standard input and writes {"verdict": "valid"} (or invalid, indeterminate) to
    standard output; without output its exit code counts. Write -- before PROGRAM if it has options.
    """
    from sotepki.documents.corpus import INDEX, run_verifier
    from sotepki.documents.corpus import score as scored

    if shutil.which(program[0]) is None:
        raise Misuse(f"There is no program {program[0]} that could be run.", advice="Check its path and its rights.")
    try:
        index: dict[str, Any] = json.loads(read_input(directory / INDEX))
        result = scored(index, directory, run_verifier(list(program), seconds))
    except (ValueError, KeyError, TypeError) as error:
        raise Misuse(f"{directory / INDEX} is not the index of a corpus: {error}.") from None
    lines = [f"{len(result.answers) - len(result.wrong)} of {len(result.answers)} right."]
    for answer in sorted(result.wrong, key=lambda one: _ORDER.index(one.importance)):
        said = answer.problem or f"it says {answer.verdict}"
        lines.append(f"  {answer.importance}: {answer.id} ({answer.change}): {answer.expected} expected, {said}")
    emit(result.as_dict(), "\n".join(lines))
    return FAILED if result.wrong else 0


_ORDER = ("critical", "high", "medium", "low")
