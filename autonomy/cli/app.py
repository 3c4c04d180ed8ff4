"""The command itself: which commands there are, and how each ends. A command's module is loaded when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer._click import Command, Context, HelpFormatter  # typer has its own copy of click and no other door to it
from typer._click.exceptions import ClickException
from typer.core import TyperGroup

from autonomy.kernel.errors import AutonomyError

from .ending import defect, refused, unusable
from .index import COMMANDS, SECTIONS


class Loading(TyperGroup):
    """Loads a command when it is called, so that help and completion of the others cost nothing."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - the framework's signature
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command:
        if cmd_name not in COMMANDS:
            nearest = get_close_matches(cmd_name, COMMANDS, n=1)
            ctx.fail(f"there is no command `{cmd_name}`" + (f"; did you mean `{nearest[0]}`?" if nearest else ""))
        if cmd_name not in self.commands:
            module = import_module(f"autonomy.cli.{COMMANDS[cmd_name].module}")
            self.commands[cmd_name] = typer.main.get_group(module.app).commands[cmd_name]
        return self.commands[cmd_name]

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 - the framework's
        """By section, from the index alone."""
        for section in SECTIONS:
            with formatter.section(section):
                formatter.write_dl([(name, one.help) for name, one in COMMANDS.items() if one.section == section])


app = typer.Typer(
    name="autonomy", cls=Loading, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False
)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"autonomy {version('autonomy-os')}")
        raise typer.Exit


@app.callback()
def _autonomy(
    _version: Annotated[
        bool, typer.Option("--version", help="Say which release this is.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """The control plane for AI agents: identity, policy, approval, budget and proof for every action.

    Every command that shows something takes `--json`. It ends with 0 when all is well, 1 when something was refused
    or is wrong, 2 when it was called wrongly, 3 when no server answers.
    """


def main() -> None:
    """Run the command with the arguments of this process, and end it."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns what the process must end with. Says what went wrong in a line or two, never more."""
    as_json = "--json" in arguments
    try:
        ended: Any = typer.main.get_command(app).main(list(arguments), prog_name="autonomy", standalone_mode=False)
    except AutonomyError as error:
        return refused(error, as_json)
    except ClickException as error:
        return unusable(error.format_message(), _path(error), as_json)
    except typer.Abort:
        print("stopped; nothing was done", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - whoever called gets one line; the trace is there for who asks for it
        return defect(error, as_json)
    return ended if isinstance(ended, int) else 0


def _path(error: ClickException) -> str:
    """The command that was called wrongly; the whole where that is not known."""
    context = getattr(error, "ctx", None)  # only those errors have one that know where they happened
    return context.command_path if context is not None else "autonomy"
