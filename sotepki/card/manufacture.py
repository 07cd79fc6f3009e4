"""Making a card, in the personalising process: its tokens, certificates and first state, whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sotepki.card.kinds import KeyUse, Place, card_kind, card_layout
from sotepki.card.state import StateFile, new_state
from sotepki.card.wire import Message
from sotepki.errors import Fault, Refused
from sotepki.tokens.pin import Pin
from sotepki.tokens.session import TokenDirectory
from sotepki.tokens.softhsm import write_configuration
from sotepki.tokens.storage import private_directory, sync_directory, sync_tree, write_private

PARTIAL_SUFFIX = ".partial"
CERTIFICATES = "certificates"


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
        private_directory(partial)
        _fill(partial, target, request)
        sync_tree(partial)
        os.rename(partial, target)
        sync_directory(target.parent)
    except OSError as error:
        raise Fault(f"The card {target.name} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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
