"""What is in the file: the numbers' digest, text that can be read, and nothing else that varies."""

import re
import warnings
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from sklearn.isotonic import IsotonicRegression

from tests.made_up_evidence import YAML, filling, made_up_run, written
from zoo.results import figures
from zoo.results.figures import drawing
from zoo.results.figures.axis import around
from zoo.results.figures.labels import apart
from zoo.results.figures.numbers import Line, Look, Plot, Role
from zoo.results.figures.styles import STYLES
from zoo.results.folder import digest_in

SVG = "{http://www.w3.org/2000/svg}"
SMALLEST = 9  # points of a text
BYTES = 40_000  # of a figure, on average


def line(label, x, middle, role: Role = "told apart", style=STYLES[0], **series):
    color, dash = style if role == "told apart" else ("", "")
    look = Look(role=role, color=color, dash=dash)
    return Line(label=label, look=look, x=x, middle=middle, **series)


def plot(*lines, **changes):
    words = {"title": "a/b: title", "subtitle": "subtitle", "caption": "caption"}
    labels = {"x_label": "x label", "y_label": "y label"}
    return Plot(**{**words, **labels, "lines": list(lines), **changes})


def full(seed=0, names=None, **changes):
    """As much as a figure may have to show: eight lines of a hundred points, with bands."""
    draw = np.random.default_rng(seed)
    x = [float(step) for step in range(7, 707, 7)]
    lines = []
    for number, name in enumerate(names or [f"an_arm_{number}" for number in range(8)]):
        low, middle, high = np.sort(draw.uniform(size=(3, len(x))), axis=0).round(4).tolist()
        role: Role = "told apart" if number else "baseline"
        bands = {"low": low, "high": high}
        lines.append(line(name, x, middle, role, STYLES[number], **bands))
    return plot(*lines, **{"target": 0.9, "budget": 700, **changes})


def texts(image):
    """Each text of a file: what it says, its size, its left and right end, its height."""
    for text in ElementTree.fromstring(image).iter(f"{SVG}text"):
        style = text.attrib["style"]
        size = float(re.search(r"font-size: ([\d.]+)px", style)[1])
        bold = "bold" if re.search(r"font-weight: 700", style) else "normal"
        said = text.text or ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of letters that the font does not have
            font = FontProperties(family="DejaVu Sans", weight=bold)
            wide = TextPath((0, 0), said, size=size, prop=font).get_extents().width if said else 0
        anchor = re.search(r"text-anchor: (\w+)", style)[1]
        left = float(text.attrib["x"]) - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        yield said, size, left, left + wide, float(text.attrib["y"])


# ---------------------------------------------------------------- the file


def test_the_file_holds_the_digest_near_its_start_and_nothing_that_varies():
    image = drawing.svg(full())
    assert digest_in(image[:4096]) == full().digest
    assert image == drawing.svg(full())
    with matplotlib.rc_context({"savefig.facecolor": "red", "path.sketch": (5, 50, 5)}):
        assert image == drawing.svg(full())  # whatever a reader's matplotlibrc says
    assert b"date" not in image and b"DOCTYPE" not in image and b"Matplotlib" not in image
    assert digest_in(b"") is None and digest_in(b"\x89PNG" * 2000) is None


def test_a_full_figure_is_small():
    images = [drawing.svg(full(seed)) for seed in range(2)]
    assert all(len(image) < 1.5 * BYTES for image in images)
    x = [float(layer) for layer in range(1, 21)]
    by_layer = [line(f"arm_{n}", x, [0.1] * 20, style=STYLES[n], predicted=[0.1] * 20)
                for n in range(8)]  # fmt: skip
    images += [drawing.svg(plot(*by_layer, y_scale="log"))] * 2
    assert sum(map(len, images)) / len(images) < BYTES


def test_colours_of_the_page_follow_the_reader_together():
    image = drawing.svg(full()).decode()
    drawn = image.partition("</style>")[2]
    [rules] = re.findall(r"@media \(prefers-color-scheme:dark\)\{(.*)\}</style>", image)
    for light, dark in (drawing.PAGE, drawing.INK, drawing.QUIET, drawing.GRID):
        used = [what for what in ("fill", "stroke") if f"{what}: {light}" in drawn]
        assert used
        for what in used:
            assert f"[style*='{what}: {light}']{{{what}:{dark}!important}}" in rules
    colors = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", image))
    known = {pair[0] for pair in (drawing.PAGE, drawing.INK, drawing.QUIET, drawing.GRID)}
    assert colors <= known | {drawing.FAINT, *drawing.COLORS.values()}


