"""Systems that decide wrongly what a professional may do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from conformance.sut.facets import Facet
from conformance.sut.facets_rights import RightsDecision, RightsTask, RightsTrouble
from conformance.sut.mutants.model import Mutant
from conformance.sut.reference import Reference
from conformance.sut.reference_rights import YES, WorkingSession
from sotepki.provider.attribute_client import AttributeClient
from sotepki.provider.staff_rights import Standing, Unanswered


class _AskedAtSigningOnly(WorkingSession):
    def attempt(self, task: RightsTask) -> RightsDecision:
        return YES if task is RightsTask.LOGIN else super().attempt(task)


@dataclass
class _AskedAtLoginOnly(WorkingSession):
    kept: list[Standing | Unanswered] = field(default_factory=list)

    def attempt(self, task: RightsTask) -> RightsDecision:
        if task is RightsTask.LOGIN:
            self.kept.append(self.standing())
        found = self.kept[-1] if self.kept else self.standing()
        return self.unanswered() if isinstance(found, Unanswered) else self.decided(task, found)


@dataclass
class _Keeps(WorkingSession):
    """Keeps a decision with one trouble for the rest of the session."""

    trouble: RightsTrouble = RightsTrouble.NO_RIGHT
    kept: list[RightsDecision] = field(default_factory=list)

    def attempt(self, task: RightsTask) -> RightsDecision:
        if self.kept:
            return self.kept[0]
        decision = super().attempt(task)
        if decision.trouble is self.trouble:
            self.kept.append(decision)
        return decision


@dataclass
class _KeepsSilence(_Keeps):
    trouble: RightsTrouble = RightsTrouble.NOT_ASKED


class _UnknownIsFine(WorkingSession):
    def decided(self, task: RightsTask, standing: Standing) -> RightsDecision:
        unknown = not standing.rights and self.number.value.startswith("00999")
        return YES if unknown else super().decided(task, standing)


class _EverybodyPrescribes(WorkingSession):
    def prescribing(self, standing: Standing) -> RightsDecision:
        return super().prescribing(replace(standing, prescriber=True))


class _NobodyPrescribes(WorkingSession):
    def prescribing(self, standing: Standing) -> RightsDecision:
        decision = super().prescribing(standing)
        return RightsDecision(False, RightsTrouble.RESTRICTED) if decision.allowed else decision


class _IgnoresRestrictions(WorkingSession):
    def prescribing(self, standing: Standing) -> RightsDecision:
        decision = super().prescribing(standing)
        return YES if decision.trouble is RightsTrouble.RESTRICTED else decision


class _RestrictionEndsAll(WorkingSession):
    def decided(self, task: RightsTask, standing: Standing) -> RightsDecision:
        if any(right.restrictions for right in standing.rights):
            return RightsDecision(False, RightsTrouble.RESTRICTED)
        return super().decided(task, standing)


class _DownMeansYes(WorkingSession):
    def unanswered(self) -> RightsDecision:
        return YES


class _DownMeansNoRight(WorkingSession):
    def unanswered(self) -> RightsDecision:
        return RightsDecision(False, RightsTrouble.NO_RIGHT)


class _Impatient(WorkingSession):
    def standing(self) -> Standing | Unanswered:
        if isinstance(self.service, AttributeClient):
            connection = self.service._connection
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(0.2)
        return super().standing()


class _AskedByName(WorkingSession):
    def standing(self) -> Standing | Unanswered:
        if isinstance(self.service, AttributeClient):
            connection = self.service._connection
            try:
                connection.request("GET", f"/attribute/v1/professional?{urlencode({'name': self.name})}")
                connection.getresponse().read()
            except OSError:
                connection.close()
        return super().standing()


_FAULTS: tuple[tuple[str, str, type[WorkingSession]], ...] = (
    ("asked-at-signing-only", "Asks for rights at signing only", _AskedAtSigningOnly),
    ("asked-at-login-only", "Asks for rights at login only", _AskedAtLoginOnly),
    ("refusals-are-kept", "Keeps a refusal for the whole session", _Keeps),
    ("unknown-is-fine", "Takes an unknown number for a good one", _UnknownIsFine),
    ("everybody-prescribes", "Lets every professional prescribe", _EverybodyPrescribes),
    ("nobody-prescribes", "Lets no professional prescribe", _NobodyPrescribes),
    ("restrictions-are-ignored", "Ignores restrictions", _IgnoresRestrictions),
    ("restriction-ends-all", "Takes a restriction for the end of the right", _RestrictionEndsAll),
    ("down-means-yes", "Takes a silent service for a yes", _DownMeansYes),
    ("down-means-no-right", "Takes a silent service for a missing right", _DownMeansNoRight),
    ("silence-is-kept", "Does not ask again when the service is back", _KeepsSilence),
    ("has-no-patience", "Waits a fifth of a second for an answer", _Impatient),
    ("asked-by-name", "Asks by name first", _AskedByName),
)


def _mutant(name: str, title: str, kind: type[WorkingSession]) -> Mutant:
    def broken(reference: Reference) -> dict[str, Any]:
        return {"rights": replace(reference.workplace.rights, work=kind)}

    return Mutant(f"rights-{name}", title, Facet.RIGHTS, broken)


MUTANTS = tuple(_mutant(*row) for row in _FAULTS)
