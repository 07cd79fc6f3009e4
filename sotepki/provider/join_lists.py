"""The lists of ``lists.yaml``: what an organisation needs for a Kanta service, training topics, operating models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sotepki.errors import Fault
from sotepki.evidence import load_yaml, refuse_unknown_keys
from sotepki.provider.task_list import provider_rules
from sotepki.resources import package_file


@dataclass(frozen=True)
class JoinList:
    """A list: the service, the kinds of organisations that join it, and the rules in order."""

    id: str
    title: str
    organisations: frozenset[str]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class JoinData:
    """``lists.yaml``: the lists, and the topics and operating models by id with their titles."""

    topics: Mapping[str, str]
    models: Mapping[str, str]
    lists: Mapping[str, JoinList]


@cache
def join_data() -> JoinData:
    """The data that come with the package."""
    return load_join_data(package_file("provider", "lists.yaml"))


def load_join_data(path: Path) -> JoinData:
    """Read a file of lists; a rule that does not exist, or a wrong or missing key, is a ``Fault``."""
    raw = load_yaml(path)
    try:
        refuse_unknown_keys(raw, {"topics", "models", "lists"}, path.name)
        return JoinData(
            topics={str(key): str(text) for key, text in raw["topics"].items()},
            models={str(key): str(text) for key, text in raw["models"].items()},
            lists={str(key): _list(str(key), row, path.name) for key, row in raw["lists"].items()},
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise Fault(f"{path.name} is not well formed: {error}.") from error


def _list(name: str, row: Mapping[str, object], where: str) -> JoinList:
    refuse_unknown_keys(row, {"title", "organisations", "items"}, f"{where}, list {name}")
    items, organisations = row["items"], row["organisations"]
    if not isinstance(items, list) or not isinstance(organisations, list):
        raise Fault(f"{where}: the list {name} needs items and organisations.")
    rules = tuple(provider_rules()[f"join.{item}"].id for item in items)
    return JoinList(name, str(row["title"]), frozenset(map(str, organisations)), rules)
