"""Login challenges of a relying party: random, bound to one visitor, used once, and not for long."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sotepki.scs.answers import answer_rules
from sotepki.scs.challenge import challenge_content
from sotepki.scs.settings import ChallengeForm

LIFE = timedelta(minutes=2)

_OPEN_AT_ONCE = 1000
_NONCE_BYTES = 48  # 64 characters of base64url


@dataclass(frozen=True)
class LoginChallenge:
    """A challenge: ``content`` is what the card signs; only ``visitor`` may answer it, until ``until``."""

    id: str
    content: bytes
    visitor: str
    until: datetime


@dataclass
class LoginChallenges:
    """The challenges that wait for their answer; beyond a thousand the oldest are forgotten."""

    life: timedelta = LIFE
    _open: OrderedDict[str, LoginChallenge] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def give(
        self, origin: str, visitor: str, now: datetime, form: ChallengeForm = ChallengeForm.LINE
    ) -> LoginChallenge:
        """A new challenge for a visitor (their session, for example), bound to the origin of the page."""
        content = challenge_content(origin, secrets.token_urlsafe(_NONCE_BYTES), form)
        made = LoginChallenge(secrets.token_urlsafe(16), content, visitor, now + self.life)
        with self._lock:
            self._open[made.id] = made
            while len(self._open) > _OPEN_AT_ONCE:
                self._open.popitem(last=False)
        return made

    def take(self, challenge_id: str, visitor: str, now: datetime) -> LoginChallenge:
        """The challenge with an id; it is used up by this, whatever follows.

        Raises:
            Refused: ``scs.page.challenge``: it was not given, was used, is too old, or is another visitor's.
        """
        with self._lock:
            found = self._open.pop(challenge_id, None)
        if found is None or found.visitor != visitor or now > found.until:
            sentence = "The challenge was not given to this visitor, was used already, or is too old."
            raise answer_rules().refusal("scs.page.challenge", sentence)
        return found
