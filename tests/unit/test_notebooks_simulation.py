"""The simulation of the architect's notebook: an error in a formula would send a reader to the wrong bottleneck."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from sotepki.errors import Misuse
from sotepki.evidence import Basis

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture(autouse=True)
def _as_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks run in their own directory, and so import their modules from there."""
    monkeypatch.syspath_prepend(str(NOTEBOOKS))


@pytest.mark.parametrize(("servers", "offered"), [(1, 0.5), (2, 1.0), (5, 4.9), (60, 42.0)])
def test_erlang_c_is_the_textbook_formula(servers: int, offered: float) -> None:
    """Else every waiting time would be wrong."""
    from simulation import erlang_c

    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    before = sum(offered**number / math.factorial(number) for number in range(servers))
    assert erlang_c(servers, offered) == pytest.approx(last / (before + last))


def test_one_server_waits_as_long_as_the_theory_says() -> None:
    """M/M/1: load / (rate - arrivals); from a load of 1 on nobody is served in time."""
    from simulation import Part

    part = Part("desk", arrivals=0.8, rate=1.0, servers=1, server="registrar")
    assert part.wait == pytest.approx(0.8 / 0.2)
    assert (part.headroom, part.needed) == (pytest.approx(1.25), 2)
    assert math.isinf(Part("desk", arrivals=1.0, rate=1.0, servers=1, server="registrar").wait)


def test_twice_the_documents_fill_the_archive_twice() -> None:
    """The loads follow the inputs, and nothing else: a remedy in the notebook would otherwise do nothing."""
    from simulation import load_inputs, parts, sensitivity

    inputs = load_inputs()
    factor = {name: 2 * inputs[name] for name in ("documents_a_year", "prescriptions_a_year", "dispensings_a_year")}
    once, twice = ({one.name: one.load for one in parts(numbers)} for numbers in (inputs, inputs.but(**factor)))
    assert twice["archive's books"] == pytest.approx(2 * once["archive's books"])
    assert twice["registration points"] == once["registration points"]
    assert "desks" not in sensitivity(inputs, "archive's books")


def test_every_input_lies_in_its_range_and_says_where_it_comes_from() -> None:
    """A number without a source is a rumour."""
    from simulation import load_inputs

    for one in load_inputs():
        assert one.low <= one.value <= one.high
        assert len(one.source) > 10


def test_measured_inputs_are_the_figures_of_the_page_that_they_name() -> None:
    """After a new measurement a reader would be shown the bottleneck of a machine that is there no more."""
    from simulation import load_inputs

    measured = [one for one in load_inputs() if one.basis is Basis.MEASURED]
    assert len(measured) >= 4
    for one in measured:
        named = re.match(r"(docs/\S+\.md) ([\w.]+)[,:]", one.source)
        assert named is not None, f"{one.id}: {one.source!r} names no page and heading"
        page = (NOTEBOOKS.parent / named[1]).read_text(encoding="utf-8")
        section = re.search(rf"^(#+) {re.escape(named[2])}\b.*?(?=^#{{1,3}} |\Z)", page, re.DOTALL | re.MULTILINE)
        assert section is not None, f"{named[1]} has no heading {named[2]}"
        stated = {float(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*(?:\.\d+)?", section[0])}
        if "low is half" in one.source:
            stated |= {one.value / 2}
        assert {one.value, one.low, one.high} <= stated, f"{one.id}: not the figures of {named[1]} {named[2]}"


def test_an_unknown_or_negative_input_is_refused_kindly() -> None:
    """A typing error in a notebook is told with the names that there are."""
    from simulation import load_inputs

    with pytest.raises(Misuse, match="no input 'desk'") as caught:
        load_inputs().but(desk=1)
    assert "desks" in caught.value.advice
    with pytest.raises(Misuse, match="cannot be"):
        load_inputs().but(desks=-1)
