"""The options of ``card insert`` and ``card faults`` that say what is wrong with a card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.card.door import Faults

_USE = click.Choice(["authentication", "signature"])
_FLAGS = {
    "pulled-in-signature": "The card is pulled in the middle of its next signature.",
    "mismatched": "Each certificate stands in the other's file.",
    "missing-signature-certificate": "There is no signature certificate.",
    "missing-sv-number": "The certificates lack the prescriber's identifier (SV number).",
    "missing-ca-files": "There are no CA files.",
    "unreadable-ca-files": "The CA files cannot be read.",
    "corrupted-token-info": "EF.TokenInfo is damaged.",
}


def fault_options(function: Any) -> Any:
    """Decorator: the options; their values come as keyword arguments for ``faults_of``."""
    options = [
        click.option("--tries", multiple=True, metavar="PIN=N", help="Lower the tries left: pin1=2. 0 locks."),
        click.option("--locked", multiple=True, type=click.Choice(["pin1", "pin2", "puk"]), help="Lock a PIN."),
        click.option("--latency", type=float, default=0.0, metavar="MS", help="Milliseconds more for each command."),
        click.option("--pulled-after", type=int, metavar="N", help="The card is pulled after N commands."),
        click.option("--expired", multiple=True, type=_USE, help="This certificate has expired."),
        click.option("--wrong-key", multiple=True, type=_USE, help="This certificate is of another key."),
        click.option("--quirks", type=click.Choice(["on", "off"]), help="The odd answers of real cards."),
        *(click.option(f"--{name}", is_flag=True, help=text) for name, text in _FLAGS.items()),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def faults_of(values: Mapping[str, Any]) -> Faults:
    """The faults that the options name.

    Raises:
        Misuse: rule ``card.faults.form``.
    """
    from sotepki.card import Credential, KeyUse
    from sotepki.card.door import Faults, Quirks
    from sotepki.card.pcsc.fault_settings import checked_faults

    tries = {Credential(name): 0 for name in values["locked"]}
    for text in values["tries"]:
        name, _, count = text.partition("=")
        if name not in set(Credential) or not (count.isdecimal() and count.isascii() and len(count) < 3):
            raise Misuse(f"{text!r} does not say how many tries are left.", rule="card.faults.form", advice="pin1=2")
        tries[Credential(name)] = int(count)
    flags = {name.replace("-", "_"): values[name.replace("-", "_")] for name in _FLAGS}
    return checked_faults(
        Faults(
            tries=tries,
            latency=values["latency"] / 1000,
            pulled_after=values["pulled_after"],
            expired=frozenset(KeyUse(use) for use in values["expired"]),
            wrong_key=frozenset(KeyUse(use) for use in values["wrong_key"]),
            quirks=Quirks(values["quirks"] or Quirks.BY_PROFILE),
            **flags,
        )
    )
