"""Making a card, in the personalising process: its tokens, certificates and first state, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sotepki.card.kinds import KeyUse, Place, card_kind, card_layout
from sotepki.card.state import Phase, StateFile, new_state
from sotepki.card.wire import Message
from sotepki.errors import Fault, Refused
from sotepki.signals import is_alive
from sotepki.tokens.pin import Pin
from sotepki.tokens.session import TokenDirectory
from sotepki.tokens.softhsm import write_configuration
from sotepki.tokens.storage import private_directory, sync_directory, sync_tree, try_lock, write_private

PARTIAL_SUFFIX = ".partial"
CERTIFICATES = "certificates"
TOKENS = "tokens"
BLANK_PHASES = frozenset({Phase.MANUFACTURED, Phase.EMPTIED})
_MEMORY = Path("/dev/shm")


def build_card(request: Message) -> None:
    """Make the card of a request (``Personalisation.message``) in a directory beside its place, then move it there.

    Raises:
        Refused: rule ``card.number.taken``.
        Fault: SoftHSM is missing, or the disk is full; then no card is there.
    """
    target = Path(request["directory"])
    partial = target.with_name(target.name + PARTIAL_SUFFIX)
    if target.exists():
        raise Refused(f"There is a card {target.name} already.", rule="card.number.taken", subject=target.name)
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of a personalisation that was interrupted
        with _workbench(target) as bench:
            _fill(bench, target, request)
            shutil.copytree(bench, partial)
        sync_tree(partial)
        os.rename(partial, target)
        sync_directory(target.parent)
    except OSError as error:
        raise Fault(f"The card {target.name} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def fill_blank(request: Message) -> None:
    """Personalise the blank of a request on the spot: it becomes a card when its state is written, at the end.

    Raises:
        Refused: rule ``card.not-blank``, ``card.in-use``.
        Fault: SoftHSM is missing, or the disk is full; then it is as blank as before.
    """
    target = Path(request["directory"])
    with _taken(target):
        before = StateFile(target / "card.json").load()
        if before.phase not in BLANK_PHASES:
            raise _not_blank(target.name, before.phase)
        try:
            _strip(target)  # of a personalisation that was interrupted
            with _workbench(target) as bench:
                _fill(bench, target, request)
                for part in (TOKENS, CERTIFICATES):
                    shutil.copytree(bench / part, target / part)
                shutil.copyfile(bench / "softhsm2.conf", target / "softhsm2.conf")
            sync_tree(target)
            kind = card_kind(request["kind"])
            StateFile(target / "card.json").save(new_state(request["number"], request["holder"], kind))
        except OSError as error:
            raise Fault(f"The card {target.name} cannot be written: {error.strerror}.") from error


def empty_card(directory: Path) -> None:
    """Take keys, certificates and holder from a card; afterwards it is a blank again. Emptying twice is no error.

    Raises:
        Refused: rule ``card.in-use``.
        Fault: the card's files cannot be written.
    """
    with _taken(directory):
        state = StateFile(directory / "card.json")
        before = state.load()
        # From here on nobody can use the card, wherever this is interrupted; then its keys go.
        state.save(new_state(before.number, "", card_kind(before.kind), Phase.EMPTIED))
        try:
            _strip(directory)
            sync_directory(directory)
        except OSError as error:
            raise Fault(f"The card {directory.name} cannot be emptied: {error.strerror}.") from error


def add_blank(directory: Path, kind: str) -> None:
    """Put a manufactured card without content on the shelf.

    Raises:
        Refused: rule ``card.number.taken``.
    """
    if directory.exists():
        raise Refused(f"There is a card {directory.name} already.", rule="card.number.taken", subject=directory.name)
    partial = directory.with_name(directory.name + PARTIAL_SUFFIX)
    shutil.rmtree(partial, ignore_errors=True)
    private_directory(partial)
    state = new_state(directory.name, "", card_kind(kind), Phase.MANUFACTURED)
    StateFile(partial / "card.json").save(state)
    os.rename(partial, directory)
    sync_directory(directory.parent)


@contextmanager
def _taken(directory: Path) -> Iterator[None]:
    lock = try_lock(directory / "card.lock")
    if lock is None:
        raise Refused(
            f"The card {directory.name} is in a reader.",
            rule="card.in-use",
            advice="Remove it there first.",
            subject=directory.name,
        )
    with lock:
        yield


def _strip(directory: Path) -> None:
    for part in (TOKENS, CERTIFICATES):
        if (directory / part).exists():
            shutil.rmtree(directory / part)


def _not_blank(number: str, phase: Phase) -> Refused:
    return Refused(
        f"The card {number} is {phase}, not a blank.",
        rule="card.not-blank",
        advice="Empty it first; its certificates are revoked then.",
        subject=number,
    )


@contextmanager
def _workbench(target: Path) -> Iterator[Path]:
    """A private directory to build a card in, in memory where there is one.

    SoftHSM puts every attribute on the disk by itself, which takes twenty times as long as all the rest; a card is
    nothing until it is whole, so it is built in memory and put on the disk once.
    """
    place = _memory(target)
    _clear_abandoned(place)
    with tempfile.TemporaryDirectory(prefix=f"sotepki-{os.getpid()}-", suffix=PARTIAL_SUFFIX, dir=place) as bench:
        yield Path(bench)


def _clear_abandoned(place: Path) -> None:
    """Remove what killed runs of the same user left; their process is gone, and it held nothing that was promised."""
    for bench in place.glob(f"sotepki-*{PARTIAL_SUFFIX}"):
        process = bench.name.split("-")[1]
        try:
            if process.isdecimal() and bench.stat().st_uid == os.getuid() and not is_alive(int(process)):
                shutil.rmtree(bench, ignore_errors=True)
        except OSError:
            continue  # another run was quicker


def _memory(target: Path) -> Path:
    return _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else target.parent


def _fill(partial: Path, target: Path, request: Message) -> None:
    code = Pin(request["code"])
    issuers = [bytes.fromhex(der) for der in request["issuers"]]
    layout = card_layout()
    with TokenDirectory(partial) as tokens:
        for use in KeyUse:
            certificate = bytes.fromhex(request["certificates"][use])
            authorities = issuers if use is KeyUse.AUTHENTICATION else []
            _make_token(tokens, layout.places[use], code, request["keys"][use], certificate, authorities)
    private_directory(partial / CERTIFICATES)
    for use in KeyUse:
        write_private(
            partial / CERTIFICATES / f"{use}.der", bytes.fromhex(request["certificates"][use]), durable=False
        )
    for number, issuer in enumerate(issuers, start=1):
        write_private(partial / CERTIFICATES / f"issuer-{number}.der", issuer, durable=False)
    write_configuration(partial, final=target)
    state = new_state(request["number"], request["holder"], card_kind(request["kind"]))
    StateFile(partial / "card.json").save(state, durable=False)


def _make_token(
    tokens: TokenDirectory, place: Place, code: Pin, key_hex: str, certificate: bytes, authorities: list[bytes]
) -> None:
    # Nobody knows this PIN: until the holder sets one by the activation code, the key answers to no one.
    nobodys = Pin.random(32)
    tokens.create_token(place.token_label, code, nobodys)
    # The key was made by this package and came down our own pipe; proving its primes again takes most of the time.
    key = serialization.load_der_private_key(bytes.fromhex(key_hex), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    with tokens.open(place.token_label, nobodys) as session:
        session.import_key(key, place.key_label, place.id)
        session.store_certificate(certificate, place.certificate_label, place.id)
        for authority, key_id in zip(authorities, card_layout().issuer_ids, strict=False):
            session.store_certificate(authority, _name_of(authority), key_id, authority=True)


def _name_of(der: bytes) -> str:
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else "CA"
