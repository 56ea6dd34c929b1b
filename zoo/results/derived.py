"""Every file that is derived from a folder of evidence: tables, figures, the README's rows."""

from collections.abc import Iterator
from pathlib import Path

from zoo.evidence.store import Store
from zoo.files import write_whole
from zoo.recipe import Recipe
from zoo.results import (
    claims,
    columns,
    figures,
    leaderboard,
    overview,
    overview_table,
    sensitivity,
    submissions,
    tables,
)
from zoo.results.folder import DIGESTS, END, FOLDER, METHOD, README, START, derivation
from zoo.results.published import recipes_in

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


def derived(folder: Path) -> Iterator[tuple[Path, str]]:
    """The path and text of each table that follows from the evidence in a folder."""
    texts = _texts(folder)
    yield from ((folder / name, text) for name, text in texts.items())
    yield folder / DIGESTS, derivation(folder, texts)


def _texts(folder: Path) -> dict[str, str]:
    """The texts, by their path from the folder."""
    store = Store(folder)
    boards, lines = [], []
    for recipe in recipes_in(store):
        compared = leaderboard.comparisons(recipe, store)
        boards.append((recipe, [columns.row(each) for each in compared]))
        lines += overview.lines(compared, boards[-1][1])
    every = [row for _, rows in boards for row in rows]
    sections = [
        tables.markdown(recipe, rows) + _pictures(folder, recipe) for recipe, rows in boards
    ]
    first, legend = overview_table.markdown(lines), overview_table.LEGEND
    meanings = tables.legend({heading for _, rows in boards for heading in tables.columns(rows)})
    parts = (first, legend, "## All arms", meanings, *sections)
    others = [submissions.read(path) for path in submissions.folders(folder / "submissions")]
    if others:
        parts = (*parts, _SUBMISSIONS_HEADING, *map(_submission, others))
    texts = {
        "leaderboard.json": tables.as_json(every),
        "overview.json": overview_table.as_json(lines),
        "LEADERBOARD.md": _HEADING + "\n\n".join(part.strip() for part in parts) + "\n",
    }
    if (ledger := folder / "claims.yaml").is_file():
        judged = claims.judged(claims.read(ledger), every)
        texts["CLAIMS.md"] = _CLAIMS_HEADING + claims.markdown(judged)
    if boards and folder == FOLDER:
        table = tables.markdown(*boards[0]).partition("\n\n")[2]
        brief = f"{overview_table.short(lines)}\n{overview_table.SHORT_LEGEND}"
        targets = [each for recipe, _ in boards for each in sensitivity.sensitivity(recipe, store)]
        shown = {README: f"{brief}\n\n{table}", METHOD: sensitivity.markdown(targets)}
        texts |= {name: _with_part(folder / name, part) for name, part in shown.items()}
    return texts


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
    head, _, table = tables.markdown(of.recipe, of.rows).partition("\n\n")
    return f"{head}\n\n{checked}: {link}\n\n{table}"


def _pictures(folder: Path, recipe: Recipe) -> str:
    paths = [path.relative_to(folder).as_posix() for path in figures.paths(folder, recipe)]
    return (
        "\n" + "\n".join(f"![{recipe.title}: {Path(path).stem}]({path})" for path in paths) + "\n"
    )


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes the manifest, the tables and the figures of a folder of evidence."""
    store = Store(folder)
    store.manifest.write()
    written = [path for recipe in recipes_in(store) for path in figures.draw(recipe, store)]
    for path, text in derived(folder):
        write_whole(path, text)
        written.append(path)
    return written
