"""A command group whose members are imported when they are used, and options that every command has."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

_COMMON_OPTIONS = ("workspace", "output_format")
_FORMATS = ("text", "json")
_EXTRA_FORMATS = "sotepki_extra_formats"
_LONGEST_ACTOR = 100


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # click would look for the nearest name among the commands that were imported, and none is.
        near = get_close_matches(args[0], self._by_name, n=1)
        if near and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {near[0]!r}?", ctx)
        return super().resolve_command(ctx, args)

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
    for parameter in command.params:
        if parameter.name == "actor" and parameter.callback is None:
            parameter.callback = _fit_for_the_journal
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


def _fit_for_the_journal(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Who acts is kept for good: some word for them, and never a personal identity code."""
    if not value.strip() or len(value) > _LONGEST_ACTOR or not value.isprintable():
        raise click.BadParameter(f"give 1 to {_LONGEST_ACTOR} characters on one line.", ctx=ctx, param=parameter)
    from sotepki.identifiers import holds_identity_code

    if holds_identity_code(value):
        raise click.BadParameter(
            "the journal takes no personal identity code; name people by their task.", ctx=ctx, param=parameter
        )
    return value


def _remember(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    ctx.meta[f"sotepki.{parameter.name}"] = value
    return value
