"""The door: what `zoo.data.load` makes of raw arrays, and what it says of a wrong name."""

import json
import os
import subprocess
import sys
import types

import numpy as np
import pytest

from zoo import data
from zoo.data import cache, folders, loading, names, preprocessing
from zoo.data.raw import SPLITS, Raw
from zoo.errors import ZooError
from zoo.recipe import schema
from zoo.sweep import workers


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    return tmp_path


def raw(shape, kind=np.uint8, sizes=(23, 9, 7), seed=0):
    """A made-up set; each channel with a range of its own."""
    draw = np.random.default_rng(seed)
    scale = np.linspace(20, 200, shape[-1])
    return Raw(
        {
            part: ((draw.random((size, *shape)) * scale).astype(kind), draw.integers(0, 5, size))
            for part, size in zip(SPLITS, sizes, strict=True)
        },
        outputs=5,
    )


def through_the_door(made, name="made_up"):
    """As a set of tensorflow-datasets comes: from the arrays that are kept."""
    cache.load(folders.place(name, None, None), lambda: (name, made))
    return data.load(name)


def naive(made):
    """Standardized one number after the other, channel by channel."""
    train = made.splits["train"][0]
    result = {part: np.empty(x.shape) for part, (x, _) in made.splits.items()}
    for channel in range(train.shape[-1]):
        values = [float(value) for value in train[..., channel].ravel()]
        mean = sum(values) / len(values)
        deviation = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
        for part, (x, _) in made.splits.items():
            result[part][..., channel] = (x[..., channel].astype(float) - mean) / (deviation or 1.0)
    return result


@pytest.mark.parametrize("chunk", [1, 7, 23, 10_000])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4, 3, 3), (5, 2), (6,)], ids=["images", "curves", "table"])
def test_inputs_are_standardized_per_channel_by_the_training_split(shape, kind, chunk, monkeypatch):
    """Whatever the part of the examples that is standardized at once."""
    for module in (loading, preprocessing):
        monkeypatch.setattr(module, "CHUNK", chunk)
    made = raw(shape, kind)
    loaded, twin = through_the_door(made), naive(made)
    assert loaded.input_shape == shape
    for part in SPLITS:
        split = getattr(loaded, part)
        assert split.x.dtype == np.float32 and split.y.dtype == np.int32
        assert split.x == pytest.approx(twin[part], abs=1e-5)
        assert split.y.tolist() == made.splits[part][1].tolist()
    flat = loaded.train.x.astype(np.float64).reshape(-1, shape[-1])
    assert flat.mean(0) == pytest.approx(np.zeros(shape[-1]), abs=1e-6)
    assert flat.std(0) == pytest.approx(np.ones(shape[-1]), abs=1e-6)
    assert loaded.validation.x.mean() != pytest.approx(0, abs=1e-6)  # by the training split alone


def test_a_channel_that_never_changes_becomes_zero(monkeypatch):
    made = raw((4, 4, 3))
    made.splits["train"][0][..., 1] = 200
    made.splits["test"][0][..., 1] = 203
    loaded = through_the_door(made)
    assert not loaded.train.x[..., 1].any()
    assert (loaded.test.x[..., 1] == 3).all()
    assert all(np.isfinite(getattr(loaded, part).x).all() for part in SPLITS)


def test_small_deviations_on_large_values_keep_their_digits():
    """Sums in float32, or a mean of squares, would lose them."""
    made = raw((50, 1), np.float64, sizes=(400, 5, 5))
    for x, _ in made.splits.values():
        x /= 100
        x += 1e6
    assert through_the_door(made).train.x.std() == pytest.approx(1, abs=1e-5)


def test_tokens_are_left_as_they_are():
    draw = np.random.default_rng(0)
    splits = {part: (draw.integers(0, 90, (6, 11)), draw.integers(0, 2, 6)) for part in SPLITS}
    loaded = through_the_door(Raw(splits, outputs=2, vocabulary=90), "made_up_texts")
    assert (loaded.vocabulary, loaded.outputs, loaded.input_shape) == (90, 2, (11,))
    assert loaded.train.x.dtype == np.int32
    assert np.array_equal(loaded.train.x, splits["train"][0])


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_numbers_that_a_set_wants_kept_are_left_as_they_are(kind):
    drawn = raw((4, 3, 2), kind)
    loaded = through_the_door(Raw(drawn.splits, outputs=5, standardize=False))
    for part in SPLITS:
        x = getattr(loaded, part).x
        assert x.dtype == np.float32
        assert np.array_equal(x, drawn.splits[part][0].astype(np.float32))


