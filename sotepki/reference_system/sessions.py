"""Sessions: a random id in a cookie, everything else on the server (OWASP ASVS 4.0.3, V3)."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from sotepki.registers import Professional

COOKIE = "__Host-session"
"""By the prefix browsers refuse it without Secure, with a Domain, or on another path (RFC 6265bis 4.1.3)."""

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)
_AT_ONCE = 10_000


@dataclass(frozen=True)
class User:
    """Who has logged in, and the certificate they did it with."""

    professional: Professional
    certificate: x509.Certificate

    @property
    def number(self) -> str:
        """The registration number."""
        return str(self.professional.registration_number)

    @property
    def name(self) -> str:
        """First name and surname."""
        return f"{self.professional.person.first_name} {self.professional.person.surname}"


@dataclass
class Session:
    """One visitor's session; ``user`` is None before login. ``csrf`` stands in every form."""

    id: str
    csrf: str
    began: datetime
    seen: datetime
    user: User | None = None


@dataclass
class Sessions:
    """The sessions of the server. They end with it, which is the safe side."""

    _sessions: OrderedDict[str, Session] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def find(self, session_id: str, now: datetime) -> Session | None:
        """The session with an id, unless it has ended by rest or by age."""
        with self._lock:
            found = self._sessions.get(session_id)
            if found is None:
                return None
            if now - found.seen > IDLE or now - found.began > LONGEST:
                del self._sessions[session_id]
                return None
            found.seen = now
            return found

    def begin(self, now: datetime, user: User | None = None) -> Session:
        """A new session. A login gets a new one too, so that an id known before it is worth nothing after it."""
        made = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), now, now, user)
        with self._lock:
            self._sessions[made.id] = made
            while len(self._sessions) > _AT_ONCE:
                self._sessions.popitem(last=False)
        return made

    def end(self, session: Session) -> None:
        """Log out; the id is worth nothing from now on."""
        with self._lock:
            self._sessions.pop(session.id, None)
