"""OpenSSL judges every good certificate and every defect as the catalogue says it does."""

from __future__ import annotations

import pytest

from sotepki.clock import SystemClock
from sotepki.x509.defects import BASES, Defect, DefectWorld, fresh_keys, load_defects
from sotepki.x509.defects.vectors import question_about
from sotepki.x509.path import Purpose
from sotepki.x509.second_opinions import openssl_opinion

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]


@pytest.fixture(scope="module")
def world() -> DefectWorld:
    # openssl ocsp compares times with the machine's clock only, so the vectors are made for today.
    return DefectWorld(SystemClock().now(), fresh_keys())


@pytest.mark.parametrize("defect", load_defects().values(), ids=lambda defect: defect.id)
def test_openssl_judges_as_the_catalogue_says(world: DefectWorld, defect: Defect) -> None:
    expected = defect.openssl.verdict if defect.openssl is not None else defect.path.verdict
    question = question_about(defect.build(world), Purpose(BASES[defect.base].purpose), world.at)
    opinion = openssl_opinion(question)
    assert opinion.verdict is expected, opinion.words
