"""A right that Valvira removes is seen at once by everybody who asks, and no certificate is revoked by itself.

Nothing is cached and nothing is told along: Vartti, the attribute service and the provider ask at the moment. That
Kanta refuses what is signed after a removal (``doc.right``) is walked over real connections in ``test_journey.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from cryptography import x509
from databases import copy_workspace
from test_offices_flow import COUNTY, NOW, PASSPORT, cast, code_of, registrars

from sotepki.clock import SetClock
from sotepki.dvv.vartti.policy import REVOKE_ON_REMOVAL
from sotepki.errors import Refused
from sotepki.identifiers import RegistrationNumber
from sotepki.loopback import running
from sotepki.ministry import collect
from sotepki.tokens import Pin
from sotepki.valvira.approved_systems import ApprovedSystem
from sotepki.valvira.attribute_service import attribute_application
from sotepki.workspace import Workspace
from sotepki.x509.status import CertificateState

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("removal") / "workspace"
    with Workspace.create(directory, card_keys=4, clock=SetClock(NOW)):
        pass
    return directory


@pytest.fixture
def workspace(founded: Path, tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(copy_workspace(founded, tmp_path / "workspace"), clock=SetClock(NOW)) as opened:
        yield opened


def card_in_use(workspace: Workspace) -> tuple[str, str, RegistrationNumber]:
    """A nurse's card in use, the code of the right on it, and the nurse's registration number."""
    registrar, colleague = registrars()
    order = workspace.vartti.order_professional_card(registrar=registrar, applicant=cast("nurse"), identity=PASSPORT)
    order = workspace.vartti.personalise(order.id)
    workspace.vartti.hand_over(order.card_number, registrar=colleague, identity=PASSPORT)
    workspace.vartti.post_letter(order.card_number)
    with workspace.cards.insert(order.card_number) as card:
        card.activate(code_of(workspace, order.card_number), Pin("1234"), Pin("567890"))
    workspace.vartti.note_activation(order.card_number, actor=cast("nurse"))
    professional = workspace.valvira.professional_of(cast("nurse"))
    assert professional is not None
    return order.card_number, order.right_code, professional.registration_number


def states(workspace: Workspace, card: str) -> set[CertificateState]:
    """The states of the certificates of a card."""
    return {
        issued.status.state
        for one in workspace.cards.read(card).certificates.values()
        for issued in workspace.authorities.issued(serial_number=one.serial_number)
    }


@dataclass(frozen=True)
class Approved:
    """Every system is approved: what is looked at here is the answer."""

    def approved(self, certificate: x509.Certificate, at: datetime) -> ApprovedSystem:
        return ApprovedSystem(number=1, host="a.test.example", organisation=COUNTY, system="Kaiku", approved_at=at)


def told(workspace: Workspace, number: RegistrationNumber) -> list[object]:
    """The rights that the role and attribute service tells over HTTP at this moment."""
    root = workspace.authorities.root
    app = attribute_application(
        workspace.valvira, approved=Approved(), clock=workspace.clock, certificate_of=lambda _: root
    )
    with running(app) as url:
        asked = f"{url}/attribute/v1/professional?registrationNumber={number}"
        with urlopen(Request(asked, headers={"Accept": "application/json"}), timeout=10) as answer:
            return list(json.load(answer)["rights"])


def removed(workspace: Workspace) -> tuple[str, RegistrationNumber]:
    """A card in use whose holder has access at the county, and then the removal; the card and the holder."""
    card, code, number = card_in_use(workspace)
    provider = workspace.provider(COUNTY)
    provider.grant_access(number, "patient-records", actor="head nurse")
    assert provider.may(number, "patient-records") and told(workspace, number)
    workspace.valvira.remove_right(number, code, actor="valvira", reason="test of the consequences")
    return card, number


def test_everybody_sees_it_at_once_and_the_certificates_stay(workspace: Workspace) -> None:
    card, number = removed(workspace)
    assert told(workspace, number) == []
    assert not workspace.provider(COUNTY).may(number, "patient-records")
    assert [one.ended_by for one in workspace.provider(COUNTY).sweep().ended] == ["access.right"]
    with pytest.raises(Refused) as refused:
        workspace.vartti.order_professional_card(
            registrar=registrars()[0], applicant=cast("nurse"), identity=PASSPORT
        )
    assert refused.value.rule.startswith("order.right")
    assert not workspace.valvira.rights_in_force(number, NOW)
    workspace.catch_up()
    assert states(workspace, card) == {CertificateState.GOOD}, "no source says that a removal revokes"


def test_the_switch_for_training_closes_the_card(workspace: Workspace) -> None:
    """The one thing that the switch changes: the card is closed and its certificates are revoked."""
    workspace.vartti.policies.set(REVOKE_ON_REMOVAL, "on", actor="trainer")
    card, _ = removed(workspace)
    assert states(workspace, card) == {CertificateState.GOOD}, "nothing happens inside Valvira"
    workspace.catch_up()
    assert states(workspace, card) == {CertificateState.REVOKED}
    revocations = collect(workspace.records).revocations
    assert int(revocations["count"].sum()) == 2
    assert not any("nurse" in str(value) for value in revocations.to_numpy().ravel())
