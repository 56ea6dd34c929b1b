"""The command that prints the four steps of one backward pass."""

import math
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.terminal import Careful, width
from zoo.errors import Place, ZooError, mistake, nearest

if TYPE_CHECKING:
    from zoo.diagnosis.explain import Activation, Pass, Training

MOST_LAYERS = 12  # far beyond, the sigmoid's first layer moves by less than float64 resolves
_BAR = 12  # columns of a bar that is full


@click.command(cls=Careful)
@click.option(
    "--activation",
    metavar="NAME",
    default="sigmoid",
    show_default=True,
    help="What stands beside ReLU: sigmoid or tanh.",
)
@click.option(
    "--depth",
    metavar="N",
    type=click.IntRange(1, MOST_LAYERS),
    default=5,
    show_default=True,
    help=f"Hidden layers, 1 to {MOST_LAYERS}.",
)
def explain(activation: str, depth: int) -> None:
    """Print one backward pass, number by number.

    Forward, loss, backward and update of a chain to follow with a pencil, and what comes of it when
    a small network is trained. Every number is computed.
    """
    from rich.console import Console

    from zoo.diagnosis import explain as lesson

    beside = {"sigmoid": lesson.SIGMOID, "tanh": lesson.TANH}
    if activation not in beside:
        why = "stands there anyway" if activation.lower() == "relu" else "is none of the lesson's"
        hint = nearest(activation, beside, f"choose {' or '.join(beside)}")
        raise ZooError(mistake(Place(f"--activation {activation:.40}"), f"{why}; {hint}"))
    both = (beside[activation], lesson.RELU)
    console = Console(file=sys.stdout, width=width(), highlight=False, markup=False)
    example = (lesson.EXAMPLE, lesson.TARGET, lesson.RATE)
    chain = lesson.chain(depth)
    _print_chain(console, both, [lesson.one_pass(each, chain, *example) for each in both])
    _print_network(console, both, [lesson.train(each, lesson.start(each, depth)) for each in both])


def _print_chain(console: Any, both: "Sequence[Activation]", passes: "Sequence[Pass]") -> None:
    """The four steps of a chain, whose matrices are numbers."""
    from zoo.diagnosis.explain import EXAMPLE, RATE, TARGET

    one, other = (each.name for each in both)
    kernels = [f"{kernel.item():.1f}" for kernel in passes[0].kernels]
    layers = _layers(kernels)
    _title(console, "A chain: one unit in each layer, to follow with a pencil", gap=0)
    console.print(f"One example, x = {EXAMPLE.item():g}, whose target is y = {TARGET.item():g}.")
    console.print(f"{one} and {other} have the same weights, near 1 as suits ReLU: only f differs.")

    _title(console, "1 Forward: z = w × a of the layer before, a = f(z); the output is its z")
    columns = [layers, kernels]
    for each in passes:
        columns += [[], _numbers(each.zs), [*_numbers(each.given[1:]), ""]]
    _table(console, ["layer", "w", *_headings(both, "z", "a")], columns)

    _title(console, "2 Loss: L = (output - y)² / 2")
    console.print(_beside(both, [_number(each.loss) for each in passes]))

    _title(console, "3 Backward: dL/dz of the output is output - y; that of every other layer is")
    _title(
        console, "  dL/dz of the layer above it × the w between them × its own slope f'(z)", gap=0
    )
    bars = _bars([[delta.item() for delta in each.deltas[::-1]] for each in passes])
    columns = [layers[::-1], ["", *kernels[:0:-1]]]
    for of, each, bar in zip(both, passes, bars, strict=True):
        slopes = _numbers([of.slope(z) for z in each.zs[-2::-1]])
        columns += [[], ["", *slopes], _numbers(each.deltas[::-1]), bar]
    _table(console, ["layer", "× w", *_headings(both, "× f'(z)", "= dL/dz", _LOG)], columns)
    products = [each.deltas[0].item() / each.deltas[-1].item() for each in passes]
    console.print(f"All factors together: {_beside(both, [_number(each) for each in products])}.")
    console.print(f"The slope of {one} is at most {both[0].steepest:g}, that of {other} 1 or 0.")

    _title(console, f"4 Update: w - {RATE:g} × dL/dw, where dL/dw = dL/dz × a of the layer before")
    columns = [layers, kernels]
    for each in passes:
        columns += [[], _numbers(each.gradients), [_percent(r) for r in each.update_ratios]]
    _table(console, ["layer", "w", *_headings(both, "dL/dw", "w moves by")], columns)
    falls = [f"from {_number(each.loss)} to {_number(each.loss_after)}" for each in passes]
    console.print(f"The loss goes: {_beside(both, falls)}.")


