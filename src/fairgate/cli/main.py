"""The program `fairgate`: finds the command, runs it, and turns whatever goes wrong into one line.

Exit codes: 0 done, 1 checked and found false, 2 bad input or something that is missing, 70 a defect of ours,
130 stopped with Ctrl-C, 141 nobody reads what is written. A traceback is shown only where FAIRGATE_DEBUG=1.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from fairgate.cli import faults
from fairgate.core.errors import BadInput

# Only the module of the command that is wanted is loaded, so that `fairgate draw` does not wait for a web framework.
MODULES = {
    "up": "up",
    "serve": "serving",
    "worker": "serving",
    "watch": "serving",
    "migrate": "serving",
    "staff": "serving",
    "doctor": "doctor",
    "import": "importing",
    "round": "round",
    "draw": "bundles",
    "verify": "bundles",
    "explain": "explain",
    "rehearse": "rehearse",
    "replay": "replay",
    "ledger": "ledger",
    "witness": "witness",
}

BROKEN_PIPE = 141  # as of a program that SIGPIPE ended

# Parts that run on for months, and write lines of JSON.
RUN_ON = {("up",), ("serve",), ("worker",), ("watch",), ("witness",), ("ledger", "sign")}


def main() -> None:
    """What the installed program calls."""
    if tuple(sys.argv[1:2]) in RUN_ON or tuple(sys.argv[1:3]) in RUN_ON:
        # structlog would load it for colours, which a log of lines in JSON has not: 7 MiB in each process
        sys.modules["rich"] = None  # type: ignore[assignment]
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Carry out one command line; the exit code."""
    try:
        if sys.stdout is None:
            raise BadInput("standard output", "is closed", "send it to a file or a pipe")
        code = _command_line(args)(args=list(args) or ["--help"], prog_name="fairgate", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _quietly(130)
    except BrokenPipeError:
        return _quietly(BROKEN_PIPE)
    except SystemExit as ended:  # typer makes exit code 1 of it, which here means "checked and found false"
        if isinstance(ended.__context__, BrokenPipeError):
            return _quietly(BROKEN_PIPE)
        raise
    except Exception as error:
        if os.environ.get("FAIRGATE_DEBUG") == "1":
            raise
        line, code = faults.told(error)
        sys.stderr.write(f"fairgate: {line}\n")
        return _quietly(code)
    return code if isinstance(code, int) else 0


def _quietly(code: int) -> int:
    """End without what is left in the buffer: nobody reads it, or it could not be written."""
    if sys.stdout is not None:  # None: it was closed before we began
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _command_line(args: Sequence[str]) -> typer.Typer:
    """The commands: the one that `args` names, or all of them for a list of commands."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    @app.callback()
    def fairgate() -> None:
        """Give out scarce appointments fairly: every command explains itself with --help and an example.

        \b
        Try it here:              fairgate up
        Check yesterday's draw:   fairgate verify DIR
        """

    named = args[0] if args else ""
    for module in [MODULES[named]] if named in MODULES else dict.fromkeys(MODULES.values()):
        app.add_typer(import_module(f"fairgate.cli.{module}").app)
    return app


if __name__ == "__main__":
    main()
