"""Links from the pages that are made: a rule id leads to its row in the rule book, a source to the facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from sotepki.rulebook import whole_book

_ROW = re.compile(r"^\| `([a-z0-9.-]+)` \|", re.MULTILINE)
_SECTION = re.compile(r"^(##+) ([0-9]+(?:\.[0-9]+)*)(?=[. ])", re.MULTILINE)
_SOURCE = re.compile(r"docs/field/(?P<page>[a-z]+)\.md(?: (?P<section>[0-9]+(?:\.[0-9]+)*))?")
_QUOTED = re.compile(r"`([a-z0-9]+(?:[.-][a-z0-9]+)+)`")


def rule_link(rule_id: str, to_root: str = "../") -> str:
    """A rule id that leads to the rule book; one that is not in it (the row of a profile) as it is.

    Args:
        to_root: the way from the page to the front of the handbook, such as ``../``.
    """
    if rule_id not in whole_book():
        return f"`{rule_id}`"
    return f'<a href="{to_root}rule-book.html#{escape(rule_id)}"><code>{escape(rule_id)}</code></a>'


def with_places(rule_book: str) -> str:
    """The page of the rule book with a place to link to in each row."""
    return _ROW.sub(r'| <a id="\1"></a>`\1` |', rule_book)


def with_rules_linked(page: str) -> str:
    """A page at the root of the handbook whose quoted rule ids lead to the rule book."""
    return _QUOTED.sub(lambda found: rule_link(found[1], ""), page)


def with_sections(facts: str) -> str:
    """A page of the facts with a place to link to before each numbered section."""
    return _SECTION.sub(r'<a id="s\2"></a>\n\n\1 \2', facts)


def sections_of(facts: str) -> frozenset[str]:
    """The numbers of the sections of a page of the facts."""
    return frozenset(found[2] for found in _SECTION.finditer(facts))


def with_sources_linked(page: str, facts: Mapping[str, str], to_root: str = "") -> str:
    """A page on which ``docs/field/pki.md 5.4`` leads there; what does not exist is left as it is.

    Args:
        facts: the pages of the facts by name, such as ``pki``.
    """

    def link(found: re.Match[str]) -> str:
        name, section = found["page"], found["section"] or ""
        if name not in facts or (section and section not in sections_of(facts[name])):
            return found[0]
        return f'<a href="{to_root}field/{name}.html{f"#s{section}" if section else ""}">{name}.md {section}</a>'

    return _SOURCE.sub(link, page)
