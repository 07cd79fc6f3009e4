"""The glossary to search in: a field to type into where somebody can type, else a table of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import matplotlib.pyplot as plt
from glossary import LANGUAGES, Term, find, load_glossary, sections, similar
from matplotlib.figure import Figure
from phrases import speaker
from pictures import ACCENT, INK, LINE
from widgets.showing import Said, Sheet, Shown, kindly, labelled

_MOST = 12


class GlossarySearch(Shown):
    """What was looked for last, and what was found."""

    def __init__(self, language: str, terms: Sequence[Term]) -> None:
        super().__init__(language)
        self._speak = speaker("14_glossary", language)
        self._terms = terms
        self.found: list[Term] = []

    @kindly
    def find(self, wanted: object) -> GlossarySearch:
        """Look for words of any language; nothing found is said kindly, with words that look alike."""
        text = str(wanted).strip()
        self.found = find(text, self._terms)
        self.said = (self._answer(text),) if text else ()
        return self

    def sheet(self) -> Sheet:
        rows = [[term.in_language(language) for language in LANGUAGES] for term in self.found[:_MOST]]
        return Sheet(self._speak("search"), [self._speak(f"name-{one}") for one in LANGUAGES], rows, self.said)

    def controls(self) -> ipywidgets.Widget:
        field = ipywidgets.Text(placeholder="varakortti", continuous_update=True)
        field.observe(self._typed, names="value")
        return labelled(self._speak("search-for"), field)

    def _typed(self, change: dict[str, Any]) -> None:
        self.find(change["new"])

    def _answer(self, text: str) -> Said:
        if not self.found:
            near = ", ".join(similar(text, self._terms))
            advice = self._speak("perhaps", words=near) if near else self._speak("try-shorter")
            return Said(self._speak("nothing", wanted=text[:40]), good=False, advice=advice, mark="mark-nothing")
        more = len(self.found) - _MOST
        sentence = self._speak("found", count=len(self.found), all=len(self._terms), wanted=text[:40])
        return Said(sentence, advice=self._speak("more", count=more) if more > 0 else "", mark="mark-found")


def glossary_search(language: str = "en", terms: Sequence[Term] | None = None) -> GlossarySearch:
    """A search over the terms, by default over all of them."""
    return GlossarySearch(language, load_glossary() if terms is None else terms)


def seen_by_section(terms: Sequence[Term], language: str) -> Figure:
    """For each section, how many Finnish and Swedish words an authority uses, and how many are our translations."""
    say = speaker("14_glossary", language)
    by_section = sections(terms)
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 0.3 * len(by_section) + 1.1), sharey=True, layout="constrained")
    for panel, shown in zip(panels, ("fi", "sv"), strict=True):
        for row, found in enumerate(by_section.values()):
            known = sum(shown in term.seen for term in found)
            panel.barh(row, known, color=ACCENT, height=0.6, label=say("seen") if row == 0 else None)
            panel.barh(row, len(found) - known, left=known, color="white", edgecolor=LINE, hatch="////", height=0.6,
                       label=say("translated") if row == 0 else None)  # fmt: skip
        panel.set_title(say(f"name-{shown}"), fontsize=10, color=INK)
        names = [say(f"section {section}") for section in by_section]
        panel.set_yticks(range(len(names)), names, fontsize=8.5, color=INK)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    panels[0].invert_yaxis()
    figure.legend(
        *panels[0].get_legend_handles_labels(), fontsize=8, frameon=False, ncols=2, loc="outside lower right"
    )
    plt.close(figure)
    return figure