def test_values_to_predict_stay_numbers(monkeypatch):
    splits = {part: (np.ones((6, 3)), np.full((6, 2), 0.25)) for part in SPLITS}
    module = types.ModuleType("zoo.data.sets.made_up")
    module.made_up = lambda: Raw(splits, outputs=2, task="regression")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(names, "LOCAL", (*names.LOCAL, "made_up"))
    loaded = data.load("made_up")
    assert (loaded.task, loaded.train.y.dtype) == ("regression", np.float32)
    assert (loaded.test.y == 0.25).all()


def test_a_regression_set_stays_one_when_it_is_kept():
    splits = {part: (np.ones((6, 3)), np.full((6, 2), 0.25)) for part in SPLITS}
    loaded = through_the_door(Raw(splits, outputs=2, task="regression"))
    assert (loaded.task, loaded.train.y.dtype) == ("regression", np.float32)


@pytest.mark.parametrize("base", names.LOCAL)
def test_task_and_standardization_of_a_set_are_known_without_making_it(base):
    name = f"{base}_12" if names.takes_length(base) else base
    made = names.maker(name)()
    assert names.task(name) == made.task
    assert names.standardized(name) == made.standardize == (not names.takes_length(base))


def test_sets_of_the_catalogue_have_classes_and_are_standardized():
    assert names.task("mnist") == "classification"
    assert names.standardized("digits_rows") and names.standardized("mnist")


def test_a_recipes_split_and_size_choose_what_is_loaded():
    split = {"train": "train[:9]", "validation": "train[9:]", "test": "test"}
    for number, (chosen, size) in enumerate([(None, None), (split, None), (None, 6), (split, 6)]):
        made = raw((2, 1), seed=number)
        cache.load(folders.place("made_up", chosen, size), lambda made=made: ("made_up", made))
    for number, options in enumerate(
        [{}, {"split": split}, {"image_size": 6}, {"split": split, "image_size": 6}]
    ):
        spec = schema.Data(name="made_up", batch_size=4, **options)
        expected = raw((2, 1), seed=number).splits["train"][1]
        assert data.load_for(spec).train.y.tolist() == expected.tolist()


# ---------------------------------------------------------------- images in [0, 1]


def every_byte():
    """Images with every value from 0 to 255, in the training split; fewer in the others."""
    levels = np.arange(256, dtype=np.uint8)
    splits = {"train": levels, "validation": levels[:64], "test": levels[192:]}
    return Raw({part: (x.reshape(-1, 4, 2, 2), x[::16] % 5) for part, x in splits.items()}, 5)


def test_images_are_divided_by_255_and_by_nothing_of_their_own():
    """To the last digit, half a unit of it below 1; also where a split has no brighter pixel."""
    drawn = every_byte()
    through_the_door(drawn)
    loaded = data.load("made_up", scale="unit")
    for part in SPLITS:
        x, levels = getattr(loaded, part).x, drawn.splits[part][0].astype(float)
        assert x.dtype == np.float32
        assert np.abs(x.astype(float) - levels / 255).max() <= 2.0**-25
    assert (loaded.train.x.min(), loaded.train.x.max()) == (0, 1)
    assert loaded.validation.x.max() < 0.25


def test_the_two_forms_of_a_set_are_not_mixed_up():
    """Both come from the same arrays on disk, in any order, in a worker too."""
    drawn = every_byte()
    through_the_door(drawn)
    specs = [schema.Data(name="made_up", batch_size=4, scale=s) for s in ("standard", "unit")]
    for each in (data.load_for, workers.data_of):
        for _ in range(2):
            standard, unit = (each(spec).train.x for spec in specs)
            assert standard == pytest.approx(naive(drawn)["train"], abs=1e-5)
            assert np.abs(unit - drawn.splits["train"][0] / 255).max() < 1e-6
    specs = [schema.Data(name="made_up", batch_size=4), specs[0]]
    assert len(set(specs)) == 1


