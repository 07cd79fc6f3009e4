"""The order form of Vartti: fields as on the form, and beside each what stands in its way while it is filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

import ipywidgets
from widgets.showing import Said, Sheet, Shown, finding_of, kindly, labelled, remark

from sotepki.dvv import CardOrder, CardRequest, Employment, IdentityProof
from sotepki.dvv.office_data import office_data
from sotepki.dvv.vartti.data import PROFESSIONAL, vartti_data
from sotepki.errors import Refused, SotepkiError
from sotepki.evidence import Finding
from sotepki.identifiers import Hetu, Oid
from sotepki.registers import Person, ProfessionalRight
from sotepki.workspace import Workspace

_STAFF_ONLY = ("job_title", "task")
_KNOWN_BY_REGISTERS = ("applicant", "right", "letter_address")
_PLACES = {
    "registrar": "registrar", "point": "registrar", "order.not-for-oneself": "registrar", "order.point": "registrar",
    "order.applicant": "applicant", "order.one-card": "applicant", "staff.one-card": "applicant",
    "order.identity.expired": "valid_to", "order.identity.in-person": "in_person",
    "order.identity.person": "applicant", "order.identity": "document", "order.right": "right",
    "staff.right-held": "kind", "order.kind": "kind", "staff.organisation": "employer", "staff.point": "employer",
    "staff.employment": "employer", "staff.job-title": "job_title",
    "staff.task": "task", "order.delivery": "letter_address",
}  # fmt: skip


@dataclass(frozen=True)
class Fields:
    """The form as it is filled in: texts, as they were typed."""

    registrar: str = ""
    kind: str = PROFESSIONAL
    applicant: str = ""
    document: str = "passport"
    country: str = "FI"
    valid_to: str = ""
    in_person: bool = True
    right: str = ""
    employer: str = ""
    job_title: str = ""
    task: str = "other"
    letter_address: str = ""


NAMES = tuple(field.name for field in fields(Fields))


class OrderForm(Shown):
    """An order that is being filled in; ``placed`` is the order once there is one."""

    def __init__(self, workspace: Workspace, registrar: Hetu | str, language: str) -> None:
        super().__init__(language)
        self._workspace = workspace
        self._empty = Fields(registrar=_text(registrar))
        self.fields = self._empty
        self.placed: CardOrder | None = None
        self._inputs: dict[str, ipywidgets.ValueWidget] = {}
        self._lines: dict[str, ipywidgets.HBox] = {}
        self._echoing = False

    # --- what can be done ------------------------------------------------------------------------------------

    @kindly
    def fill(self, **values: object) -> OrderForm:
        """Write into fields, as by typing; the others keep what they have."""
        self.said = ()
        strange = sorted(set(values) - set(NAMES))
        if strange:
            known = ", ".join(NAMES)
            self.said = (
                Said(self.say("no-field", field=strange[0]), good=False, advice=self.say("fields", fields=known)),
            )
        told = {name: bool(value) if name == "in_person" else _text(value) for name, value in values.items()}
        self.fields = replace(self.fields, **{name: told[name] for name in told if name in NAMES})  # type: ignore[arg-type]
        self.placed = None
        self._echo()
        return self

    @kindly
    def order(self) -> OrderForm:
        """Place the order, as the button does; a refusal is said, and stands in the journal."""
        self.placed = None
        self.placed = self._workspace.vartti.place_order(self._request(), registrar=self._registrar())
        self.said = (Said(self.say("ordered", order=self.placed.id, state=self.say(f"state-{self.placed.state}"))),)
        return self

    @kindly
    def clear(self) -> OrderForm:
        """An empty form."""
        self.fields, self.placed, self.said = self._empty, None, ()
        self._echo()
        return self

    def objections(self) -> list[Finding]:
        """Everything that stands in the way now, in the order in which Vartti would say it; asking costs nothing."""
        return [finding for _, finding in self._in_the_way()]

    def _in_the_way(self) -> list[tuple[str, Finding]]:
        """Each with the field that it concerns. Vartti is asked when every field can be read."""
        parts: Mapping[str, Callable[[], object]] = {
            "registrar": self._registrar,
            "applicant": self._applicant,
            "valid_to": lambda: _day(self.fields.valid_to),
            "employer": self._employer,
        }
        unread = [(name, finding) for name, read in parts.items() if (finding := _objection(read)) is not None]
        if unread:
            return unread
        try:
            found = self._workspace.vartti.look_over(self._request(), registrar=self._registrar())
        except SotepkiError as error:
            found = (finding_of(error),)
        return [(_place(finding.rule), finding) for finding in found]

    # --- how it looks ----------------------------------------------------------------------------------------

    def sheet(self) -> Sheet:
        beside = self._beside()
        rows = [[self.say(f"field {name}"), self._shown(name), beside.get(name, "")] for name in self._asked()]
        header = (self.say("field"), self.say("value"), self.say("in the way"))
        return Sheet(self.say("order form"), header, rows, self.said or (self._mood(bool(beside)),))

    def live_sheet(self) -> Sheet:
        return replace(self.sheet(), rows=())

    def refresh(self) -> None:
        """Beside each field: what stands in its way, or else what the registers know of it."""
        beside = self._beside() if self._lines else {}
        for name, line in self._lines.items():
            line.layout.display = "" if name in self._asked() else "none"
            known = self._shown(name) if name in _KNOWN_BY_REGISTERS else ""
            line.children[1].value = remark(beside.get(name) or known, heavy=name in beside)
        super().refresh()

    def controls(self) -> ipywidgets.Widget:
        people = [(name, hetu) for hetu, name in self._registrars().items()]
        organisations = [("", "")] + [
            (f"{one.name}, {one.oid}", one.oid.value) for one in self._workspace.thl.organisations()
        ]
        tasks = list(
            dict.fromkeys(task for kind in vartti_data().kinds.values() for task in kind.price if task != "any")
        )
        boxes: Mapping[str, ipywidgets.ValueWidget] = {
            "registrar": ipywidgets.Dropdown(options=_with(people, self.fields.registrar)),
            "kind": ipywidgets.Dropdown(options=self._options("kind", vartti_data().kinds)),
            "applicant": ipywidgets.Text(placeholder="010181-900C"),
            "document": ipywidgets.Dropdown(options=self._options("document", office_data().identity_documents)),
            "country": ipywidgets.Text(placeholder="FI"),
            "valid_to": ipywidgets.Text(placeholder=self.say("day")),
            "in_person": ipywidgets.Checkbox(),
            "right": ipywidgets.Combobox(placeholder=self.say("only right"), ensure_option=False),
            "employer": ipywidgets.Dropdown(options=_with(organisations, self.fields.employer)),
            "job_title": ipywidgets.Text(),
            "task": ipywidgets.Dropdown(options=self._options("task", tasks)),
            "letter_address": ipywidgets.Text(placeholder=self.say("home address")),
        }
        self._inputs = dict(boxes)
        self._echo()
        for name, box in boxes.items():
            box.observe(self._typed(name), names="value")
        place = ipywidgets.Button(description=self.say("do order"), button_style="primary", icon="check")
        place.on_click(lambda _button: self.order())
        empty = ipywidgets.Button(description=self.say("do clear"))
        empty.on_click(lambda _button: self.clear())
        self._lines = {
            name: labelled(self.say(f"field {name}"), box, ipywidgets.HTML()) for name, box in boxes.items()
        }
        return ipywidgets.VBox([*self._lines.values(), ipywidgets.HBox([place, empty])])

    def _asked(self) -> tuple[str, ...]:
        """The fields that the kind of card asks for."""
        staff = self.fields.kind != PROFESSIONAL
        return tuple(name for name in NAMES if staff or name not in _STAFF_ONLY)

    def _beside(self) -> dict[str, str]:
        """By field, what stands in the way: sentence, advice and rule."""
        found: dict[str, list[str]] = {}
        for name, finding in [] if self._blank or self.placed else self._in_the_way():
            said = self.sentence_about(finding)
            found.setdefault(name, []).append(" ".join(filter(None, (said.sentence, said.advice, f"[{said.rule}]"))))
        return {name: " ".join(told) for name, told in found.items()}

    @property
    def _blank(self) -> bool:
        return self.fields == self._empty

    def _typed(self, name: str) -> Callable[[Any], None]:
        def typed(change: Any) -> None:
            if not self._echoing:
                self.fill(**{name: change["new"]})

        return typed

    def _echo(self) -> None:
        """Show in the controls what the fields hold; what a list does not offer is left as it is."""
        self._echoing = True
        try:
            for name, box in self._inputs.items():
                value = getattr(self.fields, name)
                choices = [one[1] if isinstance(one, tuple) else one for one in getattr(box, "options", ())]
                if name == "right":
                    box.options = [right.code for right in self._rights()]
                if not isinstance(box, ipywidgets.Dropdown) or value in choices:
                    box.value = value
        finally:
            self._echoing = False

    def _shown(self, name: str) -> str:
        value = getattr(self.fields, name)
        if name == "in_person":
            return self.say("yes" if value else "no")
        if name in ("kind", "document", "task"):
            return self._word(name, value)
        if name == "registrar":
            return self._registrars().get(value, str(value))
        if name == "applicant" and (person := self._person()) is not None:
            return f"{value}: {person.given_names} {person.surname}"
        if name == "right" and (rights := self._rights()):
            chosen = [right for right in rights if right.code == value] or ([] if value else rights)
            return "; ".join(f"{right.code} {self._title(right)}" for right in chosen) or value
        if name == "letter_address" and not value and (person := self._person()) is not None:
            return person.home_address
        return str(value)

    def _title(self, right: ProfessionalRight) -> str:
        return right.title_sv if self.language == "sv" else right.title_fi

    def _mood(self, hindered: bool) -> Said:
        if self._blank:
            return Said(self.say("fill in"), mark="hint")
        return Said(self.say("not yet"), good=False, mark="wait") if hindered else Said(self.say("ready"))

    def _word(self, name: str, value: str) -> str:
        known = {"kind": vartti_data().kinds, "document": office_data().identity_documents}.get(name)
        return value if known is not None and value not in known else self._phrase(f"{name} {value}", value)

    def _phrase(self, phrase: str, otherwise: str) -> str:
        try:
            return self.say(phrase)
        except SotepkiError:
            return otherwise

    def _options(self, name: str, values: Any) -> list[tuple[str, str]]:
        return [(self._word(name, value), value) for value in values]

    # --- reading what was typed ------------------------------------------------------------------------------

    def _request(self) -> CardRequest:
        typed = self.fields
        staff = typed.kind != PROFESSIONAL
        return CardRequest(
            self._applicant(),
            IdentityProof(
                typed.document.strip(), _day(typed.valid_to), typed.country.strip().upper(), in_person=typed.in_person
            ),
            kind=typed.kind.strip(),
            right_code=typed.right.strip(),
            employer=self._employer(),
            employment=Employment(typed.job_title, typed.task.strip()) if staff else None,
            letter_address=typed.letter_address,
        )

    def _registrar(self) -> Hetu:
        return Hetu.parse(self.fields.registrar.strip())

    def _applicant(self) -> Hetu:
        return Hetu.parse(self.fields.applicant.strip())

    def _employer(self) -> Oid | None:
        return Oid.parse(self.fields.employer.strip()) if self.fields.employer.strip() else None

    def _person(self) -> Person | None:
        try:
            return self._workspace.population.person(self._applicant())
        except SotepkiError:
            return None

    def _rights(self) -> list[ProfessionalRight]:
        try:
            found = self._workspace.valvira.professional_of(self._applicant())
            now = self._workspace.clock.now()
            return list(self._workspace.valvira.rights_in_force(found.registration_number, now)) if found else []
        except SotepkiError:
            return []

    def _registrars(self) -> dict[str, str]:
        points = self._workspace.registration_points
        named: dict[str, str] = {}
        for point in points.points():
            for one in points.registrars(point.id):
                person = self._workspace.population.person(one.hetu)
                if person is not None:
                    named[one.hetu.value] = f"{person.first_name} {person.surname}, {point.id}"
        return named


def order_form(workspace: Workspace, registrar: Hetu | str = "", *, language: str = "en") -> OrderForm:
    """A form of Vartti, for a registrar who works there; looking at it orders nothing.

    Raises:
        Misuse: the widgets do not speak the language.
    """
    return OrderForm(workspace, registrar, language)


def _text(value: object) -> str:
    if isinstance(value, Hetu | Oid):
        return value.value
    return value.isoformat() if isinstance(value, date) else str(value)


def _day(typed: str) -> date | None:
    """A day as people write it in Finland or as ISO 8601 has it; nothing typed is no day."""
    text = typed.strip()
    if not text:
        return None
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise Refused(
        f"{text[:20]!r} is not a day.", rule="order.identity.expired", advice="Write it as 31.12.2030 or 2030-12-31."
    )


def _objection(read: Callable[[], object]) -> Finding | None:
    try:
        read()
    except SotepkiError as error:
        return finding_of(error)
    return None


def _place(rule: str) -> str:
    """The field that a rule speaks of: the longest beginning that is known."""
    fitting = [start for start in _PLACES if rule.startswith(start)]
    return _PLACES[max(fitting, key=len)] if fitting else "applicant"


def _with(options: list[tuple[str, str]], value: str) -> list[tuple[str, str]]:
    """The choices, with a value of the caller's that is not among them."""
    return options if any(known == value for _, known in options) else [(value, value), *options]
