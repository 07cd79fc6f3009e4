"""Token directories and the sessions in them: keys in, certificates in, private keys out as handles."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import PKCS11Error

from sotepki.errors import Fault, Misuse
from sotepki.tokens import objects
from sotepki.tokens.keys import PrivateKey
from sotepki.tokens.login import (
    Login,
    fetch_key,
    is_present,
    log_in,
    plain_errors,
    session_ended,
    tokens_present,
    wrong_pin,
)
from sotepki.tokens.module import SoftHsm, describe, softhsm
from sotepki.tokens.pin import Pin
from sotepki.tokens.softhsm import write_configuration
from sotepki.tokens.storage import locked
from sotepki.tokens.token_copies import keep_tokens_whole, token_records

if TYPE_CHECKING:
    from cryptography import x509

LONGEST_LABEL = 32


class TokenDirectory:
    """A directory with tokens and a SoftHSM configuration of their own: ``softhsm2.conf`` and ``tokens/``.

    A process works with one token directory at a time. Turning to another one ends the sessions of the first: their
    keys then raise ``Fault`` until they are opened again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sessions: list[TokenSession] = []

    @property
    def configuration(self) -> Path:
        """The configuration file, for other programs: give it to them as ``SOFTHSM2_CONF``."""
        return self.path.resolve() / "softhsm2.conf"

    def create_token(self, label: str, so_pin: Pin, user_pin: Pin) -> None:
        """Make a token; ``label`` has at most 32 bytes, PINs 4 to 64 digits.

        Raises:
            Misuse: the label is taken or too long, or a PIN is too short.
            Fault: SoftHSM is missing or cannot write.
        """
        from sotepki.tokens import administration  # PyKCS11 loads slowly, and using keys does not need it

        if not 1 <= len(label.encode()) <= LONGEST_LABEL:
            raise Misuse(f"A token label has 1 to {LONGEST_LABEL} bytes; {label!r} has {len(label.encode())}.")
        if len(so_pin) < 4 or len(user_pin) < 4:
            raise Misuse("A token's PIN has at least 4 digits.", rule="token.pin.length")
        with locked(self._prepared().with_name("softhsm2.lock")):
            if self.has_token(label):
                raise Misuse(f"There is a token {label!r} already.", rule="token.label-taken")
            administration.initialise_token(self._module(), label, so_pin, user_pin)
            keep_tokens_whole(self.path)

    def token_labels(self) -> tuple[str, ...]:
        """The labels of the tokens in the directory, sorted."""
        module = self._module()
        with module.lock:
            return tuple(sorted(token.label for token in tokens_present(module)))

    def has_token(self, label: str) -> bool:
        """Whether there is a token of this label. One that another process writes just now is waited for.

        A second token of the same label would hide the keys of the first.
        """
        module = self._module()
        with module.lock:
            return is_present(module, label, on_disk=len(token_records(self.path)))

    def open(self, label: str, user_pin: Pin) -> TokenSession:
        """Log in to a token. A token that is open already is shared, after the PIN was compared.

        Raises:
            Refused: rule ``token.pin.wrong``.
            Misuse: rule ``token.unknown``: there is no token of this label.
            Fault: SoftHSM is missing or fails.
        """
        module = self._module()
        with module.lock:
            login = module.logins.get(label)
            if login is None:
                login = module.logins[label] = log_in(module, label, user_pin)
            elif login.pin != user_pin:
                raise wrong_pin(label)
            login.users += 1
            session = TokenSession(login)
        self._sessions = [one for one in self._sessions if one.alive] + [session]
        return session

    def change_user_pin(self, label: str, old: Pin, new: Pin) -> bool:
        """Change a token's user PIN; False if the old one is wrong. The token must not be open."""
        from sotepki.tokens import administration

        changed = administration.change_user_pin(self._module(), label, old, new)
        keep_tokens_whole(self.path)
        return changed

    def set_user_pin(self, label: str, so_pin: Pin, new: Pin) -> bool:
        """Set a token's user PIN by its security officer's PIN; False if that is wrong. It must not be open."""
        from sotepki.tokens import administration

        changed = administration.set_user_pin(self._module(), label, so_pin, new)
        keep_tokens_whole(self.path)
        return changed

    def check_so_pin(self, label: str, so_pin: Pin) -> bool:
        """Whether this is the token's security officer's PIN. The token must not be open."""
        from sotepki.tokens import administration

        return administration.check_so_pin(self._module(), label, so_pin)

    def close(self) -> None:
        """End the sessions that were opened through this object."""
        for session in self._sessions:
            session.close()
        self._sessions = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepared(self) -> Path:
        return write_configuration(self.path)

    def _module(self) -> SoftHsm:
        module = softhsm()
        module.use(self._prepared())
        return module