def test_rows_of_images_may_be_in_the_unit_interval():
    through_the_door(every_byte())
    rows = data.load("made_up_rows", scale="unit").train.x
    assert rows.shape == (16, 4, 4)
    assert np.array_equal(rows.ravel(), data.load("made_up", scale="unit").train.x.ravel())


@pytest.mark.parametrize(
    "other",
    [
        raw((4, 3, 2), np.float32),
        Raw(raw((4,), np.float64).splits, outputs=5, standardize=False),
        Raw(raw((4,), np.uint8).splits, outputs=5, standardize=False),
        Raw(raw((4,), np.int64).splits, outputs=5, vocabulary=200),
        Raw(raw((4,), np.uint8).splits, outputs=5, vocabulary=200),
    ],
    ids=["curves", "sequences", "one-hots", "tokens", "few tokens"],
)
def test_other_inputs_than_bytes_are_refused_when_they_are_loaded(other):
    through_the_door(other)
    with pytest.raises(ZooError) as caught:
        data.load("made_up", scale="unit")
    assert str(caught.value) == (
        "made_up: scale unit is for images of 0 to 255, which it does not have: leave it out"
    )


@pytest.mark.parametrize("base", names.LOCAL)
def test_images_of_a_set_made_here_are_known_without_making_it(base):
    name = f"{base}_12" if names.takes_length(base) else base
    raw_set = names.maker(name)()
    images = raw_set.standardize and raw_set.splits["train"][0].dtype == np.uint8
    assert names.has_bytes(name) == images
    assert names.has_bytes(name) == names.has_bytes(f"{name}_rows")


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("mnist_5k", False),
        ("mnist_5k_rows", False),
        ("fashion_mnist", False),
        ("fashion_mnist_rows", False),
        ("cifar10", False),
        ("digits", True),
        ("mnist1d", True),
        ("adding_problem_50", True),
        ("imdb_reviews", True),
    ],
)
def test_a_set_without_images_of_bytes_is_refused_before_it_is_loaded(name, refused, own_folders):
    spec = schema.Data(name=name, batch_size=4, scale="unit")
    said = f"{name}: scale unit is for images of 0 to 255, which it does not have: leave it out"
    assert data.mistakes(spec) == ([(("scale",), said)] if refused else [])
    assert data.mistakes(spec.model_copy(update={"scale": "standard"})) == []
    assert list(own_folders.iterdir()) == []


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["digits", "mnist_5k", "mnist1d", "fashion_mnist", "mnist:3.0.1"])
def test_a_known_name_is_known_without_its_data(name, own_folders):
    data.known(name)
    assert list(own_folders.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mnst", ["no such data set", "did you mean mnist"]),
        ("digts", ["no such data set", "did you mean digits"]),
        ("mnist5k", ["did you mean mnist_5k"]),
        ("qqqqqqqqqq", ["no such data set", "see: zoo data list"]),
        ("", ["no such data set"]),
        ("../../out", ["no such data set"]),
        ("/out", ["no such data set"]),
        (".", ["no such data set"]),
        ("a\0b", ["no such data set"]),
        ("x" * 5000, ["no such data set"]),
        ("mnist/", ["no such configuration"]),
        ("mnist/../../out", ["no such configuration"]),
        ("mnist/data_dir=out", ["no such configuration"]),
        ("mnist:9.9.9", ["no such configuration or version"]),
        ("imdb_reviews/nope", ["no such configuration", "configurations: plain_text"]),
    ],
)
def test_an_unknown_name_is_one_line_and_leaves_no_folder(name, words, own_folders):
    for function in (data.known, data.load):
        with pytest.raises(ZooError) as caught:
            function(name)
        message = str(caught.value)
        assert message.startswith(f"{name}: ") and "\n" not in message
        assert all(word in message for word in words)
    assert list(own_folders.iterdir()) == []


def test_what_is_kept_is_opened_without_tensorflow(own_folders):
    made = raw((3, 3, 1))
    through_the_door(made)
    code = (
        "import sys\nfrom zoo import data\n"
        "print(data.load('made_up').train.y.tolist())\n"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('tensorflow', 'tensorflow_datasets', 'keras', 'sklearn')])\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ)
    )
    assert process.stderr == ""
    labels, imported = process.stdout.splitlines()
    assert json.loads(labels) == made.splits["train"][1].tolist() and imported == "[]"
