"""Notebooks in several languages: who reads Finnish or Swedish reads everything that stands in the English one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

from notebooks import phrases
from notebooks.editions import LANGUAGES, Edition, edition_of, editions, many_languages
from notebooks.languages import build, flaws
from notebooks.pairs import HERE, out_of_step
from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Finding, Severity
from sotepki.provider.join_lists import join_data
from sotepki.provider.plans import plan_kinds
from sotepki.rulebook import whole_book
from sotepki.training.tasks import all_tasks

SOURCES = many_languages(HERE)
EDITIONS = [edition for source in SOURCES for edition in editions(source)]
TEXTS = sorted(path.stem for path in phrases.TEXTS.glob("*.yaml") if not path.stem.startswith("rules"))

HEADER = """# ---
# jupyter:
#   sotepki:
#     languages: {fi: 03_suomi, sv: 03_svenska}
# ---

"""
CELLS = {
    "en": '# %% [markdown] lang="en"\n# ## The card\n#\n# See `order.one-card`; 14 days.\n\n',
    "fi": '# %% [markdown] lang="fi"\n# ## Kortti\n#\n# Katso `order.one-card`; 14 päivää.\n\n',
    "sv": '# %% [markdown] lang="sv"\n# ## Kortet\n#\n# Se `order.one-card`; 14 dagar.\n\n',
}
CODE = "# %%\nprint('code')\n"


def written(directory: Path, cells: str) -> Path:
    source = directory / "03_english.py"
    source.write_text(HEADER + cells, encoding="utf-8")
    return source


def whole() -> str:
    return "".join(CELLS[language] for language in LANGUAGES) + CODE


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_each_language_says_everything(source: Path) -> None:
    assert flaws(source) == []


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda edition: edition.notebook.stem)
def test_the_notebook_is_what_its_source_says(edition: Edition) -> None:
    """Rebuild with: python -m notebooks.languages"""
    assert out_of_step(edition.notebook) == ""


@pytest.mark.parametrize("notebook", ["03_registrar", "04_professional", "05_provider", "06_pharmacy"])
def test_who_works_with_clients_reads_their_own_language(notebook: str) -> None:
    assert tuple(edition.language for edition in editions(HERE / f"{notebook}.py")) == LANGUAGES


def test_an_edition_has_its_own_words_and_the_code_of_all(tmp_path: Path) -> None:
    source = written(tmp_path, whole())
    finnish = edition_of(tmp_path / "03_suomi.ipynb")
    assert finnish is not None and finnish.language == "fi"
    assert build(finnish)  # the code has no outputs yet
    built = nbformat.read(finnish.notebook, as_version=4)  # type: ignore[no-untyped-call]
    assert [cell.source.splitlines()[0] for cell in built.cells] == ["## Kortti", "print('code')"]
    assert flaws(source) == []


def test_a_corrected_word_does_not_cost_the_outputs(tmp_path: Path) -> None:
    """A translator corrects a sentence; the notebook need not run again for it."""
    source = written(tmp_path, whole())
    edition = editions(source)[0]
    build(edition)
    run = nbformat.read(edition.notebook, as_version=4)  # type: ignore[no-untyped-call]
    output = nbformat.v4.new_output("stream", name="stdout", text="code\n")  # type: ignore[no-untyped-call]
    run.cells[1].update(outputs=[output], execution_count=1)
    nbformat.write(run, edition.notebook)  # type: ignore[no-untyped-call]
    written(tmp_path, whole().replace("The card", "Your card"))
    assert not build(edition)
    kept = nbformat.read(edition.notebook, as_version=4)  # type: ignore[no-untyped-call]
    assert kept.cells[0].source.startswith("## Your card")
    assert kept.cells[1].outputs[0].text == "code\n"


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (
            CELLS["en"] + CELLS["fi"] + CODE,
            "At '## The card' stand the languages en, fi; there should be en, fi, sv.",
        ),
        (CELLS["en"] + CELLS["sv"] + CELLS["fi"] + CODE, "stand the languages en, sv, fi"),
        (whole() + "# %% [markdown]\n# ## New\n", "The cell '## New' bears no language."),
        (whole().replace("## Kortti", "Kortti"), "the headings of fi differ"),
        (whole().replace("14 dagar", "15 dagar"), "the numbers of sv differ"),
        (whole().replace("Se `order.one-card`", "Se"), "the names in code of sv differ"),
        (whole().replace("# Katso", "# - Katso"), "the list items of fi differ"),
    ],
)
def test_a_language_that_lacks_something_is_found(tmp_path: Path, broken: str, sentence: str) -> None:
    """Else a reader of Finnish would meet another number, rule or step than a reader of English."""
    assert any(sentence in flaw for flaw in flaws(written(tmp_path, broken)))


def test_a_notebook_of_one_language_is_left_alone() -> None:
    tour = HERE / "00_tour.py"
    assert flaws(tour) == []
    assert [edition.notebook.name for edition in editions(tour)] == ["00_tour.ipynb"]
    assert len(jupytext.read(tour).cells) == len(nbformat.read(HERE / "00_tour.ipynb", as_version=4).cells)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", TEXTS)
def test_each_phrase_has_every_language(name: str) -> None:
    assert phrases.phrases(name)


def test_the_provider_reads_of_its_plans_what_the_lists_of_the_program_say() -> None:
    """Else a part of the plan that is reworded in the program would keep its old words in the notebook."""
    told = phrases.phrases("05_provider")
    said = {name: texts["en"] for name, texts in told.items() if name.startswith(("part ", "model "))}
    parts = plan_kinds()["information-security"].parts
    assert said == {
        **{f"part {name}": part.text for name, part in parts.items()},
        **{f"model {name}": text for name, text in join_data().models.items()},
    }


def test_a_phrase_without_a_language_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrases, "TEXTS", tmp_path)
    rows = {
        "lacking": ({"en": "card", "fi": "kortti"}, Misuse),
        "unknown": ({"en": "card", "fi": "kortti", "sv": "kort", "de": "Karte"}, Fault),
        "fields": ({"en": "card {number}", "fi": "kortti {numero}", "sv": "kort {number}"}, Misuse),
    }
    for name, (row, error) in rows.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"card": row}), encoding="utf-8")
        with pytest.raises(error):
            phrases.phrases(name)


def test_rules_are_told_in_finnish_and_swedish() -> None:
    """Each of them is a rule of the rule book, so a renamed rule is noticed."""
    book, told = whole_book(), []
    for path in sorted(phrases.TEXTS.glob("rules*.yaml")):
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        for rule, texts in rules.items():
            assert book[rule].rule.id == rule
            assert set(texts) == {"fi", "sv"} and all(str(text).strip() for text in texts.values()), rule
        assert list(rules) == sorted(rules)
        told += rules
    assert len(told) == len(set(told))


class _Shell:
    """Stands for IPython's shell: keeps what is to be done with errors."""

    def set_custom_exc(self, kinds: tuple[type[BaseException], ...], handler: Callable[..., list[str]]) -> None:
        self.kinds, self.handler = kinds, handler


