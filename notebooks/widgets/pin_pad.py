"""A card reader with keys: PIN1, PIN2 and the activation code, and the counters that go down with every wrong try."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ipywidgets
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from widgets.showing import Said, Sheet, Shown, kindly, labelled

from sotepki.card.inserted import InsertedCard
from sotepki.card.kinds import Credential, KeyUse, card_kind
from sotepki.card.state import CardState
from sotepki.errors import Misuse
from sotepki.tokens import Pin
from sotepki.workspace import Workspace

_FULL, _EMPTY = "●", "○"
_LONGEST = 12


@dataclass(frozen=True)
class Task:
    """What can be done at the keys: the numbers that are asked for, and the call that takes them."""

    asks: tuple[str, ...]
    call: Callable[[PinPad, Sequence[str]], object]


class PinPad(Shown):
    """A card in a reader with keys. The card stays in it until ``remove``; a PIN that was typed is shown nowhere."""

    def __init__(self, workspace: Workspace, card_number: str, language: str) -> None:
        super().__init__(language)
        self._workspace = workspace
        self.card_number = card_number
        self._card: InsertedCard | None = None
        self._task = next(iter(TASKS))
        self._typed: list[str] = [""]

    # --- what can be done ------------------------------------------------------------------------------------

    @kindly
    def insert(self) -> PinPad:
        """Put the card into this reader; the other calls do so by themselves."""
        self._inserted()
        self._tell("inserted")
        return self

    @kindly
    def remove(self) -> PinPad:
        """Take the card out; it forgets every PIN that was given."""
        card, self._card = self._card, None
        if card is not None:
            card.remove()
        self._typed = [""]
        self._tell("removed")
        return self

    @kindly
    def give(self, which: str, pin: str | Pin) -> PinPad:
        """Give PIN1 or PIN2 (``pin1``, ``pin2``)."""
        given = _pin(pin)
        if _credential(which) is Credential.PIN1:
            self._inserted().verify_pin1(given)
        else:
            self._inserted().verify_pin2(given)
        self._tell(f"right {which}")
        return self

    @kindly
    def change(self, which: str, old: str | Pin, new: str | Pin) -> PinPad:
        """Change PIN1 or PIN2 by the old one."""
        self._inserted().change_pin(_credential(which), _pin(old), _pin(new))
        self._tell("changed", pin=self.say(which))
        return self

    @kindly
    def unlock(self, which: str, code: str | Pin, new: str | Pin) -> PinPad:
        """Set PIN1 or PIN2 by the activation code."""
        self._inserted().unblock(_pin(code), _credential(which), _pin(new))
        self._tell("unlocked", pin=self.say(which))
        return self

    @kindly
    def activate(self, code: str | Pin, pin1: str | Pin, pin2: str | Pin) -> PinPad:
        """Take the card into use with the code of the letter."""
        self._inserted().activate(_pin(code), _pin(pin1), _pin(pin2))
        self._tell("activated")
        return self

    @kindly
    def use(self, key: str) -> PinPad:
        """Let the card sign something with a key, ``authentication`` (a login) or ``signature``."""
        use = KeyUse(key) if key in set(KeyUse) else None
        if use is None:
            raise Misuse(f"A card has no {str(key)[:20]!r} key.", advice="It has authentication and signature.")
        card = self._inserted()
        private = card.authentication_key if use is KeyUse.AUTHENTICATION else card.signature_key
        digest = hashlib.sha256(b"something to sign").digest()
        if isinstance(private, rsa.RSAPrivateKey):
            private.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        else:
            private.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        self._tell(f"used {use}")
        return self

    @property
    def tries(self) -> dict[str, int]:
        """Tries left for ``pin1``, ``pin2`` and the code (``puk``); looking costs none, and needs no inserting."""
        return {str(name): count for name, count in self._state().tries.items()}

    # --- the keys --------------------------------------------------------------------------------------------

    def choose(self, task: str) -> PinPad:
        """What the keys are for from now on (see ``TASKS``); what was typed is forgotten."""
        if task in TASKS:
            self._task, self._typed, self.said = task, [""], ()
        self.refresh()
        return self

    def press(self, key: str) -> PinPad:
        """A key: a digit, ``C`` for the last digit, ``OK``."""
        if key.isdigit() and len(self._typed[-1]) < _LONGEST:
            self._typed[-1] += key
        elif key == "C":
            self._typed[-1] = self._typed[-1][:-1]
        elif key == "OK":
            self._okay()
        self.refresh()
        return self

    def _okay(self) -> None:
        if not self._typed[-1]:
            return
        asks = TASKS[self._task].asks
        if asks[len(self._typed) - 1] == "again" and self._typed[-1] != self._typed[-2]:
            self._typed = [*self._typed[:-2], ""]
            self.said = (Said(self.say("not the same"), good=False),)
        elif len(self._typed) < len(asks):
            self._typed.append("")
            self.said = ()
        else:
            numbers = [number for ask, number in zip(asks, self._typed, strict=True) if ask != "again"]
            self._typed = [""]
            TASKS[self._task].call(self, numbers)

    # --- how it looks ----------------------------------------------------------------------------------------

    def sheet(self) -> Sheet:
        heading = self.say("pad", card=self.card_number)
        header = (self.say("number"), self.say("tries left"), "")
        try:
            state = self._state()
        except Misuse as error:
            return Sheet(heading, header, (), (self.sentence_of(error),))
        most = card_kind(state.kind).tries
        rows = [
            [
                self.say(str(name)),
                f"{_FULL * left}{_EMPTY * (most[name] - left)}",
                self._left(name, left, state.is_set(name)),
            ]
            for name, left in state.tries.items()
        ]
        return Sheet(heading, header, rows, self.said or (Said(self.say(f"phase {state.phase}"), mark="hint"),))

    def controls(self) -> ipywidgets.Widget:
        tasks = ipywidgets.Dropdown(options=[(self.say(f"task {task}"), task) for task in TASKS], value=self._task)
        tasks.observe(lambda change: self.choose(change["new"]), names="value")
        layout = ipywidgets.Layout(width="4.5em", height="2.6em")
        keys = [ipywidgets.Button(description=key, layout=layout) for key in "123456789"]
        keys += [ipywidgets.Button(description=key, layout=layout) for key in ("C", "0", "OK")]
        for key in keys:
            key.on_click(lambda button: self.press(button.description))
        around: list[tuple[str, Callable[[], Any]]] = [
            ("do insert", self.insert),
            ("do remove", self.remove),
            ("do login", lambda: self.use("authentication")),
            ("do sign", lambda: self.use("signature")),
        ]
        buttons = []
        for phrase, deed in around:
            button = ipywidgets.Button(description=self.say(phrase), layout=ipywidgets.Layout(width="14em"))
            button.on_click(lambda _button, deed=deed: deed())
            buttons.append(button)
        pad = ipywidgets.GridBox(keys, layout=ipywidgets.Layout(grid_template_columns="repeat(3, 5em)"))
        return ipywidgets.VBox(
            [labelled(self.say("task"), tasks), self._display, ipywidgets.HBox([pad, ipywidgets.VBox(buttons)])]
        )

    def refresh(self) -> None:
        if "_display" in self.__dict__:
            self._display.value = self._asked()
        super().refresh()

    @cached_property
    def _display(self) -> ipywidgets.Label:
        return ipywidgets.Label(self._asked(), layout=ipywidgets.Layout(margin="4px 0 4px 0"))

    def _asked(self) -> str:
        ask = TASKS[self._task].asks[len(self._typed) - 1]
        return f"{self.say(f'ask {ask}')}  {_FULL * len(self._typed[-1])}"

    def _left(self, name: Credential, left: int, chosen: bool) -> str:
        if not left:
            return self.say("locked")
        return self.say("tries", left=left) if chosen or name is Credential.PUK else self.say("unset")

    def _tell(self, phrase: str, **fields: object) -> None:
        self.said = (Said(self.say(phrase, **fields)),)

    def _inserted(self) -> InsertedCard:
        if self._card is None:
            self._card = self._workspace.cards.insert(self.card_number)
        return self._card

    def _state(self) -> CardState:
        return self._workspace.cards.read(self.card_number).state


def pin_pad(workspace: Workspace, card_number: str, *, language: str = "en") -> PinPad:
    """A reader with keys for a card of the workspace.

    Raises:
        Misuse: the widgets do not speak the language.
    """
    return PinPad(workspace, card_number, language)


TASKS: Mapping[str, Task] = {
    "give pin1": Task(("pin1",), lambda pad, numbers: pad.give("pin1", *numbers)),
    "give pin2": Task(("pin2",), lambda pad, numbers: pad.give("pin2", *numbers)),
    "activate": Task(("code", "new pin1", "again", "new pin2", "again"), lambda pad, numbers: pad.activate(*numbers)),
    "unlock pin1": Task(("code", "new pin1", "again"), lambda pad, numbers: pad.unlock("pin1", *numbers)),
    "unlock pin2": Task(("code", "new pin2", "again"), lambda pad, numbers: pad.unlock("pin2", *numbers)),
    "change pin1": Task(("pin1", "new pin1", "again"), lambda pad, numbers: pad.change("pin1", *numbers)),
    "change pin2": Task(("pin2", "new pin2", "again"), lambda pad, numbers: pad.change("pin2", *numbers)),
}
"""What the card reader software offers; each number is typed and closed with OK, a new one twice."""


def _pin(given: str | Pin) -> Pin:
    return given if isinstance(given, Pin) else Pin(str(given))


def _credential(which: str) -> Credential:
    if which in ("pin1", "pin2"):
        return Credential(which)
    raise Misuse(f"A card has no {str(which)[:20]!r} to give.", advice="It has pin1 and pin2.")
