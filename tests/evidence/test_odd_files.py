"""Whatever lies where evidence should: rows and figures, or one line that names the file."""

import contextlib
import json
import os
import socket
import threading
import warnings

import hypothesis
import pytest
from hypothesis import strategies as st
from matplotlib.figure import Figure

from tests.made_up_evidence import YAML, made_up_run, made_up_search, written
from tests.odd_paths import dangling_link, link_to_itself, named_pipe
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.files import write_whole
from zoo.results import figures, leaderboard, published, tables
from zoo.results.check import differences
from zoo.sweep.sweep import Sweep

FILES = ["runs/made/up/tanh/seed-0.json", "tuning/made/up/tanh.json", "manifest.json"]


@pytest.fixture(scope="module", autouse=True)
def nothing_painted():
    """Figures are laid out, but no picture is made of them: that takes the most time."""
    patch = pytest.MonkeyPatch()
    patch.setattr(Figure, "savefig", lambda *_, **__: None)
    patch.setattr(os, "fsync", lambda _: None)
    yield
    patch.undo()


def looked_at(recipe, store):
    """All that the commands do with a folder of evidence; the messages of what is refused."""
    told: list[str] = []
    for look in (
        lambda: tables.terminal(recipe, leaderboard.rows(recipe, store)),
        lambda: figures.draw(recipe, store),
        lambda: published.strange(store.root),
        lambda: differences(store.root),
        lambda: Sweep([recipe], store),
    ):
        try:
            look()
        except ZooError as error:
            told.append(str(error))
    return told


def directory(path):
    path.mkdir()


def device(path):
    path.symlink_to("/dev/null")


def listening_socket(path):
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)  # a path of a socket may have 108 bytes


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "other", [directory, dangling_link, link_to_itself, named_pipe, device, listening_socket]
)
def test_what_is_no_file_is_named(other, name, recipe, store, fill):
    fill({"sigmoid": [None, None], "tanh": [20, 30]})
    path = store.root / name
    path.unlink()
    other(path)
    told: list[str] = []
    # In a thread: who opens a pipe that nobody writes to waits for ever.
    reading = threading.Thread(target=lambda: told.extend(looked_at(recipe, store)), daemon=True)
    reading.start()
    reading.join(60)
    assert told and all(line.startswith(f"{path}: cannot be read: ") for line in told)
    assert all(line.endswith("restore the file, or delete it and run again") for line in told)
    assert not any("\n" in line for line in told)


# ---------------------------------------------------------------- random content

RNN = YAML
for old, new in {
    "name: digits": "name: digits_rows",
    "family: mlp, depth: 2, width: 4, activation: sigmoid": "family: rnn, width: 4, cell: LSTM",
    "model.activation: tanh": "model.cell: GRU",
    "model.activation: relu": "model.cell: SimpleRNN",
}.items():
    RNN = RNN.replace(old, new)

