"""Every defect is built, and judged as the catalogue says; the files for vendors are whole and agree with it."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from defect_world import defect_world

from sotepki.cli import root as cli
from sotepki.errors import Fault, Misuse
from sotepki.evidence import Verdict
from sotepki.x509.defects import BASES, Base, Defect, load_defects, load_validators
from sotepki.x509.defects.catalogue import find_defect, with_views
from sotepki.x509.defects.document import vectors_document
from sotepki.x509.defects.draft import Draft
from sotepki.x509.defects.path_builders import good_setting
from sotepki.x509.defects.vectors import check_index, judge_path, judge_vector, write_vectors
from sotepki.x509.path import Purpose

ROOT = Path(__file__).parents[2]
DEFECTS = load_defects()

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


def test_the_catalogue_holds_what_was_promised() -> None:
    assert sum(not defect.good for defect in DEFECTS.values()) >= 60
    assert {defect.base for defect in DEFECTS.values() if defect.good} == set(BASES)
    for defect in DEFECTS.values():
        broken = Verdict.INVALID in (defect.path.verdict, defect.lint.verdict) or defect.lint.rule
        assert bool(broken) != defect.good, f"{defect.id} is called good and is not, or the reverse"


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=lambda defect: defect.id)
def test_a_defect_gets_its_verdict_and_its_rule(defect: Defect) -> None:
    world = defect_world()
    expected = {"path": defect.path.as_dict(), "lint": defect.lint.as_dict()}
    purpose = Purpose(BASES[defect.base].purpose)
    result = judge_vector(defect.id, defect.build(world), purpose, world.at, expected)
    assert result.agrees, result.as_dict()


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("vectors") / "out"
    told: list[str] = []
    write_vectors(directory, defect_world(), tell=told.append)
    assert told == list(DEFECTS)
    return directory


def test_the_index_has_its_schema_and_names_files_that_are_there(vectors: Path) -> None:
    index = json.loads((vectors / "index.json").read_text(encoding="utf-8"))
    jsonschema.validate(index, json.loads((ROOT / "docs/schemas/vectors.schema.json").read_text(encoding="utf-8")))
    assert [row["id"] for row in index["vectors"]] == list(DEFECTS)
    for row in index["vectors"]:
        for name in row["files"].values():
            assert (vectors / name).is_file()


def test_verify_agrees_with_the_whole_index(vectors: Path) -> None:
    answer = CliRunner().invoke(cli, ["cert", "verify", "--index", str(vectors / "index.json"), "--format", "json"])
    rows = json.loads(answer.stdout)
    assert rows["agrees"], [row for row in rows["vectors"] if not row["agrees"]]
    assert len(rows["vectors"]) == len(DEFECTS)


def test_an_index_that_expects_something_else_is_not_agreed_with(vectors: Path) -> None:
    index = json.loads((vectors / "index.json").read_text(encoding="utf-8"))
    index["vectors"] = index["vectors"][:2]
    index["vectors"][0]["expected"]["path"] = {"verdict": "invalid", "rules": ["path.expired"]}
    changed = vectors / "changed.json"
    changed.write_text(json.dumps(index), encoding="utf-8")
    assert [result.agrees for result in check_index(changed)] == [False, True]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format": 2}', '{"format": 1, "vectors": [{}], "at": "2026-01-01T00:00:00Z"}', "[" * 9999],
)
def test_something_that_is_no_index_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "index.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Misuse):
        check_index(path)


def test_an_index_reads_no_file_outside_its_directory(vectors: Path) -> None:
    index = json.loads((vectors / "index.json").read_text(encoding="utf-8"))
    index["vectors"] = index["vectors"][:1]
    index["vectors"][0]["files"]["trust"] = "../../secret.pem"
    changed = vectors / "outside.json"
    changed.write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(Misuse, match="outside"):
        check_index(changed)


def test_vectors_never_write_over_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Misuse, match="there already"):
        write_vectors(tmp_path, defect_world(), defects=[find_defect("revoked")])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_defect_is_misuse() -> None:
    with pytest.raises(Misuse, match="no defect"):
        find_defect("none-such")


@pytest.mark.parametrize(
    "row",
    [
        "title: x",
        "{title: x, group: g, base: system, builder: nothing, path: {verdict: valid}, lint: {verdict: valid}, a: 1}",
        "{title: x, group: g, base: system, builder: unheard-of, path: {verdict: valid}, lint: {verdict: valid}}",
        "{title: x, group: g, base: system, builder: nothing, path: {verdict: invalid}, lint: {verdict: valid}}",
    ],
)
def test_a_catalogue_that_is_not_well_formed_is_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(f"broken:\n  {row}\n" if row.startswith("title") else f"broken: {row}\n", encoding="utf-8")
    with pytest.raises(Fault):
        load_defects(path)


def test_the_page_about_the_vectors_says_what_the_catalogue_says() -> None:
    page = (ROOT / "docs/certificate-vectors.md").read_text(encoding="utf-8")
    assert page == vectors_document(), "run: python -m sotepki.x509.defects.document > docs/certificate-vectors.md"


def test_a_private_key_among_the_vectors_is_never_shown(vectors: Path) -> None:
    file = vectors / "given-private-key" / "certificate.pem"
    secret = file.read_text(encoding="ascii").splitlines()[1]
    trust = str(vectors / "good-signature" / "trust.pem")
    with warnings.catch_warnings():
        answer = CliRunner().invoke(cli, ["cert", "verify", str(file), "--trust", trust])
    assert "private key" in answer.output
    assert secret not in answer.output


_VALIDATOR = (
    "{name: N, measured: '1', series: ['1'], asked: so, views: [{verdict: valid, reason: why, vectors: [revoked]}]}"
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("asked: so, ", "", "asked"),
        ("name: N", "name: N, extra: 1", "extra"),
        ("verdict: valid", "verdict: perhaps", "perhaps"),
        ("reason: why", "reason: ''", "reason"),
        ("[revoked]", "[]", "vectors"),
        ("[revoked]", "[revoked, revoked]", "already"),
    ],
)
def test_a_table_of_validators_that_is_not_well_formed_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "validators.yaml"
    path.write_text(f"other: {_VALIDATOR}\n", encoding="utf-8")
    assert load_validators(path)["other"].views["revoked"].reason == "why"
    broken = tmp_path / "broken.yaml"
    broken.write_text(f"other: {_VALIDATOR.replace(old, new)}\n", encoding="utf-8")
    with pytest.raises(Fault, match=words):
        load_validators(broken)


@pytest.mark.parametrize(("vector", "words"), [("none-such", "unknown vector"), ("good-system", "is that of 'path'")])
def test_a_view_is_about_a_vector_that_is_there_and_differs(tmp_path: Path, vector: str, words: str) -> None:
    path = tmp_path / "validators.yaml"
    path.write_text(f"other: {_VALIDATOR.replace('revoked', vector)}\n", encoding="utf-8")
    with pytest.raises(Fault, match=words):
        with_views(DEFECTS, load_validators(path).values())


def test_a_series_of_versions_is_told_by_whole_numbers() -> None:
    gnutls = load_validators()["gnutls"]
    assert gnutls.knows("3.7.11")
    assert not gnutls.knows("3.70.1")


def test_the_index_tells_what_other_validators_say(vectors: Path) -> None:
    rows = {row["id"]: row for row in json.loads((vectors / "index.json").read_text(encoding="utf-8"))["vectors"]}
    assert rows["crl-forged"]["validators"]["gnutls"]["verdict"] == "valid"
    assert set(rows["crl-forged"]["validators"]) == {"gnutls", "dotnet", "go", "pyca"}
    assert "validators" not in rows["validity-expired"]


def test_the_schema_knows_every_validator() -> None:
    schema = json.loads((ROOT / "docs/schemas/vectors.schema.json").read_text(encoding="utf-8"))
    known = schema["$defs"]["vector"]["properties"]["validators"]["properties"]
    assert set(known) == set(load_validators())


def test_extensions_in_version_1_stop_a_path_even_where_they_cannot_be_read() -> None:
    """pyca raises an error of its own for an extension that stands twice; the path is refused, nothing breaks."""
    world = defect_world()
    draft = Draft.of(world.good(Base.SYSTEM))
    twice = replace(draft, version=b"", extensions=(*draft.extensions, draft.extensions[0]))
    setting = replace(good_setting(world, Base.SYSTEM), certificate=twice.signed(world.issuer(Base.SYSTEM).key))
    verdict, _ = judge_path(setting, Purpose.SYSTEM_SIGNATURE, world.at)
    assert verdict is Verdict.INVALID
