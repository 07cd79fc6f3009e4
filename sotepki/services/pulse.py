"""The pulse of a worker process, felt from outside: for how long it has given no sign of life.

A process that is stopped, or whose event loop something holds up, does not end; whoever waits for it waits in vain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

LONGEST_LOOK_SECONDS = 2.0
"""What one look may add: between two looks that lie further apart, whoever looks did not run either."""


@dataclass
class Pulse:
    """Of one process with several event loops, each of which counts how often it has come round.

    Silence is counted only while somebody looks. A laptop that slept, a terminal's Ctrl-Z (which stops the whole
    family) or a machine too busy for anybody to run therefore adds next to nothing: afterwards the process has
    nearly all of its time still before it.

    Attributes:
        silent: seconds without a sign of life of the loop that has given none for longest.
    """

    silent: float = 0.0
    _beats: Sequence[int] = ()
    _silences: list[float] = field(default_factory=list)

    def feel(self, beats: Sequence[int], passed: float) -> None:
        """Look at what the loops have counted, ``passed`` seconds after the last look."""
        if len(beats) != len(self._beats):
            self._beats, self._silences = tuple(beats), [0.0] * len(beats)
        more = min(passed, LONGEST_LOOK_SECONDS)
        self._silences = [
            silence + more if beat == before else 0.0
            for beat, before, silence in zip(beats, self._beats, self._silences, strict=True)
        ]
        self._beats = tuple(beats)
        self.silent = max(self._silences, default=0.0)
