"""Finnish and Swedish of what is published: whole, of the shape of the English, and shown to whoever chose it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from markupsafe import escape

from conformance.catalogue import catalogue
from conformance.report import Earlier, html_report, report_data
from conformance.report.html import Messages
from conformance.report.translations import (
    OTHERS,
    advice,
    descriptions,
    further_advice,
    reasons_not_tested,
    requirement_advice,
    requirement_text,
    titles,
)
from conformance.requirements import Requirement, requirements
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Judgment, Summary
from sotepki.cli.conformance import _show_all
from sotepki.evidence import Finding, Severity, load_yaml
from sotepki.rulebook import whole_book

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SUT = SystemUnderTest("Fake TEST", "files")
_NAME = re.compile(r"[A-Za-z]*[a-z][A-Z]\w*|\d+(?:[.-]\d+)+\w*|[a-z]+:[A-Za-z]+|RFC \d+|\d{2,}")
"""What no language translates: names of elements and fields, OIDs, dates, numbers."""


TERMS = {
    "palvelinvarmen": "servercertifikat",
    "järjestelmäallekirjoitusvarmen": "systemsignaturcertifikat",
    "allekirjoitusavai": "signaturnyckel",
    "ammattikort": "yrkeskort",
    "henkilökort": "identitetskort",
    "henkilötunnu": "personbeteckning",
    "yksilöintitunnu": "identifikationskod",
    "rekisteröintinumero": "registreringsnum",
    "aktivointitunnuslu": "aktiveringskod",
    "sulkulista": "spärrlista",
    "varmennepyyn": "begäran",
    "siirtokehy": "överföringsram",
    "aikaleima": "tidsstäm",
    "rekisterinpitäj": "personuppgiftsansvarig",
    "lääkkeen määrääj": "läkemedelsförskrivare",
    "ammattihenkil": "yrkesutbildad",
    "liityntäpiste": "anslutningspunkt",
    "Kela": "FPA",
    "Y-tunnu": "FO-num",
}


def published() -> dict[str, tuple[str, Mapping[str, str]]]:
    """Every English text of the suite with its translations."""
    found = {f"description of {c.id}": (c.description, descriptions()[c.id]) for c in catalogue()}
    for one in requirements().values():
        found[f"text of {one.id}"] = (one.text, requirement_text(one))
        if one.advice:
            found[f"advice of {one.id}"] = (one.advice, requirement_advice()[one.id])
        if one.not_tested:
            found[f"why {one.id} is not tested"] = (one.not_tested, reasons_not_tested()[one.id])
    return found | {sentence: (sentence, texts) for sentence, texts in further_advice().items()}


def paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]


def test_everything_published_is_translated_into_both_languages() -> None:
    """A missing text shows English in the middle of a Finnish page."""
    assert set(reasons_not_tested()) == {one.id for one in requirements().values() if one.not_tested}
    assert {
        what: set(OTHERS) - set(texts) for what, (_, texts) in published().items() if set(texts) != set(OTHERS)
    } == {}


@pytest.mark.parametrize("language", OTHERS)
def test_the_files_name_what_they_translate_in_its_order_and_nothing_else(language: str) -> None:
    """In another order nobody finds the text of a changed case; a stale one would come back on the next such case."""
    register = requirements().values()
    expected = {"descriptions": [c.id for c in catalogue()], "advice": [one.id for one in register if one.advice]}
    if language == "sv":  # the Finnish stands with the requirement
        expected["requirement_texts"] = list(requirements())
    for name, ids in expected.items():
        assert list(load_yaml(ROOT / f"conformance/report/messages/{name}.{language}.yaml")) == ids, name


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_no_copy_and_has_the_paragraphs_and_names_of_the_english(language: str) -> None:
    for what, (english, texts) in published().items():
        text = texts[language]
        assert text.strip() and text != english, what
        assert len(paragraphs(text)) == len(paragraphs(english)), what
        assert [name for name in set(_NAME.findall(english)) if name not in text] == [], what


@pytest.mark.parametrize(("finnish", "swedish"), TERMS.items())
def test_the_translations_use_the_words_of_the_glossary(finnish: str, swedish: str) -> None:
    """Unless both name a thing by its Finnish name, as a code of a national code system."""
    texts = {**titles(), **{what: texts for what, (_, texts) in published().items()}}
    met = {what: row["sv"].lower() for what, row in texts.items() if finnish.lower() in row["fi"].lower()}
    assert met, "no text has this word any more; take it out of the list"
    assert [what for what, text in met.items() if swedish.lower() not in text and finnish.lower() not in text] == []


def test_the_same_english_advice_reads_the_same_everywhere() -> None:
    """Advice is found by its English sentence, so two translations of one sentence would show either."""
    by_sentence: dict[str, set[tuple[str, ...]]] = {}
    for name, texts in requirement_advice().items():
        by_sentence.setdefault(requirements()[name].advice, set()).add(tuple(texts.values()))
    assert {sentence: texts for sentence, texts in by_sentence.items() if len(texts) > 1} == {}


def sentences_of_checks() -> set[str]:
    """The advice that the package's checks give in words of their own under the rules that the suite judges by."""
    rules = {rule for one in requirements().values() for rule in one.rules}
    found = set()
    for path in (p for room in ("xmldsig", "documents", "x509") for p in (ROOT / "sotepki" / room).rglob("*.py")):
        for call in (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)):
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            said = [n.value for n in (*call.args, *named.values()) if isinstance(n, ast.Constant)]
            given = named.get("advice")
            if isinstance(given, ast.Constant) and rules & set(said):
                found.add(str(given.value))
    return found


