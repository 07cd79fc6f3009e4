"""A running client that a person operates: the suite says so in plain words and waits for the connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.sut.facets import Delivery, Endpoint, OperatorNeeded


@dataclass(frozen=True)
class OperatorClient:
    """Asks a person to make the system send; ``tell`` shows one line, ``timeout`` is in seconds."""

    tell: Callable[[str], None]
    timeout: float

    def send(self, frame: bytes, endpoint: Endpoint) -> Delivery:
        self.tell(
            f"Your turn: make your system send one message to {endpoint.url} now. "
            f"The suite waits {self.timeout:g} seconds, then goes on; nothing is lost."
        )
        if not endpoint.wait_for_contact(self.timeout):
            raise OperatorNeeded(
                f"Nobody connected to the test endpoint within {self.timeout:g} seconds. "
                "Run what waits again with --resume and this report, and let the system send when the suite says so."
            )
        return Delivery(connected=True)
