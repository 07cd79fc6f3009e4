"""``sotepki card insert, remove, faults, trace, opensc-conf, readers``: cards in PC/SC readers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import sotepki
from sotepki.cli.card_faults import fault_options, faults_of
from sotepki.cli.context import emit, workspace_directory
from sotepki.errors import Fault, Misuse

if TYPE_CHECKING:
    from cryptography import x509

    from sotepki.card.door import Faults
    from sotepki.card.pcsc.desk import Occupant, ReaderDesk
    from sotepki.card.pcsc.vpcd import VpcdConnection
    from sotepki.card.trace import SecretsHidden
    from sotepki.x509.lenient import DerCertificate

_BACKGROUND_PATIENCE = 20.0
_READER = click.IntRange(0, 1)


@click.command("insert")
@click.argument("number", metavar="CARD")
@click.option("--reader", type=_READER, default=0, show_default=True, help="The virtual reader.")
@click.option(
    "--profile",
    default="opensc",
    show_default=True,
    metavar="NAME",
    help="opensc: stock OpenSC takes it (opensc-consent: and asks for PIN2 each time). authentic, authentic-id-me, "
    "authentic-v7: ATR and habits of real cards. citizen: S4-1 numbering.",
)
@click.option(
    "--layout",
    type=click.Choice(["application", "master-file"]),
    default="application",
    show_default=True,
    help="Where the PKCS#15 files are.",
)
@click.option(
    "--language", type=click.Choice(["fi", "sv", "en"]), default="fi", show_default=True, help="Labels on the card."
)
@click.option("--background", is_flag=True, help="Return when the reader has seen the card; it stays in.")
@click.option("--port", type=click.IntRange(1, 65535), help="Where the reader listens, if not at vpcd's usual port.")
@click.option("--fault-set", hidden=True, help="Faults as JSON.")
@fault_options
def insert(
    number: str,
    reader: int,
    profile: str,
    layout: str,
    language: str,
    background: bool,
    port: int | None,
    fault_set: str | None,
    **fault_values: Any,
) -> None:
    """Put a card into a virtual PC/SC reader (pcscd with vpcd) until Ctrl-C or 'card remove'."""
    from sotepki.card.door import NO_FAULTS

    wanted = faults_of(fault_values)
    if background:
        options = [f"--reader={reader}", f"--profile={profile}", f"--layout={layout}", f"--language={language}"]
        options += [f"--port={port}"] if port else []
        options += ["--fault-set", _as_json(wanted)] if wanted != NO_FAULTS else []
        _insert_in_background(number, reader, options)
        return
    from sotepki.card.pcsc.fault_settings import faults_from_json

    faults = faults_from_json(fault_set) if fault_set else wanted
    _hold(number, reader, profile, layout, language, faults, port)


def _as_json(faults: Faults) -> str:
    from sotepki.card.pcsc.fault_settings import faults_as_dict

    return json.dumps(faults_as_dict(faults))


def _hold(
    number: str,
    reader: int,
    profile: str,
    layout: str,
    language: str,
    faults: Faults,
    port: int | None,
) -> None:
    from sotepki.card import CardShelf
    from sotepki.card.pcsc.holding import hold_card
    from sotepki.card.pcsc.vpcd import Ending

    def on_connection(connection: VpcdConnection) -> None:
        for number_of_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number_of_signal, lambda *_ignored: connection.remove())

    def on_ready() -> None:
        emit(
            {"card_number": number, "reader": reader, "profile": profile, "state": "inserted"},
            f"The card {number} is in reader {reader} (profile {profile}). Ctrl-C takes it out.",
        )
        sys.stdout.flush()

    ending = hold_card(
        CardShelf(workspace_directory() / "cards"), _desk(), number, reader=reader, profile=profile, layout=layout,
        language=language, faults=faults, reissue=_reissue if _in_workspace() else None,
        on_connection=on_connection, on_ready=on_ready, port=port,
    )  # fmt: skip
    said = {
        Ending.REMOVED: f"The card {number} is out of reader {reader}.",
        Ending.PULLED: f"The card {number} was pulled out of reader {reader}, as its faults say.",
        Ending.READER_GONE: f"Reader {reader} went and did not come back; the card {number} is out.",
    }
    click.echo(said[ending], err=True)


def _insert_in_background(number: str, reader: int, options: list[str]) -> None:
    directory = workspace_directory().absolute()
    if not (directory / "cards").is_dir():
        raise Misuse(f"There is no card {number}: {directory} has no cards.", rule="card.unknown")
    log_path = directory / "readers" / f"reader-{reader}.log-{os.getpid()}"  # a card that is in has the reader's log
    log_path.parent.mkdir(mode=0o700, exist_ok=True)
    command = [sys.executable, "-m", "sotepki", "card", "insert", number, *options, "--workspace", str(directory)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=Path(sotepki.__file__).resolve().parent.parent,  # Python would import what lies where the user is
        )
    try:
        desk = _desk()  # it is imported while the process starts
        _await_card(number, reader, process, desk, log_path)
        log_path.replace(desk.log_path(reader))
    except BaseException:  # after Ctrl-C, too, no card may go in that nobody waits for
        process.terminate()
        process.wait()
        log_path.unlink(missing_ok=True)
        raise
    emit(
        {"card_number": number, "reader": reader, "state": "inserted", "process": process.pid},
        f"The card {number} is in reader {reader}; 'sotepki card remove {number}' takes it out.",
    )


def _await_card(number: str, reader: int, process: subprocess.Popen[bytes], desk: ReaderDesk, log: Path) -> None:
    deadline = time.monotonic() + _BACKGROUND_PATIENCE
    while True:
        occupant = desk.occupant(reader)
        if occupant is not None and occupant.process == process.pid and occupant.ready:
            return
        if process.poll() is not None:
            _repeat_failure(log, process.returncode)
        if time.monotonic() > deadline:
            raise Fault(f"The card {number} was not seen by reader {reader} within {_BACKGROUND_PATIENCE:g} seconds.")
        time.sleep(0.01)


def _repeat_failure(log: Path, code: int) -> None:
    """Say what the process in the background said, and end as it did."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    click.echo("\n".join(lines[-3:]) or "sotepki: The card went out of the reader at once.", err=True)
    raise click.exceptions.Exit(code or Fault.exit_code)


