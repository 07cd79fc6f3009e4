"""Where the exercises of the registrar's course begin (notebook 03)."""

from __future__ import annotations

from dataclasses import replace

from sotepki.dvv import CardRequest, Employment
from sotepki.identifiers import Hetu
from sotepki.journey import Cast
from sotepki.journey.card_holder import card_in_hand, passport
from sotepki.workspace import Workspace

REGISTRAR = "registrar-county-1"
COLLEAGUE = "registrar-county-2"


def delivered_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The dentist's card has come to the point."""
    return {"card": _delivered(workspace, cast, cast.person("dentist"))}


def letter_lost(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The practical nurse has the card, and no letter."""
    card = _delivered(workspace, cast, cast.person("practical-nurse"))
    workspace.vartti.hand_over(card, registrar=cast.person(REGISTRAR), identity=passport(workspace))
    return {"card": card}


def faulty_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The card of the person in both registers is in use, and its chip has gone silent."""
    return {"card": _in_use(workspace, cast, "in-both-registers")}


def lost_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The prescribing nurse has a card in use."""
    return {"card": _in_use(workspace, cast, "prescribing-nurse")}


def left_at_home(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The specialist has a card in use, at home; a blank lies in the cabinet of the point."""
    card = _in_use(workspace, cast, "specialist-physician")
    (blank,) = workspace.spare_cards.receive_blanks(1, registrar=cast.person(REGISTRAR))
    return {"card": card, "blank": blank.number}


def name_changed(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The medical student has a card in use and married afterwards."""
    holder = cast.person("medical-student")
    card = _in_use(workspace, cast, "medical-student")
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
    order = workspace.vartti.place_order(request, registrar=cast.person(REGISTRAR))
    card = workspace.vartti.personalise(order.id).card_number
    workspace.vartti.hand_over(card, registrar=cast.person(REGISTRAR), identity=passport(workspace))
    return {"card": card}


def care_home_account(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The care home has an account in the e-service, and its only registrar is the user."""
    workspace.service_certificates.open_account(cast.organisation("care-home"), user=cast.person("registrar-alone"))
    return {}


def _delivered(workspace: Workspace, cast: Cast, applicant: Hetu) -> str:
    order = workspace.vartti.order_professional_card(
        registrar=cast.person(REGISTRAR), applicant=applicant, identity=passport(workspace)
    )
    return workspace.vartti.personalise(order.id).card_number


def _in_use(workspace: Workspace, cast: Cast, part: str) -> str:
    return card_in_hand(workspace, registrar=cast.person(REGISTRAR), applicant=cast.person(part)).card_number
