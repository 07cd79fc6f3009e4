"""Every rule can be looked up, and its source leads somewhere: a user has nothing else to check a verdict by."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from sotepki import cli, state_diagrams
from sotepki.errors import Misuse
from sotepki.rulebook import as_markdown, find_rules, whole_book, witnesses

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OFFICES = ("valvira", "thl", "dvv", "provider", "kela")
_CITED = re.compile(r"docs/field/([a-zA-Z]+\.md)(?: ([0-9]+(?:\.[0-9]+)?))?")


def test_the_page_in_the_docs_is_up_to_date() -> None:
    """Write it anew with: python -m sotepki.rulebook > docs/rule-book.md"""
    assert (DOCS / "rule-book.md").read_text(encoding="utf-8") == as_markdown()


def test_the_page_of_state_machines_is_up_to_date() -> None:
    """Write it anew with: python -m sotepki.state_diagrams > docs/state-machines.md"""
    assert (DOCS / "state-machines.md").read_text(encoding="utf-8") == state_diagrams.as_markdown()


def test_every_rule_of_an_office_is_provoked_by_a_test() -> None:
    """A rule that nothing provokes may never refuse, or refuse everybody, and nobody would notice."""
    seen = witnesses(ROOT)
    offices = [rule_id for rule_id, shelved in whole_book().items() if shelved.room.split("/")[0] in OFFICES]
    assert [rule_id for rule_id in offices if rule_id not in seen] == []


_COMMAND = re.compile(r"'sotepki ([^']*)'")


def test_advice_names_commands_that_there_are() -> None:
    """Who follows an advice would otherwise be told that there is no such command."""
    for rule_id, shelved in whole_book().items():
        for line in _COMMAND.findall(shelved.rule.advice):
            command: click.Command = cli.root
            for word in line.split():
                if not isinstance(command, click.Group):
                    break
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"{rule_id}: there is no 'sotepki {line}'"
                command = found


@pytest.mark.parametrize("rule_id", sorted(whole_book()))
def test_a_source_in_the_field_facts_exists(rule_id: str) -> None:
    rule = whole_book()[rule_id].rule
    assert rule.source
    for page, section in _CITED.findall(rule.source):
        text = (DOCS / "field" / page).read_text(encoding="utf-8")
        assert not section or re.search(rf"^##+ {re.escape(section)}[. ]", text, re.MULTILINE), (page, section)


def test_rules_are_found_by_id_and_by_beginning() -> None:
    assert [one.rule.id for one in find_rules("order.right.none")] == ["order.right.none"]
    assert {"order.right.none", "order.right.not-held"} <= {one.rule.id for one in find_rules("order.right")}
    assert len(find_rules("")) == len(whole_book())
    with pytest.raises(Misuse, match="no rule"):
        find_rules("no.such.rule")


def test_the_command_says_source_and_grade(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["rule", "doc.digest.body"]) == 0
    said = capsys.readouterr().out
    assert "grade confirmed" in said
    assert "source: " in said
    assert cli.run(["rule", "nonsense"]) == 2


def test_a_rule_is_found_as_it_was_copied_or_remembered() -> None:
    """Reports print ids in brackets; who types one from memory cuts it or slips."""
    assert [one.rule.id for one in find_rules("[doc.digest.body]")] == ["doc.digest.body"]
    assert [one.rule.id for one in find_rules("doc.digest.bo")] == ["doc.digest.body"]
    with pytest.raises(Misuse, match=r"Did you mean 'doc\.digest\.body'\?"):
        find_rules("doc.digest.bobby")
