"""What the commands of Vartti's desk share: proof of identity, who acts, and how an order is printed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sotepki.cli.context import emit
from sotepki.cli.day import DAY

if TYPE_CHECKING:
    from sotepki.dvv import CardOrder
    from sotepki.identifiers import Hetu

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

REGISTRAR = click.option("--registrar", required=True, help="The registrar's personal identity code.")


def identity_options(function: Callable[..., R]) -> Callable[..., R]:
    """The options with which a registrar says what identity document was seen; the command gets a ``proof``."""

    @functools.wraps(function)
    def with_proof(
        *arguments: Any,
        identity: str,
        identity_country: str,
        identity_valid_to: date | None,
        identity_hetu: str | None,
        **named: Any,
    ) -> R:
        from sotepki.dvv import IdentityProof
        from sotepki.identifiers import Hetu

        holder = Hetu.parse(identity_hetu) if identity_hetu else None
        proof = IdentityProof(identity, identity_valid_to, identity_country, holder)
        return function(*arguments, proof=proof, **named)

    for option in reversed(
        [
            click.option(
                "--identity",
                required=True,
                help="Identity document: passport, identity-card, police-identification.",
            ),
            click.option("--identity-country", default="FI", show_default=True, help="Who issued it (ISO 3166)."),
            click.option("--identity-valid-to", type=DAY, help="Its last day, YYYY-MM-DD."),
            click.option("--identity-hetu", help="The personal identity code on it, if it shows one."),
        ]
    ):
        with_proof = option(with_proof)
    return with_proof


def read_actor(_context: click.Context, _option: click.Parameter, text: str) -> Hetu | str:
    """The callback of an ``--actor`` who is a person, named by identity code, or ``dvv``."""
    from sotepki.dvv import DVV
    from sotepki.identifiers import Hetu

    return DVV if text == DVV else Hetu.parse(text)


def holder_registrar_or_dvv(function: F) -> F:
    """The option of who reports or closes a card."""
    words = "Holder or registrar (identity code), or dvv."
    return click.option("--actor", default="dvv", show_default=True, callback=read_actor, help=words)(function)


def emit_order(found: CardOrder) -> None:
    """Print an order and its card."""
    emit(found.as_dict(), "\n".join(order_lines(found)))


def order_line(found: CardOrder) -> str:
    """An order in one line of a list."""
    what = found.right_code or found.kind
    return f"{found.id}  {found.state:<14} {found.holder_number}  {what:<9} {found.card_number}".rstrip()


def order_lines(found: CardOrder) -> list[str]:
    """An order and its card, line by line."""
    if found.employment is None:
        what = f"right {found.right_code}"
    else:
        what = f"{found.kind} card, {found.employment.job_title}, {found.employer}"
    lines = [f"{found.id}: {found.state}, {found.holder_number}, {what}, point {found.point}"]
    if found.renews:
        lines.append(f"Renews the card of {found.renews}; it comes by post")
    if found.price != "free":
        lines.append(f"Price: {found.price}")
    if found.card_number:
        end = f", valid to {found.not_after:%Y-%m-%d}" if found.not_after else ""
        lines.append(f"Card {found.card_number}{end}")
    if found.letter_due:
        lines.append(f"The code letter is sent on {found.letter_due}")
    if found.closing_reason:
        lines.append(f"Closed: {found.closing_reason}")
    if found.rejected_by:
        lines.append(f"Rejected by [{found.rejected_by}]")
    return lines + [f"Warning: {one.message} [{one.rule}] {one.advice}" for one in found.warnings]
