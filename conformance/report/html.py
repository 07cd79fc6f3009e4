"""One HTML file that opens offline: no scripts, no fonts or pictures from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from conformance.declaring import Area
from conformance.requirements import Phase
from sotepki.clock import HELSINKI
from sotepki.errors import Misuse
from sotepki.evidence import load_yaml

_HERE = Path(__file__).resolve().parent
LANGUAGES = ("fi", "en")
_FALLBACK = "en"

VERDICTS = ("fail", "error", "warn", "waiting", "pass", "skip")
SYMBOLS = {"fail": "✕", "error": "⚠", "warn": "!", "waiting": "…", "pass": "✓", "skip": "–"}


class Messages:
    """Texts of one language; what it lacks is taken from English."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = _catalogue(language)
        self._fallback = _catalogue(_FALLBACK)

    def __call__(self, key: str, **values: object) -> str:
        """The text under ``key``, with ``{names}`` filled in."""
        text = self._texts.get(key) or self._fallback[key]
        return text.format(**values) if values else text

    def or_else(self, key: str, fallback: str) -> str:
        """The text under ``key`` in this language, or ``fallback``."""
        return self._texts.get(key, fallback)

    def has(self, key: str) -> bool:
        """Whether this language itself has the text."""
        return key in self._texts


def html_report(data: Mapping[str, Any], language: str = "fi") -> bytes:
    """``report.json`` as a page in ``language``.

    Raises:
        Misuse: there is no such language.
    """
    if language not in LANGUAGES:
        raise Misuse(f"There is no report in {language!r}; there is {', '.join(LANGUAGES)}.")
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["helsinki"] = _helsinki
    environment.filters["groupby_area"] = _by_area
    page = environment.get_template("template.html.j2").render(
        report=data,
        t=Messages(language),
        verdicts=VERDICTS,
        symbols=SYMBOLS,
        groups=_groups(data),
        phases=_table(data, "phase"),
        areas=_table(data, "area"),
        requirements={r["id"]: r for r in data["requirements"]},
    )
    return page.encode("utf-8", "replace")


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
    order = [str(member) for member in (Phase if key == "phase" else Area)]
    return sorted(rows.items(), key=lambda row: order.index(row[0]))


def _helsinki(moment: str) -> str:
    local = datetime.fromisoformat(moment).astimezone(HELSINKI)
    return f"{local.day}.{local.month}.{local.year} {local:%H.%M}"


@cache
def _catalogue(language: str) -> dict[str, str]:
    return {str(k): str(v) for k, v in load_yaml(_HERE / "messages" / f"{language}.yaml").items()}
