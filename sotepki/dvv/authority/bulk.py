"""Issuing for a whole class in several processes, each with its own PKCS#11 session on the same token.

A token signs one thing at a time for a process, and a second thread makes it slower; a second process nearly doubles
it (docs/field/engineering.md 6, row 1: measured). Every process reserves, signs and records in small batches by
itself, through the same ledger as single issuing, so whatever is killed when, no serial number is used twice and no
certificate goes out that is not recorded.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from sotepki.clock import Clock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.errors import Fault, Misuse
from sotepki.records import Database, Records
from sotepki.signals import deaf_to_ctrl_c, end_with_parent
from sotepki.tokens import KeyPool, KeyRing
from sotepki.x509.profiles import load_profiles

BATCH = 25
"""Certificates in one transaction: little is lost when a process dies, and recording costs little beside signing."""

MOST_PROCESSES = 16


@dataclass(frozen=True)
class Workshop:
    """Where a process that issues finds everything: database, outbox, the CA's token, and the time."""

    database_url: str
    outbox: Path
    token_directory: Path
    token_label: str
    pool: Path
    clock: Clock

    def open(self) -> tuple[Records, KeyRing, Authorities]:
        """Open them in this process; the caller closes database and key ring."""
        records = Records(Database(self.database_url), self.clock, self.outbox)
        ring = KeyRing(self.token_directory, self.token_label, KeyPool(self.pool))
        return records, ring, Authorities(records, ring, load_profiles())


@dataclass(frozen=True)
class Batch:
    """Orders that were issued together: their places in the list that was given, and the certificates as DER."""

    places: tuple[int, ...]
    certificates: tuple[bytes, ...]


class BulkIssuing:
    """Processes that wait for orders; use ``bulk_issuing`` to make and end them."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    def issue(
        self,
        authority_id: str,
        profile_id: str,
        orders: Sequence[CertificateOrder],
        *,
        actor: str,
        batch: int = BATCH,
    ) -> Iterator[Batch]:
        """Issue a certificate for each order; batches come as they are ready, in any order.

        A batch is issued and recorded whole or not at all. After an error the batches that had not begun are given
        up; those that were yielded stand.

        Raises:
            Refused: the profile forbids something in an order.
            Fault: a process was killed; what it had not recorded is not issued.
        """
        waiting: list[Future[Batch]] = []
        with deaf_to_ctrl_c():  # the processes start with the first work that they get
            for start in range(0, len(orders), batch):
                places = tuple(range(start, min(start + batch, len(orders))))
                sent = [_packed(orders[place]) for place in places]
                waiting.append(self._executor.submit(_issue, authority_id, profile_id, places, sent, actor))
        try:
            for done in as_completed(waiting):
                yield done.result()
        except BrokenProcessPool as error:
            raise Fault(
                "A process that issued certificates was ended from outside.",
                advice="What was recorded stands; give the command again for the rest.",
            ) from error
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def bulk_issuing(workshop: Workshop, processes: int = 2) -> Iterator[BulkIssuing]:
    """Start processes that issue, and end them with the block.

    Raises:
        Misuse: not 1 to 16 processes.
    """
    if not 1 <= processes <= MOST_PROCESSES:
        raise Misuse(f"Certificates are issued by 1 to {MOST_PROCESSES} processes, not {processes}.")
    # Spawned, not forked: a fork would share the PKCS#11 session of this process, which SoftHSM does not survive.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(workshop,))
    try:
        yield BulkIssuing(executor)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


# ------------------------------------------------------------------------------------ in the process that issues


@dataclass(frozen=True)
class _Packed:
    """An order on its way to another process; keys do not travel as objects."""

    order: CertificateOrder
    public_key: bytes


_ATTEMPTS = 5
_opened: dict[int, tuple[KeyRing, Authorities]] = {}


def _begin(workshop: Workshop) -> None:
    end_with_parent()
    _, ring, authorities = workshop.open()
    _opened[os.getpid()] = ring, authorities


def _authorities(authority_id: str) -> Authorities:
    """The authorities of this process, with the CA's key at hand.

    Once in some dozens of starts SoftHSM showed a token without its key to a process that logged in while another one
    did or died; logging in again found it.
    """
    ring, authorities = _opened[os.getpid()]
    label = authorities.plan.authorities[authority_id].key_label
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            ring(label)
            break
        except Misuse:
            if attempt == _ATTEMPTS:
                raise
            ring.close()
            time.sleep(0.2 * attempt)
    return authorities


def _issue(authority_id: str, profile_id: str, places: tuple[int, ...], sent: Sequence[_Packed], actor: str) -> Batch:
    orders = [_unpacked(packed) for packed in sent]
    made = _authorities(authority_id).issue_many_der(authority_id, profile_id, orders, actor=actor)
    return Batch(places, tuple(made))


def _packed(order: CertificateOrder) -> _Packed:
    encoded = order.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _Packed(replace(order, public_key=None), encoded)  # type: ignore[arg-type]


def _unpacked(packed: _Packed) -> CertificateOrder:
    key = load_der_public_key(packed.public_key)
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise Fault("An order came with a key that is neither RSA nor EC.")
    return replace(packed.order, public_key=key)
