"""The command that says why a model does not learn."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.arguments import imports_, warn
from zoo.cli.terminal import Careful, width

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.diagnosis.report import Report
    from zoo.diagnosis.verdict import Verdict


@click.command(cls=Careful)
@click.argument("model", metavar="MODEL.keras", type=click.Path(path_type=Path))
@click.option("--data", "source", metavar="FILE.npz|NAME", required=True, help="Arrays x and y.")
@click.option("--loss", metavar="NAME", help="By default what the model was compiled with.")
@click.option("--optimizer", metavar="NAME", help="The same.")
@click.option("--steps", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one object instead.")
@click.option("--figure", metavar="FILE", type=click.Path(path_type=Path), help="Draw it, too.")
@imports_
def diagnose(
    model: Path,
    source: str,
    loss: str | None,
    optimizer: str | None,
    steps: int,
    as_json: bool,
    figure: Path | None,
    imports: Sequence[Path],
) -> None:
    """Say why a model does not learn, and what to try first.

    MODEL.keras is what model.save writes. It is trained for some steps on a copy.
    """
    from zoo import keras_setup

    keras_setup.load_tensorflow()
    from rich.console import Console

    from zoo.diagnosis import opening
    from zoo.diagnosis.diagnose import diagnose as diagnosed
    from zoo.parts import user_files

    for file in imports:
        user_files.import_file(file)
    warn([f"{model}: {opening.UNTRUSTED}"])
    opened = opening.model(model)
    x, y = opening.data(source, opened)
    with Console(stderr=True).status("the model") as status:
        report = diagnosed(
            opened,
            x,
            y,
            loss,
            optimizer=optimizer,
            steps=steps,
            say=lambda what: status.update(what),
        )
    if figure is not None:
        report.save_figure(figure)
    if as_json:
        print(report.to_json())
        return
    _print(report, Console(file=sys.stdout, width=min(width(), 100), highlight=False))


def _print(report: "Report", console: "Console") -> None:
    console.print(report.conclusion, markup=False, style="bold")
    if report.table:
        console.print()
        print(report.table)
    for number, verdict in enumerate(report.symptoms, 1):
        console.print()
        _verdict(report, console, f"{number}", verdict)
    for verdict in report.notes:
        console.print()
        _verdict(report, console, "note", verdict)
    nearest = report.nearest
    if nearest and any(report.cures(verdict) for verdict in report.symptoms):
        console.print()
        console.print(nearest, markup=False)


def _verdict(report: "Report", console: "Console", mark: str, verdict: "Verdict") -> None:
    sure = f" ({verdict.sure})" if verdict.alarm else ""
    _line(console, f"{mark}  ", f"{verdict.symptom}: {verdict.place}{sure}")
    indent = " " * (len(mark) + 2)
    _line(console, indent, f"{verdict.because}.")
    _line(console, indent, f"healthy: {verdict.healthy}.")
    if verdict.repair:
        _line(console, indent, f"write: {verdict.repair}")
    for cure in report.cures(verdict):
        _line(console, indent, f"try: {'; '.join(cure.lines)}")
        _line(console, f"{indent}     ", str(cure))


def _line(console: "Console", indent: str, text: Any) -> None:
    import textwrap

    lines = textwrap.wrap(
        text,
        console.width,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    console.print("\n".join(lines), markup=False, soft_wrap=True)
