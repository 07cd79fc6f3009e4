"""``sotepki rule``: what a rule id means, where it comes from, and how firmly it is known."""

from __future__ import annotations

import click

from sotepki.cli.context import emit


@click.command("rule")
@click.argument("rule", metavar="[RULE]", default="")
def command(rule: str) -> None:
    """Explain a rule by its id, or list all rules that begin with it.

    Rule ids stand in brackets behind refusals, in findings and in reports.
    """
    from sotepki.rulebook import Shelved, find_rules

    found = find_rules(rule)
    data = [
        {
            "id": one.rule.id,
            "room": one.room,
            "text": one.rule.text,
            "weight": one.rule.effective.value,
            "grade": one.rule.grade.value,
            "basis": one.rule.basis.value,
            "source": one.rule.source,
            "advice": one.rule.advice,
        }
        for one in found
    ]

    def whole(one: Shelved) -> str:
        lines = [
            f"{one.rule.id}  ({one.room})",
            f"  {one.rule.text}",
            f"  weight {one.rule.effective}, grade {one.rule.grade}, basis {one.rule.basis}",
            f"  source: {one.rule.source}",
        ]
        return "\n".join([*lines, f"  advice: {one.rule.advice}"] if one.rule.advice else lines)

    def text() -> str:
        if len(found) <= 8:
            return "\n\n".join(whole(one) for one in found)
        return "\n".join(f"{one.rule.id:<48} {one.rule.text}" for one in found)

    emit(data, text)
