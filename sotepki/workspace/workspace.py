"""One open workspace: database, tokens, clock and the offices, wired together.

A workspace is a directory; everything of the user's own (SoftHSM configuration, tokens, keys) stays untouched.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cryptography import x509

from sotepki.card import CardShelf
from sotepki.clock import AdjustableClock, SystemClock
from sotepki.dvv import (
    Authorities,
    Contracts,
    Population,
    RegistrarCourse,
    RegistrationOffice,
    RegistrationPoints,
    ServiceCertificates,
    SpareCards,
    TestCards,
    Vartti,
)
from sotepki.errors import Misuse, Refused, SotepkiError
from sotepki.identifiers import Oid
from sotepki.provider import AccessRights, InformationSystem, Provider, SweepSchedule
from sotepki.records import Database, Records, deliver
from sotepki.records.heads import NOTE
from sotepki.records.homes import home_of, require_schema
from sotepki.records.migrations import require_current
from sotepki.resources import fixtures
from sotepki.thl import Steering, Thl
from sotepki.tokens import KeyKind, KeyPool, KeyRing, ready_keys
from sotepki.tokens.softhsm import require_place
from sotepki.valvira import ApprovedSystems, Supervision, Valvira
from sotepki.valvira.supervision import EvidenceKind
from sotepki.workspace.claiming import claim, require_finished
from sotepki.workspace.directory import (
    FORMAT,
    Settings,
    books_of,
    read_settings,
    require_same,
    stepped,
    write_settings,
)
from sotepki.x509.csr_keys import certificate_key_digest
from sotepki.x509.profiles import load_profiles
from sotepki.x509.status import CertificateStatus

if TYPE_CHECKING:
    # Kela's registers bring the whole verification of documents along: a quarter of what every command waits for.
    from sotepki.kela import Approvals, ChangeNotices, JointTests


class Workspace:
    """An open workspace. Use ``Workspace.open`` or ``Workspace.create``, and close it, best with ``with``."""

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        clock: AdjustableClock | None = None,
        *,
        database: Database | None = None,
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.clock: AdjustableClock = clock or SystemClock(settings.clock_offset)
        books = database or books_of(directory, settings)
        self.records = Records(
            books, self.clock, directory / "outbox", directory / NOTE,
            # Books in the directory are known by their file; others stay when the directory is made anew.
            partial(require_same, directory, settings.created, books) if settings.database else None,
        )  # fmt: skip

    # --- opening and closing ---------------------------------------------------------------------------------

    @classmethod
    def open(cls, directory: Path, *, clock: AdjustableClock | None = None) -> Self:
        """Open a workspace that ``create`` made.

        What an earlier run was kept from finishing is finished: letters that were committed but not yet written,
        cards and certificates that were being made, and the steps that time brings.

        Raises:
            Misuse: there is no workspace, it is being made or was left incomplete, a newer version made it, or an
                older one did and it has to be upgraded first.
            Fault: it is damaged.
        """
        directory = directory.absolute()
        require_finished(directory)
        workspace = cls(directory, read_settings(directory), clock)
        if not os.access(directory, os.W_OK):
            raise Misuse(
                f"The workspace {directory} cannot be written.",
                advice="Check its owner and permissions, or work in a copy.",
            )
        try:
            require_schema(workspace.records.database)
            require_current(workspace.records.database)
            workspace.catch_up()
        except BaseException:
            workspace.close()
            raise
        return workspace

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        clock: AdjustableClock | None = None,
        card_keys: int = 8,
        database: str = "",
        tell: Callable[[str], None] = lambda _line: None,
    ) -> Self:
        """Make a workspace from the test world: registers, TEST hierarchy, a pool of card keys.

        Whole or not at all: if anything stops it, what it made is removed.

        Args:
            card_keys: how many RSA-3072 keys to make beforehand; more are made when they are needed. Keys that
                wait in the directory of SOTEPKI_READY_KEYS are taken first.
            database: the address of a PostgreSQL database, where the workspace gets a schema of its own (or the one
                that ``?schema=`` names); default: SOTEPKI_DATABASE_URL, or else a file of SQLite in the directory.
            tell: called with a line for each step.

        Raises:
            Misuse: the directory or the schema holds a workspace or anything else already, cannot be made, or another
                init is at work there.
        """
        directory = directory.absolute()
        require_place(directory / "hsm")
        home = home_of(database)
        claimed = claim(directory, home)
        workspace: Self | None = None
        try:
            created = (clock or SystemClock()).now()
            settings = Settings(FORMAT, created.isoformat(), database=home.remembered, schema=home.schema)
            workspace = cls(directory, settings, clock, database=home.open(directory))
            # Before the first table: what finds an interrupted init learns here which books to clear.
            write_settings(directory, settings)
            claimed.found_books(workspace.records.database)
            workspace._found(card_keys, tell)
            claimed.finish()
            return workspace
        except BaseException:
            # What fails while clearing does not hide what failed first.
            with suppress(Exception):
                if workspace is not None:
                    workspace.close()
            with suppress(Exception):
                claimed.abandon()
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
        return KeyPool(self.directory / "key-pool", ready_keys())

    @cached_property
    def population(self) -> Population:
        """The Population Information System (väestötietojärjestelmä)."""
        return Population(self.records)

    @cached_property
    def valvira(self) -> Valvira:
        """Professional rights: Terhikki and Suosikki."""
        return Valvira(self.records, self.population)

    @cached_property
    def approved_systems(self) -> ApprovedSystems:
        """Valvira's register of the systems that may ask the role and attribute service."""
        return ApprovedSystems(self.records)

    @cached_property
    def supervision(self) -> Supervision:
        """Supervision of information systems: their register and deviations."""
        return Supervision(self.records)

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
    def contracts(self) -> Contracts:
        """The contracts of organisations with DVV."""
        return Contracts(self.records, self.authorities, self.thl)

    @cached_property
    def registrar_course(self) -> RegistrarCourse:
        """DVV's course for registrars."""
        return RegistrarCourse(self.records, self.population)

    @cached_property
    def registration_office(self) -> RegistrationOffice:
        """Where registration points are founded and registrars' rights are granted."""
        return RegistrationOffice(self.records, self.thl, self.registrar_course)

    @cached_property
    def cards(self) -> CardShelf:
        """The cards of this workspace."""
        return CardShelf(self.directory / "cards")

    @cached_property
    def vartti(self) -> Vartti:
        """DVV's card ordering system."""
        return Vartti(
            self.records,
            self.authorities,
            self.population,
            self.valvira,
            self.cards,
            self.keys,
            self.thl,
        )

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

    @cached_property
    def joint_tests(self) -> JointTests:
        """Kela's register of joint tests."""
        from sotepki.kela import JointTests

        return JointTests(self.records)

    @cached_property
    def approvals(self) -> Approvals:
        """Kela's register of approved systems."""
        from sotepki.kela import Approvals

        return Approvals(self.records)

    @cached_property
    def change_notices(self) -> ChangeNotices:
        """Notices of change of approved systems."""
        from sotepki.kela import ChangeNotices

        return ChangeNotices(self.records)

    @cached_property
    def steering(self) -> Steering:
        """THL's regulations and what they require."""
        return Steering(self.records)

    @cached_property
    def sweep_schedule(self) -> SweepSchedule:
        """The scheduled sweeps of the providers."""
        return SweepSchedule(self.records, AccessRights(self.records, self.valvira, self.thl))

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
        return Provider(
            self.records, self.valvira, self.thl, organisation, self._status_in_records,
            system_of=self._information_system, certificates_of=self._service_certificates_of,
        )  # fmt: skip

    def catch_up(self) -> None:
        """Finish what was interrupted and take the steps that time brings; does nothing when there is nothing."""
        if self.authorities.missing():
            self.authorities.create_hierarchy(self.hsm.create)
            self.authorities.publish_if_due(self.published)
        for step in (
            self.vartti.resume, self.spare_cards.lay_out, self.test_cards.resume, self.service_certificates.resume,
            self.thl.follow_time, self.supervision.follow_time, self.vartti.follow_time,
            self.service_certificates.follow_time, self.contracts.follow_time, self.registration_office.follow_time,
            self.sweep_schedule.follow_time,
        ):  # fmt: skip
            # Whoever opens a workspace did not ask for these, and may be here to mend what one is refused for.
            with suppress(Refused):
                step()
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
        """Move the time forward by ``days``, from where it stands by now if another process moved it too.

        Raises:
            Misuse: ``days`` is negative or absurd, or the workspace was opened with a clock of the caller's.
        """
        if not 0 <= days <= 36500:
            raise Misuse(f"The clock cannot be moved by {days} days; give 0 to 36500.")
        if not isinstance(self.clock, SystemClock):
            raise Misuse("The time of this workspace is in the hands of the program that opened it.")
        with self.records.change("workspace", "trainer") as tx:
            # Nobody else writes while the change lasts, so no step of another process is lost between the two.
            settings = stepped(self.directory, days)
            tx.journal("clock advanced", "workspace", days=str(days))
            tx.before_commit = lambda: write_settings(self.directory, settings)
            tx.if_not_stored = lambda: self._step_back(days)
        self.settings, self.clock.offset = settings, settings.clock_offset
        self.catch_up()

    def _step_back(self, days: float) -> None:
        """Move the clock of the settings back when the step was not stored."""
        with suppress(SotepkiError), ExitStack() as turn:
            self.records.require_same_place()
            with suppress(SotepkiError):  # a server that is away keeps everybody else from moving the clock, too
                turn.enter_context(self.records.database.writing())
            write_settings(self.directory, stepped(self.directory, -days))

    # --- founding --------------------------------------------------------------------------------------------

    def _information_system(self, entry: str) -> InformationSystem | None:
        """What the register of information systems and Kela's register say of a system."""
        try:
            found = self.supervision.system(entry)
        except Refused:
            return None
        now = self.clock.now()
        shown = {one.kind: one for one in found.evidence if one.in_force(now)}
        statement, certificate = shown.get(EvidenceKind.JOINT_TEST), shown.get(EvidenceKind.SECURITY_CERTIFICATE)
        coverage = self.approvals.coverage(found.name, found.version)
        usability = self.supervision.usability(entry, now)
        return InformationSystem(
            name=f"{found.name} {found.version}",
            register_entry=found.id,
            system_class=found.system_class,
            security_certificate_to=certificate.valid_to if certificate else None,
            joint_test=statement.number if statement else "",
            bars=tuple(one.message for one in usability.findings if one.rule == "supervision.registered"),
            approval=coverage.reason if coverage.approval else "",
            approval_trouble=coverage.reason,
        )

    def _service_certificates_of(self, organisation: Oid) -> list[x509.Certificate]:
        """The service certificates that DVV has issued to an organisation, the newest first."""
        serials = {
            int(one.serial, 16)
            for one in self.service_certificates.applications(organisation=organisation)
            if one.serial
        }
        issued = [one for serial in serials for one in self.authorities.issued(serial_number=serial)]
        return [one.certificate for one in sorted(issued, key=lambda one: one.not_after, reverse=True)]

    def _status_in_records(self, certificate: x509.Certificate) -> CertificateStatus:
        identifier = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        return self.authorities.status(identifier or b"", certificate.serial_number)

    def _found(self, card_keys: int, tell: Callable[[str], None]) -> None:
        world = fixtures() / "world"
        tell("Loading the test world")
        self.population.load_world(world)
        self.thl.load_world(world)
        self.valvira.load_world(world)
        self.registration_points.load_world(world)
        tell("Making keys")
        self.keys.fill(founding_keys(card_keys))
        tell("Founding the TEST hierarchy in SoftHSM")
        self.authorities.create_hierarchy(self.hsm.create)
        self.authorities.publish(self.published)


def founding_keys(card_keys: int) -> dict[KeyKind, int]:
    """The keys that a new workspace makes: those of its hierarchy, and some for cards."""
    return {KeyKind.RSA_4096: 3, KeyKind.RSA_3072: card_keys + 3}
