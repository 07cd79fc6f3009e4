"""``sotepki card``: ordering every kind of card in Vartti, renewal by the holder, code letters, notices, switches."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import click

from sotepki.cli.card_orders import (
    REGISTRAR,
    emit_order,
    holder_registrar_or_dvv,
    identity_options,
    order_lines,
)
from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.cli.day import DAY
from sotepki.cli.pin_entry import pin_file_option, read_pins
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv import IdentityProof
    from sotepki.identifiers import Hetu
    from sotepki.workspace import Workspace


@click.command("order")
@REGISTRAR
@click.option("--applicant", required=True, help="The applicant's personal identity code.")
@click.option("--kind", default="professional", show_default=True, help="professional, personnel or actor.")
@identity_options
@click.option("--not-in-person", is_flag=True, help="The applicant did not come to the registration point.")
@click.option(
    "--right", "right_code", default="", help="Code of the right on the card, if there are several in force."
)
@click.option(
    "--employer", help="OID of the organisation: on a personnel or actor card; else at a point that is not public."
)
@click.option("--job-title", default="", help="The job title on a personnel or actor card.")
@click.option("--task", default="other", show_default=True, help="patient-care, student or other; the price follows.")
@click.option("--employed-from", type=DAY, help="First day of the employment or assignment, YYYY-MM-DD.")
@click.option("--employed-to", type=DAY, help="Its last day, if it has one.")
@click.option("--employment-certificate", default="", help="Reference of the certificate of employment.")
@click.option("--photo", metavar="FILE", help="JPEG or PNG picture for the card; optional.")
@click.option("--letter-address", default="", help="Where the code letter goes; default the home address.")
@click.option("--point", default="", help="The registration point, if the registrar works at several.")
@pass_workspace
def order(
    workspace: Workspace,
    registrar: str,
    applicant: str,
    kind: str,
    proof: IdentityProof,
    not_in_person: bool,
    right_code: str,
    employer: str | None,
    job_title: str,
    task: str,
    employed_from: date | None,
    employed_to: date | None,
    employment_certificate: str,
    photo: str | None,
    letter_address: str,
    point: str,
) -> None:
    """Order a card at a registration point, after checking identity."""
    from sotepki.dvv import CardRequest, Employment
    from sotepki.dvv.vartti.data import PROFESSIONAL
    from sotepki.identifiers import Hetu, Oid

    employment = None
    if kind != PROFESSIONAL:
        employment = Employment(job_title, task, employed_from, employed_to, employment_certificate)
    request = CardRequest(
        applicant=Hetu.parse(applicant),
        identity=replace(proof, in_person=not not_in_person),
        kind=kind,
        right_code=right_code,
        employer=Oid.parse(employer) if employer else None,
        employment=employment,
        letter_address=letter_address,
        photo=read_input(photo, limit=2 << 20) if photo else None,
    )
    emit_order(workspace.vartti.place_order(request, registrar=Hetu.parse(registrar), point=point))


@click.command("renew")
@click.argument("number")
@click.option("--letter-address", default="", help="Where the code letter goes; default the home address.")
@pin_file_option("PIN1")
@pass_workspace
def renew(workspace: Workspace, number: str, letter_address: str, pin_file: str | None) -> None:
    """Renew one's own card in the self-service, with the present card in the reader."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    challenge = workspace.vartti.renewal_challenge(number)
    (pin1,) = read_pins(pin_file, ["PIN1"])
    with workspace.cards.insert(number) as card:
        card.verify_pin1(pin1)
        key = card.authentication_key
        if not isinstance(key, rsa.RSAPrivateKey):
            raise Misuse(f"The card {number} has no RSA key.")
        signature = key.sign(challenge, padding.PKCS1v15(), hashes.SHA256())
    emit_order(workspace.vartti.renew(number, challenge, signature, letter_address=letter_address))


