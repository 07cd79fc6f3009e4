"""``sotepki card client``: reads and uses a card in any PC/SC reader, real or virtual, by a client of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sotepki.cli.context import emit, read_input, workspace_directory
from sotepki.cli.pin_entry import pin_file_option, read_pins
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.card.client import CardCertificate, CardClient, PinStatus, Proof, Role

F = TypeVar("F", bound=Callable[..., Any])

_MEMORY = "card-client-wrong-pins.json"
_READER = click.option(
    "--reader", default="", help="A reader's number or a part of its name; default the first card."
)
_INSIST = click.option("--insist", is_flag=True, help="Try the PIN also when it was wrong before or tries are few.")
_WHICH = click.option(
    "--which", type=click.Choice(["pin1", "pin2"]), required=True, help="PIN1 (perustunnusluku) or PIN2 (signature)."
)
_LARGEST_CHALLENGE = 1 << 20


@click.group("client")
def client() -> None:
    """A card client for any PC/SC reader: list, certificates, pins, authenticate, sign, change, unblock.

    It spends no tries to look, refuses PINs that the card has refused before, and stops when two tries are left.
    """


@client.command("readers")
def readers() -> None:
    """List the PC/SC readers of this machine and whether a card is in them."""
    from sotepki.card.pcsc.binding import PcscContext
    from sotepki.errors import Fault

    rows = []
    with PcscContext() as context:
        for number, name in enumerate(context.readers()):
            try:
                with context.connect(str(number)) as card:
                    rows.append({"number": number, "reader": name, "atr": card.atr.hex(), "problem": ""})
            except Fault as fault:
                problem = "no card" if fault.rule == "card.pcsc.no-card" else fault.sentence
                rows.append({"number": number, "reader": name, "atr": "", "problem": problem})
    lines = [f"{row['number']}  {row['reader']}  {row['atr'] or row['problem']}" for row in rows]
    emit(rows, "\n".join(lines) or "There is no reader.")


@client.command("list")
@_READER
def list_content(reader: str) -> None:
    """Show what is on the card: its label and number, how it numbers PINs and keys, its certificates."""
    with _card(reader) as card:
        objects = card.objects()
        data = {
            "label": objects.label,
            "manufacturer": objects.manufacturer,
            "serial_number": objects.serial_number,
            "printed_number": objects.printed_number,
            "numbering": card.numbering().name,
            "certificates": [_described(one) for one in objects.certificates],
        }
    lines = [
        f"{objects.label or 'No label'}, serial number {objects.serial_number or 'unreadable'}",
        f"Numbering: {data['numbering']}",
    ]
    emit(data, "\n".join([*lines, *(_line(one) for one in objects.certificates)]))


@client.command("certificates")
@_READER
@click.option("--output", default="-", show_default=True, help="Where to write them, as PEM.")
@writes("output")
def certificates(reader: str, output: str) -> None:
    """Read every certificate of the card, as PEM."""
    from sotepki.x509.lenient import pem

    with _card(reader) as card:
        found = [one.certificate for one in card.objects().certificates if one.certificate]
    write_output(output, b"".join(pem(one) for one in found))


@client.command("pins")
@_READER
def pins(reader: str) -> None:
    """Show how many tries PIN1, PIN2 and the activation code have left. Costs none."""
    with _card(reader) as card:
        found = card.pins()
    rows = [
        {"pin": str(one.role), "reference": f"{one.reference:02X}", "standing": str(one.standing), "tries": one.tries}
        for one in found
    ]
    lines = [f"{one.role}: {_standing(one)}" for one in found]
    emit(rows, "\n".join(lines))


@client.command("authenticate")
@_READER
@click.option("--challenge", default="-", show_default=True, help="File with the challenge; '-' is standard input.")
@click.option("--output", default="", help="Where to write the signature.")
@pin_file_option("PIN1")
@_INSIST
@writes("output")
def authenticate(reader: str, challenge: str, output: str, pin_file: str | None, insist: bool) -> None:
    """Sign a challenge with the authentication key, as a login does, and check the answer."""
    data = read_input(challenge, limit=_LARGEST_CHALLENGE)
    _not_both_from_standard_input(challenge, pin_file)
    (pin,) = read_pins(pin_file, ["PIN1"])
    with _card(reader) as card:
        proof = card.authenticate(data, pin, insist=insist)
    _emit_proof(proof, output)


@client.command("sign")
@click.argument("file")
@_READER
@click.option("--hash", "hash_name", type=click.Choice(["sha256", "sha384", "sha512"]), default="sha256")
@click.option("--digest", "is_digest", is_flag=True, help="FILE holds the digest itself, in hexadecimal.")
@click.option("--scheme", type=click.Choice(["pkcs1", "pss", "ecdsa"]), help="Default: what fits the key.")
@click.option("--output", default="", help="Where to write the signature.")
@pin_file_option("PIN2")
@_INSIST
@writes("output")
def sign(
    file: str,
    reader: str,
    hash_name: str,
    is_digest: bool,
    scheme: str | None,
    output: str,
    pin_file: str | None,
    insist: bool,
) -> None:
    """Sign the digest of FILE with the signature key, and check the signature."""
    _not_both_from_standard_input(file, pin_file)
    data = read_input(file)
    digest = _digest(data) if is_digest else hashlib.new(hash_name, data).digest()
    (pin,) = read_pins(pin_file, ["PIN2"])
    with _card(reader) as card:
        proof = card.sign_digest(digest, hash_name, pin, scheme=scheme or "", insist=insist)
    _emit_proof(proof, output)


@client.command("change")
@_READER
@_WHICH
@pin_file_option("the present PIN, the new PIN")
@_INSIST
def change(reader: str, which: str, pin_file: str | None, insist: bool) -> None:
    """Change PIN1 or PIN2 by the present one."""
    role = _role(which)
    present, new = read_pins(pin_file, [f"Present {role}", f"New {role}"])
    with _card(reader) as card:
        card.change_pin(role, present, new, insist=insist)
    emit({"pin": str(role), "state": "changed"}, f"{role} is changed.")


@client.command("unblock")
@_READER
@_WHICH
@pin_file_option("activation code, the new PIN")
@_INSIST
def unblock(reader: str, which: str, pin_file: str | None, insist: bool) -> None:
    """Set PIN1 or PIN2 by the activation code; for a new card this is the activation, once for each PIN."""
    role = _role(which)
    code, new = read_pins(pin_file, ["Activation code", f"New {role}"])
    with _card(reader) as card:
        card.unblock(role, code, new, insist=insist)
    emit({"pin": str(role), "state": "set"}, f"{role} is set.")


def _standing(one: PinStatus) -> str:
    if one.tries is None:
        return one.standing
    if not one.tries:
        return f"{one.standing}, 0 tries left, or not set yet: 'client unblock' sets it by the activation code"
    return f"{one.standing}, {one.tries} {'try' if one.tries == 1 else 'tries'} left"


@contextmanager
def _card(reader: str) -> Iterator[CardClient]:
    from sotepki.card.client import CardClient, WrongPins
    from sotepki.card.pcsc.binding import PcscContext

    home = workspace_directory()
    # Without a workspace nothing is written: a real card may be looked at from anywhere.
    memory = WrongPins(home / _MEMORY if home.is_dir() else None)
    with PcscContext() as context, context.connect(reader) as card:
        yield CardClient(card, wrong_pins=memory)


def _role(which: str) -> Role:
    from sotepki.card.client import Role

    return Role.PIN1 if which == "pin1" else Role.PIN2


def _emit_proof(proof: Proof, output: str) -> None:
    from sotepki.x509.names import readable

    if output:
        write_output(output, proof.signature)
        if output == "-":
            return
    holder = readable(proof.certificate.contents.subject)
    data = {"algorithm": proof.algorithm, "signature": proof.signature.hex(), "subject": holder, "verified": True}
    emit(data, f"Signed ({proof.algorithm}, {len(proof.signature)} bytes) and verified with the key of {holder}.")


def _described(one: CardCertificate) -> dict[str, Any]:
    from sotepki.x509.names import readable

    contents = one.certificate.contents if one.certificate else None
    return {
        "label": one.label,
        "id": one.id.hex(),
        "path": one.path.hex(),
        "authority": one.trusted,
        "subject": readable(contents.subject) if contents else "",
        "not_after": contents.not_valid_after_utc.isoformat() if contents else "",
        "problem": one.problem,
    }


def _line(one: CardCertificate) -> str:
    row = _described(one)
    until = f", valid to {row['not_after'][:10]}" if row["not_after"] else ""
    whose = row["subject"] or row["problem"]
    return f"  {row['id'] or '--'}  {row['path']}  {row['label'] or 'no label'}: {whose}{until}"


def _digest(data: bytes) -> bytes:
    try:
        return bytes.fromhex(data.decode("ascii").strip())
    except ValueError:
        raise Misuse("The file does not hold a digest in hexadecimal.") from None


def _not_both_from_standard_input(file: str, pin_file: str | None) -> None:
    if file == "-" and pin_file == "-":
        raise Misuse("Data and PIN cannot both come from standard input.", advice="Give one of them as a file.")