HARD = '$x_1$ <b>&amp; "it\'s" \\alpha é 日 \x07\ud800'


def test_text_stays_text_whatever_is_in_it():
    shown = HARD.replace("\x07", " ").replace("\ud800", " ")
    words = {"title": HARD, "subtitle": HARD, "caption": HARD, "x_label": "x", "y_label": "y"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = drawing.svg(full(names=["_a_", "<&>", "$b$", "a" * 60], **words))
    said = [text for text, *_ in texts(image)]
    assert said.count(shown) == 3  # no mathematics, no tags
    assert {"_a_", "<&>", "$b$", f"{'a' * 14}…{'a' * 13}"} <= set(said)
    assert ElementTree.fromstring(image).find(f"{SVG}title").text == shown


@pytest.mark.parametrize("length", [1, 12, 60])
def test_every_text_is_large_enough_within_the_figure_and_beside_the_others(length):
    letters = "bcdefghkmnopqrsuvwxyz_"  # as wide as names are
    names = [(f"{n}_{letters * 3}")[:length] + str(n) for n in range(8)]
    long = "An experiment with deep networks that has a title of two hundred letters. " * 3
    words = {"title": f"{long}: curves", "subtitle": long, "caption": long}
    labels = {"x_label": long[:70], "y_label": long[:40]}  # as long as any beside a budget
    image = drawing.svg(full(names=names, **words, **labels))
    every = list(texts(image))
    width, height = drawing.SIZE
    for said, size, left, right, y in every:
        assert size >= SMALLEST and left >= 0 and right <= width, said
        assert 0 < y < height
    rows = sorted(every, key=lambda text: text[4])
    for one in rows:
        for other in rows:
            apart_across = one[3] <= other[2] or other[3] <= one[2]
            assert one is other or apart_across or abs(one[4] - other[4]) >= 0.9 * SMALLEST, (
                one[0], other[0],
            )  # fmt: skip


# ---------------------------------------------------------------- labels and axes


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 100), max_size=8), st.sampled_from([1.0, 7.0, 12.0]))
def test_labels_move_as_little_as_they_must(wanted, distance):
    places = apart(wanted, distance, -1000, 1000)
    order = np.argsort(wanted, kind="stable")
    ranked = np.array(places)[order]
    assert np.all(np.diff(ranked) >= distance - 1e-9)
    ranks = np.arange(len(wanted))
    if len(wanted):
        free = IsotonicRegression().fit_transform(ranks, np.array(wanted)[order] - ranks * distance)
        assert ranked == pytest.approx(free + ranks * distance)
    inside = apart(wanted, distance, 0, 100)
    assert all(-1e-9 <= place <= 100 + 1e-9 for place in inside)
    assert np.all(np.diff(np.array(inside)[order]) >= distance - 1e-9)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-1e40, 1e40), min_size=1, max_size=5),
    st.sampled_from(["linear", "log"]),
    st.sampled_from([5, 7, 10]),
)
def test_an_axis_has_its_values_and_some_round_numbers(values, scale, most):
    axis = around([abs(value) if scale == "log" else value for value in values], scale)
    assert axis.low < axis.high
    for value in values:
        assert 0 <= axis.place(abs(value) if scale == "log" else value) <= 1
    ticks = axis.ticks(most)
    assert 2 <= len(ticks) <= 2 * most + 1
    assert len({text for _, text in ticks}) == len(ticks)
    assert all(-1e-6 <= axis.place(value) <= 1 + 1e-6 for value, _ in ticks)


def test_a_far_band_does_not_squeeze_the_lines():
    near, far = around([0.0, 1.0], "linear", 0.0), [-100.0, 0.5, 1.1]
    assert (near.widened(far, 0.25).low, near.widened(far, 0.25).high) == (-0.25, 1.1)


# ---------------------------------------------------------------- evidence of every kind


def nothing(name, seed):
    return {"delta_rms": [[None] * 3] * 7, "displacement": [[None] * 3] * 7}


def zeros(name, seed):
    return {"delta_rms": [[0.0] * 3] * 7, "displacement": [[0.0] * 3] * 7}


def decades(name, seed):
    return {"delta_rms": [[1e-38, 1e-20 * (seed + 1), 3e38]] * 7}