@click.command("new-code")
@click.argument("number")
@REGISTRAR
@identity_options
@click.option("--letter-address", default="", help="Where the letter goes; default where the first one went.")
@pass_workspace
def new_code(
    workspace: Workspace,
    number: str,
    registrar: str,
    proof: IdentityProof,
    letter_address: str,
) -> None:
    """Order another letter with the activation code, for a holder who lost the first one and comes in person."""
    from sotepki.identifiers import Hetu

    done = workspace.vartti.order_new_code(
        number, registrar=Hetu.parse(registrar), identity=proof, letter_address=letter_address
    )
    emit(done.as_dict(), f"A new letter with the activation code of the card {number} is on its way.")


@click.command("found")
@click.argument("number")
@holder_registrar_or_dvv
@pass_workspace
def found(workspace: Workspace, number: str, actor: Hetu | str) -> None:
    """Note that a closed card was found; it stays closed."""
    done = workspace.vartti.report_found(number, actor)
    emit(done.as_dict(), f"The card {number} is noted as found. It stays closed: a revocation is never undone.")


@click.command("complain")
@click.argument("number")
@REGISTRAR
@click.option("--text", required=True, help="What is wrong with the card.")
@pass_workspace
def complain(workspace: Workspace, number: str, registrar: str, text: str) -> None:
    """Send a complaint notice of a faulty card, closed as broken, to the card production."""
    from sotepki.identifiers import Hetu

    done = workspace.vartti.complain(number, registrar=Hetu.parse(registrar), text=text)
    emit(done.as_dict(), f"The complaint notice of the card {number} is sent.")


@click.command("employment-ended")
@REGISTRAR
@click.option("--holder", required=True, help="The holder's personal identity code.")
@click.option("--employer", required=True, help="OID of the organisation.")
@pass_workspace
def employment_ended(workspace: Workspace, registrar: str, holder: str, employer: str) -> None:
    """Close every personnel and actor card that a person has for an organisation."""
    from sotepki.identifiers import Hetu, Oid

    closed = workspace.vartti.end_employment(Hetu.parse(holder), Oid.parse(employer), registrar=Hetu.parse(registrar))
    workspace.authorities.publish_if_due(workspace.published)
    lines = [line for one in closed for line in order_lines(one)]
    emit([one.as_dict() for one in closed], "\n".join(lines) or "The person has no such card.")


@click.command("reminders")
@pass_workspace
def reminders(workspace: Workspace) -> None:
    """Which reminders there are, to whom and when they go; those that are due are sent with every command."""
    from sotepki.dvv.vartti.data import vartti_data

    known = vartti_data().reminders.values()
    rows = [
        {
            "reminder": one.id,
            "kinds": sorted(one.kinds),
            "months_before": one.months_before,
            "to": one.to,
            "source": one.source,
            "grade": str(one.grade),
        }
        for one in known
    ]
    lines = [
        f"{one.id:<12} {one.months_before} {'month' if one.months_before == 1 else 'months'} before the end, "
        f"to the {one.to}: {', '.join(sorted(one.kinds))} ({one.grade})"
        for one in known
    ]
    sent = workspace.vartti.reminders_sent()
    lines += [f"Sent: {one.reminder}, {one.order}, card {one.card_number}, to the {one.to}" for one in sent]
    emit({"reminders": rows, "sent": [vars(one) for one in sent]}, "\n".join(lines))


@click.command("policy")
@click.argument("name", required=False)
@click.argument("value", required=False)
@pass_workspace
def policy(workspace: Workspace, name: str | None, value: str | None) -> None:
    """Show Vartti's switches, or set NAME to VALUE, for training."""
    from sotepki.dvv.vartti.data import vartti_data

    if name is not None and value is None:
        raise Misuse("Give the switch and its value.", advice="'sotepki card policy' lists both.")
    if name is not None and value is not None:
        workspace.vartti.policies.set(name, value, actor="trainer")
    now = workspace.vartti.policies.all()
    rows = [
        {"name": one.name, "value": now[one.name], "values": list(one.values), "text": one.text, "source": one.source}
        for one in vartti_data().policies.values()
    ]
    lines = [f"{row['name']} = {row['value']}  ({', '.join(row['values'])})\n  {row['text']}" for row in rows]
    emit(rows, "\n".join(lines))


COMMANDS = (order, renew, new_code, found, complain, employment_ended, reminders, policy)
