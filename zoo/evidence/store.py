"""A folder of evidence: run records, tuning runs and the manifest, each file whole or not there.

<root>/runs/<recipe>/<arm>/seed-<k>.json
<root>/tuning/<recipe>/<arm>.json
<root>/prices/<recipe>/steps.json
<root>/manifest.json                      SHA-256 of each of the above
<root>/.lock                              locked by the process that writes them
"""

import contextlib
import functools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from zoo.errors import Place, ZooError, dotted, mistake, shown
from zoo.evidence import consistency
from zoo.evidence.manifest import REMEDY, Manifest
from zoo.evidence.prices import Prices
from zoo.evidence.record import ProbeRecord, RunRecord, TuningRun
from zoo.files import each_key_once, is_there, read_bytes, unwritable, write_whole
from zoo.recipe import Arm, Recipe
from zoo.recipe.schema import BENCHMARK

_KEY_END = re.compile(rb'"\s*:')
_TUNING = TypeAdapter(list[TuningRun])


class Store:
    """Reads and writes a folder of evidence.

    Args:
        root: the folder; it is made when something is written.

    Attributes:
        manifest: of its files.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.manifest = root, Manifest(root)

    @functools.cached_property
    def _lock(self) -> Any:
        from filelock import FileLock  # reading does without it

        return FileLock(self.root / ".lock")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Within it no other process, and no other `Store` of this one, can lock the folder.

        The lock is the operating system's: it ends with its process, however that ends.

        Raises:
            ZooError: if another has it, or the folder cannot be written to.
        """
        from filelock import Timeout

        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except Timeout:
            raise ZooError(
                f"{self.root}: another zoo run writes to this folder: wait for its end, or give "
                "another folder (--out)"
            ) from None
        except OSError as error:
            raise unwritable(self.root, error) from None
        try:
            yield
        finally:
            self._lock.release()

    def record_path(self, arm: Arm, seed: int) -> Path:
        """Where the record of a run is or would be."""
        return self.root / "runs" / arm.recipe / arm.name / f"seed-{seed}.json"

    def _tuning_path(self, arm: Arm) -> Path:
        return self.root / "tuning" / arm.recipe / f"{arm.name}.json"

    def _prices_path(self, recipe: Recipe) -> Path:
        return self.root / "prices" / recipe.id / "steps.json"

    def log_path(self, arm: Arm, seed: int) -> Path:
        """Where the traceback of a failed run is kept."""
        return self.root / "logs" / arm.recipe / arm.name / f"seed-{seed}.log"

    # ------------------------------------------------------------ writing

    def prepare(self) -> None:
        """Makes the folder, so that one that cannot be written to is found before the training.

        Raises:
            ZooError: if it cannot.
        """
        probe = self.root / "runs" / ".writable"
        write_whole(probe, "")
        probe.unlink()

    def write_record(self, arm: Arm, record: RunRecord) -> None:
        """Keeps a run."""
        values = record.model_dump(by_alias=True) | {"probe": record.probe.compact()}
        text = json.dumps(values, allow_nan=False, separators=(",", ": "))
        write_whole(self.record_path(arm, record.seed), text + "\n")

    def write_tuning(self, arm: Arm, runs: Sequence[TuningRun]) -> None:
        """Keeps the learning-rate search of an arm as far as it has come."""
        ordered = sorted(runs, key=lambda run: (run.learning_rate, run.seed))
        lines = ",\n".join(json.dumps(run.model_dump(), allow_nan=False) for run in ordered)
        write_whole(self._tuning_path(arm), f"[\n{lines}\n]\n")

    def write_prices(self, recipe: Recipe, prices: Prices) -> None:
        """Keeps what a step of each arm costs."""
        text = json.dumps(prices.model_dump(), indent=0, allow_nan=False) + "\n"
        write_whole(self._prices_path(recipe), text)

    def forget(self, arm: Arm, seeds: Iterable[int]) -> None:
        """Strikes an arm's search and some runs, which will be made anew, off the manifest."""
        runs = (self.record_path(arm, seed) for seed in seeds)
        self.manifest.strike([self._tuning_path(arm), *runs])

    # ------------------------------------------------------------ reading

    def records(self, arm: Arm) -> dict[int, RunRecord]:
        """The runs of an arm, by seed.

        Raises:
            ZooError: for a file that is damaged, or not of this arm as the recipe has it now.
        """
        by_seed: dict[int, RunRecord] = {}
        folder = self.root / "runs" / arm.recipe / arm.name
        paths = folder.glob("seed-*.json") if is_there(folder) else ()
        for path in sorted(paths, key=lambda path: (len(path.name), path.name)):
            record = _validated(path, RunRecord.model_validate)
            _refuse_other_benchmark(path, record.benchmark)
            expected = {"recipe": arm.recipe, "arm": arm.name, "arm_sha256": arm.sha256}
            for field, value in expected.items():
                if getattr(record, field) != value:
                    raise _foreign(path, field, getattr(record, field), value)
            if path.name != f"seed-{record.seed}.json":
                raise _foreign(path, "seed", record.seed, path.stem)
            _refuse_rate_off_the_grid(path, arm, record.learning_rate)
            if wrong := consistency.contradiction(arm, record):
                raise ZooError(f"{path}: {wrong}; {REMEDY}")
            probed = [other.probe for other in by_seed.values() if other.probe.steps]
            if record.probe.steps and probed and not _alike(record.probe, probed[0]):
                reason = "of other layers or times than the arm's other runs"
                raise ZooError(f"{path}: probe: {reason}; {REMEDY}")
            by_seed[record.seed] = record
        return by_seed

    def tuning(self, arm: Arm) -> list[TuningRun]:
        """The learning-rate search of an arm, as far as it has come; errors as in `records`."""
        path = self._tuning_path(arm)
        if not is_there(path):
            return []
        runs: list[TuningRun] = _validated(path, _TUNING.validate_python)
        for run in runs:
            _refuse_other_benchmark(path, run.benchmark)
            if run.arm_sha256 != arm.sha256:
                raise _foreign(path, "arm_sha256", run.arm_sha256, arm.sha256)
            _refuse_rate_off_the_grid(path, arm, run.learning_rate)
            if wrong := consistency.contradiction_in_search(arm, run):
                where = f"seed {run.seed} at {run.learning_rate}"
                raise ZooError(f"{path}: {where}: {wrong}; {REMEDY}")
        return runs

    def prices(self, recipe: Recipe) -> dict[str, float]:
        """The seconds that a step of each arm costs, by name; empty if they were not measured.

        Raises:
            ZooError: for a file that is damaged, or not of these arms as the recipe has them now.
        """
        path = self._prices_path(recipe)
        if not is_there(path):
            return {}
        prices: Prices = _validated(path, Prices.model_validate)
        _refuse_other_benchmark(path, prices.benchmark)
        for name, arm in recipe.arms.items():
            if prices.arm_sha256.get(name, arm.sha256) != arm.sha256:
                raise _foreign(path, "arm_sha256", prices.arm_sha256[name], arm.sha256)
        return prices.seconds_per_step

    def recipes(self) -> list[str]:
        """As those of the manifest."""
        return self.manifest.recipes()

    def strange_arms(self, recipe: Recipe) -> list[str]:
        """Arms that have evidence here and are none of a recipe's."""
        runs, tuning = self.root / "runs" / recipe.id, self.root / "tuning" / recipe.id
        arms = {path.parent.name for path in runs.glob("*/seed-*.json")}
        arms |= {path.stem for path in tuning.glob("*.json")}
        return sorted(arms - set(recipe.names))


