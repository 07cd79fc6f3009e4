"""Path validation with a cached chain, beside pyhanko-certvalidator used bare, on the same certificate in one run.

Both read the certificate from DER each time and have root and issuing CA ready; the bare side keeps its validation
context, too, and finds the path by itself as its users have it do. Ours adds the purpose, the periods of the whole
chain and a report. Without and with a revocation list. The sides take turns; processor time is counted.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from sotepki.x509.defects import Base, DefectWorld, fresh_keys
from sotepki.x509.defects.path_builders import Setting, good_setting
from sotepki.x509.path import Purpose, validate_path

_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def measure(seconds: float = 3.0) -> dict[str, Any]:
    """Validations per second of processor time, and the ratio to the bare validator (at least 1 is wanted)."""
    setting = good_setting(DefectWorld(_AT, fresh_keys()), Base.SYSTEM)
    rates: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for name, revocation in (("chain", False), ("chain_and_list", True)):
        ours, bare = _rates(_ours(setting, revocation), _bare(setting, revocation), seconds)
        rates[f"path.{name}_per_second"] = round(ours, 1)
        rates[f"path.{name}.certvalidator_per_second"] = round(bare, 1)
        ratios[f"path.{name}.vs_certvalidator"] = round(ours / bare, 3)
    return {"name": "path", "ratios": ratios, "rates": rates}


def _ours(setting: Setting, revocation: bool) -> Callable[[], None]:
    trust = [x509.load_der_x509_certificate(one) for one in setting.trust]
    issuers = [x509.load_der_x509_certificate(one) for one in setting.issuers]
    crls = [x509.load_der_x509_crl(one) for one in setting.crls]

    def work() -> None:
        report = validate_path(
            x509.load_der_x509_certificate(setting.certificate),
            trust=trust,
            intermediates=issuers,
            at=_AT,
            purpose=Purpose.SYSTEM_SIGNATURE,
            crls=crls if revocation else (),
            revocation=revocation,
        )
        if not report.valid:
            raise SystemExit("A good path is refused, so there is nothing to compare.")

    return work


def _bare(setting: Setting, revocation: bool) -> Callable[[], None]:
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(setting.trust[0])],
        other_certs=[asn1_x509.Certificate.load(setting.issuers[0])],
        moment=_AT,
        allow_fetching=False,
        crls=[asn1_crl.CertificateList.load(one) for one in setting.crls] if revocation else None,
        revocation_mode="require" if revocation else "soft-fail",
    )

    def work() -> None:
        validator = CertificateValidator(asn1_x509.Certificate.load(setting.certificate), validation_context=context)
        _run(validator.async_validate_usage({"digital_signature", "non_repudiation"}))  # type: ignore[no-untyped-call]

    return work


def _run(coroutine: Coroutine[Any, Any, Any]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise SystemExit("The bare validator waits for something.")


def _rates(ours: Callable[[], None], bare: Callable[[], None], seconds: float) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for work in (ours, bare):
        work()
    gc.disable()
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for side, work in enumerate((ours, bare)):
                begin = time.process_time()
                for _ in range(20):
                    work()
                times[side].append((time.process_time() - begin) / 20)
    finally:
        gc.enable()
    return 1 / statistics.median(times[0]), 1 / statistics.median(times[1])


if __name__ == "__main__":
    print(json.dumps(measure()))
