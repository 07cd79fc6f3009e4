"""Refusals by DVV's rules leave a trace in the journal."""

from __future__ import annotations

from functools import partial

from sotepki.records import refusals_journalled as _journalled

refusals_journalled = partial(_journalled, office="dvv")
