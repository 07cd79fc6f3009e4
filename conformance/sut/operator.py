"""A running client that a person operates: the suite says what to do and waits for the connection."""

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
            f"Make your system send one message to {endpoint.url} now. The suite waits {self.timeout:g} seconds."
        )
        if not endpoint.wait_for_contact(self.timeout):
            raise OperatorNeeded(
                f"Nobody connected to the test endpoint within {self.timeout:g} seconds. "
                "Run the case again with --case and let the system send when the suite says so."
            )
        return Delivery(connected=True)
