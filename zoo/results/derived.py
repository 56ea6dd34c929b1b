"""Every file that is derived from a folder of evidence: tables, figures, the README's rows."""

from collections.abc import Iterator
from pathlib import Path

from zoo.evidence.store import Store
from zoo.files import write_whole
from zoo.recipe import Recipe
from zoo.results import figures, leaderboard, tables
from zoo.results.folder import FOLDER, derivation
from zoo.results.published import recipes_in

# What the README shows of the first recipe stands between these.
_START, _END = "<!-- made by scripts/reference.py -->", "<!-- end -->"

_HEADING = """# Leaderboard

Derived from the run records in this folder by `scripts/reference.py`; `zoo leaderboard --check`
recomputes it. What a row means, and what it does not, is in the [README](../README.md).

"""


def derived(folder: Path) -> Iterator[tuple[Path, str]]:
    """The path and text of each table that follows from the evidence in a folder."""
    store = Store(folder)
    boards = [(recipe, leaderboard.rows(recipe, store)) for recipe in recipes_in(store)]
    rows = tables.as_json([row for _, rows in boards for row in rows])
    yield folder / "leaderboard.json", rows
    yield folder / "derived.json", derivation(folder, rows)
    sections = [
        tables.markdown(recipe, rows) + _pictures(folder, recipe) for recipe, rows in boards
    ]
    shown = {column for _, rows in boards for column in tables.columns(rows)}
    legend = f"{tables.legend(shown)}\n\n{_figures_legend()}"
    yield folder / "LEADERBOARD.md", _HEADING + legend + "\n\n" + "\n".join(sections)
    readme = folder.parent / "README.md"
    text = readme.read_text(encoding="utf-8") if folder == FOLDER and readme.is_file() else ""
    if boards and _START in text:
        before, _, rest = text.partition(_START)
        after = rest.partition(_END)[2]
        table = tables.markdown(*boards[0]).partition("\n\n")[2]
        yield readme, f"{before}{_START}\n\n{table}\n{_END}{after}"


def _figures_legend() -> str:
    """How the figures are to be read."""
    lines = [
        "In the figures a line is the median of the seeds, its band the middle 80 % of them. An "
        "arm has one colour and one dash everywhere, the baseline the heavy neutral line.",
        "",
        *(f"- **{name}**: {figures.HOW_TO_READ[name]}" for name in figures.FIGURES),
    ]
    return "\n".join(lines)


def _pictures(folder: Path, recipe: Recipe) -> str:
    paths = [path.relative_to(folder).as_posix() for path in figures.paths(folder, recipe)]
    return (
        "\n" + "\n".join(f"![{recipe.title}: {Path(path).stem}]({path})" for path in paths) + "\n"
    )


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes the manifest, the tables and the figures of a folder of evidence."""
    store = Store(folder)
    store.write_manifest()
    written = [path for recipe in recipes_in(store) for path in figures.draw(recipe, store)]
    for path, text in derived(folder):
        write_whole(path, text)
        written.append(path)
    return written
