"""The `modelbench` command: each subcommand with its arguments and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from generating import UnexplainedError
from generating.markdown import choices, code, help_text, page, sentence, table


def commands_page() -> str:
    """The page of the command, read from its own parser."""
    from pytest_modelbench.cli import _parser

    commands = _commands(_parser())
    overview = table(
        ["command", "what it does"],
        [(f"[`modelbench {name}`](#modelbench-{name})", text) for name, _, text in commands],
    )
    return page(
        "The modelbench command",
        "`modelbench run` exits [as pytest does](results.md#outcomes-and-exit-codes); every other "
        "command with 0 when all is well, 1 for faults and for regressions, 2 for wrong usage. "
        "`modelbench --version` says the version, `modelbench COMMAND --help` what stands here.",
        [overview, *(part for command in commands for part in _command(*command))],
    )


def _commands(
    parser: argparse.ArgumentParser, before: str = ""
) -> list[tuple[str, argparse.ArgumentParser, str]]:
    """Name, parser and help of each subcommand; those of subcommands behind their own."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            said = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, one in action.choices.items():
                found.append((f"{before}{name}", one, help_text(said.get(name, ""))))
                found += _commands(one, f"{before}{name} ")
    return found


def _command(name: str, parser: argparse.ArgumentParser, text: str) -> Iterator[str]:
    actions = [
        action
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
        and action.help != argparse.SUPPRESS
    ]
    yield f"## modelbench {name}"
    yield sentence(text)
    if parser.description and help_text(parser.description) != text:
        yield sentence(parser.description)
    yield f"```sh\n{_usage(name, actions)}\n```"
    if actions:
        yield table(["argument", "default", "meaning"], [_row(name, one) for one in actions])


def _usage(name: str, actions: list[argparse.Action]) -> str:
    """The shape of the call: options in one word, since the table has them, then arguments."""
    arguments = [_argument(action) for action in actions if not action.option_strings]
    options = ["[OPTIONS]"] if any(action.option_strings for action in actions) else []
    return " ".join(["modelbench", name, *options, *arguments])


def _argument(action: argparse.Action) -> str:
    value = _value(action)
    shapes = {"*": f"[{value}...]", "?": f"[{value}]", "+": f"{value}..."}
    return shapes.get(str(action.nargs), value)


def _value(action: argparse.Action) -> str:
    """What stands for the value of an argument or option; empty for a switch."""
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, str):
        return action.metavar
    return action.dest.upper()


def _row(name: str, action: argparse.Action) -> tuple[str, str, str]:
    if not action.help:
        raise UnexplainedError(f"{name}: {action.dest} has no help: add one where it is declared")
    value = _value(action)
    if action.option_strings:
        shown = ", ".join(code(f"{one} {value}".strip()) for one in action.option_strings)
    else:
        shown = code(_argument(action))
    text = help_text(action.help % {"default": action.default, "prog": "modelbench"})
    if action.choices is not None:
        text += f": {choices(map(str, action.choices))}"
    if isinstance(action, argparse._AppendAction):
        text += "; may be repeated"
    is_told = action.default not in (None, False, argparse.SUPPRESS) and action.default != []
    return shown, code(str(action.default)) if is_told else "", text
