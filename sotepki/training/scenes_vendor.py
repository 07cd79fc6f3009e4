"""Where the exercises of vendor, architect, card, signature and accidents begin (notebooks 09 to 13).

Files that belong to a situation lie in the workspace below ``training/``.
"""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from sotepki.documents import build_frame, build_social_document, sign_as_professional
from sotepki.errors import Fault
from sotepki.identifiers import Oid
from sotepki.journey import Cast
from sotepki.journey.card_holder import PIN2
from sotepki.journey.sending import send_frame
from sotepki.journey.service_provider import provider_system
from sotepki.journey.walk import Walk
from sotepki.records import write_atomically
from sotepki.services import running_services
from sotepki.training.cards import any_card_of, card_of
from sotepki.workspace import Workspace
from sotepki.xmldsig.parsing import without_blank_text

PLAN, EXPORTED = "plan.xml", "exported.xml"
_PLAN_ID = "1.2.246.10.99000018.93.2026.77"


def desk(workspace: Workspace) -> Path:
    """The directory for files of situations."""
    place = workspace.directory / "training"
    place.mkdir(exist_ok=True)
    return place


def signed_plan(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A plan, signed by the social worker's card, lies on the desk."""
    order = card_of(workspace, cast, "social-worker")
    elina = workspace.valvira.professional_of(cast.person("social-worker"))
    organisation = workspace.thl.organisation(cast.organisation("social-services"))
    client = workspace.population.person(cast.person("client-adult"))
    if elina is None or organisation is None or client is None:
        raise Fault("The test world lacks somebody of the cast.")
    plan = build_social_document(
        client=client, organisation=organisation, author=elina, document_oid=Oid.parse(_PLAN_ID),
        created=workspace.clock.now(),
    )  # fmt: skip
    with workspace.cards.insert(order.card_number) as card:
        card.verify_pin2(PIN2)
        signed = sign_as_professional(
            plan, key=card.signature_key, certificate=card.certificate("signature"), professional=elina,
            at=workspace.clock.now(),
        )  # fmt: skip
    write_atomically(desk(workspace) / PLAN, signed)
    return {"file": f"training/{PLAN}", "card": order.card_number}


def exported_plan(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The same plan after an export module that drops white space between elements."""
    names = signed_plan(workspace, cast)
    tree = without_blank_text((desk(workspace) / PLAN).read_bytes())
    etree.indent(tree)
    write_atomically(desk(workspace) / EXPORTED, etree.tostring(tree, xml_declaration=True, encoding="UTF-8"))
    return {**names, "file": f"training/{EXPORTED}"}


def leaked_key(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The coast's hospital has a system with two certificates; the key of one of them has leaked."""
    organisation = workspace.thl.organisation(cast.organisation("coast-hospital"))
    if organisation is None:
        raise Fault("The test world lacks an organisation of the cast.")
    provider = provider_system(workspace, organisation, user=cast.person("technical-contact"), host="kanta-harjoitus")
    return {"server": provider.server.application, "signature": provider.system_signature.application}


def knocked(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The care home's new server has knocked at Kanta with one of its two certificates, and was refused."""
    organisation = workspace.thl.organisation(cast.organisation("care-home"))
    if organisation is None:
        raise Fault("The test world lacks an organisation of the cast.")
    provider = provider_system(workspace, organisation, user=cast.person("technical-contact"), host="kanta-harjoitus")
    signed = Walk(workspace, lambda _line: None).by_system(provider)
    message = Oid.parse(f"{str(organisation.oid).rpartition('.10.')[0]}.94.2026.77")
    with running_services(workspace) as services:
        frame = build_frame(
            signed, message_id=message, sender=organisation.oid, at=workspace.clock.now(), service_request="SP17",
            receiver=services.kanta.settings.receiver.value,
        )  # fmt: skip
        send_frame(
            frame, kanta_url=services.kanta_url, identity=provider.system_signature, trust_file=services.trust_file
        )
    return {"organisation": organisation.name}


def three_cards(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """Three people have cards; one of the cards is closed."""
    for part in ("social-worker", "pharmacist"):
        any_card_of(workspace, cast, part)
    lost = any_card_of(workspace, cast, "farmaseutti")
    workspace.vartti.close_card(lost.card_number, "lost", cast.person("farmaseutti"))
    return {"card": lost.card_number}
