"""No serial number is used twice, whatever is killed when.

A child process issues certificates and is killed with SIGKILL, partly at the worst moment (signed, not recorded),
partly at any moment. Every serial number that a key ever signed is noted in a file of its own.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from pathlib import Path

import pytest
from authority_world import authority_keys, card_subject, holder_key, new_world, open_world
from cryptography import x509
from sqlalchemy import select

from sotepki.dvv.authority import certification
from sotepki.dvv.authority.tables import CertificateRow, SerialRow
from sotepki.records import first_break

KILLS_AT_THE_WORST_MOMENT = 16
KILLS_AT_ANY_MOMENT = 24


def _note(path: Path, line: str) -> None:
    """Append a line that is there even if the process dies right after."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def _issue_until_killed(directory: Path, die_at: int | None) -> None:
    """Issue for ever; ``die_at`` kills this process after that many signatures, before the record."""
    real, signed = certification.issue_der, 0

    def issue_der(*arguments: object, **named: object) -> bytes:
        nonlocal signed
        made = real(*arguments, **named)  # type: ignore[arg-type]
        signed += 1
        _note(directory / "signed", f"{x509.load_der_x509_certificate(made).serial_number:x}")
        if signed == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    certification.issue_der = issue_der
    world = open_world(directory)
    while True:
        certificate = world.authorities.issue(
            "sote-persons", "professional-signature-rsa", subject=card_subject(),
            public_key=holder_key().public_key(), actor="child", holder="00000000001",
        )  # fmt: skip
        _note(directory / "acknowledged", f"{certificate.serial_number:x}")


def _child(directory: Path, die_at: int | None) -> int:
    child = os.fork()
    if child == 0:
        try:
            _issue_until_killed(directory, die_at)
        except BaseException:  # noqa: BLE001 - a forked child shows its error and must not return into pytest
            traceback.print_exc()
        finally:
            os._exit(1)
    return child


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_forty_killed_processes_never_use_a_serial_number_twice(tmp_path: Path) -> None:
    new_world(tmp_path).records.database.close()
    authority_keys(), holder_key()
    chance = random.Random(2026)
    for kill in range(KILLS_AT_THE_WORST_MOMENT + KILLS_AT_ANY_MOMENT):
        worst = kill < KILLS_AT_THE_WORST_MOMENT
        child = _child(tmp_path, die_at=1 + kill % 3 if worst else None)
        if not worst:
            time.sleep(chance.uniform(0.02, 0.15))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the child ended by itself"

    signed = (tmp_path / "signed").read_text().split()
    acknowledged = (tmp_path / "acknowledged").read_text().split()
    assert len(signed) == len(set(signed)), "a serial number was signed twice"
    assert len(signed) - len(acknowledged) >= KILLS_AT_THE_WORST_MOMENT
    world = open_world(tmp_path)
    certificate = world.card_certificate()
    with world.records.look() as session:
        recorded = {int(s, 16) for s in session.scalars(select(CertificateRow.serial))}
        reserved = {int(s, 16) for s in session.scalars(select(SerialRow.serial))}
        assert first_break(session) is None
    assert {int(serial, 16) for serial in acknowledged} <= recorded, "an acknowledged certificate was lost"
    assert {int(serial, 16) for serial in signed} <= reserved, "a number was signed before it was reserved"
    assert certificate.serial_number not in {int(serial, 16) for serial in signed}
    world.records.database.close()
