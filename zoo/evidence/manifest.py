"""The manifest of a folder of evidence: the SHA-256 of each of its files. Light to import."""

import bisect
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from zoo.errors import Place, ZooError, mistake
from zoo.files import each_key_once, is_there, read_bytes, write_whole

REMEDY = "restore the file, or delete it and run again"


class Manifest:
    """Reads and writes manifest.json in a folder of evidence, and compares it with the files.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root, self._path = root, root / "manifest.json"
        self._read: tuple[tuple[int, int], dict[str, str]] | None = None  # with the file's version
        self._in_order: tuple[dict[str, str], list[str]] | None = None  # the names of what was read

    # ------------------------------------------------------------ writing

    def write(self) -> None:
        """Takes down the SHA-256 of every file of evidence as it is now."""
        self._write(self.digests())

    def strike(self, paths: Iterable[Path]) -> None:
        """Takes some files off the list."""
        struck = {path.relative_to(self.root).as_posix() for path in paths}
        listed = self.listed()
        if struck & listed.keys():
            self._write({name: listed[name] for name in listed if name not in struck})

    def _write(self, digests: dict[str, str]) -> None:
        write_whole(self._path, json.dumps(digests, indent=0, sort_keys=True) + "\n")

    # ------------------------------------------------------------ reading

    def listed(self) -> dict[str, str]:
        """The SHA-256 of each file as it was taken down; empty if there is no manifest.

        Raises:
            ZooError: if it cannot be read, or is none.
        """
        if not is_there(self._path):
            return {}
        state = self._path.stat() if self._path.is_file() else None
        version = (state.st_mtime_ns, state.st_size) if state else (0, 0)
        if self._read is None or self._read[0] != version:
            self._read = version, self._listed()
        return self._read[1]

    def _listed(self) -> dict[str, str]:
        try:
            listed = json.loads(_bytes(self._path), object_pairs_hook=each_key_once)
        except ValueError as error:
            raise ZooError(f"{self._path}: {error}; {REMEDY}") from None
        if isinstance(listed, dict) and all(isinstance(value, str) for value in listed.values()):
            return listed
        raise ZooError(mistake(Place(str(self._path)), f"not file names and digests; {REMEDY}"))

    def digests(self, recipe_id: str = "") -> dict[str, str]:
        """The SHA-256 of each file of evidence as it is now, or of each of one recipe."""
        kinds = (("runs", "seed-"), ("tuning", ""), ("prices", ""))
        folders = [(self.root / kind / recipe_id, start) for kind, start in kinds]
        paths = [path for folder, start in folders for path in _files(folder, start)]
        above = f"{self.root.as_posix()}/"
        return {
            path.as_posix().removeprefix(above): hashlib.sha256(_bytes(path)).hexdigest()
            for path in sorted(paths, key=str)
        }

    def recipes(self) -> list[str]:
        """The ids of the recipes that have a record in the folder; a stray file is none's.

        Raises:
            ZooError: if the folder cannot be one.
        """
        arms = {path.parent for path in self._runs()}
        folders = {arm.parent for arm in arms}
        return sorted(folder.as_posix() for folder in folders if folder.parts)

    def has_records(self) -> bool:
        """Whether a recipe has; errors as in `recipes`."""
        return any(path.parent.parent.parts for path in self._runs())

    def strays(self) -> list[Path]:
        """Files named like records that lie where no arm has its folder."""
        runs = self.root / "runs"
        return sorted(runs / path for path in self._runs() if not path.parent.parent.parts)

    def _runs(self) -> Iterator[Path]:
        """All files named like records, below runs/."""
        runs = self.root / "runs"
        paths = _files(runs, "seed-") if is_there(runs) else ()
        return (path.relative_to(runs) for path in paths)

    # ------------------------------------------------------------ comparing

    def changed(self) -> list[str]:
        """One line for each file that is not what was taken down."""
        return self._changed(self.digests(), self.listed())

    def missing_or_extra(self) -> list[str]:
        """One line for each file that is either here or on the list, not both."""
        return self._missing_or_extra(self.digests(), self.listed())

    def differences(self) -> list[str]:
        """Both."""
        now, listed = self.digests(), self.listed()
        return [*self._changed(now, listed), *self._missing_or_extra(now, listed)]

    def unlike(self) -> list[str]:
        """One line if the evidence is not what was taken down; none if it is."""
        lines = self.differences()
        see = f"see: zoo leaderboard --check --results {self.root}"
        return [f"{lines[0]}; {len(lines)} such files, {see}"] if lines else []

    def holds_for(self, recipe_id: str) -> bool:
        """Whether all evidence of a recipe is what was taken down."""
        listed = self.listed()
        if self._in_order is None or self._in_order[0] is not listed:
            self._in_order = listed, sorted(listed)
        of_recipe: dict[str, str] = {}
        for kind in ("runs", "tuning", "prices"):
            # Else each of many recipes would look at the names of all. After "/" comes "0".
            first = f"{kind}/{recipe_id}/"
            names = self._in_order[1]
            start, end = (bisect.bisect_left(names, edge) for edge in (first, f"{first[:-1]}0"))
            of_recipe |= {name: listed[name] for name in names[start:end]}
        return of_recipe == self.digests(recipe_id)

    def digest(self, recipe_id: str) -> str:
        """One SHA-256 over all evidence of a recipe, which its tables and figures derive from."""
        lines = [f"{name} {digest}\n" for name, digest in self.digests(recipe_id).items()]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _changed(self, now: dict[str, str], listed: dict[str, str]) -> list[str]:
        return [
            f"{self.root / name}: changed since manifest.json was written"
            for name in sorted(now.keys() & listed.keys())
            if now[name] != listed[name]
        ]

    def _missing_or_extra(self, now: Collection[str], listed: Collection[str]) -> list[str]:
        missing, extra = sorted(set(listed) - set(now)), sorted(set(now) - set(listed))
        return [
            *(f"{self.root / name}: missing, but in manifest.json" for name in missing),
            *(f"{self.root / name}: not in manifest.json" for name in extra),
        ]


def _files(folder: Path, start: str) -> Iterator[Path]:
    """What is below a folder with a name that begins so and ends as JSON, file or not."""
    for where, folders, names in os.walk(folder):
        below = Path(where)
        for name in (*names, *folders):
            if name.startswith(start) and name.endswith(".json"):
                yield below / name


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except ZooError as error:
        raise ZooError(f"{error}; {REMEDY}") from None
