"""One open workspace: database, tokens, clock and the offices, wired together.

A workspace is a directory; everything of the user's own (SoftHSM configuration, tokens, keys) stays untouched.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from sqlalchemy import select

from sotepki.card import CardShelf
from sotepki.clock import Clock, SystemClock
from sotepki.dvv import (
    Authorities,
    Population,
    RegistrationPoints,
    ServiceCertificates,
    SpareCards,
    TestCards,
    Vartti,
)
from sotepki.errors import Fault, Misuse
from sotepki.identifiers import Oid
from sotepki.provider import Provider
from sotepki.records import Database, JournalEntry, Records, deliver, write_atomically
from sotepki.resources import fixtures
from sotepki.thl import Thl
from sotepki.tokens import KeyKind, KeyPool, KeyRing
from sotepki.valvira import Valvira
from sotepki.x509.csr import certificate_key_digest
from sotepki.x509.profiles import load_profiles
from sotepki.x509.status import CertificateStatus

FORMAT = 1
INCOMPLETE = "INCOMPLETE"
SETTINGS = "workspace.json"


@dataclass
class Settings:
    """What a workspace remembers of itself: the form of its directory, and how far its clock was moved."""

    format: int
    created: str
    clock_offset_seconds: float = 0.0


class Workspace:
    """An open workspace. Use ``Workspace.open`` or ``Workspace.create``, and close it, best with ``with``."""

    def __init__(self, directory: Path, settings: Settings, clock: Clock | None = None) -> None:
        self.directory = directory
        self.settings = settings
        self.clock: Clock = clock or SystemClock(timedelta(seconds=settings.clock_offset_seconds))
        self.records = Records(Database(_database_url(directory)), self.clock, directory / "outbox")

    # --- opening and closing ---------------------------------------------------------------------------------

    @classmethod
    def open(cls, directory: Path, *, clock: Clock | None = None) -> Self:
        """Open a workspace that ``create`` made.

        What an earlier run was kept from finishing is finished: letters that were committed but not yet written,
        cards and certificates that were being made, and the steps that time brings.

        Raises:
            Misuse: there is no workspace, it was left incomplete, or a newer version made it.
            Fault: it is damaged.
        """
        directory = directory.absolute()
        if (directory / INCOMPLETE).exists():
            raise Misuse(
                f"The workspace {directory} was left incomplete by an interrupted init.",
                advice="Give 'sotepki init' again; it starts over.",
            )
        workspace = cls(directory, _read_settings(directory), clock)
        if not os.access(directory, os.W_OK):
            raise Misuse(
                f"The workspace {directory} cannot be written.",
                advice="Check its owner and permissions, or work in a copy.",
            )
        workspace.catch_up()
        return workspace

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        clock: Clock | None = None,
        card_keys: int = 8,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> Self:
        """Make a workspace from the test world: registers, TEST hierarchy, a pool of card keys.

        Whole or not at all: if anything stops it, what it made is removed.

        Args:
            card_keys: how many RSA-3072 keys to make beforehand; more are made when they are needed.
            tell: called with a line for each step.

        Raises:
            Misuse: the directory holds a workspace or anything else already, or cannot be made.
        """
        directory = directory.absolute()
        made = _claim(directory)
        workspace: Self | None = None
        try:
            created = (clock or SystemClock()).now()
            settings = Settings(format=FORMAT, created=created.isoformat())
            workspace = cls(directory, settings, clock)
            workspace._found(card_keys, tell)
            _write_settings(directory, settings)
            (directory / INCOMPLETE).unlink()
            return workspace
        except BaseException:
            if workspace is not None:
                workspace.close()
            _abandon(directory, remove_itself=made)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close tokens and database. Closing twice does no harm."""
        if "hsm" in self.__dict__:
            self.hsm.close()
        self.records.database.close()

    # --- the rooms -------------------------------------------------------------------------------------------

    @cached_property
    def hsm(self) -> KeyRing:
        """The token with the keys of the certificate authorities."""
        return KeyRing(self.directory / "hsm", "sotepki TEST CA", self.keys)

    @cached_property
    def keys(self) -> KeyPool:
        """Keys made beforehand; each is used once."""
        return KeyPool(self.directory / "key-pool")

    @cached_property
    def population(self) -> Population:
        """The Population Information System (väestötietojärjestelmä)."""
        return Population(self.records)

    @cached_property
    def valvira(self) -> Valvira:
        """Professional rights: Terhikki and Suosikki."""
        return Valvira(self.records, self.population)

    @cached_property
    def thl(self) -> Thl:
        """SOTE organisation register and code service."""
        return Thl(self.records)

    @cached_property
    def authorities(self) -> Authorities:
        """DVV's certificate authorities."""
        return Authorities(self.records, self.hsm, load_profiles(), create_key=self.hsm.create)

    @cached_property
    def registration_points(self) -> RegistrationPoints:
        """DVV's list of registration points and registrars."""
        return RegistrationPoints(self.records)

    @cached_property
    def cards(self) -> CardShelf:
        """The cards of this workspace."""
        return CardShelf(self.directory / "cards")

    @cached_property
    def vartti(self) -> Vartti:
        """DVV's card ordering system."""
        return Vartti(self.records, self.authorities, self.population, self.valvira, self.cards, self.keys)

    @cached_property
    def spare_cards(self) -> SpareCards:
        """The spare cards of the registration points."""
        return SpareCards(self.records, self.authorities, self.population, self.valvira, self.cards, self.keys)

    @cached_property
    def test_cards(self) -> TestCards:
        """DVV's desk for test cards."""
        return TestCards(self.records, self.authorities, self.cards, self.keys)

    @cached_property
    def service_certificates(self) -> ServiceCertificates:
        """DVV's e-service for service certificates."""
        return ServiceCertificates(self.records, self.authorities, self.thl)

    # --- what can be asked and done --------------------------------------------------------------------------

    @property
    def reports(self) -> Path:
        """Where reports go."""
        return self.directory / "reports"

    @property
    def published(self) -> Path:
        """Where CRLs and CA certificates are published."""
        return self.directory / "published"

    def provider(self, organisation: Oid) -> Provider:
        """A service provider of the organisation register, seen from inside."""
        return Provider(self.records, self.valvira, self.thl, organisation, self._status_in_records)

    def catch_up(self) -> None:
        """Finish what was interrupted and take the steps that time brings; does nothing when there is nothing."""
        if self.authorities.missing():
            self.authorities.create_hierarchy(self.hsm.create)
            self.authorities.publish_if_due(self.published)
        self.vartti.resume()
        self.spare_cards.lay_out()
        self.test_cards.resume()
        self.service_certificates.resume()
        self.vartti.follow_time()
        self.service_certificates.follow_time()
        deliver(self.records.database, self.records.outbox_directory)

    def seen_keys(self) -> set[bytes]:
        """Digests of all public keys that have a certificate here, as ``check_csr`` wants them."""
        return {certificate_key_digest(one.der) for one in self.authorities.issued()}

    def counts(self) -> dict[str, int]:
        """How many people, professionals and organisations the registers hold."""
        return {
            "people": self.population.count(),
            "professionals": self.valvira.count(),
            "organisations": self.thl.count(),
        }

    def advance_clock(self, days: float) -> None:
        """Move the time forward by ``days``.

        Raises:
            Misuse: ``days`` is negative or absurd, or the workspace was opened with a clock of the caller's.
        """
        if not 0 <= days <= 36500:
            raise Misuse(f"The clock cannot be moved by {days} days; give 0 to 36500.")
        if not isinstance(self.clock, SystemClock):
            raise Misuse("The time of this workspace is in the hands of the program that opened it.")
        with self.records.change("workspace", "trainer") as tx:
            tx.journal("clock advanced", "workspace", days=str(days))
        self.clock.advance(timedelta(days=days))
        self.settings.clock_offset_seconds = self.clock.offset.total_seconds()
        _write_settings(self.directory, self.settings)
        self.catch_up()

    # --- founding --------------------------------------------------------------------------------------------

    def _status_in_records(self, certificate: x509.Certificate) -> CertificateStatus:
        identifier = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        return self.authorities.status(identifier or b"", certificate.serial_number)

    def _found(self, card_keys: int, tell: Callable[[str], None]) -> None:
        world = fixtures() / "world"
        self._found_database()
        tell("Loading the test world")
        self.population.load_world(world)
        self.thl.load_world(world)
        self.valvira.load_world(world)
        self.registration_points.load_world(world)
        tell("Making keys")
        self.keys.fill({KeyKind.RSA_4096: 3, KeyKind.RSA_3072: card_keys + 3})
        tell("Founding the TEST hierarchy in SoftHSM")
        self.authorities.create_hierarchy(self.hsm.create)
        self.authorities.publish(self.published)

    def _found_database(self) -> None:
        # Every room that keeps books must be known before its tables are made; Kela's is not imported above.
        importlib.import_module("sotepki.kela")
        database = self.records.database
        database.create_tables()
        with database.reading() as session:
            if session.scalars(select(JournalEntry.sequence).limit(1)).first() is not None:
                raise Misuse(
                    "The database that SOTEPKI_DATABASE_URL names holds a workspace already.",
                    advice="Name an empty database.",
                )


