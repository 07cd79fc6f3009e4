"""A command group whose members are imported when they are used, and options that every command has."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

_COMMON_OPTIONS = ("workspace", "output_format")
_FORMATS = ("text", "json")
_EXTRA_FORMATS = "sotepki_extra_formats"


def offers_formats(*names: str) -> Callable[[Function], Function]:
    """Decorator of a command's function: it can print its answer in more formats than text and JSON (``html``)."""

    def mark(function: Function) -> Function:
        setattr(function, _EXTRA_FORMATS, names)
        return function

    return mark


class LazyGroup(click.Group):
    """A group that knows its commands by name, module and one-line help.

    ``--help`` prints the lines without importing the modules, so it answers at once.
    """

    def __init__(self, *args: Any, commands_by_name: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._by_name = dict(commands_by_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._by_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._by_name:
            return None
        command: click.Command = importlib.import_module(self._by_name[cmd_name][0]).command
        add_common_options(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._by_name.items()])


def add_common_options(command: click.Command) -> None:
    """Give ``--workspace`` and ``--format`` to every leaf below ``command`` (once)."""
    if isinstance(command, click.Group):
        for member in command.commands.values():
            add_common_options(member)
        return
    if any(parameter.name in _COMMON_OPTIONS for parameter in command.params):
        return
    command.params.append(
        click.Option(
            ["--workspace", "workspace"],
            metavar="DIR",
            envvar="SOTEPKI_WORKSPACE",
            default="workspace",
            show_default=True,
            show_envvar=True,
            expose_value=False,
            callback=_remember,
            help="The workspace to work in.",
        )
    )
    command.params.append(
        click.Option(
            ["--format", "output_format"],
            type=click.Choice([*_FORMATS, *getattr(command.callback, _EXTRA_FORMATS, ())]),
            default="text",
            show_default=True,
            expose_value=False,
            callback=_remember,
            help="How to print the answer.",
        )
    )


def _remember(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    ctx.meta[f"sotepki.{parameter.name}"] = value
    return value
