"""The ministry's figures are those of the offices' books: what was done at the desks is counted, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sotepki.journey import load_cast
from sotepki.journey.card_holder import made, passport
from sotepki.journey.service_provider import provider_system
from sotepki.ministry import collect
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

CERTIFICATES = ("profile", "issued", "in_force", "expired", "revoked")


def counted(table: pd.DataFrame, *columns: str) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in table[list(columns)].itertuples(index=False)}


def test_what_happened_at_the_desks_is_counted(tmp_path: Path) -> None:
    """A card that was made, handed over and closed; one that is waited for; a system with its two certificates."""
    cast = load_cast()
    registrar = cast.person("registrar-county-1")
    with Workspace.create(tmp_path / "ws", card_keys=2) as workspace:
        orders = [
            workspace.vartti.order_professional_card(
                registrar=registrar, applicant=cast.person(part), identity=passport(workspace)
            )
            for part in ("social-worker", "psychologist")
        ]
        card = made(workspace, orders[0]).card_number
        workspace.vartti.hand_over(card, registrar=registrar, identity=passport(workspace))
        workspace.vartti.close_card(card, "lost", registrar)
        organisation = workspace.thl.organisation(cast.organisation("social-services"))
        assert organisation is not None
        provider_system(workspace, organisation, user=cast.person("technical-contact"))
        figures = collect(workspace.records)
    assert counted(figures.cards, "kind", "state", "count") == {
        ("professional", "closed", 1), ("professional", "ordered", 1),
    }  # fmt: skip
    certificates = {row[0]: row[1:] for row in counted(figures.certificates, *CERTIFICATES)}
    of_card = [profile for profile in certificates if profile.startswith("professional-")]
    assert [certificates[profile] for profile in of_card] == [(1, 0, 0, 1)] * 2
    assert certificates["test-server"] == certificates["test-system-signature"] == (1, 1, 0, 0)
    assert counted(figures.revocations, "profile", "count") == {(profile, 1) for profile in of_card}
    assert counted(figures.waiting, "done", "open", "promise_kept", "promise_missed") == {(1, 1, 0, 0), (2, 0, 2, 0)}
    assert not counted(figures.refusals, "rule")
