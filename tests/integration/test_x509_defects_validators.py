"""Every validator judges every vector as the table of validators says it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from csharp_programs import needs_dotnet
from validators_world import (
    Answers,
    asked_certvalidator,
    asked_dotnet,
    asked_gnutls,
    asked_go,
    asked_jdk,
    asked_pyca,
    missing_gnutls,
    missing_go,
    missing_jdk,
)

from sotepki.clock import SystemClock
from sotepki.evidence import Verdict
from sotepki.x509.defects import BASES, Defect, DefectWorld, fresh_keys, load_defects, load_validators
from sotepki.x509.defects.vectors import question_about, write_vectors
from sotepki.x509.path import Purpose
from sotepki.x509.second_opinions import Question, openssl_opinion

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]


@pytest.fixture(scope="module")
def world() -> DefectWorld:
    # openssl ocsp, certtool and ocsptool compare times with the machine's clock, so the vectors are made for today.
    return DefectWorld(SystemClock().now(), fresh_keys())


@pytest.fixture(scope="module")
def questions(world: DefectWorld) -> Mapping[str, Question]:
    return {
        name: question_about(defect.build(world), Purpose(BASES[defect.base].purpose), world.at)
        for name, defect in load_defects().items()
    }


@pytest.fixture(scope="module")
def vectors(world: DefectWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("vectors") / "out"
    write_vectors(directory, world)
    return directory


@pytest.fixture(scope="module")
def jdk(vectors: Path) -> Answers:
    _skip_without(missing_jdk)
    return asked_jdk(vectors)


@pytest.mark.parametrize("defect", load_defects().values(), ids=lambda defect: defect.id)
def test_openssl_judges_as_the_table_says(questions: Mapping[str, Question], defect: Defect) -> None:
    opinion = openssl_opinion(questions[defect.id])
    assert opinion.verdict is defect.verdict_of("openssl"), opinion.words


def test_gnutls_judges_as_the_table_says(questions: Mapping[str, Question], tmp_path: Path) -> None:
    _skip_without(missing_gnutls)
    _compare("gnutls", asked_gnutls(questions, tmp_path))


def test_the_jdk_judges_as_the_table_says(jdk: Answers) -> None:
    _compare("jdk", jdk)


def test_the_jdk_refuses_wrong_key_usages_when_it_is_told_the_purpose(
    jdk: Answers, world: DefectWorld, tmp_path: Path
) -> None:
    """The page tells vendors which of these the JDK then refuses; it refuses no good certificate besides."""
    chosen = [one for one in load_defects().values() if one.good or one.id.startswith(("key-usage-", "ca-"))]
    write_vectors(tmp_path / "some", world, defects=chosen)
    told = asked_jdk(tmp_path / "some", "usages").said
    assert {name for name in told if told[name].verdict is not jdk.said[name].verdict} == {
        "key-usage-authentication-signs",
        "key-usage-system-without-repudiation",
        "ca-flag",
        "ca-as-end-entity",
    }


@needs_dotnet
def test_dotnet_judges_as_the_table_says(vectors: Path, tmp_path: Path) -> None:
    _compare("dotnet", asked_dotnet(vectors, tmp_path))


def test_go_judges_as_the_table_says(vectors: Path, tmp_path: Path) -> None:
    _skip_without(missing_go)
    _compare("go", asked_go(vectors, tmp_path))


def test_certvalidator_judges_as_the_table_says(questions: Mapping[str, Question]) -> None:
    _compare("certvalidator", asked_certvalidator(questions))


def test_pyca_judges_as_the_table_says(questions: Mapping[str, Question]) -> None:
    _compare("pyca", asked_pyca(questions))


def _skip_without(missing: Callable[[], str]) -> None:
    if reason := missing():
        pytest.skip(reason)


def _compare(name: str, answers: Answers) -> None:
    """Every verdict is that of the table; a version of which it does not speak may differ, and that is told."""
    validator, defects = load_validators()[name], load_defects()
    assert set(answers.said) == set(defects), "a vector was left out"
    others = [
        f"{one}: {said.verdict} instead of {defects[one].verdict_of(name)} ({said.words})"
        for one, said in answers.said.items()
        if said.verdict is not defects[one].verdict_of(name)
    ]
    told = f"{validator.name} {answers.version} judges otherwise than measured ({validator.measured}):\n"
    told += "\n".join(others) + "\nFind out why, and mend sotepki/x509/defects/validators.yaml and its page."
    if others and not validator.knows(answers.version):
        refused = [one for one, said in answers.said.items() if defects[one].good and said.verdict is Verdict.INVALID]
        assert set(refused) <= {one for one in validator.views if defects[one].good}, told
        pytest.skip(told)
    assert not others, told
