"""The keys of a card in its two SoftHSM tokens. The activation code is the security officer's PIN of both."""

from __future__ import annotations

from pathlib import Path

from sotepki.card.kinds import Credential, KeyUse, Layout
from sotepki.errors import Fault, Refused
from sotepki.tokens.keys import KeyHandle, TokenEcPrivateKey, TokenRsaPrivateKey
from sotepki.tokens.pin import Pin
from sotepki.tokens.session import TokenDirectory, TokenSession


class TokenKeyStore:
    """``vault.KeyStore`` on the tokens of a card's directory. One per process: it owns the process's SoftHSM."""

    def __init__(self, directory: Path, layout: Layout) -> None:
        self._tokens = TokenDirectory(directory)
        self._layout = layout
        self._open: dict[Credential, TokenSession] = {}
        self._pins: dict[Credential, Pin] = {}

    def check_pin(self, credential: Credential, pin: Pin) -> bool:
        self.close(credential)
        try:
            self._open[credential] = self._tokens.open(self._layout.token_label(credential), pin)
        except Refused:
            return False
        self._pins[credential] = pin
        return True

    def key(self, use: KeyUse) -> KeyHandle:
        place = self._layout.places[use]
        session = self._open.get(place.credential)
        if session is None:
            raise Fault(f"The {use} key was asked for before its PIN.")
        key = session.private_key(place.key_label)
        assert isinstance(key, TokenRsaPrivateKey | TokenEcPrivateKey)
        return key.handle

    def close(self, credential: Credential) -> None:
        self._pins.pop(credential, None)
        session = self._open.pop(credential, None)
        if session is not None:
            session.close()

    def change_pin(self, credential: Credential, old: Pin, new: Pin) -> bool:
        self.close(credential)
        return self._tokens.change_user_pin(self._layout.token_label(credential), old, new)

    def set_pin(self, credential: Credential, code: Pin, new: Pin) -> bool:
        self.close(credential)
        return self._tokens.set_user_pin(self._layout.token_label(credential), code, new)

    def change_open_pin(self, credential: Credential, new: Pin) -> bool:
        # PKCS#11 wants the old PIN again; a real chip compares nothing here.
        old = self._pins.get(credential)
        return old is not None and self.change_pin(credential, old, new)

    def check_code(self, code: Pin) -> bool:
        # Both tokens know the code. A security officer gets into a token only while no user is, and PIN1 must survive.
        self.close(Credential.PIN2)
        return self._tokens.check_so_pin(self._layout.token_label(Credential.PIN2), code)