@pytest.mark.parametrize("probe", [nothing, zeros, decades])
@pytest.mark.parametrize("seeds", [1, 3])
def test_whatever_was_measured_can_be_drawn(recipe, store, fill, probe, seeds):
    fill({"sigmoid": [None] * seeds})
    for name in ("sigmoid", "tanh"):
        for seed in range(seeds):
            run = made_up_run(recipe.arms[name], seed, None, diverged_at=40 if seed else None)
            if not seed:
                changed = run.probe.model_copy(update=probe(name, seed))
                run = run.model_copy(update={"probe": changed})
            store.write_record(recipe.arms[name], run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = figures.draw(recipe, store)
    said = [[text for text, *_ in texts(path.read_bytes())] for path in drawn]
    assert all("sigmoid" in words for words in said[2:])
    unseen = "nothing was measured that could be shown"
    assert (unseen in said[0]) == (probe is not decades and seeds == 1)


def test_forty_arms_with_long_names_and_a_title_of_200_letters(tmp_path, store):
    names = [f"{'depth_of_so_many_layers_' * 3}"[:57] + f"_{depth}" for depth in range(3, 43)]
    arms = "".join(f"  {name}: {{model.depth: {depth}}}\n" for depth, name in enumerate(names, 3))
    title = f'"{HARD.split(chr(7))[0][:8]} {"long " * 40}"'
    text = YAML.replace("title: A made-up comparison", f"title: {title}")
    recipe = written(tmp_path, text.split("arms:")[0] + "arms:\n  sigmoid: {}\n" + arms)
    filling(recipe, store)({"sigmoid": [None], **{name: [20, 30] for name in names}})
    drawn = figures.draw(recipe, store)
    for path in drawn:
        said = [text for text, *_ in texts(path.read_bytes())]
        assert any("33 more in grey" in text for text in said)
        assert sum("…" in text and text.startswith("depth_of") for text in said) == 7
    assert sum(path.stat().st_size for path in drawn) / len(drawn) < BYTES


# ---------------------------------------------------------------- the check


def test_a_figure_is_stale_when_a_number_changed_not_when_it_is_drawn_otherwise(
    recipe, store, fill, monkeypatch
):
    fill({"sigmoid": [None] * 3, "tanh": [20, 30, 50]}, sigmoid={"diverged_at": 40})
    written_to = figures.paths(store.root, recipe)
    assert figures.stale(recipe, store) == written_to  # missing
    assert figures.draw(recipe, store) == written_to
    assert [path.name for path in written_to] == [
        "gradients.svg", "displacement.svg", "curves.svg", "waiting.svg",
    ]  # fmt: skip
    assert figures.stale(recipe, store) == []

    before = [path.read_bytes() for path in written_to]
    monkeypatch.setattr(drawing, "FAINT", "#777777")
    monkeypatch.setattr(drawing, "SIZE", (470.0, 310.0))
    assert figures.stale(recipe, store) == []
    figures.draw(recipe, store)
    assert all(path.read_bytes() != image for path, image in zip(written_to, before, strict=True))
    assert figures.stale(recipe, store) == []

    gradients, displacement, curves, waiting = written_to
    fill({"tanh": [20, 30, 40]})  # one seed learned sooner
    assert figures.stale(recipe, store) == [curves, waiting]
    arm = recipe.arms["tanh"]
    run = made_up_run(arm, 1, 30)
    deltas = [[0.5004, 0.75, 2.0], *run.probe.quantity("delta_rms")[1:]]
    same = [[0.50001, 0.75, 2.0], *deltas[1:]]
    figures.draw(recipe, store)
    for rows, stale in ((same, []), (deltas, [gradients])):
        probe = run.probe.model_copy(update={"delta_rms": rows})
        for seed in range(3):
            run = made_up_run(arm, seed, [20, 30, 40][seed])
            store.write_record(arm, run.model_copy(update={"probe": probe}))
        assert figures.stale(recipe, store) == stale

    figures.draw(recipe, store)
    displacement.write_bytes(b"\x89PNG\r\n")
    waiting.unlink()
    waiting.mkdir()
    assert figures.stale(recipe, store) == [displacement, waiting]


def test_a_profile_shows_its_numbers_and_no_others(tmp_path):
    ratios, path = {"gating": [1.0, 2.0], "width": [None, 1.0]}, tmp_path / "profile.svg"
    plot = figures.profile(ratios)
    assert not figures.shows(path, plot)
    path.write_bytes(figures.svg(plot))
    assert figures.shows(path, plot)
    assert not figures.shows(path, figures.profile({**ratios, "gating": [1.0, 2.5]}))
    assert figures.shows(path, figures.profile({**ratios, "gating": [1.0, 2.00001]}))


def test_each_figure_says_how_it_is_read():
    assert figures.HOW_TO_READ.keys() == {*figures.FIGURES, "profile"}
