"""What there is: recipes, their arms and differences, as tables and YAML for people."""

import fnmatch
import functools
import importlib.util
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import yaml

from zoo.data import folders, names
from zoo.errors import ZooError
from zoo.recipe import finding
from zoo.recipe.summary import summary
from zoo.results.folder import committed

if TYPE_CHECKING:
    from zoo.pretrained.listing import Known
    from zoo.recipe import Recipe


def recipes(pattern: str, width: int) -> str:
    """The recipes whose ids match a glob: arms, the baseline with a star, and evidence.

    Raises:
        ZooError: if none matches.
    """
    known = finding.available()
    ids = fnmatch.filter(known, pattern)
    if not ids:
        finding.find([pattern])  # says which ids are near
    seeds: dict[str, list[int]] = {}  # of each arm that has evidence
    for row in committed():
        seeds.setdefault(row["recipe"], []).append(row["seeds"])
    lines = []
    for recipe_id in ids:
        outline = summary(recipe_id, known)
        arms = ", ".join(f"{arm}*" if arm == outline.baseline else arm for arm in outline.arms)
        of_arms = seeds.get(recipe_id, [])
        evidence = f"{max(of_arms)} seeds" if of_arms else "none"
        if of_arms and len(of_arms) < len(outline.arms):
            evidence += f", {len(of_arms)} of {len(outline.arms)} arms"
        if not of_arms and not _on_disk(outline.data):
            evidence = "none: needs the network"
        lines.append((recipe_id, arms, evidence))
    return _table(("recipe", "arms", "evidence"), lines, width, wrapped=1)


def data_sets(width: int) -> str:
    """The data sets of the zoo, of its recipes and of this machine, and whether they are here."""
    made_here = [name for name in names.LOCAL if not names.takes_length(name)]
    wanted: dict[str, list[str]] = {name: [] for name in made_here}
    known = finding.available()
    for recipe_id in known:
        wanted.setdefault(summary(recipe_id, known).data, []).append(recipe_id)
    for path in folders.prepared().glob("*/**/dataset_info.json"):
        wanted.setdefault(path.relative_to(folders.prepared()).parts[0], [])
    lines = [
        (name, _here(name), ", ".join(each.rpartition("/")[2] for each in recipe_ids))
        for name, recipe_ids in wanted.items()
    ]
    return _table(("data set", "here", "recipes"), lines, width, wrapped=2)


def models(known: "Sequence[Known]", width: int) -> str:
    """Pretrained models: how large they are, how good on the test split, and where they are."""
    numbers = [
        (
            "" if model.parameters is None else f"{model.parameters:,}",
            ", ".join(
                f"{name.removeprefix('test_')} {value:.4g}" for name, value in model.metrics.items()
            ),
            "" if model.size is None else size(model.size),
        )
        for model in known
    ]
    headings = ("parameters", "test", "size")
    longest = [max(map(len, column)) for column in zip(headings, *numbers, strict=True)]
    lines = [
        (
            model.id,
            cells[0].rjust(longest[0]),
            cells[1],
            cells[2].rjust(longest[2]),
            model.where or "–",
        )
        for model, cells in zip(known, numbers, strict=True)
    ]
    return _table(("model", *headings, "where"), lines, width, wrapped=0)


def size(count: int) -> str:
    """Bytes as people write them: 81 kB."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.3g} kB" if count < 999_500 else f"{count / 1e6:.3g} MB"


def _table(
    headings: tuple[str, ...], lines: Sequence[tuple[str, ...]], width: int, wrapped: int
) -> str:
    """A table of plain text, one of whose columns wraps at words; hundreds of lines in a moment."""
    sizes = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    room = max(20, width - sum(sizes) + sizes[wrapped] - 2 * (len(sizes) - 1))
    sizes[wrapped] = min(sizes[wrapped], room)
    text = []
    for line in (headings, tuple("─" * size for size in sizes), *lines):
        parts = textwrap.wrap(line[wrapped], sizes[wrapped]) or [""]
        for number, part in enumerate(parts):
            cells = ["" if number else cell for cell in line]
            cells[wrapped] = part
            text.append(
                "  ".join(
                    f"{cell:{size}}" for cell, size in zip(cells, sizes, strict=True)
                ).rstrip()
            )
    return "\n".join(text)


@functools.cache
def _on_disk(name: str) -> bool:
    """Whether a set can be had without the network, if the package that it comes with is here."""
    name = name.removesuffix(names.ROWS)
    return (
        names.local(name) is not None
        or _decoded(name)
        or any((folders.prepared() / name).glob("**/dataset_info.json"))
    )


def _decoded(name: str) -> bool:
    whole = folders.of_set(name).is_dir()
    return whole and (folders.place(name, None, None) / "set.json").is_file()


def _here(name: str) -> str:
    name = name.removesuffix(names.ROWS)
    if not _on_disk(name):
        return "no: needs the network, or its files in ZOO_MANUAL_DIR"
    if names.local(name) is None:
        return "yes, decoded" if _decoded(name) else "yes"
    if name not in names.LOCAL:
        return "yes, made when asked for"
    package = names.package(name)
    installed = not package or importlib.util.find_spec(package) is not None
    return "yes" if installed else "needs the extra: pip install 'gradient-zoo[data]'"


def data_folders() -> str:
    """The folders of data, and the variable that names each."""
    rows = [
        ("decoded arrays", folders.decoded(), "ZOO_CACHE_DIR"),
        ("prepared by tensorflow-datasets", folders.prepared(), "TFDS_DATA_DIR"),
        ("files brought by hand", folders.brought() or "none", "ZOO_MANUAL_DIR"),
    ]
    return "".join(f"{what:32}{place}  ({variable})\n" for what, place, variable in rows)


def recipe(loaded: "Recipe", arm: str | None = None) -> str:
    """A recipe as resolved, in YAML: the baseline in full, then what each arm changes.

    Args:
        loaded: the recipe.
        arm: show this arm in full instead.

    Raises:
        ZooError: if the recipe has no such arm.
    """
    from zoo.recipe.values import written

    if arm is not None and arm not in loaded.arms:
        raise ZooError(f"{loaded.id}: no arm {arm}; arms: {', '.join(loaded.arms)}")
    shown = loaded.arms[arm or loaded.baseline]
    takes = "not measured" if loaded.minutes is None else f"{loaded.minutes:g} minutes on 2 cores"
    parts: list[tuple[dict[str, Any], bool | None]] = [
        ({"id": shown.id, "title": loaded.title, "claim": loaded.claim, "takes": takes}, False),
        (written(shown.spec), None),
    ]
    if arm is not None:
        parts.append(({"against": shown.against, "changes": shown.changes}, None))
    else:
        arms = {name: other.changes for name, other in loaded.arms.items()}
        against = {name: other.against for name, other in loaded.arms.items() if other.against}
        of_others = {name: other for name, other in against.items() if other != loaded.baseline}
        parts.append(({"baseline": loaded.baseline, "against": of_others, "arms": arms}, None))
    return "\n".join(
        yaml.safe_dump(
            part, sort_keys=False, width=100, default_flow_style=flow, allow_unicode=True
        )
        for part, flow in parts
    )
