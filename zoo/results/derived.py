"""Every file that is derived from a folder of evidence: tables, figures, the README's rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.evidence.manifest import Manifest
from zoo.evidence.store import Store
from zoo.files import is_there, write_whole
from zoo.recipe import Recipe
from zoo.results import (
    claims,
    columns,
    figures,
    leaderboard,
    overview,
    overview_table,
    second,
    sensitivity,
    submissions,
    tables,
)
from zoo.results.columns import Row
from zoo.results.figures import Plot
from zoo.results.folder import DIGESTS, END, FOLDER, METHOD, README, START, derivation
from zoo.results.overview import Line
from zoo.results.published import recipes_in

SHOWN = "digits/activation"  # the recipe that stands in the README

_HEADING = """# Leaderboard

Derived from the run records in this folder by `scripts/reference.py`; `zoo leaderboard --check`
recomputes it. What a row means, and what it does not, is in the [README](../README.md).

"""

_CLAIMS_HEADING = """# Claims

What is said of the mitigations, beside what the evidence in this folder says: derived from
`claims.yaml` and the [leaderboard](LEADERBOARD.md) by `scripts/reference.py`. A claim is reproduced
where all of its checks hold, on these networks, data and budgets; (✗) marks a check that does not.
A verdict comes from ten paired seeds; numbers compared without one are marked by their column.

"""


@dataclass(frozen=True)
class Derived:
    """What follows from the evidence in a folder.

    Attributes:
        folder: it.
        texts: tables and lists, by their path from the folder.
        plots: the numbers of each figure, likewise.
    """

    folder: Path
    texts: Mapping[str, str]
    plots: Mapping[str, Plot]

    def files(self) -> Iterator[tuple[Path, str]]:
        """The path and text of each file but the figures, the digests of all last."""
        yield from ((self.folder / name, text) for name, text in self.texts.items())
        of_plots = {name: plot.digest for name, plot in self.plots.items()}
        yield self.folder / DIGESTS, derivation(self.folder, self.texts, of_plots)


def derive(folder: Path) -> Derived:
    """Computes tables and figures from the evidence in a folder.

    Raises:
        ZooError: if something in it is damaged, or belongs to other recipes.
    """
    store, boards, lines, targets = Store(folder), [], [], []
    plots: dict[str, Plot] = {}
    for recipe in recipes_in(store):
        of_arms = leaderboard.evidence(recipe, store)
        compared = leaderboard.judged(recipe, store, of_arms)
        boards.append((recipe, [columns.row(each) for each in compared]))
        lines += overview.lines(compared, boards[-1][1])
        targets += sensitivity.sensitivity(recipe, of_arms)
        paths = (_from(folder, path) for path in figures.paths(folder, recipe))
        plots |= dict(zip(paths, figures.plots_of(recipe, of_arms), strict=True))
    if ratios := overview.times_best(lines):
        plots[_from(folder, figures.profile_path(folder))] = figures.profile(ratios)
    texts = _tables(folder, boards, lines, plots)
    if boards and folder == FOLDER:
        shown_first = next((of for of in boards if of[0].id == SHOWN), boards[0])
        table = tables.markdown(*shown_first, "results/runs").partition("\n\n")[2]
        brief = f"{overview_table.short(lines)}\n{overview_table.SHORT_LEGEND}"
        shown = {README: f"{brief}\n\n{table}", METHOD: sensitivity.markdown(targets)}
        if repeated := _repeated(folder, [recipe for recipe, _ in boards]):
            shown[METHOD] += f"\n{second.markdown(repeated, second.lot(folder))}"
        texts |= {name: _with_part(folder / name, part) for name, part in shown.items()}
    return Derived(folder, texts, plots)


def _repeated(folder: Path, chosen: Sequence[Recipe]) -> list[second.Repeated]:
    again = Store(second.folder_of(folder))
    if not is_there(again.root):
        return []
    if unlike := again.manifest.differences():
        raise ZooError(unlike[0])
    store = Store(folder)
    return [each for recipe in chosen for each in second.repeated(recipe, store, again)]


def _tables(
    folder: Path,
    boards: Sequence[tuple[Recipe, list[Row]]],
    lines: Sequence[Line],
    plots: Mapping[str, Plot],
) -> dict[str, str]:
    every = [row for _, rows in boards for row in rows]
    parts = [overview_table.markdown(lines), overview_table.LEGEND]
    if (path := _from(folder, figures.profile_path(folder))) in plots:
        parts += [_picture("Which mitigations are near the best", path)]
        parts += [f"- **profile**: {figures.HOW_TO_READ['profile']}"]
    meanings = tables.legend({heading for _, rows in boards for heading in tables.columns(rows)})
    parts += ["## All arms", meanings, _figures_legend()]
    for recipe, rows in boards:
        names = [_from(folder, path) for path in figures.paths(folder, recipe)]
        pictures = [_picture(f"{recipe.title}: {Path(name).stem}", name) for name in names]
        parts += [tables.markdown(recipe, rows, "runs"), "\n".join(pictures)]
    others = [submissions.read(path) for path in submissions.folders(folder / "submissions")]
    if others:
        parts += [_SUBMISSIONS_HEADING, *map(_submission, others)]
    texts = {
        "leaderboard.json": tables.as_json(every),
        "overview.json": overview_table.as_json(lines),
        "LEADERBOARD.md": _HEADING + "\n\n".join(part.strip() for part in parts) + "\n",
    }
    if (ledger := folder / "claims.yaml").is_file():
        of_claims = claims.judged(claims.read(ledger), every)
        texts["CLAIMS.md"] = _CLAIMS_HEADING + claims.markdown(of_claims)
    return texts


def _from(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _picture(words: str, path: str) -> str:
    return f"![{words}]({path})"


def _with_part(path: Path, part: str) -> str:
    """A text that people write, with its derived part."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    return f"{before}{START}\n\n{part}\n{END}{rest.partition(END)[2]}"


_SUBMISSIONS_HEADING = "## Rows from others\n\n" + "\n".join(
    f"- **{status}**: {meaning}" for status, meaning in submissions.MEANING.items()
)


def _submission(of: submissions.Submission) -> str:
    """A section of Markdown: what was submitted, how far it was checked, and its rows."""
    link = f"[evidence](submissions/{of.folder.name})"
    if of.recipe is None:
        said = f"of benchmark {of.reported.benchmark}, {len(of.reported.rows)} rows"
        return f"### {of.reported.recipe}\n\n**{of.status}**, {said}: {link}"
    again = [f"{run.arm}, seed {run.seed}: {run.state}" for run in of.retrained]
    checked = f"**{of.status}**" + (f" ({'; '.join(again)})" if again else "")
    head, _, table = tables.markdown(
        of.recipe, of.rows, f"submissions/{of.folder.name}/runs"
    ).partition("\n\n")
    return f"{head}\n\n{checked}: {link}\n\n{table}"


def _figures_legend() -> str:
    """How the figures are to be read."""
    lines = [
        "In the figures a line is the median of the seeds, its band the middle 80 % of them. An "
        "arm has one colour and one dash everywhere, the baseline the heavy neutral line.",
        "",
        *(f"- **{name}**: {figures.HOW_TO_READ[name]}" for name in figures.FIGURES),
    ]
    return "\n".join(lines)


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes the manifest, the tables and the figures of a folder of evidence."""
    Manifest(folder).write()
    result = derive(folder)
    written = []
    for name, plot in result.plots.items():
        written.append(folder / name)
        if not figures.shows(folder / name, plot):
            write_whole(folder / name, figures.svg(plot))
    for path, text in result.files():
        written.append(path)
        write_whole(path, text)
    return written
