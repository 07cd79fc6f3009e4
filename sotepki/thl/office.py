"""The office: which organisations there are, who is a Kanta intermediary, which codes are in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from sotepki.errors import Refused
from sotepki.identifiers import BusinessId, Oid
from sotepki.records import Records, Transaction, journals_refusals
from sotepki.registers import Organisation
from sotepki.thl import code_exchange, history, lookups, valveri, world
from sotepki.thl.codes import CodeSystem, code_system, code_systems
from sotepki.thl.entering import Entered, put, release_domains
from sotepki.thl.exchange import line, read_lines, write_lines
from sotepki.thl.history import Page, Wanted
from sotepki.thl.organisation_form import (
    COLUMNS,
    domain_names,
    organisation_of_json,
    organisation_of_row,
    row_of_organisation,
)
from sotepki.thl.rules import thl_rules
from sotepki.thl.tables import OrganisationRow
from sotepki.thl.valveri import Arrival, ArrivalState

OFFICE = "thl"


@dataclass(frozen=True)
class Thl:
    """The SOTE organisation register and the code service. Implements ``OrganisationRegister``."""

    records: Records

    # --- asking -----------------------------------------------------------------------------------------------------

    def organisation(self, oid: Oid) -> Organisation | None:
        """The organisation or unit of an OID, or None."""
        with self.records.look() as session:
            return lookups.by_oid(session, oid.value)

    def organisations_of(self, business_id: BusinessId) -> Sequence[Organisation]:
        """The organisation of a Y-tunnus and its units, ordered by OID; empty if unknown."""
        with self.records.look() as session:
            return lookups.by_business_id(session, business_id)

    def organisations(self) -> Sequence[Organisation]:
        """Every organisation and unit, ordered by OID."""
        with self.records.look() as session:
            return lookups.everything(session)

    def organisation_at(self, oid: Oid, at: datetime) -> Organisation | None:
        """What the register said of an OID at a moment, or None."""
        with self.records.look() as session:
            return history.organisation_at(session, oid, at)

    def page(self, at: datetime, wanted: Wanted, *, offset: int = 0, limit: int = 100) -> Page:
        """A page of the organisations of a moment, ordered by OID."""
        with self.records.look() as session:
            return history.page_at(session, at, wanted, offset=offset, limit=limit)

    def count(self) -> int:
        """How many organisations and units the register holds."""
        with self.records.look() as session:
            return session.scalar(select(func.count()).select_from(OrganisationRow)) or 0

    def holder_of_domain(self, domain: str) -> Organisation | None:
        """The organisation that controls a domain name: the one of the name or of the nearest name above it."""
        with self.records.look() as session:
            return lookups.holder_of_domain(session, domain)

    def codes(self, oid: Oid, version: str | None = None, *, at: datetime | None = None) -> CodeSystem:
        """A code system as the code service has it (at a moment), the newest version if none is named.

        Raises:
            Refused: ``thl.code.system-known``.
        """
        with self.records.look() as session:
            return code_system(session, oid, version, at or self.records.clock.now())

    def code_systems(self, *, at: datetime | None = None) -> Sequence[CodeSystem]:
        """Every version of every code system, in the order of loading."""
        with self.records.look() as session:
            return code_systems(session, at or self.records.clock.now())

    def arrivals(self) -> Sequence[Arrival]:
        """Everything that Valveri has sent, in the order of sending."""
        with self.records.look() as session:
            return valveri.arrivals(session)

    # --- keeping ----------------------------------------------------------------------------------------------------

    @journals_refusals(OFFICE)
    def register_organisation(self, organisation: Organisation, *, actor: str) -> Organisation:
        """Enter an organisation or unit.

        Raises:
            Refused: ``thl.organisation.once``, ``.name``, ``.oid-of-business-id``, ``.parent``, ``.kind``,
                ``.domain-form``, ``.domain-once``, ``.domain-reserved``.
        """
        organisation = _folded(organisation)
        with self.records.change(OFFICE, actor) as tx:
            put(tx, organisation, None)
            tx.journal("register-organisation", organisation.oid.value, name=organisation.name)
        return organisation

    @journals_refusals(OFFICE)
    def change_organisation(self, organisation: Organisation, *, actor: str) -> Entered:
        """Let the register say of an OID what ``organisation`` says; the Business ID stays.

        Raises:
            Refused: ``thl.organisation.known``, or as ``register_organisation``.
        """
        organisation = _folded(organisation)
        with self.records.change(OFFICE, actor) as tx:
            became = put(tx, organisation, _known(tx, organisation.oid))
            tx.journal("change-organisation", organisation.oid.value, name=organisation.name, outcome=became)
        return became

    @journals_refusals(OFFICE, "oid")
    def set_kanta_intermediary(self, oid: Oid, *, intermediary: bool, actor: str) -> Organisation:
        """Enter an organisation in the register of Kanta intermediaries, or strike it off.

        Raises:
            Refused: ``thl.organisation.known``.
        """
        with self.records.change(OFFICE, actor) as tx:
            present = _known(tx, oid)
            changed = replace(present, kanta_intermediary=intermediary)
            put(tx, changed, present)
            tx.journal("enter-intermediary" if intermediary else "strike-intermediary", oid.value)
        return changed

    def load_world(self, directory: Path, *, actor: str = "init") -> int:
        """Load the organisations and code lists of a test world; the number of organisations.

        Raises:
            Fault: a file is missing or not well formed, or the register is not empty.
        """
        with self.records.change(OFFICE, actor) as tx:
            return world.load(tx, directory)

    # --- lists that come and go -------------------------------------------------------------------------------------

    def export_organisations(self) -> bytes:
        """Every organisation and unit as CSV; ``import_organisations`` reads it back."""
        return write_lines(map(row_of_organisation, self.organisations()), COLUMNS)

    @journals_refusals(OFFICE)
    def import_organisations(self, data: bytes, *, actor: str, name: str = "the file") -> Mapping[Entered, int]:
        """Enter and change the organisations of a CSV file, all or none; how many became what.

        Organisations that the file does not name stay as they are. Units may stand before their organisation, and a
        domain may pass from one organisation of the file to another.

        Raises:
            Refused: ``thl.import.form``, or the rule that a line breaks, with the number of the line.
        """
        became: Counter[Entered] = Counter()
        seen: dict[Oid, int] = {}
        with self.records.change(OFFICE, actor) as tx:
            found = _organisations_in(data, name)
            present = {one.oid: lookups.by_oid(tx.session, one.oid.value) for _, one in found}
            for _, organisation in found:
                before = present[organisation.oid]
                if before is not None and before.domains != organisation.domains:
                    release_domains(tx.session, organisation.oid)
            for number, organisation in found:
                with line(number, name):
                    if seen.setdefault(organisation.oid, number) != number:
                        raise ValueError(f"{organisation.oid} stands in line {seen[organisation.oid]} already")
                    became[put(tx, organisation, present[organisation.oid])] += 1
            tx.journal("import-organisations", "organisations", **{word: str(n) for word, n in became.items()})
        return became

    @journals_refusals(OFFICE)
    def receive_from_valveri(self, data: bytes, *, actor: str, name: str = "the file") -> Sequence[Arrival]:
        """Put the private providers of a CSV file on their way to the code service, all or none.

        They are entered by ``follow_time`` when the delay of ``valveri.yaml`` is over.

        Raises:
            Refused: ``thl.import.form``, ``thl.valveri.private``, with the number of the line.
        """
        with self.records.change(OFFICE, actor) as tx:
            found = _organisations_in(data, name)
            for number, organisation in found:
                with line(number, name):
                    valveri.send(tx, organisation)
            tx.journal("receive-from-valveri", "organisations", count=str(len(found)))
            tx.session.flush()
            sent = valveri.arrivals(tx.session)
            return sent[len(sent) - len(found) :]

    def follow_time(self) -> int:
        """Enter what has come from Valveri by now, refuse what breaks a rule; how many arrivals there were."""
        with self.records.look() as session:
            if not valveri.due(session, self.records.clock.now()):
                return 0
        with self.records.change(OFFICE, "clock") as tx:
            waiting = valveri.due(tx.session, tx.now)
            for row in waiting:
                try:
                    with tx.session.begin_nested():
                        put(tx, organisation_of_json(row.content), lookups.by_oid(tx.session, row.oid))
                    row.state = ArrivalState.ENTERED
                except Refused as error:
                    valveri.refused(row, error)
                tx.journal("arrive-from-valveri", row.oid, state=row.state, rule=row.rule)
            if not waiting:
                tx.journal("arrive-from-valveri", "nothing")
            return len(waiting)

    def export_codes(self, oid: Oid, version: str | None = None) -> bytes:
        """A version of a code system as CSV; ``import_codes`` reads it back.

        Raises:
            Refused: ``thl.code.system-known``.
        """
        return code_exchange.write(self.codes(oid, version))

    @journals_refusals(OFFICE)
    def import_codes(self, data: bytes, *, actor: str, name: str = "the file") -> CodeSystem:
        """Take a version of a code system into the code service, whole or not at all.

        Raises:
            Refused: ``thl.import.form``, ``thl.code.one-system``, ``thl.code.version-once``.
        """
        system = code_exchange.read(data, name)
        with self.records.change(OFFICE, actor) as tx:
            new = code_exchange.keep(tx, system)
            tx.journal(
                "import-codes", system.oid.value, version=system.version, outcome="entered" if new else "unchanged"
            )
        return system


def _known(tx: Transaction, oid: Oid) -> Organisation:
    present = lookups.by_oid(tx.session, oid.value)
    if present is None:
        raise thl_rules().refusal("thl.organisation.known", f"There is no organisation {oid}.", subject=oid.value)
    return present


def _folded(organisation: Organisation) -> Organisation:
    return replace(organisation, domains=domain_names(organisation.domains))


def _organisations_in(data: bytes, name: str) -> Sequence[tuple[int, Organisation]]:
    """The organisations of a file with the numbers of their lines, each after the one that it is a unit of."""
    found = []
    for number, row in read_lines(data, COLUMNS, name):
        with line(number, name):
            found.append((number, organisation_of_row(row)))
    return _parents_first(found)


def _parents_first(lines: Sequence[tuple[int, Organisation]]) -> Sequence[tuple[int, Organisation]]:
    """Lines in an order in which a unit follows its organisation; those in a circle last, for the rules to refuse."""
    named = {organisation.oid for _, organisation in lines}
    units: dict[Oid, list[tuple[int, Organisation]]] = {}
    ordered = []
    for one in lines:
        parent = one[1].parent
        if parent is not None and parent in named:
            units.setdefault(parent, []).append(one)
        else:
            ordered.append(one)
    for _, organisation in ordered:  # grows while it is walked
        ordered += units.pop(organisation.oid, [])
    return [*ordered, *(one for circle in units.values() for one in circle)]
