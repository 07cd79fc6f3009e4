"""``sotepki cert ocsp-faults``: let the OCSP responders of a workspace fail on purpose, also while they run."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.workspace import Workspace

_ALL = "all"


def _knobs() -> list[click.Parameter]:
    """An option for every knob of ``OcspFaults``, named as the field with hyphens."""
    from sotepki.x509.ocsp_faults import OcspFaults, knob_texts

    texts = knob_texts()
    return [_option(knob, texts[knob.name]) for knob in dataclasses.fields(OcspFaults)]


def _option(knob: dataclasses.Field[Any], text: str) -> click.Option:
    names = [f"--{knob.name.replace('_', '-')}", knob.name]
    if isinstance(knob.default, bool):
        return click.Option(names, is_flag=True, default=None, help=text)
    return click.Option(names, type=_type(knob), default=None, help=text)


def _type(knob: dataclasses.Field[Any]) -> click.ParamType[Any] | type:
    """What the option of a knob takes; times are seconds."""
    from sotepki.x509.status import CertificateState

    if knob.name == "certificate_status":
        return click.Choice([str(state) for state in CertificateState])
    match knob.default:
        case StrEnum() as word:
            return click.Choice([str(value) for value in type(word)])
        case timedelta() | float():
            return float
        case int():
            return int
        case _:
            return str


class _FaultCommand(click.Command):
    """A command whose options are made when they are needed, since they import what they set."""

    _made = False

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if not self._made:
            self._made = True
            self.params = [*self.params, *_knobs()]
        return super().get_params(ctx)


@click.command("ocsp-faults", cls=_FaultCommand)
@click.argument("publication_id", metavar="[ID]", default=_ALL)
@click.option("--clear", is_flag=True, help="Let every responder be honest again.")
@pass_workspace
def ocsp_faults(workspace: Workspace, /, publication_id: str, clear: bool, **knobs: Any) -> None:
    """Show or set the faults of the OCSP responder ID (dvvtshp2rc, ...; without ID: of all).

    Without options nothing is changed. The options together replace the faults that ID had; a running
    'sotepki serve' shows them with its next answer. Times are seconds, negative ones go back.
    """
    from sotepki.dvv.publication.ocsp_fault_board import ALL
    from sotepki.services import fault_board
    from sotepki.x509.ocsp_faults import OcspFaults

    board = fault_board(workspace)
    turned = {name: value for name, value in knobs.items() if value is not None}
    if clear and turned:
        raise Misuse("Give --clear or faults, not both.")
    known = [plan.publication_id for plan in workspace.authorities.plan.authorities.values()]
    if publication_id not in (*known, _ALL):
        raise Misuse(f"There is no OCSP responder {publication_id!r}.", advice=f"There are {', '.join(known)}.")
    if clear:
        board.clear()
    elif turned:
        board.set(ALL if publication_id == _ALL else publication_id, OcspFaults.from_dict(turned))
    rows = {(_ALL if name == ALL else name): faults.as_dict() for name, faults in board.all().items()}
    lines = [f"{name}: " + ", ".join(f"{knob} {value}" for knob, value in row.items()) for name, row in rows.items()]
    emit(rows, "\n".join(lines) or "Every OCSP responder is honest.")
