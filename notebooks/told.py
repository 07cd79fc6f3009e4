"""Refusals, findings and rules in the reader's language, for notebooks that have several.

The offices speak English. A Finnish or Swedish edition shows their sentence as it is, since the program shows it so,
and beside it the rule in the language of the reader (``texts/rules*.yaml``). A rule that was not translated costs no
refusal: then the office's own advice stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from textwrap import fill
from typing import TypeVar

from IPython.display import Markdown
from phrases import TEXTS, speaker
from story import KindWords, table
from story import be_kind as be_kind_in

from sotepki.errors import Fault, Refused
from sotepki.evidence import Finding, load_yaml
from sotepki.rulebook import whole_book

T = TypeVar("T")

WIDTH = 100
_SERIAL = re.compile(r"\b[0-9a-f]{20,}\b")


def be_kind(language: str) -> None:
    """``story.be_kind`` in the reader's language."""
    say = speaker("shared", language)
    what_to_do = say("what-to-do", advice="{advice}")
    needs = say("cell-needs", name="{name}")
    be_kind_in(KindWords(needs, say("run-above"), what_to_do, say("text-given"), say("no-text")))


def attempt(what: str, deed: Callable[[], T], language: str) -> T | None:
    """Try something; if a rule says no, print what the office said, the rule, and what to do."""
    try:
        return deed()
    except Refused as refusal:
        print(speaker("shared", language)("refused", what=what))
        explain(refusal.sentence, refusal.rule, refusal.advice, language)
        return None


def explain(sentence: str, rule: str, advice: str, language: str) -> None:
    """Print what an office said, under which rule, and what to do."""
    say = speaker("shared", language)
    lines = [say("why", sentence=sentence)]
    if rule:
        lines.append(say("rule", rule=rule))
    if told := what_to_do(rule, advice, language):
        lines.append(say("advice", advice=told))
    indent = " " * len(say("why", sentence=""))
    for line in lines:
        print(fill(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False))


def findings_told(findings: Sequence[Finding], language: str) -> list[str]:
    """What Kanta found in a message, line by line; below its English sentence what ``what_to_do`` says.

    Long serial numbers, which are others in each run, are not told.
    """
    say = speaker("shared", language)
    lines = []
    for finding in findings:
        severity = say(f"severity-{finding.severity}")
        lines.append(f"  {severity}: {_SERIAL.sub(say('serial-number'), finding.message)} [{finding.rule}]")
        if language != "en" and (told := what_to_do(finding.rule, finding.advice, language)):
            meaning = say("finding-means", text=told)
            indent = " " * len(say("finding-means", text=""))
            lines.append(fill(meaning, WIDTH, subsequent_indent=indent, break_on_hyphens=False))
    return lines


def what_to_do(rule: str, advice: str, language: str) -> str:
    """The advice of an office; in other languages the rule, whose text ends with the advice, if it was translated."""
    return advice if language == "en" else _translation(rule, language) or advice


def rule_text(rule: str, language: str) -> str:
    """What a rule asks, in a language.

    Raises:
        Fault: ``texts/rules*.yaml`` do not have the rule in that language.
        KeyError: the rule book has no such rule.
    """
    book_text = whole_book()[rule].rule.text
    text = book_text if language == "en" else _translation(rule, language)
    if not text:
        raise Fault(f"texts/rules*.yaml have no text in {language!r} for the rule {rule}.")
    return text


def rules_shown(*ids: str, language: str) -> Markdown:
    """The rules that a notebook showed: what each asks, and how firmly it is known."""
    say = speaker("shared", language)
    book = whole_book()
    rows = []
    for rule_id in ids:
        rule = book[rule_id].rule
        known = f"{say(f'grade-{rule.grade}')}, {say(f'basis-{rule.basis}')}"
        rows.append((f"`{rule_id}`", rule_text(rule_id, language), known))
    return table((say("head-rule"), say("head-asks"), say("head-known")), rows)


@cache
def translated_rules() -> Mapping[str, Mapping[str, str]]:
    """Rules by id, each with its text in Finnish and Swedish."""
    found = [row for path in sorted(TEXTS.glob("rules*.yaml")) for row in load_yaml(path).items()]
    return {str(rule): {str(key): str(text).strip() for key, text in texts.items()} for rule, texts in found}


def _translation(rule: str, language: str) -> str:
    return translated_rules().get(rule, {}).get(language, "")
