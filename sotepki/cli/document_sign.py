"""``sotepki document sign``: one document, or several in one go (moniallekirjoitus), by card or by a system's key."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import (
    emit,
    output_format,
    progress_wanted,
    read_input,
    workspace_directory,
)
from sotepki.cli.pin_entry import pin_file_option, read_pins
from sotepki.cli.writing import may_write, write_output, writes
from sotepki.errors import Misuse, Refused

if TYPE_CHECKING:
    from cryptography import x509

    from sotepki.documents.multi_signing import SeveralSigned
    from sotepki.registers import Professional
    from sotepki.tokens import Pin
    from sotepki.workspace import Workspace
    from sotepki.xmldsig import SigningKey

_PRIVATE_KEY_LIMIT = 64 * 1024


@click.command("sign")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--into", metavar="DIR", help="Sign every FILE and write the results into DIR under the same names.")
@click.option("--card", metavar="NUMBER", help="Sign with the signature key of this card; asks for PIN2.")
@click.option("--system", metavar="KEYFILE", help="Sign with a system's private key (PEM, not encrypted).")
@click.option("--kanta", is_flag=True, help="With --system: Kanta's own signature (code 4) by Kela's key.")
@click.option("--certificate", metavar="FILE", help="With --system: its system signature certificate (DER or PEM).")
@click.option(
    "--pin-policy",
    type=click.Choice(["each", "batch"]),
    default="each",
    show_default=True,
    help="With several files: PIN2 typed for each, or once where the client keeps it.",
)
@click.option("--middleware", default="direct", show_default=True, help="The client whose PIN habits are followed.")
@pin_file_option("PIN2, as often as it would be typed")
@writes()
def sign(
    files: Sequence[str],
    into: str | None,
    card: str | None,
    system: str | None,
    kanta: bool,
    certificate: str | None,
    pin_policy: str,
    middleware: str,
    pin_file: str | None,
) -> int:
    """Sign documents in place; everything else in them stays byte for byte.

    Without --into give IN and OUT, which may be the same file. Give --card to sign as a professional, or --system
    with --certificate to sign as a system. If a document of several cannot be signed, those before it are signed and
    kept, and it is said where it stopped.
    """
    if bool(card) == bool(system) or bool(system) != bool(certificate) or (kanta and not system):
        raise Misuse("Give either --card, or --system together with --certificate.")
    targets = _targets(files, into)
    if system:
        signing = _by_system(system, certificate or "", kanta=kanta)
    else:
        signing = _by_card(card or "", pin_policy, middleware, pin_file, len(targets))
    if not into:
        ((source, target),) = targets.items()
        # What cannot be read costs no try of a PIN.
        document = read_input(source)
        with signing as (write_signature, signer):
            write_output(target, write_signature(document), over=source)
        if target != "-":
            emit({"file": target, "signer": signer}, f"Signed by {signer}: {target}.")
        return 0
    with signing as (write_signature, signer):
        result = _several(targets, write_signature)
    _report(result, targets, signer)
    return 0 if result.reason is None else result.reason.exit_code


def clock_offset() -> timedelta:
    """How far the clock of the workspace was moved; nothing without a workspace."""
    from sotepki.workspace import Workspace

    directory = workspace_directory()
    if not directory.exists():
        return timedelta()
    with Workspace.open(directory) as workspace:
        return timedelta(seconds=workspace.settings.clock_offset_seconds)


def private_key(file: str) -> SigningKey:
    """The private key in a file.

    Raises:
        Misuse: there is none, or it is neither RSA nor elliptic-curve.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    data = read_input(file, limit=_PRIVATE_KEY_LIMIT)
    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    try:
        key = load(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misuse(
            f"{file} is not a private key that can be read.",
            advice="Give an RSA or elliptic-curve key in PEM or DER, without a password.",
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Misuse(f"The private key in {file} is neither RSA nor elliptic-curve.")
    return key


def registered_professional(workspace: Workspace, number: str) -> Professional:
    """The professional with a registration number.

    Raises:
        Refused: the number is no registration number, or not in Valvira's registers (``doc.right``).
    """
    from sotepki.identifiers import RegistrationNumber

    professional = workspace.valvira.professional(RegistrationNumber.parse(number))
    if professional is None:
        raise Refused(
            f"The registration number {number} is not in Valvira's registers.",
            rule="doc.right",
            advice="Look the professional up with 'sotepki right'.",
        )
    return professional


def _targets(files: Sequence[str], into: str | None) -> dict[str, str]:
    """Where each document goes."""
    if into is None:
        if len(files) != 2:
            raise Misuse(
                f"{len(files)} files were named, IN and OUT were expected.",
                advice="To sign several documents in one go, give --into DIR.",
            )
        source, target = files
        may_write(target, over=source)
        return {source: target}
    directory = Path(into)
    if not directory.is_dir():
        raise Misuse(f"There is no directory {into} to write into.")
    targets = {file: str(directory / Path(file).name) for file in files}
    if len(set(targets.values())) != len(files):
        raise Misuse("Two of the files have the same name, so one would overwrite the other.")
    for file, target in targets.items():
        if file == "-" or (Path(target).exists() and Path(file).exists() and Path(target).samefile(file)):
            raise Misuse(f"{file} would overwrite itself.", advice="Name another directory with --into.")
        may_write(target)
    return targets


def _several(targets: dict[str, str], write_signature: Callable[[bytes], bytes]) -> SeveralSigned:
    from sotepki.documents.multi_signing import sign_several

    def one(name: str) -> None:
        write_output(targets[name], write_signature(read_input(name)))

    hidden = not progress_wanted() or output_format() == "json"
    with click.progressbar(length=len(targets), label="Signing", hidden=hidden, file=sys.stderr) as bar:
        return sign_several(list(targets), one, tell=lambda _name: bar.update(1))


def _report(result: SeveralSigned, targets: dict[str, str], signer: str) -> None:
    reason = result.reason
    data: dict[str, Any] = {
        "signer": signer,
        "signed": [{"file": name, "output": targets[name]} for name in result.done],
        "stopped_at": result.stopped_at,
        "reason": str(reason) if reason else "",
        "rule": reason.rule if reason else "",
        "left": list(result.left),
    }
    lines = [f"Signed by {signer}: {len(result.done)} of {len(targets)}."]
    lines += [f"  {targets[name]}" for name in result.done]
    if reason is not None:
        lines.append(f"Stopped at {result.stopped_at}: {reason}")
        lines += [f"  not reached: {name}" for name in result.left]
    emit(data, "\n".join(lines))


@contextmanager
def _by_card(
    number: str, policy: str, middleware_id: str, pin_file: str | None, count: int
) -> Iterator[tuple[Callable[[bytes], bytes], str]]:
    from sotepki.documents import sign_as_professional
    from sotepki.documents.certificates import signer_certificate
    from sotepki.documents.multi_signing import PinPolicy, middlewares, pin_supply
    from sotepki.workspace import Workspace

    if middleware_id not in middlewares():
        raise Misuse(f"There is no client {middleware_id!r}; known are {', '.join(middlewares())}.")
    middleware, chosen = middlewares()[middleware_id], PinPolicy(policy)
    with Workspace.open(workspace_directory()) as workspace:
        entries = count if chosen is PinPolicy.EACH else -(-count // (middleware.uses or count))
        supply = pin_supply(chosen, middleware, _asking(pin_file, entries))
        # The first PIN2 is asked for before the card is touched, so a mistyped number of lines costs no try.
        first = [supply()]
        with workspace.cards.insert(number) as card:
            certificate = card.certificate("signature")
            professional = registered_professional(workspace, signer_certificate(certificate).holder)

            def write_signature(document: bytes) -> bytes:
                card.verify_pin2(first.pop() if first else supply())
                return sign_as_professional(
                    document,
                    key=card.signature_key,
                    certificate=certificate,
                    professional=professional,
                    at=workspace.clock.now(),
                )

            person = professional.person
            yield write_signature, f"{person.first_name} {person.surname} (card {number})"


def _asking(pin_file: str | None, entries: int) -> Callable[[], Pin]:
    """How PIN2 is typed: at the terminal each time, or all entries from a file or standard input."""
    if pin_file is None and sys.stdin.isatty():
        return lambda: read_pins(None, ["PIN2"])[0]
    waiting: list[Pin] = []

    def next_line() -> Pin:
        waiting.extend([] if waiting else read_pins(pin_file, ["PIN2"] * entries))
        return waiting.pop(0)

    return next_line


@contextmanager
def _by_system(
    key_file: str, certificate_file: str, *, kanta: bool
) -> Iterator[tuple[Callable[[bytes], bytes], str]]:
    from sotepki.clock import SystemClock
    from sotepki.documents import sign_as_kanta, sign_as_system
    from sotepki.documents.certificates import signer_certificate
    from sotepki.x509.reading import read_certificates

    key = private_key(key_file)
    certificate: x509.Certificate = read_certificates(read_input(certificate_file), name=certificate_file)[0]
    clock = SystemClock(clock_offset())
    sign_one = sign_as_kanta if kanta else sign_as_system

    def write_signature(document: bytes) -> bytes:
        return sign_one(document, key=key, certificate=certificate, at=clock.now())

    yield write_signature, f"the system of {signer_certificate(certificate).holder}"
