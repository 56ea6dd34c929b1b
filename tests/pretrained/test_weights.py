"""A file of weights: only what this model's own file has is opened by Keras."""

import io

import h5py
import numpy as np
import pytest

from zoo.errors import ZooError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def model():
    import keras

    layers = keras.layers
    inputs = keras.Input((3,))
    x = layers.BatchNormalization()(layers.Dense(4)(inputs))
    return keras.Model(inputs, layers.Dense(2)(layers.Dropout(0.5)(x)))


@pytest.fixture
def saved(model, tmp_path):
    """A file of the model's weights, each a number of its own."""
    from zoo.pretrained import weights

    for variable in model.weights:
        size = int(np.prod(variable.shape))
        if variable.dtype == "float32":
            variable.assign(np.arange(1, size + 1).reshape(variable.shape))
    path = tmp_path / "a.weights.h5"
    weights.save(model, path)
    return path


def changed(path, change):
    """A copy of a file in which something was changed."""
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def loaded(model, path):
    from zoo.pretrained import weights

    before = [value.copy() for value in model.get_weights()]
    try:
        weights.load(model, path)
    except ZooError:
        for one, other in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)
        raise


def test_what_was_saved_is_loaded(model, saved):
    import keras

    twin = keras.models.clone_model(model)
    loaded(twin, saved)
    for one, other in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_that_somebody_trained_further_are_loaded_without_their_optimizer(model, tmp_path):
    import keras

    twin = keras.models.clone_model(model)
    twin.compile("adam", "mse")
    twin.fit(np.ones((8, 3)), np.zeros((8, 2)), verbose=0)
    path = tmp_path / "further.weights.h5"
    twin.save_weights(path)
    with h5py.File(path) as file:
        assert "optimizer" in file
    loaded(model, path)
    for one, other in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


KERNEL = "layers/dense/vars/0"


def external_link(file):
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("elsewhere.h5", "/secret")


def soft_link(file):
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/layers/dense_1/vars/0")


def link_of_a_group(file):
    del file["layers/dense"]
    file["layers/dense"] = h5py.SoftLink("/layers/dense_1")


def link_beside(file):
    file["more"] = h5py.ExternalLink("elsewhere.h5", "/")


def replaced(file, **kwargs):
    del file[KERNEL]
    file.create_dataset(KERNEL, **kwargs)


def external_storage(file):
    replaced(file, shape=(3, 4), dtype="f4", external=[("elsewhere.raw", 0, 48)])


def virtual(file):
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "data", shape=(3, 4))
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def absurd_shape(file):
    replaced(file, shape=(2**20, 2**20), dtype="f4", chunks=(1024, 1024))


def another_shape(file):
    replaced(file, data=np.ones((4, 3), "f4"))


def packed(file):
    replaced(file, data=np.ones((3, 4), "f4"), compression="gzip", chunks=(3, 4))


def never_written(file):
    replaced(file, shape=(3, 4), dtype="f4")


def another_type(file):
    replaced(file, data=np.ones((3, 4), "f8"))


def words(file):
    replaced(file, data=np.full((3, 4), "a", dtype=object), dtype=h5py.string_dtype())


def group_for_an_array(file):
    del file[KERNEL]
    file.create_group(KERNEL)


def array_for_a_group(file):
    del file["layers/dense/vars"]
    file["layers/dense/vars"] = np.ones(3, "f4")


def missing(file):
    del file[KERNEL]


def more(file):
    file["layers/dense/vars/2"] = np.ones(3, "f4")


def loop(file):
    file["layers/dense/again"] = file["layers"]


def attribute(file):
    file["layers"].attrs["more"] = np.ones(10_000, "f4")


ODD = [
    *(external_link, soft_link, link_of_a_group, link_beside, external_storage, virtual),
    *(absurd_shape, another_shape, packed, never_written, another_type, words),
    *(group_for_an_array, array_for_a_group, missing, more, loop, attribute),
]


@pytest.mark.parametrize("change", ODD, ids=lambda change: change.__name__)
def test_what_the_model_does_not_have_is_refused(model, saved, change, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "elsewhere.h5"
    with h5py.File(secret, "w") as file:
        file["secret"] = file["data"] = np.full((3, 4), 7, "f4")
    with pytest.raises(ZooError, match="not weights of this model") as caught:
        loaded(model, changed(saved, change))
    assert "\n" not in str(caught.value)
    assert set(tmp_path.iterdir()) == {saved, secret}


@pytest.mark.parametrize("size", [0, 1, 8, 100, 2000])
def test_a_file_that_ends_early_is_refused(model, saved, size):
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(ZooError, match="not weights of this model"):
        loaded(model, saved)


def test_what_is_no_file_of_weights_is_refused(model, tmp_path):
    page = tmp_path / "page.weights.h5"
    page.write_text("<!doctype html><title>404</title>")
    with pytest.raises(ZooError, match="no file of weights"):
        loaded(model, page)
    with pytest.raises(ZooError, match="cannot be read"):
        loaded(model, tmp_path / "none.weights.h5")
    with pytest.raises(ZooError, match="cannot be read"):
        loaded(model, tmp_path)


def test_a_file_that_is_far_too_large_is_not_read(model, saved):
    with saved.open("ab") as file:
        file.truncate(2**31)  # holes, no bytes
    with pytest.raises(ZooError, match="more than"):
        loaded(model, saved)


def test_flipped_bits_are_refused_or_are_other_numbers(model, saved):
    """Without a digest a changed number cannot be told; what is not a number of the model can."""
    from zoo.pretrained import weights

    data, draw = saved.read_bytes(), np.random.default_rng(0)
    layout = weights._layout(saved)
    refused = 0
    for place in draw.integers(0, len(data), 300):
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(draw.integers(8))
        refused += weights.difference(bytes(flipped), layout) is not None
    assert 0 < refused < 300
    assert weights.difference(data, layout) is None
    assert io.BytesIO(data).read(4) == b"\x89HDF"
