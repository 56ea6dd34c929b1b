"""Files written whole or not at all, and read with one clear line where they cannot."""

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import Any

from zoo.errors import Place, ZooError, dotted, mistake


def write_whole(path: Path, text: str | bytes) -> None:
    """Writes a file so that it is there whole or not at all, whenever the process may end.

    Args:
        path: the file; its folder is made if need be.
        text: UTF-8 is written of a string; of half a character its number.

    Raises:
        ZooError: if the file system refuses.
    """
    try:
        put_whole(path, text)
    except OSError as error:
        raise unwritable(path, error) from None


def put_whole(path: Path, text: str | bytes) -> None:
    """As `write_whole`, for who says better what the file system refuses.

    Raises:
        OSError: if it does.
    """
    import tempfile  # takes longer than a listing may

    with contextlib.suppress(FileExistsError):  # something else is there: said by mkstemp
        path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_encoded(text) if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def unwritable(path: Path, error: OSError) -> ZooError:
    """What to say of a file or folder that the file system refuses."""
    return ZooError(
        f"{path}: cannot be written: {error.strerror or error}; "
        "make room or give a folder you may write to (--out)"
    )


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")  # a path may hold bytes that are no text


def read_text(path: Path, name: str | None = None, most_bytes: int = 10**8) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    Args:
        path: the file.
        name: what messages call it; by default the path.
        most_bytes: a larger file is refused before it is read.

    Raises:
        ZooError: if the file cannot be read, is too large or is no text.
    """
    data = read_bytes(path, name, most_bytes)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        place = Place(name or str(path))
        raise ZooError(mistake(place, "not a text file (UTF-8)")) from None


def read_bytes(path: Path, name: str | None = None, most_bytes: int = 10**8) -> bytes:
    """What is in a file; arguments and errors as `read_text`.

    A pipe, a socket or a device is refused: it may never end.
    """
    try:
        about = path.stat()
        kind = about.st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            place = Place(name or str(path))
            raise ZooError(mistake(place, "cannot be read", f"{_kind(kind)}, not a file"))
        with path.open("rb", buffering=0) as file:
            data = file.read(min(about.st_size, most_bytes) + 1)  # to ask for more costs time
            if len(data) > about.st_size:  # it grew
                data += file.read(most_bytes + 1 - len(data))
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or error
        raise ZooError(mistake(Place(name or str(path)), "cannot be read", reason)) from None
    if len(data) > most_bytes:
        raise ZooError(mistake(Place(name or str(path)), f"more than {most_bytes} bytes"))
    return data


def open_plain(path: Path) -> int:
    """A descriptor to read a file from, which is one: no link to one, and nothing that never ends.

    Raises:
        OSError: if it cannot be read, or is anything else.
    """
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{_kind(mode)}, not a file")
    # As it may be another by now; a pipe that nobody writes to would be waited for.
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "not a file")
    return number


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFDIR: "a folder",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")


def is_there(path: Path) -> bool:
    """Whether anything has this path, be it a link that leads nowhere.

    Raises:
        ZooError: if the path cannot be one.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ZooError(mistake(Place(str(path)), "cannot be read", reason)) from None
    return True


def each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, as the `object_pairs_hook` of `json.loads`, which takes the last of a key.

    Raises:
        ValueError: if a key is there more than once.
    """
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(mistake(Place(dotted((key,))), "key given twice"))
        values[key] = value
    return values