@click.command("remove")
@click.argument("number", metavar="[CARD]", default="")
@click.option("--reader", type=_READER, help="The virtual reader.")
def remove(number: str, reader: int | None) -> None:
    """Take a card out of its virtual reader."""
    desk = _desk()
    occupant = desk.holding(number, reader)
    desk.remove(occupant)
    emit(
        {"card_number": occupant.card, "reader": occupant.reader, "state": "removed"},
        f"The card {occupant.card} is out of reader {occupant.reader}.",
    )


@click.command("faults")
@click.argument("number", metavar="CARD")
@click.option("--clear", is_flag=True, help="Take all faults away. Tries that are gone stay gone.")
@fault_options
def faults(number: str, clear: bool, **fault_values: Any) -> None:
    """Set the faults of a card that is in a reader; without options, show them."""
    from sotepki.card.door import NO_FAULTS
    from sotepki.card.pcsc.fault_settings import describe_faults, faults_as_dict

    desk = _desk()
    occupant = desk.holding(number)
    wanted = faults_of(fault_values)
    if clear and wanted != NO_FAULTS:
        raise Misuse("Either faults are cleared or some are set.")
    if clear or wanted != NO_FAULTS:
        desk.set_faults(occupant.reader, wanted)
    now = desk.faults(occupant.reader)
    emit(
        {"card_number": number, "reader": occupant.reader, "faults": faults_as_dict(now)},
        "\n".join(describe_faults(now)) or f"The card {number} has no faults.",
    )


@click.command("trace")
@click.argument("number", metavar="[CARD]", default="")
@click.option("--reader", type=_READER, help="The virtual reader; also after its card was removed.")
@click.option("--follow", is_flag=True, help="Go on until the card is removed, or Ctrl-C.")
def trace(number: str, reader: int | None, follow: bool) -> None:
    """Print every command to a card and its answer, in words. PINs are hidden."""
    from sotepki.card.trace import SecretsHidden

    desk = _desk()
    occupant: Occupant | None = None
    if reader is None or number:
        occupant = desk.holding(number, reader)
    chosen = occupant.reader if occupant else reader
    assert chosen is not None
    if not desk.trace_path(chosen).exists():
        raise Misuse(f"There was no card in reader {chosen} yet.", rule="card.reader.empty")
    secrets = SecretsHidden()  # what is on the disk has none; an older version may have written it
    for line in desk.trace_lines(chosen, follow=follow):
        _print_exchange(line, secrets)


