"""The two dresses of a widget: controls where a browser listens, else a table of the same values.

In a browser the controls stand in the cell that showed the widget first. The cells below it show tables, so that a
story keeps what was said at each of its steps.
"""

from __future__ import annotations

import html
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, TypeVar, cast

import ipywidgets
from IPython import get_ipython
from phrases import Speaker, phrases, speaker
from pictures import ACCENT, INK, LINE, PAPER

from sotepki.errors import SotepkiError
from sotepki.evidence import Finding, Grade, Severity
from sotepki.rulebook import whole_book

F = TypeVar("F", bound=Callable[..., Any])

SWITCH = "SOTEPKI_WIDGETS"
"""``on`` or ``off``; without it, controls are shown in a kernel that a Jupyter server started."""


def live() -> bool:
    """Whether somebody can click: a Jupyter server tells its kernels the name of their session, a runner does not."""
    wanted = os.environ.get(SWITCH, "")
    return wanted == "on" or (wanted != "off" and "JPY_SESSION_NAME" in os.environ)


def _cell_id() -> str:
    """Which cell runs, as the browser told the kernel; empty if it does not tell."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent("shell") if kernel is not None else {}
    return str(parent.get("metadata", {}).get("cellId", ""))


@dataclass(frozen=True)
class Said:
    """What a widget answers: a sentence, whether it went well, the rule that decides, and what to do.

    ``mark`` is the phrase of the word before the sentence, if it is neither a success nor a refusal.
    """

    sentence: str
    good: bool = True
    rule: str = ""
    advice: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Sheet:
    """What a widget shows: a table with its heading, and what was said last."""

    heading: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    said: Sequence[Said] = ()


class Shown(ABC):
    """Base of the widgets. ``sheet`` is what both dresses show, ``controls`` what only the live one has."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.say: Speaker = speaker("widgets", language)
        self.said: tuple[Said, ...] = ()
        self._home = ""

    @abstractmethod
    def sheet(self) -> Sheet:
        """The values as they stand."""

    def live_sheet(self) -> Sheet:
        """What the live dress shows below its controls; less than ``sheet`` where the controls show it themselves."""
        return self.sheet()

    @abstractmethod
    def controls(self) -> ipywidgets.Widget:
        """The fields and buttons, without the sheet."""

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """The live dress: the controls, and below them the sheet, which follows every change."""
        whole = ipywidgets.VBox([self.controls(), self._paper], layout=ipywidgets.Layout(max_width="72em"))
        self.refresh()
        return whole

    @cached_property
    def _paper(self) -> ipywidgets.HTML:
        return ipywidgets.HTML(layout=ipywidgets.Layout(width="auto"))

    def refresh(self) -> None:
        """Write the sheet anew, if anybody looks at it."""
        if "_paper" in self.__dict__:
            self._paper.value = as_html(self.live_sheet(), self.say)

    def sentence_of(self, error: SotepkiError) -> Said:
        """What a rule says, in the language of the widget as far as it is known there."""
        return Said(*self._in_words(error.rule, error.sentence, error.advice))

    def sentence_about(self, finding: Finding) -> Said:
        """A finding as a sentence of the widget's language."""
        return Said(*self._in_words(finding.rule, finding.message, finding.advice))

    def _in_words(self, rule: str, sentence: str, advice: str) -> tuple[str, bool, str, str]:
        told = refusals().get(rule)
        if told is None or self.language == "en":
            return sentence, False, rule, advice
        return told[self.language], False, rule, ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude
        sheet = self.sheet()
        bundle: dict[str, Any] = {"text/plain": sheet.heading, "text/markdown": as_markdown(sheet, self.say)}
        if live() and self._at_home():
            bundle |= self.widget._repr_mimebundle_()
        return bundle

    def _at_home(self) -> bool:
        """Whether this is the cell that showed the controls first; others show the table as it is at the moment."""
        cell = _cell_id()
        self._home = self._home or cell
        return cell == self._home


def kindly(deed: F) -> F:
    """A method that answers with its widget, whatever it was given: an error of sotepki becomes what is said."""

    @wraps(deed)
    def kind(widget: Shown, *args: Any, **kwargs: Any) -> Shown:
        try:
            deed(widget, *args, **kwargs)
        except SotepkiError as error:
            widget.said = (widget.sentence_of(error),)
        widget.refresh()
        return widget

    return cast(F, kind)


