"""A model of the card: whatever happens in whatever order, counters and signatures keep the rules."""

from __future__ import annotations

import tempfile
from pathlib import Path

from card_vault_world import CODE, PIN1, PIN2, PINS, WRONG, PowerCut, personalised, sign
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sotepki.card.kinds import Credential, KeyUse
from sotepki.card.state import Phase, StateFile
from sotepki.card.vault import Vault
from sotepki.errors import Refused, SotepkiError
from sotepki.tokens import Pin


class CardLife(RuleBasedStateMachine):
    """Anything that readers, holders and thieves do with a card, in any order, with power cuts in between."""

    @initialize()
    def make(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.file = StateFile(Path(self.directory.name) / "card.json")
        self.vault, self.store = personalised(Path(self.directory.name))
        self.earned = 0  # successful PIN2 verifications not yet used up
        self.wrong = dict.fromkeys(Credential, 0)  # wrong or interrupted tries in a row

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            self.directory.cleanup()

    def _attempt(self, credential: Credential, cut: bool, call: object) -> bool:
        assert callable(call)
        self.store.cut = cut
        before = self.vault.state.tries[credential]
        looks = self.store.looks
        try:
            call()
        except PowerCut:
            self.vault = Vault(self.file, self.store)
            self.store.open.clear()
            self.earned = 0
            assert self.vault.state.tries[credential] == before - 1
            self.wrong[credential] += 1
            return False
        except SotepkiError as error:
            self.store.cut = False
            if error.rule in ("card.pin.wrong", "card.code.wrong") or self.store.looks > looks:
                self.wrong[credential] += 1
                assert self.vault.state.tries[credential] == before - 1
            else:
                assert self.vault.state.tries[credential] == before
            return False
        self.store.cut = False
        self.wrong[credential] = 0
        assert before > 0, "nothing succeeds with a locked PIN"
        return True

    @rule(code=st.sampled_from([CODE, CODE, WRONG]), cut=st.booleans())
    def activate(self, code: Pin, cut: bool) -> None:
        if self._attempt(Credential.PUK, cut, lambda: self.vault.activate(code, PIN1, PIN2)):
            assert code == CODE
            self.wrong = dict.fromkeys(Credential, 0)

    @rule(
        credential=st.sampled_from(list(PINS)),
        pin=st.sampled_from([PIN1, PIN2, WRONG, Pin("1")]),
        cut=st.booleans(),
    )
    def verify(self, credential: Credential, pin: Pin, cut: bool) -> None:
        right = self.store.pins.get(credential) == pin
        if (
            credential is Credential.PIN2
            and self.vault.state.phase is Phase.ACTIVE
            and self.vault.state.tries[credential]
        ):
            self.earned = 0
        if self._attempt(credential, cut, lambda: self.vault.verify(credential, pin)):
            assert right
            if credential is Credential.PIN2:
                self.earned = 1

    @rule(
        credential=st.sampled_from(list(PINS)),
        old=st.sampled_from([PIN1, PIN2, WRONG]),
        new=st.sampled_from([PIN1, PIN2, Pin("123")]),
        cut=st.booleans(),
    )
    def change(self, credential: Credential, old: Pin, new: Pin, cut: bool) -> None:
        looks = self.store.looks
        self._attempt(credential, cut, lambda: self.vault.change_pin(credential, old, new))
        if credential is Credential.PIN2 and self.store.looks > looks:
            self.earned = 0

    @rule(
        credential=st.sampled_from(list(PINS)),
        code=st.sampled_from([CODE, WRONG]),
        new=st.sampled_from([PIN1, PIN2, Pin("123456789")]),
        cut=st.booleans(),
    )
    def unblock(self, credential: Credential, code: Pin, new: Pin, cut: bool) -> None:
        looks = self.store.looks
        locked = not self.vault.state.tries[Credential.PUK]
        if self._attempt(Credential.PUK, cut, lambda: self.vault.unblock(code, credential, new)):
            self.wrong[credential] = 0
        if credential is Credential.PIN2 and (self.store.looks > looks or locked):
            self.earned = 0

    @rule()
    def sign(self) -> None:
        before = self.store.keys[KeyUse.SIGNATURE].signatures
        try:
            sign(self.vault)
        except Refused:
            assert self.store.keys[KeyUse.SIGNATURE].signatures == before
        else:
            assert self.earned == 1, "a signature without its PIN2"
            self.earned = 0

    @rule()
    def pull_and_insert(self) -> None:
        before = self.vault.state
        self.store.open.clear()
        self.vault = Vault(self.file, self.store)
        self.earned = 0
        assert self.vault.state == before, "what was acknowledged is on the disk"

    @precondition(lambda self: hasattr(self, "vault"))
    @invariant()
    def counters_follow_the_wrong_tries(self) -> None:
        for credential in Credential:
            assert self.vault.state.tries[credential] == max(0, 5 - self.wrong[credential])


TestCardLife = CardLife.TestCase
TestCardLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
