"""A draft in the form of a joint-test statement, for a vendor's own use; Kela alone writes the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.report.html import VERDICTS, texts_of

_LANGUAGES = ("fi", "sv", "en")
_TEXTS = {
    "fi": (
        "LUONNOS: yhteistestauslausunnon muotoinen yhteenveto",
        "**Tämä ei ole Kelan lausunto.** Lausunnon antaa vain Kela. Numero ja päiväys puuttuvat siksi.",
        "Järjestelmä",
        "Testattu",
        "Tulos vaiheittain",
        "Hylätyt tapaukset",
        "ei yhtään",
    ),
    "sv": (
        "UTKAST: sammanfattning i form av ett utlåtande över samtestning",
        "**Detta är inte FPA:s utlåtande.** Endast FPA ger utlåtanden. Därför saknas nummer och datum.",
        "System",
        "Testat",
        "Resultat per fas",
        "Underkända fall",
        "inga",
    ),
    "en": (
        "DRAFT: a summary in the form of a joint-test statement",
        "**This is not a statement by Kela.** Only Kela gives one. Number and date are left out for that reason.",
        "System",
        "Tested",
        "Result by phase",
        "Failed cases",
        "none",
    ),
}


def draft_statement(report: Mapping[str, Any]) -> str:
    """The draft as Markdown, in Finnish, Swedish and English one after the other."""
    return "\n---\n\n".join(_part(report, language) for language in _LANGUAGES)


def _part(report: Mapping[str, Any], language: str) -> str:
    heading, not_kela, system, tested, by_phase, failed, none = _TEXTS[language]
    texts = texts_of(language)
    lines = [f"# {heading}", "", not_kela, "", f"- {system}: {_plain(report['system']['name'])}"]
    lines += [f"- {tested}: {report['finished']}"]
    lines += [f"- **{texts[f'remark.{remark}']}**" for remark in report["remarks"]]
    lines += ["", f"## {by_phase}", ""]
    for row in report["process"]:
        cases = [case for case in report["cases"] if case["phase"] == row["phase"]]
        counts = [(texts[f"verdict.{v}"], sum(case["verdict"] == v for case in cases)) for v in VERDICTS]
        said = ", ".join(f"{word} {count}" for word, count in counts if count) or none
        lines.append(f"- {texts['phase.' + row['phase']]}: {said}")
    bad = [case for case in report["cases"] if case["verdict"] == "fail"]
    lines += ["", f"## {failed}", ""]
    lines += [f"- {case['id']}: {_plain(case['reason'])}" for case in bad] or [f"- {none}"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A text that cannot break out of its line."""
    return " ".join(text.split())
