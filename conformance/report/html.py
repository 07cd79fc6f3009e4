"""One HTML file that opens offline: no scripts, no fonts or pictures from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from conformance.declaring import Area
from conformance.requirements import Phase
from sotepki.clock import HELSINKI
from sotepki.errors import Misuse
from sotepki.evidence import load_yaml

_HERE = Path(__file__).resolve().parent
LANGUAGES = ("fi", "sv", "en")
_NAMES = (("fi", "Suomi"), ("sv", "Svenska"), ("en", "English"))

VERDICTS = ("fail", "error", "warn", "waiting", "pass", "skip")
SYMBOLS = {"fail": "✕", "error": "⚠", "warn": "!", "waiting": "…", "pass": "✓", "skip": "–"}


class Messages:
    """The texts of the page in every language; the page itself shows one of them at a time."""

    def __init__(self, first: str) -> None:
        self.first = first
        self._texts = {language: texts_of(language) for language in LANGUAGES}
        self._made: dict[str, Markup] = {}

    def __call__(self, key: str, **values: object) -> Markup:
        """The text under ``key`` in every language, with ``{names}`` filled in."""
        if values:
            return self.of({code: texts.get(key, key).format(**values) for code, texts in self._texts.items()})
        if key not in self._made:  # a page asks for the same few hundred words thousands of times
            self._made[key] = self.of({code: texts.get(key, key) for code, texts in self._texts.items()})
        return self._made[key]

    def of(self, texts: Mapping[str, str]) -> Markup:
        """A text that is given in every language, as elements of which the page shows one."""
        return Markup("").join(self._span(code, code, texts[code]) for code in LANGUAGES)

    def plain(self, key: str) -> str:
        """The text in the first language, for places that hold no elements."""
        return self._texts[self.first].get(key, key)

    def beside(self, english: str, others: Mapping[str, str]) -> Markup:
        """A text with its translations; a language without one, as with a vendor's own case, shows the English."""
        lacking = " ".join(code for code in LANGUAGES if code not in others)
        spans = [self._span(code, code, others[code]) for code in LANGUAGES if code in others]
        return Markup("").join([*spans, self._span(lacking, "en", english)])

    def _span(self, shown: str, language: str, text: str) -> Markup:
        return Markup('<span class="l {0}" lang="{1}">{2}</span>').format(shown, language, text)


def html_report(data: Mapping[str, Any], language: str = "fi") -> bytes:
    """``report.json`` as a page that begins in ``language``; its reader switches without any script.

    Raises:
        Misuse: there is no such language.
    """
    if language not in LANGUAGES:
        raise Misuse(f"There is no report in {language!r}; there is {', '.join(LANGUAGES)}.")
    page = _template().render(
        report=data,
        t=_messages(language),
        languages=_NAMES,
        verdicts=VERDICTS,
        symbols=SYMBOLS,
        groups=_groups(data),
        phases=_table(data, "phase"),
        areas=_table(data, "area"),
        requirements={r["id"]: r for r in data["requirements"]},
    )
    return page.encode("utf-8", "replace")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["helsinki"] = _helsinki
    environment.filters["flowing"] = _flowing
    environment.filters["each_flowing"] = _each_flowing
    environment.filters["groupby_area"] = _by_area
    return environment.get_template("template.html.j2")


@cache
def _messages(first: str) -> Messages:
    return Messages(first)


def _groups(data: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Cases by verdict, what needs attention first."""
    grouped = [(verdict, [c for c in data["cases"] if c["verdict"] == verdict]) for verdict in VERDICTS]
    return [(verdict, cases) for verdict, cases in grouped if cases]


def _by_area(cases: list[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    areas: dict[str, list[Mapping[str, Any]]] = {}
    for case in cases:
        areas.setdefault(case["area"], []).append(case)
    return list(areas.items())


def _table(data: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, int]]]:
    rows: dict[str, dict[str, int]] = {}
    for case in data["cases"]:
        row = rows.setdefault(case[key], dict.fromkeys(VERDICTS, 0))
        row[case["verdict"]] += 1
    order = [str(member) for member in (*Phase, *Area)]
    return sorted(rows.items(), key=lambda row: order.index(row[0]))


def _flowing(text: str) -> str:
    """A docstring whose paragraphs flow: their lines were broken for an editor. Indented ones keep their lines."""
    return "\n\n".join(_paragraph(paragraph) for paragraph in text.split("\n\n"))


def _paragraph(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return ("\n" if text.startswith(" ") else " ").join(lines)


def _each_flowing(texts: Mapping[str, str]) -> dict[str, str]:
    return {code: _flowing(text) for code, text in texts.items()}


def _helsinki(moment: str) -> str:
    local = datetime.fromisoformat(moment).astimezone(HELSINKI)
    return f"{local.day}.{local.month}.{local.year} {local:%H.%M}"


@cache
def texts_of(language: str) -> dict[str, str]:
    """The catalogue of one language, by key."""
    return {str(k): str(v) for k, v in load_yaml(_HERE / "messages" / f"{language}.yaml").items()}
