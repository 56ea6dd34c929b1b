"""Rows from others: a recipe with its evidence in one folder, which anybody can check.

results/submissions/<id, / as __>/
    submission.json          what was reported, and the SHA-256 of recipe and user's files
    recipes/<id>.yaml        the recipe, and those of its author's that it extends
    imports/<file>.py        the author's files, which register what the recipe names
    runs/ tuning/ manifest.json    the evidence, as `zoo run` wrote it
    retrained.json           runs that were trained again, once there are any

Whoever looks at a submission runs no code of its author; who trains its runs again does.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from zoo import recipe as recipes
from zoo.errors import Place, ZooError, mistake
from zoo.evidence.store import Store
from zoo.files import each_key_once, is_there, read_bytes, unwritable, write_whole
from zoo.recipe import Recipe, yaml_places
from zoo.recipe.finding import root_of
from zoo.recipe.schema import BENCHMARK
from zoo.recipe.values import Strict
from zoo.results import leaderboard
from zoo.results.columns import Row

Status = Literal["self-reported", "recomputed", "re-trained", "refuted"]
MEANING: dict[Status, str] = {
    "self-reported": "of another version of the benchmark, which cannot be computed here",
    "recomputed": "rows computed here, from the author's records",
    "re-trained": "and runs drawn by lot were trained again here, and agree",
    "refuted": "a run that was trained again came out as another",
}


class Retrained(Strict):
    """A run that was trained again.

    Attributes:
        arm: its name.
        seed: of the run.
        state: as `zoo.evidence.agreement` has it.
        environment: where it was trained again.
    """

    arm: str
    seed: int
    state: Literal["equal", "within tolerance", "differs"]
    environment: dict[str, Any]


class Reported(Strict):
    """What submission.json holds.

    Attributes:
        benchmark: its version.
        recipe: the id.
        imports: the names of the author's files.
        digests: the SHA-256 of each file of recipes/ and imports/, by its path.
        rows: as the author's zoo computed them; newer ones may have more columns.
    """

    benchmark: str
    recipe: str
    imports: list[str]
    digests: dict[str, str]
    rows: list[dict[str, Any]]


_RETRAINED = TypeAdapter(list[Retrained])


@dataclass(frozen=True)
class Submission:
    """A folder of results/submissions/, read.

    Attributes:
        folder: it.
        recipe: None of a benchmark that is not this one.
        rows: computed from its records; none of another benchmark.
        reported: what submission.json holds.
        retrained: what was trained again.
    """

    folder: Path
    recipe: Recipe | None
    rows: Sequence[Row]
    reported: Reported
    retrained: Sequence[Retrained]

    @property
    def status(self) -> Status:
        """How far it has been checked."""
        if any(run.state == "differs" for run in self.retrained):
            return "refuted"
        if self.recipe is None:
            return "self-reported"
        return "re-trained" if self.retrained else "recomputed"


# ---------------------------------------------------------------- packing


def pack(recipe: Recipe, path: Path, imports: Sequence[Path], evidence: Path, into: Path) -> Path:
    """Makes a submission's folder, whole or not at all.

    Args:
        recipe: loaded from `path`, without settings.
        path: its file.
        imports: the author's files, as `zoo run --import` took them.
        evidence: the folder that `zoo run` wrote.
        into: the folder of submissions.

    Returns:
        The folder.

    Raises:
        ZooError: for a recipe of the zoo's own, if the evidence carries no verdicts, if the files
            are others than the records say, or if there is such a submission already.
    """
    folder = into / recipe.id.replace("/", "__")
    if recipe.id in recipes.available():
        raise ZooError(f"{path}: {recipe.id} is a recipe of the zoo: give yours another name")
    if is_there(folder):
        raise ZooError(f"{folder}: is there already: remove it to submit {recipe.id} anew")
    store = Store(evidence)
    if unlike := store.manifest.unlike():
        raise ZooError(unlike[0])
    rows = leaderboard.rows(recipe, store)
    if lacking := [f"{row.arm}: {row.lacking}" for row in rows if row.lacking and row.against]:
        raise ZooError(f"{evidence}: {recipe.id}: no verdict on {lacking[0]}")
    files = {f"recipes/{name}": text for name, text in _recipe_files(path).items()}
    files |= {f"imports/{file.name}": read_bytes(file) for file in imports}
    _require_imports(recipe, store, files)
    temporary = into / f".{folder.name}"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        for name, data in files.items():
            write_whole(temporary / name, data)
        for kind in ("runs", "tuning"):
            if (source := evidence / kind / recipe.id).is_dir():
                shutil.copytree(source, temporary / kind / recipe.id)
        Store(temporary).manifest.write()
        reported = Reported(
            benchmark=BENCHMARK,
            recipe=recipe.id,
            imports=[file.name for file in imports],
            digests={name: _digest(data) for name, data in files.items()},
            rows=[row.as_dict() for row in rows],
        )
        text = json.dumps(reported.model_dump(), indent=1, allow_nan=False) + "\n"
        write_whole(temporary / "submission.json", text)
        temporary.rename(folder)
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _recipe_files(path: Path) -> dict[str, bytes]:
    """A recipe's file and, of its author's, the one it extends, by their path below recipes/."""
    root = root_of(path) or path.resolve().parent
    files = [path.resolve()]
    parent = yaml_places.read(path).values.get("extends")
    if parent is not None and parent in (beside := recipes.available(root)):
        files.append(beside[parent].resolve())
    return {file.relative_to(root).as_posix(): read_bytes(file) for file in files}


def _require_imports(recipe: Recipe, store: Store, files: dict[str, bytes]) -> None:
    """The records keep the digests of the files that they were made with."""
    prefix = "imports/"
    given = {
        name.removeprefix(prefix): _digest(data)
        for name, data in files.items()
        if name.startswith(prefix)
    }
    for arm in recipe.arms.values():
        for record in store.records(arm).values():
            used = record.environment.get("imports") or {}
            if used != given:
                names = sorted(
                    name for name in {*used, *given} if used.get(name) != given.get(name)
                )
                raise ZooError(
                    f"{store.root}: {arm.id}: made with other files than --import gives: "
                    f"{', '.join(names)}"
                )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# ---------------------------------------------------------------- reading


def folders(into: Path) -> list[Path]:
    """The folders of all submissions, in order."""
    if not is_there(into):
        return []
    return sorted(path for path in into.iterdir() if path.is_dir() and path.name[0] != ".")


def read(folder: Path) -> Submission:
    """A submission, with its rows computed anew.

    Raises:
        ZooError: if it is not what it says: a file was changed, its records contradict the recipe,
            or the rows that come of them are not those that were reported.
    """
    reported = _reported(folder)
    for name in reported.digests:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ZooError(f"{folder / 'submission.json'}: {name}: not a path in the folder")
    now = {name: _digest(read_bytes(folder / name)) for name in reported.digests}
    for name, digest in reported.digests.items():
        if now[name] != digest:
            raise ZooError(f"{folder / name}: changed since it was submitted")
    retrained = _retrained(folder)
    if reported.benchmark != BENCHMARK:
        return Submission(folder, None, [], reported, retrained)
    store = Store(folder)
    if unlike := store.manifest.differences():
        raise ZooError(unlike[0])
    recipe = recipes.load(folder / "recipes" / f"{reported.recipe}.yaml")
    rows = leaderboard.rows(recipe, store)
    said = {row.get("arm"): row for row in reported.rows}
    for row in rows:
        now_said = {**row.as_dict(), **said.get(row.arm, {"arm": None})}
        if any(now_said[key] != value for key, value in row.as_dict().items()):
            raise ZooError(f"{folder}: {row.arm}: reported is another row than the records give")
    if len(said) != len(rows):
        raise ZooError(f"{folder}: {len(said)} rows reported, the records give {len(rows)}")
    return Submission(folder, recipe, rows, reported, retrained)


def _reported(folder: Path) -> Reported:
    path = folder / "submission.json"
    try:
        values = json.loads(read_bytes(path), object_pairs_hook=each_key_once)
        return Reported.model_validate(values)
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(map(str, detail["loc"]))
        raise ZooError(mistake(Place(str(path)), where, detail["msg"])) from None
    except ValueError as error:
        raise ZooError(f"{path}: {error}") from None


def _retrained(folder: Path) -> list[Retrained]:
    path = folder / "retrained.json"
    if not is_there(path):
        return []
    try:
        return _RETRAINED.validate_json(read_bytes(path))
    except ValidationError as error:
        raise ZooError(mistake(Place(str(path)), error.errors()[0]["msg"])) from None


def keep(folder: Path, runs: Sequence[Retrained]) -> None:
    """Adds runs that were trained again to a submission; one of a run before stays beside it."""
    every = [run.model_dump() for run in (*_retrained(folder), *runs)]
    lines = ",\n".join(json.dumps(run, allow_nan=False) for run in every)
    write_whole(folder / "retrained.json", f"[\n{lines}\n]\n")
