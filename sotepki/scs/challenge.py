"""The authentication rule: the authentication key signs only what binds the page's origin (docs/field/scs.md 8)."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from sotepki.errors import Refused
from sotepki.scs.request import SignRequest
from sotepki.scs.settings import ChallengeForm, ScsSettings, rulebook

SHORTEST = 64
"""Characters of a challenge at the least, in every version (docs/field/scs.md 8: confirmed, of 1.3 secondhand)."""

_REMEMBERED = 4096


def challenge_content(origin: str, nonce: str, form: ChallengeForm, server_key: str = "") -> bytes:
    """What a page has signed for a login: the content for ``/sign``.

    Args:
        origin: as the browser sends it, ``https://host`` with the port where it is not 443.
        server_key: in a transaction of 1.3, the page's own key as it stood in the request.
    """
    if form is ChallengeForm.LINE:
        return f"{origin}\n{nonce}".encode()
    return ";".join((origin, nonce, *([server_key] if server_key else []))).encode()


def check_challenge(request: SignRequest, origin: str, settings: ScsSettings, server_key: str = "") -> None:
    """Refuse to sign a login that is not bound to the page that asks.

    Args:
        origin: the Origin header; empty if there was none.
        server_key: in a transaction, the page's key; the content must end with it.

    Raises:
        Refused: ``scs.origin.challenge`` or ``scs.origin.mismatch``.
    """
    if request.is_digest:
        raise _refusal("scs.origin.challenge", "The authentication key signs no digest: its origin cannot be seen.")
    try:
        text = request.content.decode("utf-8")
    except UnicodeDecodeError:
        raise _refusal("scs.origin.challenge", "The content is not an origin with a challenge.") from None
    bound, nonce = _split(text, settings.challenge, server_key)
    if not bound.startswith("https://") or len(bound) == len("https://"):
        sentence = "The content does not begin with the origin of the page; without keyusages nonRepudiation it must."
        raise _refusal("scs.origin.challenge", sentence)
    if len(nonce) < SHORTEST:
        raise _refusal("scs.origin.challenge", f"The challenge has {len(nonce)} characters.")
    if not origin and settings.origin_required:
        raise _refusal("scs.origin.mismatch", "The request names no origin.")
    if origin and bound != origin:
        raise _refusal("scs.origin.mismatch", "The challenge is bound to another origin than that of the page.")


def _split(text: str, form: ChallengeForm, server_key: str) -> tuple[str, str]:
    if form is ChallengeForm.LINE:
        bound, *rest = re.split(r"\r?\n| ", text, maxsplit=1)  # a challenge may have line ends and spaces of its own
        return bound, "".join(rest)
    parts = text.split(";")
    if len(parts) != (3 if server_key else 2):
        raise _refusal("scs.origin.challenge", "The content is not origin;nonce, or in a transaction ;serverKey too.")
    if server_key and parts[2] != server_key:
        raise _refusal("scs.origin.challenge", "The content does not name the key of the transaction.")
    return parts[0], parts[1]


@dataclass
class SignedChallenges:
    """Login challenges that were signed while the service ran; the oldest are forgotten."""

    _seen: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def check(self, content: bytes) -> None:
        """Refuse what was signed before.

        Raises:
            Refused: ``scs.origin.replayed``.
        """
        with self._lock:
            if hashlib.sha256(content).digest() in self._seen:
                raise _refusal("scs.origin.replayed", "This challenge was signed already.")

    def remember(self, content: bytes) -> None:
        """Note a challenge whose signature is about to leave."""
        with self._lock:
            self._seen[hashlib.sha256(content).digest()] = None
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)


def _refusal(rule: str, sentence: str) -> Refused:
    return rulebook().refusal(rule, sentence)
