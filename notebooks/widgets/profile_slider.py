"""What another key or lifetime would cost: a profile, two sliders, and a certificate that is really made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import ipywidgets
from simulation import load_inputs
from widgets.showing import Said, Sheet, Shown, kindly, labelled

from sotepki.errors import Misuse
from sotepki.x509.explorer import (
    Algorithm,
    Overlay,
    WhatIf,
    available_algorithms,
    crl_growth,
    profiles_frame,
    what_if,
)

_YEARS = (1, 10)
_BAR = 24
_PROFESSIONAL = "professional-"


@dataclass(frozen=True)
class Choice:
    """Where the sliders stand; an empty key is that of the profile, no years its own lifetime."""

    profile: str
    key: str = ""
    years: int = 0


@dataclass(frozen=True)
class Cost:
    """What a choice comes to: the measured certificate, and the revocation list when it has stopped growing."""

    certificate: WhatIf
    revoked: int
    list_octets: int


class ProfileSlider(Shown):
    """A profile as it is, and beside it as it would be."""

    def __init__(self, profile: str, language: str) -> None:
        super().__init__(language)
        self.choice = Choice(profile)
        self.set(profile=profile)

    @kindly
    def set(self, *, profile: str = "", key: str = "", years: int = 0) -> ProfileSlider:
        """Choose another profile, key (``p-384``, ``rsa-4096``) or lifetime in years; what is not given stays."""
        kept = self.choice
        wanted = Choice(str(profile or kept.profile), str(key or kept.key), _whole(years) if years else kept.years)
        if wanted.profile not in holders():
            raise Misuse(
                self.say("no such profile", profile=wanted.profile[:40]),
                advice=self.say("there are", those=", ".join(holders())),
            )
        if wanted.key and wanted.key not in keys():
            raise Misuse(
                self.say("no such key", key=wanted.key[:40]), advice=self.say("there are", those=", ".join(keys()))
            )
        if wanted.years and not _YEARS[0] <= wanted.years <= _YEARS[1]:
            raise Misuse(self.say("no such years", years=str(years)[:20]), advice=self.say("choose years"))
        self.choice, self.said = wanted, ()
        return self

    @kindly
    def reset(self) -> ProfileSlider:
        """Key and lifetime of the profile again."""
        self.choice, self.said = Choice(self.choice.profile), ()
        return self

    @property
    def now(self) -> Cost:
        """The profile as it is."""
        return cost(replace(self.choice, key="", years=0))

    @property
    def then(self) -> Cost:
        """The profile as it was chosen."""
        return cost(self.choice)

    def sheet(self) -> Sheet:
        now, then = self.now, self.then
        rows = [
            [self.say("key"), now.certificate.algorithm, then.certificate.algorithm, ""],
            [self.say("lifetime"), _years(now), _years(then), ""],
            self._compared("certificate", now, then, lambda one: one.certificate.certificate_octets, " B"),
            self._compared("chain", now, then, lambda one: one.certificate.chain_octets, " B"),
            self._compared("signature", now, then, lambda one: one.certificate.signature_octets, " B"),
        ]
        if _PROFESSIONAL in self.choice.profile:  # how many hold one of the others, no source says
            rows += [
                self._compared("on the card", now, then, lambda one: one.certificate.card_octets, " B"),
                self._compared("revoked at a time", now, then, lambda one: one.revoked, ""),
                self._compared("revocation list", now, then, lambda one: one.list_octets // 1000, " kB"),
            ]
        header = (self.say("what"), self.say("now"), self.say("then"), self.say("beside now"))
        return Sheet(
            self.say("slider", profile=self.choice.profile),
            header,
            rows,
            self.said or (Said(self.say("thrown away"), mark="hint"),),
        )

    def controls(self) -> ipywidgets.Widget:
        boxes: dict[str, Any] = {
            "profile": ipywidgets.Dropdown(options=holders(), value=self.choice.profile),
            "key": ipywidgets.SelectionSlider(
                options=keys(), value=self.then.certificate.algorithm, continuous_update=False
            ),
            "years": ipywidgets.IntSlider(
                min=_YEARS[0],
                max=_YEARS[1],
                value=round(self.then.certificate.lifetime_days / 365.25),
                continuous_update=False,
            ),
        }
        for name, box in boxes.items():
            box.observe(self._moved(name), names="value")
        return ipywidgets.VBox([labelled(self.say(f"slide {name}"), box) for name, box in boxes.items()])

    def _moved(self, name: str) -> Callable[[Any], None]:
        def moved(change: Any) -> None:
            self.set(**{name: change["new"]})

        return moved

    def _compared(self, what: str, now: Cost, then: Cost, of: Callable[[Cost], int], unit: str) -> list[str]:
        before, after = of(now), of(then)
        share = after / before if before else 1.0
        bar = "█" * max(1, round(min(share, 2.5) * _BAR / 2.5))
        return [self.say(what), f"{_grouped(before)}{unit}", f"{_grouped(after)}{unit}", f"{bar} × {share:.2f}"]


def profile_slider(profile: str = "professional-signature-rsa", *, language: str = "en") -> ProfileSlider:
    """The sliders over a profile of holders.

    Raises:
        Misuse: the widgets do not speak the language.
    """
    return ProfileSlider(profile, language)


@cache
def holders() -> tuple[str, ...]:
    """The profiles of which certificates for holders are made."""
    frame = profiles_frame()
    return tuple(frame.index[~frame["kind"].isin(["root", "issuing-ca"])])


@cache
def keys() -> tuple[str, ...]:
    """The kinds of keys that the installed library makes, RSA first."""
    return tuple(str(one) for one in available_algorithms())


@cache
def cost(choice: Choice) -> Cost:
    """What a choice comes to, for as many holders as ``simulation/inputs.yaml`` says; measured once."""
    overlay = Overlay(algorithm=Algorithm(choice.key) if choice.key else None, lifetime_years=choice.years or None)
    certificate = what_if(choice.profile, overlay, rounds=1)
    inputs, years = load_inputs(), certificate.lifetime_days / 365.25
    growth = crl_growth(
        issued_per_year=round(2 * inputs["professionals"] * (1 / years + inputs["replaced_share"])),
        revoked_share=min(1.0, inputs["revoked_share"] * years / inputs["card_years"]),
        lifetime_years=years,
        years=int(years) + 2,
        algorithm=Algorithm(certificate.ca_algorithm),
    )
    return Cost(certificate, growth[-1].entries, growth[-1].octets)


def _whole(typed: object) -> int:
    """A number of years as it was typed; -1 for what is none."""
    try:
        return int(str(typed))
    except ValueError:
        return -1


def _years(one: Cost) -> str:
    return f"{one.certificate.lifetime_days / 365.25:.0f}"


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")
