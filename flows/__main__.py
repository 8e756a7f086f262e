"""In: `python -m flows <verb> [options]`. Out: that flow, run; one line, and an exit code."""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from components.errors import AWAY, DISK_FULL, FAILED, INTERRUPTED, TouchstoneError
from components.params import load_params
from flows.delivery import delivered
from flows.server import RETRIES
from flows.signals import Terminated, interrupt, listen

USAGE = "usage: python -m flows <verb> [--help]\n\nverbs, in pipeline order: {verbs}"


def main(argv: Sequence[str]) -> int:
    """Run one flow; a person's mistake is one paragraph and exit code 1, never a traceback."""
    started = time.perf_counter()
    from flows import stage

    verb, rest = (argv[0], argv[1:]) if argv else ("", [])
    if verb not in stage.VERBS:
        print(USAGE.format(verbs=", ".join(stage.VERBS)), file=sys.stderr)
        return 0 if verb in ("-h", "--help") else 2
    if stage.PARENT in os.environ:
        # A release in the background ignores Ctrl-C and hands that on; it must be able to end us.
        signal.signal(signal.SIGINT, interrupt)
    try:
        # First, so that a mistake in params.yaml is told before anything slow starts.
        params = load_params(stage.PARAMS)
        os.environ.update(quiet(os.environ))
        writable(stage.STATE)
        if {"-h", "--help"} & set(rest):
            print(stage.help_of(verb))
            return 0
        with told_plainly():
            figure = stage.run(verb, rest, params)
    except TouchstoneError as error:
        print(f"\n{verb}: {error}\n", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"\n{verb}: the disk is full: {error}\n  cure: free some space", file=sys.stderr)
        return DISK_FULL
    except KeyboardInterrupt as asked:
        how = "ended" if isinstance(asked, Terminated) else "interrupted"
        print(f"\n{verb}: {how}; the same command goes on from here", file=sys.stderr)
        return AWAY if isinstance(asked, Terminated) else INTERRUPTED
    print(stage.summary(verb, time.perf_counter() - started, figure), flush=True)
    return 0


@contextmanager
def told_plainly() -> Iterator[None]:
    """Let what MLflow or a database refuses in this block be an error for a person.

    Raises:
        TouchstoneError: it refused.
    """
    try:
        yield
    except TouchstoneError:
        raise
    except Exception as error:
        # Its import must not cost those who have nothing to do with a registry.
        from components.registry import refusal

        if (told := refusal(error)) is None:
            raise
        raise told from error


def writable(state: Path) -> None:
    """Make the state folder, where Prefect and MLflow keep their books.

    Raises:
        TouchstoneError: something else has its name, or its rights do not let us write.
    """
    try:
        (state / "prefect").mkdir(parents=True, exist_ok=True)
        (state / "prefect" / ".writable").touch()
    except OSError as error:
        raise TouchstoneError(
            f"{state}: cannot be written: {error.strerror}",
            f"move {state} away or mend its rights, and run again: it is made anew",
        ) from error


def quiet(environment: os._Environ[str]) -> dict[str, str]:
    """Return settings that keep the libraries silent on the terminal and off the network."""
    home = str(Path(".state/prefect").resolve())
    wanted = {
        "PREFECT_HOME": home,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLIENT_MAX_RETRIES": RETRIES,
        # Flow logs go to the server; the terminal gets our own lines.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "GX_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "MPLBACKEND": "Agg",
        # How long a thread spins before it sleeps. The default spins so long that training on two
        # cores, one of them busy, falls to an eighth; none at all costs a third on idle ones.
        "GOMP_SPINCOUNT": "6000",
    }
    return {name: value for name, value in wanted.items() if name not in environment}


def run_and_leave(argv: Sequence[str]) -> NoReturn:
    """End this process with what `main` gives, without taking every module apart first.

    Registered first, `leave` is the last exit handler: logs are delivered by then. What Python
    would do from there on takes more than a second once torch is loaded, and helps nobody.
    """
    code = FAILED

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)
    listen()
    try:
        code = main(argv)
    except SystemExit as ended:  # a wrong option on the command line
        code = ended.code if isinstance(ended.code, int) else FAILED
    from flows.stage import OUTCOME

    if path := os.environ.get(OUTCOME):
        Path(path).write_text(str(code), encoding="ascii")
    if not delivered():
        # Nobody takes Prefect's logs; past this line it would try to hand them over for minutes.
        atexit._run_exitfuncs()
    sys.exit(code)


if __name__ == "__main__":
    run_and_leave(sys.argv[1:])
