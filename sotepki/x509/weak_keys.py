"""RSA keys that anybody can break: what can be seen from the public key alone, in milliseconds."""

from __future__ import annotations

import functools
import math

from cryptography.hazmat.primitives.asymmetric import rsa

_SMALL_PRIMES_BELOW = 2_000
_FERMAT_ROUNDS = 100
#: Primes modulo which the moduli of the broken card library of 2017 (CVE-2017-15361) lie in the group made by 65537.
_ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


def weakness(key: rsa.RSAPublicKey) -> str:
    """Why an RSA key is broken, in words, or the empty string.

    Looked for: a small factor, two factors close together (Fermat), and the fingerprint of CVE-2017-15361 (ROCA); the
    three that the CA/Browser Forum Baseline Requirements 6.1.1.3 name and that need no list of known keys.
    """
    modulus = key.public_numbers().n
    if math.gcd(modulus, _small_primes()) != 1:
        return "the modulus has a small factor"
    if _has_close_factors(modulus):
        return "the two factors of the modulus are close together"
    if all(modulus % prime in _group(prime) for prime in _ROCA_PRIMES):
        return "it bears the fingerprint of CVE-2017-15361 (ROCA)"
    return ""


def _has_close_factors(modulus: int) -> bool:
    root = math.isqrt(modulus - 1) + 1
    for _ in range(_FERMAT_ROUNDS):
        rest = root * root - modulus
        if math.isqrt(rest) ** 2 == rest:
            return True
        root += 1
    return False


@functools.cache
def _small_primes() -> int:
    """The product of all primes below the bound."""
    product = 1
    for number in range(2, _SMALL_PRIMES_BELOW):
        if math.gcd(product, number) == 1:
            product *= number
    return product


@functools.cache
def _group(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime))
