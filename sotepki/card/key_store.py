"""The keys of a card in its two SoftHSM tokens. The activation code is the security officer's PIN of both."""

from __future__ import annotations

from pathlib import Path

from sotepki.card.kinds import Credential, KeyUse, Layout
from sotepki.errors import Fault, Refused
from sotepki.tokens.keys import KeyHandle, TokenEcPrivateKey, TokenRsaPrivateKey
from sotepki.tokens.pin import Pin
from sotepki.tokens.session import TokenDirectory, TokenSession


class TokenKeyStore:
    """``vault.KeyStore`` on the tokens of a card's directory. One per process: it owns the process's SoftHSM.

    A token stays logged in until its PIN changes or the power goes, as the keys of a chip are always at its hand;
    whether one may be used is the vault's decision. Logging in anew takes longer than a signature.
    """

    def __init__(self, directory: Path, layout: Layout) -> None:
        self._tokens = TokenDirectory(directory)
        self._layout = layout
        self._logins: dict[Credential, tuple[TokenSession, Pin]] = {}
        self._open: set[Credential] = set()

    def check_pin(self, credential: Credential, pin: Pin) -> bool:
        self.close(credential)
        login = self._logins.get(credential)
        # The PIN of a token changes through this store only, so that of its login is the right one.
        right = login[1] == pin if login is not None and login[0].alive else self._log_in(credential, pin)
        if right:
            self._open.add(credential)
        return right

    def key(self, use: KeyUse) -> KeyHandle:
        place = self._layout.places[use]
        if place.credential not in self._open:
            raise Fault(f"The {use} key was asked for before its PIN.")
        session, pin = self._logins[place.credential]
        if not session.alive and not self._log_in(place.credential, pin):  # the process used other tokens meanwhile
            raise Fault(f"The token of the {use} key does not open any more.")
        key = self._logins[place.credential][0].private_key(place.key_label)
        assert isinstance(key, TokenRsaPrivateKey | TokenEcPrivateKey)
        return key.handle

    def close(self, credential: Credential) -> None:
        self._open.discard(credential)

    def power_off(self) -> None:
        for credential in list(self._logins):
            self._log_out(credential)

    def change_pin(self, credential: Credential, old: Pin, new: Pin) -> bool:
        self._log_out(credential)
        return self._tokens.change_user_pin(self._layout.token_label(credential), old, new)

    def set_pin(self, credential: Credential, code: Pin, new: Pin) -> bool:
        self._log_out(credential)
        return self._tokens.set_user_pin(self._layout.token_label(credential), code, new)

    def change_open_pin(self, credential: Credential, new: Pin) -> bool:
        if credential not in self._open:
            return False
        # PKCS#11 wants the old PIN again; a real chip compares nothing here.
        return self.change_pin(credential, self._logins[credential][1], new)

    def check_code(self, code: Pin) -> bool:
        # Both tokens know the code. An officer gets into a token only while no user is in, and PIN1 must survive.
        self._log_out(Credential.PIN2)
        return self._tokens.check_so_pin(self._layout.token_label(Credential.PIN2), code)

    def _log_in(self, credential: Credential, pin: Pin) -> bool:
        try:
            session = self._tokens.open(self._layout.token_label(credential), pin)
        except Refused:
            return False
        self._logins[credential] = (session, pin)
        return True

    def _log_out(self, credential: Credential) -> None:
        self._open.discard(credential)
        login = self._logins.pop(credential, None)
        if login is not None:
            login[0].close()
