"""A command as a process: standard streams that last, one line for a mistake, and the exit code."""

import codecs
import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TextIO, cast

from zoo.errors import Place, ZooError, mistake, printable

# What an encoding may lack of the signs that tables are made of.
_PLAIN = {
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "–": "-",
    "─": "-",
    "…": "...",
    "✗": "x",
    "δ": "delta",
    "×": "*",
    "²": "^2",
    "█": "#",
}


def _plain(error: UnicodeError) -> tuple[str, int]:
    """An error handler of `codecs`: signs that every encoding has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    signs = (_PLAIN.get(sign) or sign.encode("ascii", "backslashreplace") for sign in lacking)
    return "".join(s if isinstance(s, str) else s.decode() for s in signs), error.end


codecs.register_error("zoo.plain", _plain)


class _Lasting:
    """A stream for text that goes on when it cannot be written to: the rest is dropped.

    Args:
        stream: what it writes to.
        closed: the error of any writing, if the process began without this stream.

    Attributes:
        lost: why something was dropped; None if nothing was.
    """

    def __init__(self, stream: TextIO, closed: OSError | None = None) -> None:
        self._stream, self._closed = stream, closed
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """Writes the text, or drops it."""
        if self.lost is None and text:
            self.lost = self._closed
        if self.lost is None:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Hands on what is buffered, or drops it."""
        if self.lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.lost = error
        with contextlib.suppress(OSError):  # what is buffered goes there when the process ends
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _open_closed() -> OSError | None:
    """Opens the standard streams that are closed, to nowhere.

    Else the next file that is opened gets the descriptor of one, and is written to by mistake.

    Returns:
        The error of writing to stdout, if that was closed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this number
            os.set_inheritable(nowhere, True)  # worker processes need it too
    closed = OSError(errno.EBADF, os.strerror(errno.EBADF)) if sys.stdout is None else None
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    return closed


@contextlib.contextmanager
def _plain_signs(stream: Any) -> Iterator[None]:
    """Within it, a text stream writes other signs for those that its encoding lacks."""
    if not hasattr(stream, "reconfigure"):
        yield
        return
    before = stream.errors
    stream.reconfigure(errors="zoo.plain")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it flushes
            stream.reconfigure(errors=before)


@contextlib.contextmanager
def as_command() -> Iterator[None]:
    """Runs what is inside as a command: a mistake of the user is one line and exit code 2.

    The work goes on when nothing more can be printed. That a reader has seen enough is no mistake;
    that the disk is full is one, told at the end.
    """
    closed = _open_closed()
    before = _answer_sigterm(_end)
    streams = sys.stdout, sys.stderr
    output, errors = _Lasting(sys.stdout, closed), _Lasting(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    code: Any = 0
    mistakes: list[str] = []
    try:
        with _plain_signs(streams[0]):
            try:
                _expect_current_folder()
                yield
            finally:
                output.flush()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = 130
    except ZooError as error:
        mistakes = str(error).split("\n")
    except OSError as error:  # a refusal of the system's that nothing said better
        mistakes = [mistake(Place(str(error.filename or "zoo")), error.strerror or error)]
    finally:
        if output.lost is not None and not isinstance(output.lost, BrokenPipeError):
            reason = f"cannot be written: {output.lost.strerror}; make room, or print elsewhere"
            mistakes.append(mistake(Place("standard output"), reason))
        for line in mistakes:
            print(printable(line), file=sys.stderr)
        errors.flush()
        sys.stdout, sys.stderr = streams
        _answer_sigterm(before)
    if mistakes or code:
        raise SystemExit(2 if mistakes else code)


def _end(signal_number: int, _: FrameType | None) -> None:
    """Ends as an interruption does: workers with it, and nothing lost."""
    raise SystemExit(128 + signal_number)


def _answer_sigterm(handler: Any) -> Any:
    """Sets what a request to end does, where that can be set; what it did before."""
    if threading.current_thread() is not threading.main_thread() or handler is None:
        return None
    return signal.signal(signal.SIGTERM, handler)


def at_least(lowest: int) -> Callable[[str], int]:
    """A `type` of argparse for the whole numbers from the lowest on, of nine digits at most."""
    import argparse  # for scripts alone

    def number(text: str) -> int:
        if len(text) > 9 or not text.isdecimal() or int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text:.20}: give a number of at least {lowest}")
        return int(text)

    return number


def _expect_current_folder() -> None:
    try:
        Path.cwd()
    except OSError:
        raise ZooError("the current folder does not exist any more: cd to one that does") from None
