"""Exercises at the offices' desks: somebody who does nearly the right thing is told what is still wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import copy_workspace
from training_slips import Slip, heard

from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

NUMBER = "from sotepki.identifiers import RegistrationNumber\nnumber = RegistrationNumber(scene['number'])\n"
VALVIRA = "office = workspace.valvira\nwhy = {'actor': 'valvira', 'reason': 'test'}\n" + NUMBER
UNIT = """
from sotepki.identifiers import organisation_oid
from sotepki.registers import Organisation
county = workspace.thl.organisation(cast.organisation('coast'))
def enter(name='Fiktivnäs tandklinik TEST', public=True, parent=county.oid):
    workspace.thl.register_organisation(
        Organisation(organisation_oid(county.business_id, 4100), name, county.business_id, 'hospital', 'Fiktivnäs',
                     public=public, parent=parent),
        actor='thl')
"""
LIST = """
from dataclasses import replace
from sotepki.identifiers import Oid
from sotepki.thl import code_exchange
published = workspace.thl.codes(Oid('1.2.246.537.5.40127.2006'))
def publish(*codes):
    workspace.thl.import_codes(code_exchange.write(replace(published, version='TEST-2', codes=codes)), actor='thl')
new = replace(published.codes[-1], code='90', name_fi='Testiallekirjoitus')
"""
FIGURES = "from sotepki.ministry import collect\nrights = collect(workspace.records).rights\n"
REVOKE = "from cryptography.x509 import ReasonFlags\nserial = int(scene['serial'], 16)\n"


SLIPS = (
    Slip("restriction-for-a-time", "no-right", VALVIRA + "office.remove_right(number, '001', **why)"),
    Slip("restriction-for-a-time", "other-targets", VALVIRA + "office.restrict_right(number, '001', ['10'], **why)"),
    Slip("restriction-for-a-time", "goes-on", VALVIRA + "office.restrict_right(number, '001', ['10', '30'], **why)"),
    Slip(
        "restriction-for-a-time", "ends-early",
        VALVIRA + "from datetime import timedelta\nsoon = workspace.clock.now().date() + timedelta(days=3)\n"
        "office.restrict_right(number, '001', ['10', '30'], valid_to=soon, **why)",
    ),
    Slip("restriction-for-a-time", "", instead=('["10", "30"]', '["30", "10"]')),
    Slip(
        "restriction-for-a-time", "goes-on",
        "from datetime import timedelta",
        instead=("fromisoformat(scene[\"last_day\"])", "fromisoformat(scene[\"last_day\"]) + timedelta(days=1)"),
    ),
    Slip("removal-to-come", "never-removed"),
    Slip(
        "removal-to-come", "",
        VALVIRA + "from datetime import datetime\n"
        "office.remove_right(number, 'T06', effective_at=datetime.fromisoformat(scene['moment']), **why)\n"
        "workspace.advance_clock(31)",
    ),
    Slip("removal-to-come", "removed-at-once", VALVIRA + "office.remove_right(number, 'T06', **why)"),
    Slip(
        "removal-to-come", "removed-early",
        VALVIRA + "from datetime import timedelta\nsoon = workspace.clock.now() + timedelta(days=3)\n"
        "office.remove_right(number, 'T06', effective_at=soon, **why)",
    ),
    Slip("what-a-system-may-know", "no-answer", hands_in="10"),
    Slip("what-a-system-may-know", "too-few", hands_in=["10"]),
    Slip("what-a-system-may-know", "wrong", hands_in=["10", "30", "40"]),
    Slip("system-into-the-register", "no-statement"),
    Slip(
        "system-into-the-register", "other-number",
        "from sotepki.valvira.supervision import EvidenceKind\n"
        "workspace.supervision.attach(scene['system'], EvidenceKind.JOINT_TEST, number='YT-1', issuer='Kela TEST',"
        " issued_on=workspace.clock.now().date(), actor='valvira')",
    ),
    Slip(
        "system-into-the-register", "not-registered",
        "from sotepki.valvira.supervision import EvidenceKind\n"
        "workspace.supervision.attach(scene['system'], EvidenceKind.JOINT_TEST, number='YT-12', issuer='Kela TEST',"
        " issued_on=workspace.clock.now().date(), actor='valvira')",
    ),
    Slip(
        "leaked-system-key", "other-reason",
        REVOKE
        + "workspace.authorities.revoke(('sote-services', serial), reason=ReasonFlags.superseded, actor='dvv')",
    ),
    Slip(
        "leaked-system-key", "not-published",
        REVOKE
        + "workspace.authorities.revoke(('sote-services', serial), reason=ReasonFlags.key_compromise, actor='dvv')",
    ),
    Slip("whose-certificate", "other-tree", hands_in="test-system-signature"),
    Slip("whose-certificate", "wrong", hands_in="test-server-ec"),
    Slip("whose-certificate", "no-profile", hands_in="a certificate"),
    Slip("window-for-a-thief", "no-answer", hands_in="tomorrow"),
    Slip("window-for-a-thief", "no-answer", hands_in="2199-01-01T00:00:00"),
    Slip("window-for-a-thief", "too-early", hands_in="2026-01-01T00:00:00+00:00"),
    Slip("window-for-a-thief", "too-late", hands_in="2199-01-01T00:00:00+00:00"),
    Slip("unit-of-a-county", "other-name", UNIT + "enter(name='Tandkliniken TEST')"),
    Slip("unit-of-a-county", "no-parent", UNIT + "enter(parent=None)"),
    Slip("unit-of-a-county", "private", UNIT + "enter(public=False)"),
    Slip("code-in-a-new-version", "codes-lost", LIST + "publish(new)"),
    Slip("code-in-a-new-version", "other-name", LIST + "publish(*published.codes, replace(new, name_fi='Muu'))"),
    Slip("question-of-the-minister", "no-answer", hands_in="many"),
    Slip("question-of-the-minister", "wrong", hands_in=100_000),
    Slip("question-of-the-minister", "people", "answer = workspace.valvira.count()"),
    Slip("question-of-the-minister", "with-restricted", FIGURES + "answer = rights['in_force'].sum()"),
    Slip("question-of-the-minister", "", FIGURES + "answer = rights['in_force'].sum() - rights['restricted'].sum()"),
)  # fmt: skip


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("offices") / "workspace"
    with Workspace.create(directory, card_keys=0):
        pass
    return directory


@pytest.fixture
def workspace(fresh: Path, tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(copy_workspace(fresh, tmp_path / "workspace")) as opened:
        yield opened


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.task}-{slip.hears or 'done'}")
def test_who_slips_is_told_how(slip: Slip, workspace: Workspace) -> None:
    assert heard(slip, workspace) == slip.hears
