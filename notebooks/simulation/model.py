"""Each part of the system as a queue in the busiest hour: arrivals, servers, and how long one job takes (M/M/c).

An honest small model: independent arrivals, work of very different lengths, one kind of server in each part. It says
which part comes first and by what factor, not how many milliseconds a certain user will wait. People's queues are put
in the same terms as machines', so that they can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from simulation.inputs import Inputs

from sotepki.x509.explorer import Algorithm
from sotepki.x509.what_if import crl_growth

COMFORTABLE = 0.7
"""The load up to which a queue with few servers stays short; a common rule of thumb."""
_HOUR = 3600.0


@dataclass(frozen=True)
class Part:
    """One part of the system in its busiest hour.

    Attributes:
        arrivals: jobs a second.
        rate: jobs that one server finishes in a second.
        servers: how many there are.
        server: what a server is, for people.
    """

    name: str
    arrivals: float
    rate: float
    servers: int
    server: str

    @property
    def load(self) -> float:
        """Share of the time that servers are busy; from 1 on the queue grows without end."""
        return self.arrivals / (self.rate * self.servers)

    @property
    def wait(self) -> float:
        """Mean wait before a server is free, in seconds; infinite from a load of 1 on."""
        if self.load >= 1:
            return math.inf
        return erlang_c(self.servers, self.arrivals / self.rate) / (self.servers * self.rate - self.arrivals)

    @property
    def headroom(self) -> float:
        """By what factor the work may grow until the load is 1."""
        return math.inf if self.load == 0 else 1 / self.load

    @property
    def needed(self) -> int:
        """The fewest servers with a comfortable load."""
        return max(1, math.ceil(self.arrivals / self.rate / COMFORTABLE))


def erlang_c(servers: int, offered: float) -> float:
    """The probability that an arrival has to wait (Erlang's C formula), for ``offered`` = arrivals / rate.

    Computed by the recurrence of Erlang's B formula, so it neither overflows nor loses digits.
    """
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return servers * blocked / (servers - offered * (1 - blocked))


def parts(inputs: Inputs) -> tuple[Part, ...]:
    """Every part with the servers that are assumed: one process, one core or one line for machines."""
    busy = inputs["busy_hour_share"] / inputs["working_days"] / _HOUR
    """Share of a year's work that arrives in one second of the busiest hour."""
    renewed = inputs["professionals"] / inputs["card_years"]
    replaced = inputs["professionals"] * inputs["replaced_share"]
    cards = renewed + replaced
    at_desks = renewed * (1 - inputs["self_service_share"]) + replaced
    documents = inputs["documents_a_year"] + inputs["prescriptions_a_year"] + inputs["dispensings_a_year"]
    logins = inputs["professionals"] * inputs["at_work_share"] * inputs["logins_a_day"] * inputs["working_days"]
    questions = (documents + logins) * (1 - inputs["ocsp_cached_share"])
    fetches = inputs["subscribers"] * inputs["list_fetches_a_day"] / 24 / _HOUR
    return (
        Part("registration points", at_desks * busy, 1 / (60 * inputs["desk_minutes"]), int(inputs["desks"]),
             "registrar"),
        Part("issuing CA", 2 * cards * busy, inputs["ca_signatures_a_second"], 1, "signing process"),
        Part("revocation list", fetches, inputs["link_megabits"] * 125_000 / list_octets(inputs), 1, "line"),
        Part("OCSP responder", questions * busy, inputs["ocsp_signatures_a_second"], 1, "signing process"),
        Part("verification in Kanta", documents * busy, inputs["verifications_a_second"], 1, "core"),
        Part("archive's books", documents * busy, inputs["archived_a_second"], 1, "archive with one writer"),
    )  # fmt: skip


def list_octets(inputs: Inputs) -> float:
    """Length of the revocation list in the steady state, by lists that are really built."""
    issued = 2 * inputs["professionals"] * (1 / inputs["card_years"] + inputs["replaced_share"])
    growth = crl_growth(
        issued_per_year=round(issued), revoked_share=inputs["revoked_share"], lifetime_years=inputs["card_years"],
        years=math.ceil(inputs["card_years"]), algorithm=Algorithm.RSA_4096,
    )  # fmt: skip
    return float(growth[-1].octets)


def sensitivity(inputs: Inputs, part: str) -> Mapping[str, tuple[float, float]]:
    """The load of a part when each input in turn lies at its low and at its high end; only inputs that matter."""
    found: dict[str, tuple[float, float]] = {}
    for one in inputs:
        low, high = (_load(inputs.but(**{one.id: value}), part) for value in (one.low, one.high))
        if not math.isclose(low, high, rel_tol=1e-6):
            found[one.id] = (low, high)
    return dict(sorted(found.items(), key=lambda item: abs(item[1][1] - item[1][0]), reverse=True))


def _load(inputs: Inputs, part: str) -> float:
    return next(one.load for one in parts(inputs) if one.name == part)
