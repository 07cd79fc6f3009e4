"""Fuzzing the verifier of documents: ``python tests/fuzz/documents.py --executions 1000000 --figures FILE``.

With Atheris (``pip install atheris``) the search is guided by the coverage of ``sotepki.documents`` and
``sotepki.xmldsig``; without it, the same changes are made blindly. Each execution verifies one hostile document and
opens it as a message frame. It fails if

- anything but a report comes out, or the report cannot be written as JSON,
- a valid verdict comes with a body that nobody signed,
- one execution takes longer than ``LONGEST`` seconds, or memory grows past ``MEMORY``.

A failing input is written to the current directory as ``fuzz-<digest>.xml``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "unit")]

LONGEST = 2.0
MEMORY = 700 * 1024 * 1024
LARGEST = 60_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print figures as JSON; 0 if nothing failed."""
    parser = argparse.ArgumentParser(description="Fuzz the verifier of documents.")
    parser.add_argument("--executions", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures", type=Path, help="Write the figures to this file too.")
    parser.add_argument("--engine", choices=["auto", "atheris", "blind"], default="auto")
    options = parser.parse_args(arguments)
    if options.engine != "blind":
        try:
            import atheris
        except ImportError:
            if options.engine == "atheris":
                print("fuzz: Atheris is not installed; 'pip install atheris' adds it.", file=sys.stderr)
                return 2
        else:
            return _guided(atheris, options)
    return _blind(options)


@dataclass
class Run:
    """What has been executed so far."""

    engine: str
    options: argparse.Namespace
    begin: float = field(default_factory=time.monotonic)
    executions: int = 0
    slowest: float = 0.0
    verdicts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    memory_at_begin: int = 0

    @property
    def over(self) -> bool:
        return self.executions >= self.options.executions or time.monotonic() - self.begin > self.options.seconds

    def figures(self) -> dict[str, Any]:
        """What the run amounts to."""
        seconds = time.monotonic() - self.begin
        return {
            "engine": self.engine,
            "executions": self.executions,
            "seconds": round(seconds),
            "per_second": round(self.executions / seconds) if seconds else 0,
            "slowest_ms": round(self.slowest * 1000, 1),
            "memory_mib_at_begin": self.memory_at_begin // 1048576,
            "memory_mib_peak": _memory() // 1048576,
            "verdicts": dict(self.verdicts.most_common()),
            "rules_reached": len(self.rules),
            "python": platform.python_version(),
            "seed": self.options.seed,
        }

    def close(self) -> None:
        """Print and write the figures."""
        text = json.dumps(self.figures(), indent=2)
        if self.options.figures:
            self.options.figures.write_text(text + "\n", encoding="utf-8")
        print(text, flush=True)


class Target:
    """One document in, one judgement out; the verifier's world is made once."""

    def __init__(self, run: Run) -> None:
        import document_world as world

        from sotepki.documents import open_frame, verify_document
        from sotepki.errors import Refused
        from sotepki.evidence import Verdict
        from sotepki.x509.status import CertificateState, CertificateStatus

        self.run = run
        self.verify, self.open_frame, self.refused, self.valid = verify_document, open_frame, Refused, Verdict.VALID
        good = CertificateStatus(CertificateState.GOOD)
        self.context = world.context(revocation=True, profiles=True, status=lambda certificate, issuer: good)
        self.seeds = seeds()
        reports = [verify_document(seed, self.context) for seed in self.seeds]
        self.signed = {report.body_octets for report in reports if report.body_octets}
        if not any(report.verdict is Verdict.VALID for report in reports):
            raise SystemExit("fuzz: no seed is valid, so nothing would be proven.")
        run.memory_at_begin = _memory()

    def __call__(self, data: bytes) -> None:
        try:
            self._one(data)
        except BaseException:
            Path(f"fuzz-{hashlib.sha256(data).hexdigest()[:16]}.xml").write_bytes(data)
            raise

    def _one(self, data: bytes) -> None:
        begin = time.monotonic()
        report = self.verify(data, self.context)
        json.dumps(report.as_dict())
        if report.verdict is self.valid and report.body_octets not in self.signed:
            raise AssertionError("A body that nobody signed was found valid.")
        with suppress(self.refused):
            self.open_frame(data)
        took = time.monotonic() - begin
        run = self.run
        run.executions += 1
        run.slowest = max(run.slowest, took)
        run.verdicts[str(report.verdict)] += 1
        run.rules.update(finding.rule for finding in report.findings)
        if took > LONGEST:
            raise AssertionError(f"One execution took {took:.1f} s.")
        if run.executions % 1000 == 0 and _memory() > MEMORY:
            raise AssertionError("Memory grew past the bound.")


def seeds() -> list[bytes]:
    """Signed documents to begin with: both kinds of signers, several forms, a frame, an unsigned one."""
    import document_world as world

    from sotepki.documents import SignatureStyle, build_frame, sign_as_system
    from sotepki.identifiers import Oid

    short = {"paragraphs": ("TESTI",)}
    plain = world.unsigned(**short)
    system = world.unsigned(author=None, **short)
    style = SignatureStyle(prefix="", ds_prefix="", timestamp_first=True, enveloped=True)
    one = world.signed_by_professional(plain)
    styled = sign_as_system(
        system, key=world.ec_key("system"), certificate=world.system_certificate(), at=world.NOW, style=style
    )
    frame = build_frame(one, message_id=Oid("1.2.246.10.12345671.94.1"), sender=world.ORGANISATION.oid, at=world.NOW)
    twice = world.signed_by_professional(one, at=world.NOW + timedelta(minutes=4))
    return [one, world.signed_by_system(system), styled, twice, plain, frame]


def _blind(options: argparse.Namespace) -> int:
    from mutation import mutated

    run = Run("blind", options)
    target = Target(run)
    chance = random.Random(options.seed)
    while not run.over:
        target(mutated(chance.choice(target.seeds), target.seeds, chance)[:LARGEST])
    run.close()
    return 0


def _guided(atheris: Any, options: argparse.Namespace) -> int:
    # What is imported before is not instrumented, so the search is led by the two rooms alone.
    import sotepki.x509.lint
    import sotepki.x509.path

    with atheris.instrument_imports(include=["sotepki.documents", "sotepki.xmldsig"]):
        import sotepki.documents  # noqa: F401
    from mutation import mutated

    run = Run(f"atheris {getattr(atheris, '__version__', '')}".strip(), options)
    target = Target(run)

    def one(data: bytes) -> None:
        target(data)
        if run.over:
            run.close()
            # libFuzzer has no other way to end from inside; the figures are written.
            sys.stdout.flush()
            import os

            os._exit(0)

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.2:
            return bytes(atheris.Mutate(data, size))
        base = chance.choice(target.seeds) if chance.random() < 0.3 or len(data) < 200 else data
        return mutated(base, target.seeds, chance)[: min(size, LARGEST)]

    corpus = Path(options.figures or "fuzz").with_suffix(".corpus")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    flags = [
        sys.argv[0],
        f"-seed={options.seed}",
        f"-max_len={LARGEST}",
        "-timeout=20",
        "-rss_limit_mb=2000",
        "-verbosity=0",
    ]
    atheris.Setup([*flags, "-len_control=0", str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


def _memory() -> int:
    """Greatest resident memory so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage counts what the parent had when it started this process.
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    sys.exit(main())
