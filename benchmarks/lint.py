"""Linting on one core: certificates a second without pkilint, and the ratio to pkilint's own speed on the same ones.

The certificates are of ten profiles, made here; each is linted from its DER bytes, as from a file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cryptography import x509

from sotepki.x509.lint import lint_certificate
from sotepki.x509.second_opinion import lint_with_pkilint
from sotepki.x509.what_if import example_certificate

PROFILES = (
    "professional-authentication-rsa",
    "professional-signature-rsa",
    "professional-signature-ec",
    "personnel-signature-rsa",
    "citizen-authentication-ec",
    "organisation-signature-rsa",
    "test-server",
    "test-server-ec",
    "test-system-signature",
    "ocsp-responder",
)

TURNS = 5


def measure(seconds: float = 3.0) -> dict[str, Any]:
    """Rates on one core; the ways take turns, each for ``seconds`` in all."""
    certificates = [example_certificate(profile) for profile in PROFILES]
    ways: dict[str, Callable[[bytes], object]] = {
        "parse": x509.load_der_x509_certificate,
        "lint": lint_certificate,
        "lint_with_pkilint": lint_with_pkilint,
    }
    spent, done = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
    for turn in range(TURNS + 1):
        for name, work in ways.items():
            started = time.perf_counter()
            while (passed := time.perf_counter() - started) < seconds / TURNS:
                for certificate in certificates:
                    work(certificate)
                done[name] += len(certificates) if turn else 0
            spent[name] += passed if turn else 0.0  # the first turn only warms up
    rates = {name: done[name] / spent[name] for name in ways}
    return {
        "name": "lint",
        "ratios": {
            "lint.per_second_vs_target_of_200": round(rates["lint"] / 200, 2),
            "lint.vs_with_pkilint": round(rates["lint"] / rates["lint_with_pkilint"], 1),
        },
        "rates": {f"lint.{name}_per_second": round(rate, 1) for name, rate in rates.items()},
    }
