"""Settings for every test: Hypothesis sets no time limit for one example, since a busy machine is no fault."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("sotepki", settings.default, deadline=None)
settings.load_profile("sotepki")
