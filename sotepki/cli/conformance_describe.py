"""``sotepki conformance init``, ``doctor`` and ``new``: before the suite is run."""

from __future__ import annotations

from pathlib import Path

import click

from sotepki.cli.context import emit
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse


@click.command("init")
@click.argument("path", type=click.Path(path_type=Path), default="system.toml")
@click.option("--name", default="My system", show_default=True, help="Name of the system, as reports show it.")
@click.option(
    "--with", "parts", multiple=True, help="A part to attach, as in --with sign; may be given several times."
)
@writes("path")
def init(path: Path, name: str, parts: tuple[str, ...]) -> None:
    """Write the TOML file that describes your system; parts that are not chosen stand in it as comments."""
    from conformance.sut.writing import description

    write_output(path, description(name, parts).encode())
    emit({"file": str(path)}, f"{path} is written. Fill it in, then: sotepki conformance doctor --sut {path}")


@click.command("doctor")
@click.option("--sut", "path", type=click.Path(path_type=Path), required=True, help="TOML file of the system.")
def doctor(path: Path) -> int:
    """Look at each part of the description: is it there, can it be read, does it answer? Exit code 2 if not."""
    from conformance.doctor import State, examine_description
    from sotepki.clock import SystemClock

    found = examine_description(path, SystemClock())
    lines = [f"{s.state:<6}{s.part:<22}{s.sentence}{f'  {s.advice}' if s.advice else ''}" for s in found]
    rows = [{"part": s.part, "state": str(s.state), "sentence": s.sentence, "advice": s.advice} for s in found]
    emit(rows, "\n".join(lines))
    return 2 if any(s.state is State.WRONG for s in found) else 0


@click.command("new")
@click.argument("case_id", metavar="CASE")
@click.option("--cases", "directory", type=click.Path(path_type=Path), required=True, help="Your folder of cases.")
@click.option("--title", default="What a right system does", help="One line.")
@click.option("--area", default="verification", show_default=True, help="As 'sotepki conformance list' shows them.")
@click.option("--phase", default="phase-1", show_default=True, help="pre-test, phase-1, phase-2 or phase-3.")
def new(case_id: str, directory: Path, title: str, area: str, phase: str) -> None:
    """Begin a private case: the case, its requirement, its broken system and its test."""
    from conformance.declaring import Area
    from conformance.requirements import Phase
    from conformance.scaffolding import NewCase, scaffold

    if area not in tuple(Area):
        raise Misuse(f"There is no area {area!r}.", advice=f"There is {', '.join(Area)}.")
    if phase not in tuple(Phase):
        raise Misuse(f"There is no phase {phase!r}.", advice=f"There is {', '.join(Phase)}.")
    written = scaffold(NewCase(case_id, title, Area(area), Phase(phase)), directory)
    advice = f"Prove it: sotepki conformance prove --cases {directory}"
    emit({"files": [str(path) for path in written]}, "\n".join([*(str(path) for path in written), advice]))


COMMANDS = (init, doctor, new)
