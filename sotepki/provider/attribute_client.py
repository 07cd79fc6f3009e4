"""A provider's client of Valvira's role and attribute service: JSON over mutual TLS, one connection for a sweep."""

from __future__ import annotations

import http.client
import json
import ssl
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

from sotepki.errors import Misuse
from sotepki.identifiers import RegistrationNumber
from sotepki.provider.staff_rights import RightInForce, Standing, Unanswered
from sotepki.provider.task_list import provider_rules

SECONDS: Final = 10.0
LARGEST_ANSWER: Final = 1_000_000

_UNKNOWN_NUMBER: Final = "attribute.number.known"
"""The rule that the service names when nobody has the number; its HTTP status is a setting of the service."""


class AttributeClient:
    """The service at ``url`` (with its path, https), asked with the provider's certificate in ``context``.

    Use it with ``with``: the connection is kept open between questions, as a sweep of thousands needs.
    """

    def __init__(self, url: str, context: ssl.SSLContext, *, server_name: str = "", seconds: float = SECONDS) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port or 443
        except ValueError as error:
            raise Misuse(
                f"{url[:80]!r} is not an address: {error}.", advice="Write it as 'sotepki serve' does."
            ) from None
        if parts.scheme != "https" or not parts.hostname:
            raise Misuse(f"The attribute service is asked over https, not at {url[:80]!r}.")
        self._path = parts.path or "/attribute/v1/professional"
        self._connection = _Connection(
            parts.hostname, port, context=context, timeout=seconds, server_name=server_name
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def standing(self, number: RegistrationNumber, at: datetime, *, prescriber: bool) -> Standing | Unanswered:
        """The rights in force as the service tells them; a service that is down or talks nonsense is ``Unanswered``.

        ``at`` is not sent: the service answers by its own clock, and a sweep asks about the present. The prescriber's
        identifier comes with every answer.

        Raises:
            Refused: ``access.attribute-service``: the service does not admit the provider's system.
        """
        try:
            status, body = self._ask(number)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Unanswered(f"The attribute service does not answer: {error or type(error).__name__}.")
        answer = _object(body)
        if status == http.client.OK:
            return _standing(answer, number)
        if answer.get("rule") == _UNKNOWN_NUMBER:
            return Standing()
        if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
            sentence = f"The attribute service does not admit this system: {answer.get('message', status)}"
            raise provider_rules().refusal("access.attribute-service", sentence)
        return Unanswered(f"The attribute service answered with the status {status}.")

    def _ask(self, number: RegistrationNumber) -> tuple[int, bytes]:
        target = f"{self._path}?{urlencode({'registrationNumber': number.value})}"
        for fresh in (False, True):
            try:
                self._connection.request("GET", target, headers={"Accept": "application/json"})
                response = self._connection.getresponse()
                return response.status, response.read(LARGEST_ANSWER)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._connection.close()  # an idle connection may have been closed: ask once more on a new one
                if fresh:
                    raise
        raise AssertionError


class _Connection(http.client.HTTPSConnection):
    """A connection that expects the certificate of ``server_name``, wherever the service listens."""

    def __init__(
        self, host: str, port: int, *, context: ssl.SSLContext, timeout: float, server_name: str = ""
    ) -> None:
        super().__init__(host, port, context=context, timeout=timeout)
        self._tls, self._name = context, server_name or host

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _standing(answer: dict[str, Any], number: RegistrationNumber) -> Standing | Unanswered:
    try:
        if answer["registrationNumber"] != number.value:
            return Unanswered("The attribute service answered about somebody else.")
        rights = tuple(
            RightInForce(
                str(one["code"]), str(one["register"]), frozenset(str(limit["code"]) for limit in one["restrictions"])
            )
            for one in answer["rights"]
        )
        told_for = datetime.fromisoformat(str(answer["at"]))
        if told_for.tzinfo is None:
            return Unanswered("The attribute service answered with a time without a zone.")
        return Standing(rights, bool(answer["prescriberId"]), told_for)
    except (KeyError, TypeError, ValueError):
        return Unanswered("The attribute service answered with something that is not an answer of its interface.")