numbers = st.one_of(
    st.none(),
    st.integers(-2, 10**6),
    st.floats(width=32),
    st.sampled_from([0.0, 1e308, -1e308, 1e-320, 10**30]),
)
anything = st.recursive(
    numbers | st.booleans() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
steps = st.lists(st.integers(0, 130), max_size=5, unique=True).map(sorted)


def lists(of, size):
    return st.lists(of, min_size=size, max_size=size)


@st.composite
def probes(draw):
    """Measurements of the right types, of any layers and times."""
    at, layers = draw(steps), draw(st.lists(st.sampled_from("abcd"), max_size=3))
    if draw(st.booleans()):
        layers = ["dense_1", "dense_2", "output"]
    names = draw(st.sets(st.sampled_from(["delta_rms", "kernel_grad_norm", "update_ratio", "x"])))
    return {
        "steps": at,
        "layers": layers,
        "input_grad_rms": draw(st.none() | lists(st.lists(numbers, max_size=3), len(at))),
        **{name: draw(lists(lists(numbers, len(layers)), len(at))) for name in names},
    }


@st.composite
def curves(draw):
    at = draw(steps)
    return {
        "step": at,
        "training_loss": draw(lists(numbers, len(at))),
        "val_loss": draw(lists(numbers, len(at))),
        "val_accuracy": draw(st.none() | lists(numbers, len(at))),
    }


of_numbers = [
    *("test_loss", "test_accuracy", "seconds", "seconds_per_step", "parameters"),
    *("diverged_at", "steps_to_target", "learning_rate", "seed"),
]
fields = {
    "probe": probes(),
    "evaluation": curves(),
    "clipping": st.none() | st.fixed_dictionaries({"clipped": numbers, "largest_norm": numbers}),
    "input_shape": st.lists(st.integers(0, 9), max_size=3),
    "status": st.sampled_from(["reached", "budget", "failed"]),
    **dict.fromkeys(of_numbers, numbers),
}
changes = st.one_of(
    st.fixed_dictionaries({}, optional=fields),
    st.dictionaries(st.sampled_from([*fields, "recipe", "arm", "schema"]), anything, max_size=2),
)
damages = st.one_of(
    st.tuples(st.sampled_from(FILES), st.binary(max_size=20)),
    st.tuples(st.sampled_from(FILES), anything.map(lambda value: json.dumps(value).encode())),
    st.lists(changes, min_size=1, max_size=2),  # of the baseline's runs
)
NO_LAYERS = {"probe": {"steps": [0, 1], "layers": [], "delta_rms": [[], []], "dead": [[], []]}}
NO_CURVE = {"evaluation": {"step": [], "training_loss": [], "val_loss": [], "val_accuracy": []}}
NO_VALUES = {"evaluation": {"step": [1], "training_loss": [None], "val_loss": [None]}}


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(damage=damages, text=st.sampled_from([YAML, RNN]))
@hypothesis.example([NO_LAYERS], YAML)
@hypothesis.example([NO_LAYERS], RNN)
@hypothesis.example([NO_CURVE, NO_VALUES], YAML)
@hypothesis.example((FILES[0], b""), YAML)
@hypothesis.example((FILES[2], b'{"\\u202e": 1}'), YAML)
def test_whatever_is_in_a_file_nothing_but_a_line_comes_of_it(tmp_path_factory, damage, text):
    folder = tmp_path_factory.mktemp("odd")
    recipe, store = written(folder, text), Store(folder / "evidence")
    for arm in recipe.arms.values():
        store.write_tuning(arm, made_up_search(arm, (None, 20, 50)))
        for seed in range(2):
            store.write_record(arm, made_up_run(arm, seed, 20))
    if isinstance(damage, tuple):
        (store.root / damage[0]).write_bytes(damage[1])
    else:
        for seed, changed in enumerate(damage):
            path = store.root / f"runs/made/up/{recipe.baseline}/seed-{seed}.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning is no clear line either
        told = looked_at(recipe, store)
    assert all(line.isprintable() for line in told)


def test_a_stray_file_is_named_and_does_no_harm(recipe, store, fill):
    fill({"sigmoid": [None, None], "tanh": [20, 30]})
    before = leaderboard.rows(recipe, store)
    for name in ("seed-9.json", "sigmoid/seed-9.json"):
        write_whole(store.root / "runs" / name, "{}")
    assert store.recipes() == ["made/up"] and leaderboard.rows(recipe, store) == before
    assert published.strange(store.root)[1:] == [
        f"{store.root / 'runs' / name}: in no arm's folder: remove it"
        for name in ("seed-9.json", "sigmoid/seed-9.json")
    ]
    assert looked_at(recipe, store) == []


def test_a_folder_of_evidence_that_cannot_be_one_is_one_line(recipe, tmp_path):
    store = Store(tmp_path / ("a" * 300))
    told = looked_at(recipe, store)
    assert len(told) == 5
    assert all("File name too long" in line and "\n" not in line for line in told)
