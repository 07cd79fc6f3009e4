"""Where the exercises of the registrar's course begin (notebook 03)."""

from __future__ import annotations

from dataclasses import replace

from sotepki.dvv import CardRequest, Employment
from sotepki.journey import Cast
from sotepki.journey.card_holder import passport
from sotepki.training.cards import REGISTRAR, delivered_card_of, new_card_of, received_card, received_card_of
from sotepki.workspace import Workspace


def delivered_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The dentist's card has come to the point."""
    return {"card": delivered_card_of(workspace, cast, "dentist")}


def letter_lost(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The practical nurse has the card, and no letter."""
    return {"card": received_card_of(workspace, cast, "practical-nurse")}


def faulty_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The card of the person in both registers is in use, and its chip has gone silent."""
    return {"card": new_card_of(workspace, cast, "in-both-registers", "T12").card_number}


def lost_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The prescribing nurse has a card in use."""
    return {"card": new_card_of(workspace, cast, "prescribing-nurse", "T06").card_number}


def left_at_home(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The specialist has a card in use, at home; a blank lies in the cabinet of the point."""
    card = new_card_of(workspace, cast, "specialist-physician", "001").card_number
    (blank,) = workspace.spare_cards.receive_blanks(1, registrar=cast.person(REGISTRAR))
    return {"card": card, "blank": blank.number}


def name_changed(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The medical student has a card in use and married afterwards."""
    holder = cast.person("medical-student")
    card = new_card_of(workspace, cast, "medical-student").card_number
    person = workspace.population.person(holder)
    assert person is not None
    workspace.population.change_person(replace(person, surname="Hietavirta-Kuurasalmi"), actor="dvv")
    return {"card": card}


def consultant_leaves(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The vendor's technician has an actor card of the county."""
    request = CardRequest(
        cast.person("technical-contact"), passport(workspace), kind="actor",
        employer=cast.organisation("county"), employment=Employment("Järjestelmäasiantuntija"),
    )  # fmt: skip
    return {"card": received_card(workspace, cast, request)}


def care_home_account(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The care home has an account in the e-service, and its only registrar is the user."""
    workspace.service_certificates.open_account(cast.organisation("care-home"), user=cast.person("registrar-alone"))
    return {}
