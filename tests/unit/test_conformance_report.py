"""The report: valid for programs, safe and complete for people, whatever a system under test wrote."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from markupsafe import escape

from conformance.catalogue import catalogue
from conformance.declaring import Area
from conformance.report import Earlier, html_report, junit_report, report_data, write_report
from conformance.report.html import LANGUAGES, texts_of
from conformance.report.translations import titles
from conformance.requirements import Phase
from conformance.sut.facets import Facet, SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Evidence, Judgment, Summary
from sotepki.errors import Misuse
from sotepki.evidence import Finding, Grade, Severity, load_yaml

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schemas/report.schema.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>\x00\x1b\ud800 & \"quoted\" ]]>"


def result(case_id: str, verdict: CaseVerdict, text: str = "Something is wrong.") -> CaseResult:
    requirement = next(c for c in catalogue() if c.id == case_id).requirements[0]
    severity = {CaseVerdict.FAIL: Severity.ERROR, CaseVerdict.WARN: Severity.WARNING}.get(verdict)
    finding = (
        Finding("doc.digest.body", severity, text, text, text, "kanta.md 4", Grade.CONFIRMED, text, text)
        if severity
        else None
    )
    return CaseResult(
        case_id,
        verdict,
        "" if verdict is CaseVerdict.PASS else text,
        (Judgment(requirement, finding is None, "x", finding),),
        (Evidence.of("document", text.encode("utf-8", "surrogatepass"), "application/xml"),),
        (text,),
        5,
    )


def summary(text: str = "Something is wrong.") -> Summary:
    results = tuple(
        result(case.id, verdict, text) for case, verdict in zip(catalogue(), list(CaseVerdict) * 100, strict=False)
    )
    return Summary("Fake TEST", NOW, NOW, results, complete=False)


SUT = SystemUnderTest("Fake TEST", "files")


def test_the_report_has_the_published_shape() -> None:
    data = report_data(SUT, summary())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(data, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert sum(data["summary"].values()) == len(catalogue())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_stands_alone_and_says_that_it_is_not_kelas(language: str) -> None:
    """Somebody who forwards the page must not be taken for holding a statement of Kela, nor call out to a server."""
    page = html_report(report_data(SUT, summary()), language).decode()
    for text in ("Tämä ei ole Kelan testi", "Detta är inte FPA:s test", "This is not a test by Kela"):
        assert page.count(text) == 2
    assert re.findall(r'id="language-(\w+)" checked', page) == [language]
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "<script" not in page and "@import" not in page and "url(" not in page
    assert etree.HTML(page) is not None


def test_failures_come_before_everything_else() -> None:
    page = html_report(report_data(SUT, summary())).decode()
    places = [page.index(f'<section id="{v}"') for v in ("fail", "error", "warn", "waiting", "pass", "skip")]
    assert places == sorted(places)


def test_what_a_system_wrote_cannot_run_in_the_page() -> None:
    page = html_report(report_data(SystemUnderTest(HOSTILE, "files"), summary(HOSTILE))).decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@settings(max_examples=8, deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=50))
def test_every_text_makes_a_report_that_can_be_read_again(text: str) -> None:
    data = report_data(SUT, summary(text or "x"))
    etree.fromstring(junit_report(data))
    html_report(data)
    json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))


def test_junit_counts_fail_as_failure_and_error_as_error() -> None:
    data = report_data(SUT, summary())
    root = etree.fromstring(junit_report(data))
    counted = {name: sum(int(s.get(name, "0")) for s in root) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {
        "tests": len(catalogue()),
        "failures": data["summary"]["fail"],
        "errors": data["summary"]["error"],
        "skipped": data["summary"]["skip"] + data["summary"]["waiting"],
    }
    assert len(root.findall(".//failure")) == data["summary"]["fail"]


def test_the_catalogues_of_messages_have_the_same_keys() -> None:
    """A key that one language lacks would show the other in the middle of a page."""
    directory = ROOT / "conformance/report/messages"
    finnish, swedish, english = (load_yaml(directory / f"{language}.yaml") for language in LANGUAGES)
    assert set(swedish) == set(english) == set(finnish)
    assert all(str(text).strip() for texts in (finnish, swedish, english) for text in texts.values())


def test_every_case_has_a_title_of_its_own_in_every_language() -> None:
    """A missing title shows English in the middle of a Finnish page; a stale one comes back on the next such case."""
    assert list(titles()) == [case.id for case in catalogue()], "the order of titles.yaml is that of the cases"
    for language in ("fi", "sv"):
        found = [row[language] for row in titles().values()]
        assert all(set(row) == {"fi", "sv"} for row in titles().values())
        assert all(text == " ".join(text.split()) and text[0].isalpha() and text[-1] not in ".!" for text in found)
        repeated = {text for text in found if found.count(text) > 1}
        assert repeated == set()
    assert [case for case, row in titles().items() if row["fi"] == row["sv"]] == []


def test_the_page_shows_the_titles_in_three_languages() -> None:
    page = html_report(report_data(SUT, summary())).decode()
    for case in catalogue():
        for language, text in {"en": case.title, **titles()[case.id]}.items():
            assert f'lang="{language}">{escape(text)}</span>' in page, (case.id, language)


def test_every_area_phase_part_and_verdict_has_a_word_in_every_language() -> None:
    """Without one the page would show a key in its place."""
    keys = {f"area.{a}" for a in Area} | {f"phase.{p}" for p in Phase} | {f"facet.{f}" for f in Facet}
    keys |= {f"{kind}.{v}" for v in CaseVerdict for kind in ("verdict", "group", "meaning")}
    for language in LANGUAGES:
        assert keys - set(texts_of(language)) == set(), language


def test_a_text_keeps_its_places_to_fill_in_every_language() -> None:
    def places(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", text))

    for key, text in texts_of("en").items():
        assert places(texts_of("fi")[key]) == places(texts_of("sv")[key]) == places(text), key


def test_a_requirement_is_not_blamed_for_the_other_requirement_of_a_case() -> None:
    case = "signature.system.integrity"
    one = CaseResult(
        case,
        CaseVerdict.FAIL,
        "x",
        (
            Judgment("sign.digests", True, "x"),
            Judgment("sign.value", False, "x", Finding("dsig.signature-value", Severity.ERROR, "x", source="s")),
        ),
    )
    rows = report_data(SUT, Summary("Fake TEST", NOW, NOW, (one,)))["requirements"]
    verdicts = {row["id"]: row["verdict"] for row in rows}
    assert (verdicts["sign.digests"], verdicts["sign.value"]) == ("pass", "fail")


def test_long_evidence_is_cut_and_says_so() -> None:
    evidence = Evidence.of("x", b"a" * 1_000_000)
    assert evidence.cut and evidence.size == 1_000_000 and len(evidence.content) < 60_000


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(Misuse, match="'de'"):
        html_report(report_data(SUT, summary()), "de")


def test_the_files_are_written_whole(tmp_path: Path) -> None:
    write_report(tmp_path, SUT, summary(HOSTILE))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["junit.xml", "report.html", "report.json"]
    jsonschema.validate(json.loads((tmp_path / "report.json").read_text(encoding="utf-8")), SCHEMA)


def changed(summary_before: Summary, summary_now: Summary) -> dict[str, list[str]]:
    earlier = Earlier(report_data(SUT, summary_before), "old")
    data = report_data(SUT, summary_now, compared=earlier)
    jsonschema.validate(data, SCHEMA, format_checker=jsonschema.FormatChecker())
    page = html_report(data).decode()
    assert 'id="comparison"' in page
    return {key: [row["id"] for row in rows] for key, rows in data["comparison"].items() if isinstance(rows, list)}


def test_what_is_new_mended_and_unchanged_is_told() -> None:
    ids = [case.id for case in catalogue()[:6]]
    was = ("pass", "fail", "fail", "pass", "fail")
    now = ("fail", "pass", "fail", "pass", "skip", "warn")
    groups = changed(
        Summary("Fake TEST", NOW, NOW, tuple(result(i, CaseVerdict(v)) for i, v in zip(ids, was, strict=False))),
        Summary("Fake TEST", NOW, NOW, tuple(result(i, CaseVerdict(v)) for i, v in zip(ids, now, strict=False))),
    )
    assert groups["new"] == [ids[0], ids[5]]
    assert groups["mended"] == [ids[1]]
    assert groups["still"] == [ids[2]]
    assert groups["unchanged"] == [ids[3], ids[4]], "a case that is skipped now has mended nothing"


def test_an_earlier_report_gives_its_results_back(tmp_path: Path) -> None:
    """Resuming writes a report anew from an old one; nothing may be lost on the way."""
    write_report(tmp_path, SUT, summary())
    loaded = Earlier.load(tmp_path)
    again = Summary("Fake TEST", NOW, NOW, loaded.results, complete=False)
    assert report_data(SUT, again) == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"format": "other"}', '{"cases": 5}', "[" * 5000, '{"format": 1, "cases": [{}]}'],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "old.json").write_text(text, encoding="utf-8")
    with pytest.raises(Misuse):
        Earlier.load(tmp_path / "old.json")


def test_a_verifier_with_one_answer_to_everything_is_told_so() -> None:
    refusing = [c.id for c in catalogue() if c.area is Area.VERIFICATION and ".refuses-" in c.id]
    accepting = [c.id for c in catalogue() if c.area is Area.VERIFICATION and ".accepts-" in c.id]

    def remarks(refusals: CaseVerdict, acceptances: CaseVerdict) -> list[str]:
        results = [result(i, refusals) for i in refusing] + [result(i, acceptances) for i in accepting]
        remarks: list[str] = report_data(SUT, Summary("Fake TEST", NOW, NOW, tuple(results)))["remarks"]
        return remarks

    assert remarks(CaseVerdict.FAIL, CaseVerdict.PASS) == ["accepts-everything"]
    assert remarks(CaseVerdict.SKIP, CaseVerdict.FAIL) == ["refuses-everything"]
    assert remarks(CaseVerdict.PASS, CaseVerdict.PASS) == []


def test_a_verifier_is_not_judged_as_a_whole_by_a_few_cases() -> None:
    """A right verifier that knows RSA only was said to refuse everything, when one case of others was run alone."""
    refusing = [c.id for c in catalogue() if c.area is Area.VERIFICATION and ".refuses-" in c.id]

    def remarks(*cases: str) -> list[str]:
        results = tuple(result(case, CaseVerdict.FAIL) for case in cases)
        remarks: list[str] = report_data(SUT, Summary("Fake TEST", NOW, NOW, results))["remarks"]
        return remarks

    accepting = [c.id for c in catalogue() if c.area is Area.VERIFICATION and ".accepts-" in c.id]
    others = [case for case in accepting if case != "verification.accepts-good"]
    assert remarks(others[0]) == remarks(*others) == []
    assert remarks(*refusing[1:]) == []
    assert remarks("verification.accepts-good") == ["refuses-everything"]
    assert remarks(*refusing) == ["accepts-everything"]
