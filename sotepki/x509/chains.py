"""From a certificate to a root: which of the certificates at hand stand above it, and whether they are in time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from cryptography import x509

from sotepki.x509.issuer import bears_issuer_name, issued_by

Chain = tuple[x509.Certificate, ...]

#: A chain of this PKI has three certificates; a longer one of other people's is still followed.
LONGEST_PATH = 8
#: A renewed or cross-certified CA has a few certificates; of a maze of them only so many ways are tried.
_MOST_WAYS = 32


def follow(
    certificate: x509.Certificate,
    intermediates: Iterable[x509.Certificate],
    trust: Sequence[x509.Certificate],
    *,
    at: datetime | None = None,
) -> Chain:
    """The chain by names, the signature deciding between equal names.

    A CA may have several certificates of one name and key, since it was renewed or other roots certify it as well:
    a way that leads to a trusted root is taken before one that does not, and one that is in time at ``at`` before
    one that is not. Among equals the order at hand decides, trusted certificates first.
    """
    ways = _ways((certificate,), tuple(dict.fromkeys((*trust, *intermediates))), trust, at)
    best = next(ways)
    another = next(ways, None)
    if another is None:  # nothing to choose, as nearly always
        return best
    best_rank = 0
    for way in itertools.chain((best, another), itertools.islice(ways, _MOST_WAYS)):
        rank = _rank(way, trust, at)
        if rank > best_rank:
            best, best_rank = way, rank
        if rank == _GOOD:
            break
    return best


def in_time(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether a moment is in the period of a certificate, whose last second counts whole.

    Raises:
        ValueError: the period is in no calendar.
    """
    return certificate.not_valid_before_utc <= at.replace(microsecond=0) <= certificate.not_valid_after_utc


_GOOD = 3


def _rank(way: Chain, trust: Sequence[x509.Certificate], at: datetime | None) -> int:
    if way[-1] not in trust:
        return 0
    if not all(issued_by(one, issuer) for one, issuer in itertools.pairwise(way)):
        return 1
    return _GOOD if at is None or all(_known_in_time(one, at) for one in way[1:]) else 2


def _ways(way: Chain, pool: Chain, trust: Sequence[x509.Certificate], at: datetime | None) -> Iterator[Chain]:
    """The ways upwards, each as far as it goes."""
    last = way[-1]
    above = () if len(way) == LONGEST_PATH or last in trust else _issuers(way, pool, trust, at)
    if not above:
        yield way
    for issuer in above:
        yield from _ways((*way, issuer), pool, trust, at)


def _issuers(
    way: Chain, pool: Chain, trust: Sequence[x509.Certificate], at: datetime | None
) -> Sequence[x509.Certificate]:
    """Who may have issued the last certificate, the likeliest first."""
    last = way[-1]
    named = [one for one in pool if bears_issuer_name(one, last) and one not in way]
    if len(named) < 2:
        return named  # one candidate is taken as it is: the judge verifies its signature anyway
    signers = list(itertools.islice((one for one in named if issued_by(last, one)), _MOST_WAYS))
    return (
        sorted(signers, key=lambda one: (one not in trust, at is not None and not _known_in_time(one, at)))
        or named[:1]
    )


def _known_in_time(certificate: x509.Certificate, at: datetime) -> bool:
    try:
        return in_time(certificate, at)
    except ValueError:
        return False