class TokenSession:
    """An open token. Handles are fetched once and kept; opening a session for each signature is 17 times slower."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._open = True

    @property
    def label(self) -> str:
        """The label of the token."""
        return self._login.label

    @property
    def alive(self) -> bool:
        """Whether the session can still be used; not after closing it or turning to another token directory."""
        return self._open and self._login.alive

    def import_key(self, private_key: PrivateKey, label: str, key_id: bytes) -> None:
        """Store a private key (sensitive, not extractable, private) and its public half under ``label``.

        Raises:
            Misuse: rule ``token.label-taken``.
            Fault: the token cannot be written.
        """
        login = self._live()
        with login.module.lock, plain_errors(f"store the key {label!r}"):
            if login.find(ObjectClass.PRIVATE_KEY, label) is not None:
                raise Misuse(f"There is a key {label!r} in the token already.", rule="token.label-taken")
            leftover = login.find(ObjectClass.PUBLIC_KEY, label)  # of an import that was interrupted
            if leftover is not None:
                leftover.destroy()
            private = objects.private_key_template(private_key, label, key_id)
            login.session.create_object(objects.public_key_template(private_key.public_key(), label, key_id))
            login.session.create_object(private)

    def private_key(self, label: str) -> PrivateKey:
        """The key called ``label``; the same object every time.

        Raises:
            Misuse: rule ``token.unknown``: there is no such key.
        """
        login = self._live()
        with login.module.lock, plain_errors(f"find the key {label!r}"):
            key = login.keys.get(label)
            if key is None:
                key = login.keys[label] = fetch_key(login, label)
            return key

    def labels(self) -> tuple[str, ...]:
        """The labels of the private keys in the token, sorted."""
        login = self._live()
        with login.module.lock, plain_errors("list the keys"):
            found = login.session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
            return tuple(sorted(str(entry.label) for entry in found))

    def store_certificate(self, der: bytes, label: str, key_id: bytes, *, authority: bool = False) -> None:
        """Store a certificate, replacing one of the same label; ``authority`` marks that of a CA.

        Raises:
            ValueError: ``der`` is not a certificate.
        """
        template = objects.certificate_template(der, label, key_id, authority=authority)
        login = self._live()
        with login.module.lock, plain_errors(f"store the certificate {label!r}"):
            before = login.find(ObjectClass.CERTIFICATE, label)
            login.session.create_object(template)
            if before is not None:
                before.destroy()

    def certificate(self, label: str) -> x509.Certificate | None:
        """The certificate called ``label``, or None."""
        from cryptography import x509  # loads slowly, and using keys does not need it

        login = self._live()
        with login.module.lock, plain_errors(f"read the certificate {label!r}"):
            found = login.find(ObjectClass.CERTIFICATE, label)
            return None if found is None else x509.load_der_x509_certificate(found[Attribute.VALUE])

    def close(self) -> None:
        """Log out, unless the token is open elsewhere in this process too. Closing twice is no error."""
        if not self._open:
            return
        self._open = False
        login = self._login
        with login.module.lock:
            login.users -= 1
            if login.users or not login.alive:
                return
            login.closed = True
            del login.module.logins[login.label]
            try:
                login.session.close()
            except PKCS11Error as error:
                raise Fault(f"The token {login.label!r} does not close: {describe(error)}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _live(self) -> Login:
        if not self._open:
            raise session_ended(self._login.label)
        self._login.check()
        return self._login