def _database_url(directory: Path) -> str:
    return os.environ.get("SOTEPKI_DATABASE_URL") or f"sqlite:///{directory / 'sotepki.db'}"


def _claim(directory: Path) -> bool:
    """Take the directory for a new workspace; whether the directory itself was made."""
    try:
        made = not directory.exists()
        if not made:
            if not directory.is_dir():
                raise Misuse(f"{directory} is a file, a workspace is a directory.")
            if (directory / INCOMPLETE).exists():
                _abandon(directory, remove_itself=False)
            elif any(directory.iterdir()):
                there = "a workspace" if (directory / SETTINGS).exists() else "other files"
                raise Misuse(
                    f"{directory} holds {there} already; nothing was changed.",
                    advice="Name another directory with --workspace.",
                )
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (directory / INCOMPLETE).write_text("sotepki init is at work here, or was interrupted.\n", encoding="utf-8")
    except OSError as error:
        raise Misuse(f"No workspace can be made in {directory}: {error.strerror}.") from error
    return made


def _abandon(directory: Path, *, remove_itself: bool) -> None:
    """Remove what an unfinished init made; the marker goes last, so that an interruption here is seen too."""
    for entry in sorted(directory.iterdir(), key=lambda path: path.name == INCOMPLETE):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    if remove_itself:
        directory.rmdir()


def _read_settings(directory: Path) -> Settings:
    path = directory / SETTINGS
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        settings = Settings(**raw)
    except FileNotFoundError:
        raise Misuse(
            f"There is no workspace in {directory}.",
            advice=f"Make one with 'sotepki init --workspace {directory}'.",
        ) from None
    except NotADirectoryError:
        raise Misuse(f"{directory} is a file, a workspace is a directory.") from None
    except (ValueError, TypeError):
        raise Fault(f"The file {path} is damaged.", advice="Restore it, or make a new workspace.") from None
    except OSError as error:
        raise Misuse(f"The workspace {directory} cannot be read: {error.strerror}.") from None
    if settings.format != FORMAT:
        raise Misuse(
            f"The workspace {directory} has form {settings.format}, this version reads form {FORMAT}.",
            advice="Make a new workspace, or use the version that made this one.",
        )
    return settings


def _write_settings(directory: Path, settings: Settings) -> None:
    write_atomically(directory / SETTINGS, json.dumps(asdict(settings), indent=2).encode() + b"\n")