def test_advice_of_rules_checks_and_cases_is_translated_and_nothing_else() -> None:
    book = whole_book()
    rules = {book[rule].rule.advice for one in requirements().values() for rule in one.rules} - {""}
    assert (rules | sentences_of_checks()) - set(further_advice()) == set()
    others = set(further_advice()) - rules - sentences_of_checks()
    places = ("conformance/plugin.py", "conformance/cases/tls.py", "sotepki/xmldsig/signature_value.py")
    source = "".join((ROOT / place).read_text(encoding="utf-8") for place in places)
    assert [sentence for sentence in others if f'"{sentence}"' not in source] == []
    assert len(others) == 5, "two of the suite, three accidents that a signature shows by itself"


def broken(case_id: str, sentence: str = "") -> CaseResult:
    """A case that failed in all its requirements, with their advice or another sentence."""
    named = [requirements()[name] for name in next(c for c in catalogue() if c.id == case_id).requirements]
    judgments = [
        Judgment(
            one.id,
            False,
            "x",
            Finding(one.id, Severity.ERROR, "It is wrong.", source="x", advice=sentence or one.advice),
        )
        for one in named
    ]
    given = tuple(dict.fromkeys(j.finding.advice for j in judgments if j.finding))
    return CaseResult(case_id, CaseVerdict.FAIL, "It is wrong.", tuple(judgments), advice=given)


def test_the_page_shows_description_advice_and_reasons_in_three_languages() -> None:
    page = html_report(
        report_data(SUT, Summary("Fake TEST", NOW, NOW, tuple(broken(c.id) for c in catalogue())))
    ).decode()
    flat = " ".join(page.split())
    for what, (english, texts) in published().items():
        if what not in further_advice():
            for language, text in {"en": english, **texts}.items():
                assert f'lang="{language}">{escape(" ".join(text.split()))}</span>' in flat, (what, language)


def test_the_report_keeps_its_english_and_has_the_others_beside_it() -> None:
    before = report_data(SUT, Summary("Fake TEST", NOW, NOW, (broken("certificate.chain"),)))
    (case,) = before["cases"]
    assert case["advice"] == [requirements()["cert.chain"].advice]
    assert case["advice_in"] == [requirement_advice()["cert.chain"]]
    assert case["description_in"]["fi"].startswith("Jokaisesta järjestelmän varmenteesta")
    again = report_data(SUT, Summary("Fake TEST", NOW, NOW, Earlier(before, "old").results))
    assert again["cases"] == before["cases"], "a report that is resumed lost a language"


def test_advice_of_a_rule_is_shown_in_finnish_too() -> None:
    sentence = whole_book()["dsig.signature-value"].rule.advice
    page = html_report(
        report_data(SUT, Summary("Fake TEST", NOW, NOW, (broken("signature.system.integrity", sentence),)))
    )
    assert f'lang="fi">{escape(advice(sentence)["fi"])}</span>' in page.decode()


def test_what_has_no_translation_is_shown_in_english_to_everybody() -> None:
    """A vendor's own case, with or without Finnish for its requirement."""
    private = Requirement(**{**vars(requirements()["cert.chain"]), "id": "own.rule", "text_fi": "Oma sääntö."})
    shown = Messages("fi").beside("Own rule.", requirement_text(private))
    assert (
        str(shown)
        == '<span class="l fi" lang="fi">Oma sääntö.</span><span class="l sv en" lang="en">Own rule.</span>'
    )
    assert advice("Do as the house rule says.") == {}
    assert 'class="l fi sv en" lang="en">Own<' in Messages("fi").beside("Own", {})


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fi", "Mitä tehdä: Tilaa uusi varmenne; suljettu ei palaa koskaan."),
        ("en", "What to do: Order a new certificate; a revoked one never comes back."),
    ],
)
def test_the_terminal_gives_advice_in_the_language_of_the_run(
    language: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _show_all(broken("certificate.not-revoked"), 1, 1, language=language)
    assert words in capsys.readouterr().err
