"""The PKCS#11 token that holds the system's own keys."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from conformance.sut.facets_token import SignsByToken, Token, TokenKey
from sotepki.errors import Refused

CONTENT = b"sotepki conformance: signed by a token"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

declares = family(Area.TOKEN, Phase.PRE_TEST)


@declares("token.needs-login", "Without a login the token shows no private key", "token-open-to-everybody")
def needs_login(token: SignsByToken, check: Check) -> None:
    """The case opens a session without a PIN. It may see no private key, so that nobody signs with one.

    It does so after a session with a login has ended: a login that outlives its program would show here.
    """
    with token.session(logged_in=True) as session:
        count = len(session.private_keys())
    with token.session(logged_in=False) as session:
        seen = [key.name for key in session.private_keys()]
    check.that(check.case.id, count > 0 and not seen, "A key is seen without login.", found=", ".join(seen))


@declares("token.stays-inside", "The keys are sensitive and not extractable", "token-extractable-keys")
def stays_inside(token: SignsByToken, check: Check) -> None:
    """The attributes of every private key say that it is private, sensitive and cannot be extracted.

    A key that may be wrapped out of the token is as good as a file.
    """
    with token.session(logged_in=True) as session:
        wrong = [key.name for key in session.private_keys() if key.extractable or not (key.sensitive and key.private)]
    check.that(check.case.id, not wrong, "A key may leave the token.", found=", ".join(wrong))


@declares("token.no-export", "The token gives no private key out", "token-gives-keys-out")
def no_export(token: SignsByToken, check: Check) -> None:
    """The case asks for the private value of every key, logged in. The token must give none out."""
    with token.session(logged_in=True) as session:
        given = [key.name for key in session.private_keys() if session.export(key)]
    check.that(check.case.id, not given, "The token gave a private key out.", found=", ".join(given))


@declares("token.hashes", "The token signs with SHA-256, SHA-384 and SHA-512", "token-knows-sha256-only")
def hash_algorithms(token: SignsByToken, check: Check) -> None:
    """Every key that has a certificate signs with the three hash algorithms, and each signature is verified."""
    with token.session(logged_in=True) as session:
        keys = [key for key in session.private_keys() if key.certificate is not None]
        if not keys:
            check.skip("No key of the token has a certificate, so no signature of it can be verified.")
        for key in keys:
            wrong = [name for name in _HASHES if not _signs(session, key, name)]
            check.that(check.case.id, not wrong, "A signature fails.", subject=key.name, found=", ".join(wrong))


def _signs(session: Token, key: TokenKey, hash_name: str) -> bool:
    assert key.certificate is not None
    public_key = key.certificate.public_key()
    try:
        signature = session.sign(key, hash_name, CONTENT)
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, CONTENT, padding.PKCS1v15(), _HASHES[hash_name])
        elif isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature, CONTENT, ec.ECDSA(_HASHES[hash_name]))
    except (Refused, InvalidSignature):
        return False
    return True
