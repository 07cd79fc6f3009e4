"""Tokens that guard their keys badly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from conformance.sut.facets import Facet
from conformance.sut.facets_token import SignsByToken, Token, TokenKey
from conformance.sut.mutants.model import Mutant


@dataclass(frozen=True)
class _Careless:
    """A session of another token, with one fault."""

    token: Token
    fault: str

    def private_keys(self) -> Sequence[TokenKey]:
        extractable = self.fault == "extractable-keys"
        return [replace(key, extractable=key.extractable or extractable) for key in self.token.private_keys()]

    def sign(self, key: TokenKey, hash_name: str, content: bytes) -> bytes:
        return self.token.sign(key, "sha256" if self.fault == "knows-sha256-only" else hash_name, content)

    def export(self, key: TokenKey) -> bytes:
        return b"private" if self.fault == "gives-keys-out" else self.token.export(key)


@dataclass(frozen=True)
class _CarelessToken:
    token: SignsByToken
    fault: str

    @contextmanager
    def session(self, *, logged_in: bool) -> Iterator[Token]:
        with self.token.session(logged_in=logged_in or self.fault == "open-to-everybody") as session:
            yield _Careless(session, self.fault)


def _mutant(fault: str, title: str) -> Mutant:
    return Mutant(
        f"token-{fault}",
        title,
        Facet.TOKEN,
        lambda reference: {"token": _CarelessToken(reference.workplace.token, fault)},
    )


MUTANTS = (
    _mutant("open-to-everybody", "Shows its keys without a login"),
    _mutant("extractable-keys", "Has extractable keys"),
    _mutant("gives-keys-out", "Gives private keys out"),
    _mutant("knows-sha256-only", "Signs with SHA-256 whatever is asked"),
)
