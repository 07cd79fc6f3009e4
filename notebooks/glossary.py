"""The words of the field in three languages, read from the table in docs/field/README.md; there is no second copy.

A term that the table marks with ° was seen on a page of an authority in that language; the others are ordinary
translations (grade: recalled).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sotepki.errors import Fault

SOURCE = Path(__file__).resolve().parents[1] / "docs" / "field" / "README.md"
LANGUAGES = ("en", "fi", "sv")
SEEN = "°"

_HEADING = re.compile(r"^## \d+\. Glossary$", re.MULTILINE)
_SECTION = re.compile(r"\*\*(.+)\*\*")
_WORD = re.compile(r"\w[\w-]*")
_LAST_LETTERS = {"å": "z1", "ä": "z2", "ö": "z3"}


@dataclass(frozen=True)
class Term:
    """A row of the table: the words by language, and the languages in which an authority's page has them."""

    section: str
    words: Mapping[str, str]
    seen: frozenset[str]

    def in_language(self, language: str) -> str:
        """The words, marked if they were seen."""
        return self.words[language] + (SEEN if language in self.seen else "")


def load_glossary(source: Path = SOURCE) -> tuple[Term, ...]:
    """Every term, in the order of the table.

    Raises:
        Fault: the page has no glossary, or a row that is not of its form.
    """
    page = source.read_text(encoding="utf-8")
    heading = _HEADING.search(page)
    if heading is None:
        raise Fault(f"{source.name} has no glossary.")
    rows = [line for line in page[heading.end() :].splitlines() if line.startswith("|")]
    terms, section = [], ""
    for row in rows[2:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        title = _SECTION.fullmatch(cells[0])
        if title and not any(cells[1:]):
            section = title[1]
            continue
        if len(cells) != len(LANGUAGES) or not all(cells) or not section:
            raise Fault(f"{source.name}: this row of the glossary is not of its form: {row[:80]}")
        words = {language: cell.replace(SEEN, "") for language, cell in zip(LANGUAGES, cells, strict=True)}
        seen = {language for language, cell in zip(LANGUAGES, cells, strict=True) if SEEN in cell}
        terms.append(Term(section, words, frozenset(seen)))
    return tuple(terms)


def sections(terms: Iterable[Term]) -> dict[str, list[Term]]:
    """The terms by section, in the order of the table."""
    found: dict[str, list[Term]] = {}
    for term in terms:
        found.setdefault(term.section, []).append(term)
    return found


def find(wanted: str, terms: Sequence[Term]) -> list[Term]:
    """The terms in which every word that is wanted occurs in one language, whole words first, then beginnings.

    Capital letters and dots over letters do not matter: *rekisteroija* finds *rekisteröijä*.
    """
    words = _plain(wanted).split()
    if not words:
        return []
    ranked = [(rank, place, term) for place, term in enumerate(terms) if (rank := _rank(words, term)) is not None]
    return [term for _rank_of, _place, term in sorted(ranked, key=lambda one: one[:2])]


def similar(wanted: str, terms: Sequence[Term], count: int = 4) -> list[str]:
    """Words of the glossary that look like a word that it does not have."""
    known = {_plain(word): word for term in terms for text in term.words.values() for word in _WORD.findall(text)}
    return [known[near] for near in get_close_matches(_plain(wanted), known, n=count, cutoff=0.7)]


def alphabetical(terms: Iterable[Term], language: str) -> list[Term]:
    """The terms in the order of a language's alphabet; å, ä and ö come last."""
    return sorted(
        terms, key=lambda term: [_LAST_LETTERS.get(letter, letter) for letter in term.words[language].lower()]
    )


def _rank(words: Sequence[str], term: Term) -> int | None:
    ranks = [rank for text in term.words.values() if (rank := _rank_in(words, _plain(text))) is not None]
    return min(ranks, default=None)


def _rank_in(words: Sequence[str], text: str) -> int | None:
    have = _WORD.findall(text)
    if all(word in have for word in words):
        return 0
    if all(any(one.startswith(word) for one in have) for word in words):
        return 1
    return 2 if all(word in text for word in words) else None


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter)).strip()
