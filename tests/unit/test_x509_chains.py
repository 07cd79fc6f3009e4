"""Which certificates stand above one: renewed and cross-certified CAs, mazes of them, and periods to the second."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from test_x509_path import CA, PathReport, check, leaf, rules

from sotepki.evidence import Verdict
from sotepki.x509.chains import follow
from sotepki.x509.crl import build_crl
from sotepki.x509.issuing import Issuer
from sotepki.x509.path_tree import Outcome, explain

DAY, SECOND, WINK = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=999_999)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def certified(
    name: str, by: str, *, start: datetime = w.NOW, days: int = 100, serial: int = 1, key: str = ""
) -> x509.Certificate:
    """A certificate of the CA ``name`` by the CA ``by``; both have the key of their name."""
    builder = x509.CertificateBuilder(
        named(by), named(name), w.ec_key(key or name).public_key(), serial, start, start + timedelta(days=days)
    )
    return builder.add_extension(CA[0], critical=True).sign(w.ec_key(by), hashes.SHA256())


ROOT, OTHER = certified("Root", "Root"), certified("Another root", "Another root")
NEW = certified("Issuing", "Root", start=w.NOW + 20 * DAY, serial=2)
OLD = certified("Issuing", "Root", days=25, serial=3)
CROSS = certified("Issuing", "Another root", serial=4)
CARD = leaf(Issuer(NEW, w.ec_key("Issuing")))


def judged(
    intermediates: Sequence[x509.Certificate], at: datetime, trust: Sequence[x509.Certificate] = (ROOT,)
) -> PathReport:
    return check(CARD, trust=trust, intermediates=intermediates, at=at, revocation=False)


@pytest.mark.parametrize("order", list(itertools.permutations((OLD, NEW, CROSS))))
@pytest.mark.parametrize(("day", "issuer"), [(5, OLD), (30, NEW)])
def test_the_order_of_files_does_not_decide_about_a_renewed_or_cross_certified_ca(
    order: Sequence[x509.Certificate], day: int, issuer: x509.Certificate
) -> None:
    """With the CA's old certificate first in the file, every good certificate would be called expired."""
    report = judged(order, w.NOW + day * DAY)
    assert (report.verdict, report.chain) == (Verdict.VALID, (CARD, issuer, ROOT))
    assert judged((*order, OTHER), w.NOW + day * DAY).valid, "the other root is at hand, but not trusted"
    assert follow(CARD, order, [OTHER])[1:] == (CROSS, OTHER)


def test_a_renewed_root_is_found_wherever_it_stands() -> None:
    """A trust store keeps the old root beside the new one for years."""
    old = certified("Root", "Root", days=2, serial=9)
    for trust, others in (([old, ROOT], [NEW]), ([ROOT, old], [NEW]), ([ROOT], [old, NEW])):
        report = judged(others, w.NOW + 30 * DAY, trust)
        assert report.valid and report.chain[-1] == ROOT


def test_what_is_wrong_everywhere_is_still_told_of_one_way() -> None:
    """Where no way is good, a person must see the nearest: out of time rather than untrusted, and not nothing."""
    assert rules(judged([CROSS, OLD], w.NOW + 30 * DAY)) == ["path.expired"]
    assert rules(judged([CROSS], w.NOW + 30 * DAY)) == ["path.untrusted"]
    thief = certified("Another root", "Another root", serial=5, key="thief")
    assert judged([CROSS, NEW], w.NOW + 30 * DAY, [thief, ROOT]).valid, "a namesake of the other root is trusted"


def test_a_maze_of_certificates_ends() -> None:
    """Two CAs that certify each other many times would keep the validator busy for years."""
    maze = [certified(*pair, serial=n) for n in range(10, 25) for pair in (("A", "B"), ("B", "A"))]
    below = leaf(Issuer(maze[0], w.ec_key("A")))
    begin = time.monotonic()
    report = check(below, trust=[ROOT], intermediates=maze, revocation=False)
    assert "path.untrusted" in rules(report) and len(report.chain) == 8
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize(
    ("moment", "rule"),
    [
        (w.NOW - SECOND, "path.not-yet-valid"),
        (w.NOW - SECOND + WINK, "path.not-yet-valid"),
        (w.NOW, None),
        (w.NOW + DAY, None),
        (w.NOW + DAY + WINK, None),
        (w.NOW + DAY + SECOND, "path.expired"),
    ],
)
def test_a_period_ends_with_its_last_second(moment: datetime, rule: str | None) -> None:
    """A certificate would be good a second after its end here, and refused by everybody else."""
    short = leaf(Issuer(certified("Issuing", "Root", start=w.NOW - 10 * DAY), w.ec_key("Issuing")), end=w.NOW + DAY)
    early = certified("Root", "Root", start=w.NOW - 10 * DAY), certified("Issuing", "Root", start=w.NOW - 10 * DAY)
    report = check(short, trust=early[:1], intermediates=early[1:], at=moment, revocation=False)
    assert rules(report) == ([rule] if rule else [])
    (period,) = (one for one in explain(report, trust=early[:1])[-1].checks if one.name == "validity")
    assert period.outcome is (Outcome.FAILED if rule else Outcome.PASSED)


@pytest.mark.parametrize(("beyond", "good"), [(timedelta(0), True), (WINK, True), (SECOND, False)])
def test_a_list_is_current_until_the_last_second_of_its_next_update(beyond: timedelta, good: bool) -> None:
    """One second of nothing would decide between here and every other verifier."""
    until = w.LATER + DAY
    mine = build_crl(w.world().persons, [], number=1, this_update=w.LATER, next_update=until)
    lists = [build_crl(w.world().root, [], number=1, this_update=w.LATER, next_update=until + DAY), mine]
    report = check(crls=lists, at=until + beyond)
    assert rules(report) == ([] if good else ["path.revocation.stale"])
    nodes = explain(report, trust=[w.world().root_certificate], crls=lists)
    assert [one.outcome for one in nodes[-1].checks if one.name == "crl"] == [
        Outcome.PASSED if good else Outcome.FAILED
    ]