def _print_exchange(line: bytes, secrets: SecretsHidden) -> None:
    from sotepki.card.door import Exchange
    from sotepki.card.trace import explain, explain_command, explain_response

    try:
        row = json.loads(line)
        exchange = Exchange(bytes.fromhex(row["command"]), bytes.fromhex(row["response"]), float(row["ms"]))
    except (ValueError, KeyError, TypeError):
        return  # a line that is being written
    exchange = secrets.of(exchange)
    row |= {"command": exchange.command.hex(), "response": exchange.response.hex()}
    words = {"asked": explain_command(exchange.command), "answered": explain_response(exchange.response)}
    emit({**row, **words}, lambda: explain(exchange))


@click.command("opensc-conf")
@click.option("--driver", type=click.Choice(["MaskTech", "myeid"]), default="MaskTech", show_default=True)
@click.option(
    "--opensc-profile", is_flag=True, help="Also for the ATR of the profile opensc (needed for myeid only)."
)
@click.option("--pin1-only", is_flag=True, help="One token, of PIN1: for browsers, which need no PIN2.")
def opensc_conf(driver: str, opensc_profile: bool, pin1_only: bool) -> None:
    """Print the opensc.conf block with which OpenSC takes the real cards' ATRs (profile authentic)."""
    from sotepki.card.pcsc.opensc import Binding, opensc_configuration

    text = opensc_configuration(Binding(driver), also_opensc_profile=opensc_profile, pin1_only=pin1_only)
    emit({"opensc.conf": text}, text.rstrip("\n"))


@click.command("readers", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", metavar="[COMMAND...]", nargs=-1, type=click.UNPROCESSED)
def readers(arguments: tuple[str, ...]) -> None:
    """List cards in virtual readers; with COMMAND, run it beside a pcscd and readers of its own.

    No service and no administrator is needed; the command ends with the command's exit code.
    """
    from sotepki.card.pcsc.private_readers import PrivateReaders

    if not arguments:
        found = _desk().occupants()
        lines = [f"reader {one.reader}: card {one.card}, profile {one.profile}" for one in found]
        rows = [{"reader": one.reader, "card_number": one.card, "profile": one.profile} for one in found]
        emit(rows, "\n".join(lines) or "There is no card in a virtual reader.")
        return
    with PrivateReaders() as private:
        try:
            code = subprocess.run(
                private.command(arguments), env={**os.environ, **private.environment}, check=False
            ).returncode
        except FileNotFoundError as error:
            raise Misuse(f"The command {arguments[0]} cannot be run: {error.strerror}.") from error
    raise click.exceptions.Exit(code)


def _desk() -> ReaderDesk:
    from sotepki.card.pcsc.desk import ReaderDesk

    return ReaderDesk(workspace_directory() / "readers")


def _in_workspace() -> bool:
    """Whether there is a CA to sign faulty certificates; cards alone are enough for everything else."""
    return (workspace_directory() / "workspace.json").is_file()


def _reissue(builder: x509.CertificateBuilder, true: DerCertificate) -> bytes:
    """Sign a faulty certificate with the key of the CA that issued the true one; no register knows it."""
    from sotepki.workspace import Workspace
    from sotepki.x509.issuing import sign_der

    with Workspace.open(workspace_directory()) as workspace:  # not before: a card without faults is in at once
        authorities = workspace.authorities
        issuer = authorities.authority_of(true.contents)
        if issuer is None:
            raise Misuse("No authority of this workspace issued the card's certificates.", rule="card.faults.form")
        key = workspace.hsm(authorities.plan.authorities[issuer].key_label)
        return sign_der(builder, key, explicit_null=not true.strict)


COMMANDS = (insert, remove, faults, trace, opensc_conf, readers)