@pytest.mark.parametrize(
    ("language", "needs", "advice"),
    [
        ("en", "This cell needs 'kaltio'", "What to do: choose"),
        ("fi", "Tämä solu tarvitsee nimen 'kaltio'", "Tee näin: valitse"),
        ("sv", "Den här cellen behöver 'kaltio'", "Gör så här: välj"),
    ],
)
def test_a_cell_run_too_early_speaks_the_readers_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str, needs: str, advice: str
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    import story
    import told

    shell = _Shell()
    monkeypatch.setattr(story, "get_ipython", lambda: shell)
    told.be_kind(language)
    shell.handler(shell, NameError, NameError("name 'kaltio' is not defined", name="kaltio"), None)
    said = capsys.readouterr().out
    assert needs in said and advice in said
    shell.handler(shell, Misuse, Misuse("No such point.", advice="See the list."), None)
    assert "No such point." in capsys.readouterr().out


def test_a_refusal_is_told_with_its_rule_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The office's own sentence stays, since the reader meets it in the program as well."""
    monkeypatch.syspath_prepend(str(HERE))
    import told

    def deed() -> None:
        raise Refused("The registrar 1 is the applicant.", rule="order.not-for-oneself", advice="Let another one.")

    told.attempt("Oma kortti", deed, "fi")
    said = capsys.readouterr().out
    assert "Oma kortti: hylätty." in said and "The registrar 1 is the applicant." in said
    assert "Rekisteröijä ei saa tilata korttia itselleen." in said and "order.not-for-oneself" in said
    told.attempt("Own card", deed, "en")
    assert "Let another one." in capsys.readouterr().out
    assert told.attempt("Nothing", lambda: 1, "sv") == 1
    with pytest.raises(KeyError):
        told.rule_text("no.such-rule", "fi")


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_a_refusal_under_a_rule_that_was_not_translated_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    """A reader would see that something is wrong with a file of texts, and neither the refusal nor what to do."""
    monkeypatch.syspath_prepend(str(HERE))
    import told

    monkeypatch.setattr(told, "translated_rules", dict)
    rule, advice = "order.right.choice", "Give the code of one of them."

    def deed() -> None:
        raise Refused("The person has several rights in force: 100, 101.", rule=rule, advice=advice)

    told.attempt("Tilaus", deed, language)
    said = capsys.readouterr().out
    assert "several rights in force: 100, 101." in said and rule in said and advice in said
    found = Finding(rule, Severity.ERROR, "Two rights.", advice=advice)
    assert advice in told.findings_told([found], language)[1]
    silent = Finding(rule, Severity.ERROR, "Two rights.")
    assert len(told.findings_told([silent], language)) == 1, "a line without words says nothing"
    with pytest.raises(Fault, match=re.escape(rule)):
        told.rules_shown(rule, language=language)


def test_the_rules_of_the_lessons_are_told_in_finnish_and_swedish(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainee of these notebooks who follows a hint would read the refusal in English."""
    monkeypatch.syspath_prepend(str(HERE))
    import told

    lessons = ("03_registrar", "04_professional", "05_provider", "06_pharmacy")
    taught = {rule for task in all_tasks().values() if task.notebook in lessons for rule in task.rules}
    desk = {rule for rule in whole_book() if rule.startswith(("order.", "hand-over.", "spare.", "staff."))}
    assert not (taught | desk) - set(told.translated_rules())


def test_what_kanta_found_is_told_with_its_rule_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence stands in every acknowledgement; a serial number of this run would differ in the next."""
    monkeypatch.syspath_prepend(str(HERE))
    import told

    ended = Finding("path.expired", Severity.ERROR, f"The certificate {'0a' * 15} has ended.")
    assert told.findings_told([ended], "en") == ["  error: The certificate (serial number) has ended. [path.expired]"]
    sentence, *rule = told.findings_told([ended], "sv")
    assert sentence == "  fel: The certificate (serienummer) has ended. [path.expired]"
    assert "Varje certifikat i certifikatkedjan" in rule[0]