def finding_of(error: SotepkiError) -> Finding:
    """An error as a finding, with source and grade of its rule; an error without a rule is our own word."""
    rule = whole_book()[error.rule].rule if error.rule in whole_book() else None
    return Finding(
        error.rule,
        Severity.ERROR,
        error.sentence,
        source=rule.source if rule else "",
        grade=rule.grade if rule else Grade.UNKNOWN,
        advice=error.advice,
    )


def refusals() -> dict[str, dict[str, str]]:
    """Rules whose refusals are told in every language, by rule id."""
    return {
        phrase.removeprefix("rule "): dict(texts)
        for phrase, texts in phrases("widgets").items()
        if phrase.startswith("rule ")
    }


def as_markdown(sheet: Sheet, say: Speaker) -> str:
    """A sheet for pages that cannot be clicked; what came from outside stays text there, too."""
    lines = [f"**{_cell(sheet.heading)}**", ""]
    if sheet.rows:
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in (sheet.header, *sheet.rows)]
        lines.insert(3, "|" + "---|" * len(sheet.header))
    for said in sheet.said:
        rule = f" `{said.rule}`" if said.rule else ""
        advice = f" *{_cell(said.advice)}*" if said.advice else ""
        lines += ["", f"{mark(said, say)}: {_cell(said.sentence)}{rule}{advice}"]
    return "\n".join(lines)


def as_html(sheet: Sheet, say: Speaker) -> str:
    """The same for the live dress; everything that came from outside is escaped."""
    cells = "".join(
        "<tr>" + "".join(f'<td style="padding:2px 10px 2px 0;vertical-align:top">{_text(one)}</td>' for one in row)
        for row in sheet.rows
    )
    head = "".join(
        f'<th scope="col" style="text-align:left;padding-right:10px;color:{LINE}">{_text(one)}</th>'
        for one in sheet.header
    )
    told = "".join(
        f'<p role="{"status" if said.good else "alert"}" style="margin:6px 0 0 0;padding-left:8px;'
        f'border-left:4px {"solid" if said.good else "double"} {ACCENT}">'
        f"<b>{_text(mark(said, say))}:</b> {_text(said.sentence)}"
        + (f" <code>{_text(said.rule)}</code>" if said.rule else "")
        + (f"<br><i>{_text(said.advice)}</i>" if said.advice else "")
        + "</p>"
        for said in sheet.said
    )
    return (
        f'<div style="background:{PAPER};color:{INK};padding:10px 14px;border:1px solid {LINE};border-radius:6px;'
        f'line-height:1.45;margin-top:6px"><b>{_text(sheet.heading)}</b>'
        + (
            f'<table style="border-collapse:collapse;margin-top:4px;color:{INK}"><tr>{head}</tr>{cells}</table>'
            if cells
            else ""
        )
        + f"{told}</div>"
    )


def mark(said: Said, say: Speaker) -> str:
    """The word before a sentence; a word, so that nobody needs to see colours."""
    return say(said.mark or ("good" if said.good else "refused"))


def labelled(label: str, control: ipywidgets.ValueWidget, *beside: ipywidgets.DOMWidget) -> ipywidgets.HBox:
    """A field with its label to the left, as on the form, and what is said of it to the right.

    The label is the field's own, so that the browser tells it to who listens to the page.
    """
    control.description, control.style.description_width = label, "14em"
    control.layout.width, control.layout.flex = "34em", "0 0 auto"
    return ipywidgets.HBox([control, *beside])


def remark(text: str, *, heavy: bool = False) -> str:
    """A short text beside a field; a heavy one has a bar, so that nobody needs to see colours."""
    bar = f"border-left:4px double {ACCENT};" if heavy else ""
    return f'<div style="{bar}padding-left:8px;line-height:1.35">{_text(text)}</div>' if text else ""


def _cell(text: str) -> str:
    """One line of Markdown that neither ends a cell nor begins an element."""
    plain = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\|`*_\[\]])", r"\\\1", plain)


def _text(text: str) -> str:
    return html.escape(text, quote=True)