def _print_network(console: Any, both: "Sequence[Activation]", runs: "Sequence[Training]") -> None:
    """What comes of it in training."""
    from zoo.diagnosis.explain import RATE, STEPS, WIDTH, XOR, rms

    layers = _layers(runs[0].moved)
    _title(console, f"What comes of it: layers of {WIDTH} units learn XOR from its four examples")
    starts = [f"{each.start_by}'s for {each.name}" for each in both]
    console.print(f"Each starts with the weights made for it: {', '.join(starts)}.")
    console.print(
        f"dL/dz: rms at the start, over units and examples. W moves: in {STEPS[-1]:,} steps."
    )
    deltas = [[rms(delta) for delta in run.first.deltas[::-1]] for run in runs]
    columns = [layers[::-1]]
    for run, each, bar in zip(runs, deltas, _bars(deltas), strict=True):
        columns += [[], [_number(delta) for delta in each], bar]
        columns.append([_percent(share) for share in run.moved[::-1]])
    _table(console, ["layer", *_headings(both, "dL/dz", _LOG, "W moves by")], columns)
    console.print()
    columns = [[f"L of {each.name}" for each in both]]
    for place in range(len(STEPS)):
        columns.append([_loss(run.losses[place]) for run in runs])
    _table(console, [f"steps of {RATE:g}", *[f"{step:,}" for step in STEPS]], columns)
    idle = float(XOR.var() / 2)
    console.print(f"An output of {XOR.mean():g} whatever the input has L = {_number(idle)}.")


# ---------------------------------------------------------------- tables

_LOG = "log scale"


def _layers(of_layers: Sequence[Any]) -> list[str]:
    return [*map(str, range(1, len(of_layers))), "output"]


def _headings(both: "Sequence[Activation]", *columns: str) -> list[str]:
    """A gap and the columns of each activation, with its name over the first of them."""
    return [
        heading for each in both for heading in ("", f"{each.name}\n{columns[0]}", *columns[1:])
    ]


def _title(console: Any, text: str, gap: int = 1) -> None:
    console.print("\n" * gap + text, style="bold")


def _table(console: Any, headings: Sequence[str], columns: Sequence[Sequence[str]]) -> None:
    """Numbers are aligned at the right; a column without cells is a gap."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
    for heading in headings:
        left = heading in (headings[0], _LOG)
        table.add_column(
            heading, justify="left" if left else "right", vertical="bottom", no_wrap=True
        )
    rows = len(columns[0])
    for cells in zip(*(column or [""] * rows for column in columns), strict=True):
        table.add_row(*cells)
    console.print(table)


def _bars(groups: Sequence[Sequence[float]]) -> list[list[str]]:
    """Bars on one log scale: the same length for the same factor; the largest is full."""
    logs = [[math.log10(value) for value in values] for values in groups]
    high = max(map(max, logs))
    low = min(math.floor(min(map(min, logs))), high - 1)  # what differs little looks so
    return [
        ["█" * max(1, round(_BAR * (value - low) / (high - low))) for value in values]
        for values in logs
    ]


# ---------------------------------------------------------------- numbers


def _number(value: float) -> str:
    """Three significant digits: 0.250, 0.000123, 1.23e-5."""
    return re.sub(r"e([+-])0", r"e\1", f"{value:#.3g}".rstrip("."))


def _numbers(arrays: Sequence[Any]) -> list[str]:
    return [_number(array.item()) for array in arrays]


def _percent(share: float) -> str:
    return f"{_number(100 * share)} %"


def _loss(value: float) -> str:
    """To a thousandth: what is left of a smaller one is rounding in the end."""
    return _number(value) if value >= 0.001 else "< 0.001"


def _beside(both: "Sequence[Activation]", texts: Sequence[str]) -> str:
    return ", ".join(f"{each.name} {text}" for each, text in zip(both, texts, strict=True))
