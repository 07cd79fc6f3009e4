"""The command line. Commands are thin: parse, call, print. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import re
import sys

import click

from sotepki import __version__
from sotepki.cli.lazy import LazyGroup
from sotepki.cli.printing import say
from sotepki.cli.streams import prepare_streams
from sotepki.errors import Misuse, SotepkiError
from sotepki.signals import ended_as_by_ctrl_c

_LONGEST_WORD = 200
_NAME = "sotepki"
_COMPLETING = "_SOTEPKI_COMPLETE"

EXIT_INTERRUPTED = 130
EXIT_FAULT = 3

COMMANDS = {
    "init": ("sotepki.cli.init", "Make a new workspace from the test world."),
    "workspace": (
        "sotepki.cli.workspace",
        "Where the workspace and its database are; its upgrade; keys for new ones.",
    ),
    "demo": ("sotepki.cli.demo", "Walk the whole journey and run the conformance suite on the reference system."),
    "cert": ("sotepki.cli.cert", "Certificates: profiles, show, lint, verify, defects, vectors, OCSP faults."),
    "csr": ("sotepki.cli.csr", "Check a certificate request before DVV does."),
    "right": ("sotepki.cli.right", "Valvira: grant, restrict, remove and look up professional rights."),
    "attribute-service": (
        "sotepki.cli.attribute_service",
        "Valvira: the systems approved for the role and attribute service.",
    ),
    "supervision": ("sotepki.cli.supervision", "Valvira: the register of information systems, and deviations."),
    "organisation": ("sotepki.cli.organisation", "THL: the organisation register, Kanta intermediaries, Valveri."),
    "code": ("sotepki.cli.code", "THL: the code service, code systems by OID and version."),
    "card": ("sotepki.cli.card", "Cards: order, personalise, activate, PINs, readers, faults, trace, close."),
    "contract": ("sotepki.cli.contract", "Contracts with DVV: draw up, sign with a card, approve, end."),
    "registration-point": (
        "sotepki.cli.registration_point",
        "Registration points and registrars: course, applications, opening, closing.",
    ),
    "service-certificate": ("sotepki.cli.service_certificate", "Apply for and collect service certificates."),
    "revoke": ("sotepki.cli.revoke", "DVV's revocation service."),
    "document": ("sotepki.cli.document", "Kanta documents: new, sign, verify, archives, mutation corpus."),
    "serve": ("sotepki.cli.serve", "Start the services on loopback."),
    "fault": ("sotepki.cli.fault", "Let a running service be down, slow or stale on purpose."),
    "provider": (
        "sotepki.cli.provider",
        "A provider's or pharmacy's duties: access, sweeps, plans, support, joining Kanta.",
    ),
    "joint-testing": (
        "sotepki.cli.joint_testing",
        "Kela: joint tests, approved systems, notices of change.",
    ),
    "steering": ("sotepki.cli.steering", "THL: regulations in force at a time, and what they require."),
    "figures": ("sotepki.cli.figures", "The ministry's view: overall figures as tables and pictures."),
    "kanta": ("sotepki.cli.kanta", "The emulated Kanta: requests and their rules, refused clients, environments."),
    "scs": ("sotepki.cli.scs", "The Signature Creation Service on localhost, its test page and a client."),
    "reference-system": ("sotepki.cli.reference_system", "A vendor's system to read and to try."),
    "conformance": ("sotepki.cli.conformance", "The dress rehearsal for joint testing."),
    "training": ("sotepki.cli.training", "Exercises with checks, the registrar exam, how a class stands."),
    "rule": ("sotepki.cli.rule", "What a rule id means, its source and how firmly it is known."),
    "audit": ("sotepki.cli.audit", "The audit journal: list and verify."),
    "clock": ("sotepki.cli.clock", "Show or move the time of the workspace."),
}


@click.group(
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="sotepki")
def root() -> None:
    """The Finnish social-welfare-and-health-care PKI in a box. Everything here is TEST.

    Exit codes: 0 done or valid, 1 refused or not valid, 2 wrong usage or configuration, 3 a fault of ours,
    130 interrupted.
    """


def main() -> None:
    """Entry point of the ``sotepki`` command."""
    prepare_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every error becomes one sentence on standard error."""
    try:
        with ended_as_by_ctrl_c():
            result = _invoke(arguments)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message(), err=True)
        return Misuse.exit_code
    except (KeyboardInterrupt, Exception) as error:
        if isinstance(error, KeyboardInterrupt):
            say("", err=True)  # the terminal has written ^C into the line
        ending = _ending(error)
        if ending is None and os.environ.get("SOTEPKI_DEBUG"):
            raise
        sentence, code = ending or _fault_of_ours(error)
        say(f"sotepki: {sentence}", err=True)
        return code


def _invoke(arguments: list[str]) -> object:
    """What click's own ``main`` does, which would take any broken pipe for that of our output and end silently."""
    if instruction := os.environ.get(_COMPLETING):
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, _NAME, _COMPLETING, instruction)
    with root.make_context(_NAME, list(arguments)) as context:
        return root.invoke(context)


def _ending(error: BaseException) -> tuple[str, int] | None:
    """What is said of an error, and the exit code; None if nobody expected it."""
    match error:
        case SotepkiError():
            return _clipped(str(error)), error.exit_code
        case click.UsageError():
            sentence = " ".join(error.format_message().split())  # click puts choices on lines of their own
            end = "" if sentence.endswith((".", "?", "?)")) else "."
            hint = f" See '{error.ctx.command_path} --help'." if error.ctx else ""
            return f"{_clipped(sentence)}{end}{hint}", Misuse.exit_code
        case click.ClickException():
            return error.format_message(), Misuse.exit_code
        case KeyboardInterrupt() | click.Abort():
            return "Interrupted. What was acknowledged is kept, the rest was not done.", EXIT_INTERRUPTED
        case MemoryError():
            return "The machine has too little memory for this.", EXIT_FAULT
        case FileNotFoundError(filename=None) if _directory_is_gone():
            return "The current directory is gone; change to another one.", Misuse.exit_code
        case OSError():
            where = f" ({error.filename})" if error.filename else ""
            return f"The machine refused: {error.strerror or error}{where}.", EXIT_FAULT
        case _:
            return None


def _directory_is_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _fault_of_ours(error: BaseException) -> tuple[str, int]:
    what = str(error).partition("\n")[0].rstrip(".")
    advice = "Set SOTEPKI_DEBUG=1 to see where, and please report it."
    return f"A fault of ours: {type(error).__name__}: {what}. {advice}", EXIT_FAULT


def _clipped(sentence: str) -> str:
    """The sentence without words that nobody writes: what was pasted by mistake would bury what is said of it."""
    return re.sub(rf"\S{{{_LONGEST_WORD},}}", lambda word: f"{word[0][:60]}...", sentence)