def _validated(path: Path, validate: Any) -> Any:
    """What a JSON file holds, or a line that names the file and the field that is wrong.

    Pydantic takes the last of several values of one key: such a file is refused.
    """
    try:
        data = read_bytes(path)
    except ZooError as error:
        raise ZooError(f"{error}; {REMEDY}") from None
    try:
        values = from_json(data, allow_inf_nan=False)
        # Each key ends so; a text that does may be in a value too.
        if len(_KEY_END.findall(data)) != _keys(values):
            json.loads(data, object_pairs_hook=each_key_once, parse_int=str)
        return validate(values)
    except ValidationError as error:
        detail = error.errors()[0]
        field = [dotted(detail["loc"])] if detail["loc"] else []
        message = detail["msg"].removeprefix("Value error, ")
        raise ZooError(mistake(Place(str(path)), *field, f"{message}; {REMEDY}")) from None
    except ValueError as error:  # of `from_json` and of `each_key_once`
        raise ZooError(f"{path}: {error}; {REMEDY}") from None


def _keys(value: Any) -> int:
    """How many keys a value of JSON has; of a list's items, where the first has some."""
    if isinstance(value, dict):
        return len(value) + sum(_keys(v) for v in value.values() if type(v) in (dict, list))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return sum(map(_keys, value))
    return 0


def _alike(one: ProbeRecord, other: ProbeRecord) -> bool:
    return one.layers == other.layers and one.times == other.times


def _refuse_other_benchmark(path: Path, benchmark: str) -> None:
    if benchmark != BENCHMARK:
        raise ZooError(
            f"{path}: benchmark: {shown(benchmark)}, this zoo's protocol and recipes are "
            f"{BENCHMARK!r}: remove the file and run again, or use another folder"
        )


def _refuse_rate_off_the_grid(path: Path, arm: Arm, rate: float) -> None:
    if rate not in arm.spec.training.learning_rate:
        raise ZooError(
            f"{path}: learning_rate: {rate} is not in the grid of {arm.id}: remove the file, and "
            "run again"
        )


def _foreign(path: Path, field: str, value: Any, expected: Any) -> ZooError:
    if field == "arm_sha256":
        return ZooError(
            f"{path}: arm_sha256: made with other settings than the recipe has now; "
            "give the same --set, or use another folder"
        )
    return ZooError(f"{path}: {field}: {shown(value)} where {expected!r} belongs; remove the file")
