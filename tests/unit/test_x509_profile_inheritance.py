"""A variant states only what differs and is refused when wrong; schema and pages are those of the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sotepki.errors import Fault
from sotepki.evidence import Grade
from sotepki.resources import package_file
from sotepki.x509.profile_schema import documents, main, profile_schema
from sotepki.x509.profiles import load_profiles, read_profiles

DOCS = package_file().parent / "docs"
BASE = "professional-signature-rsa"
NEEDED = (BASE, "test-sote-person-ca-rsa", "test-root-rsa")
OWN = {"source": "docs/field/pki.md 5.4", "grade": "inferred", "basis": "choice"}


def variant(directory: Path, **changes: Any) -> Path:
    """A directory with the base, its issuers, and one variant of it."""
    for name in NEEDED:
        (directory / f"{name}.yaml").write_bytes(package_file("x509", "profiles", f"{name}.yaml").read_bytes())
    data = {"id": "variant", "extends": BASE, "title": "A variant"} | changes
    (directory / "variant.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return directory


def test_a_variant_takes_over_what_it_does_not_state(tmp_path: Path) -> None:
    change = {"row": "key", "value": {"allowed": ["rsa-2048"]}} | OWN
    profiles = read_profiles(variant(tmp_path, rows=[change], dropped=["subject.pseudonym"]))
    base, made = profiles[BASE], profiles["variant"]
    assert made.row("key").raw == {"allowed": ["rsa-2048"]} and made.row("key").stated_in == "variant"
    assert made.row("key").rule == base.row("key").rule
    assert made.row("validity").raw == base.row("validity").raw and made.row("validity").stated_in == BASE
    assert made.row("validity").id == "cert.variant.validity"
    assert "subject.pseudonym" not in made.by_field and len(made.rows) == len(base.rows) - 1
    assert made.lineage == (BASE,) and made.issuer_names == base.issuer_names


def test_an_added_row_stands_where_it_says(tmp_path: Path) -> None:
    added = {"row": "subject.organisation", "after": "subject.country", "field": "subject.organisation"}
    added |= {"rule": "The organisation.", "value": {"type": "UTF8String"}} | OWN
    made = read_profiles(variant(tmp_path, added=[added]))["variant"]
    assert [name for name, _, _ in made.subject_rows][:3] == ["country", "organisation", "title"]


def test_evidence_of_one_certificate_is_not_evidence_of_its_twin(tmp_path: Path) -> None:
    """What is confirmed of the decoded certificate may not fail a vendor whose certificate is of another kind."""
    profiles = read_profiles(variant(tmp_path, inherited_grade="inferred"))
    assert profiles[BASE].row("issuer").grade is Grade.CONFIRMED
    assert profiles["variant"].row("issuer").grade is Grade.INFERRED
    assert profiles["variant"].row("version").grade is Grade.CONFIRMED  # a standard holds for both
    unknown = next(row for row in profiles["variant"].rows if row.field == "extension.subject-alternative-name")
    assert unknown.grade is Grade.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"extend": "x"}, "unknown key 'extend'"),
        ({"rows": [{"row": "keys"} | OWN]}, "does not have"),
        ({"rows": [{"row": "key", "valeu": 1} | OWN]}, "unknown key 'valeu'"),
        ({"rows": [{"row": "key", "field": "key"} | OWN]}, "unknown key 'field'"),
        ({"rows": [{"row": "key", "value": {"allowed": ["rsa-2048"]}}]}, "without its own source, grade, basis"),
        ({"rows": [{"value": 1}]}, "needs the key 'row'"),
        ({"rows": "key"}, "must give rows as a list"),
        ({"dropped": ["subject.email"]}, "does not have"),
        ({"dropped": ["validity"]}, "no row for validity"),
        ({"added": [{"row": "key", "after": "serial", "field": "key", "rule": "A key."} | OWN]}, "has already"),
        ({"added": [{"row": "new", "after": "nothing", "field": "key", "rule": "A key."} | OWN]}, "is not there"),
        ({"inherited_grade": "sure"}, "unknown inherited_grade"),
        ({"environment": "staging"}, "not well formed"),
        ({"extends": "nobody"}, "cannot be read"),
        ({"extends": "variant"}, "in a circle: variant -> variant"),
    ],
)
def test_a_variant_that_is_wrong_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Fault, match=message):
        read_profiles(variant(tmp_path, **changes))


def test_a_circle_over_two_files_is_found(tmp_path: Path) -> None:
    variant(tmp_path, extends="other")
    other = {"id": "other", "extends": "variant", "title": "Another"}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(other), encoding="utf-8")
    with pytest.raises(Fault, match="circle"):
        read_profiles(tmp_path)


def test_there_are_the_profiles_of_the_whole_sote_world() -> None:
    profiles = load_profiles()
    test = {profile.id for profile in profiles.values() if profile.environment == "test"}
    assert len(test) >= 26 and len(profiles) == len(list(profiles))
    kinds = ("professional", "personnel", "actor", "spare", "organisation", "citizen")
    wanted = {f"{kind}-{use}-rsa" for kind in kinds for use in ("authentication", "signature")}
    wanted |= {f"{kind}-{use}-ec" for kind in kinds if kind != "spare" for use in ("authentication", "signature")}
    wanted |= {"test-root-rsa", "test-root-ec", "test-temporary-ca-rsa", "test-general-ca-rsa", "test-general-ca-ec"}
    wanted |= {f"test-sote-{ca}-ca-{tree}" for ca in ("person", "service") for tree in ("rsa", "ec")}
    wanted |= {"test-server", "test-server-ec", "test-system-signature", "test-system-signature-ec"}
    wanted |= {"test-email-rsa", "test-kela-signature-rsa", "ocsp-responder", "ocsp-responder-ec"}
    assert wanted <= test


def test_the_schema_accepts_every_file_and_refuses_a_typo() -> None:
    schema = profile_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    files = list(package_file("x509", "profiles").glob("*.yaml"))
    for path in files:
        errors = [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8")))]
        assert not errors, (path.name, errors[0])
    data = yaml.safe_load(package_file("x509", "profiles", f"{BASE}.yaml").read_text(encoding="utf-8"))
    next(row for row in data["rows"] if row["field"] == "key")["value"] = {"allowed": ["rsa-1023"]}
    assert list(validator.iter_errors(data))


def test_schema_and_pages_in_docs_are_those_of_the_profiles() -> None:
    """Run ``python -m sotepki.x509.profile_schema docs`` after changing a profile."""
    made = documents()
    assert json.loads(made["schemas/profile.schema.json"]) == profile_schema()
    stale = [name for name, text in made.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    assert not stale, stale[:5]
    there = {f"profiles/{path.name}" for path in (DOCS / "profiles").glob("*.md")}
    assert there <= set(made)


def test_the_generator_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "gone.md").write_text("old", encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    assert not (tmp_path / "profiles" / "gone.md").exists()
    assert (tmp_path / "profiles" / "README.md").read_text(encoding="utf-8").count("\n| [") == len(load_profiles())
    assert "files written" in capsys.readouterr().out
