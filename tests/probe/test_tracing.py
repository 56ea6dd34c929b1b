"""The names of what is measured: no two the same, and no longer than it takes."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from zoo import probe
from zoo.probe.layers import survey, told_apart

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = st.sampled_from(["query", "block_1", "dense", "dense_2"])


def test_layers_of_one_name_in_several_blocks_get_those_of_the_blocks():
    x = inputs = keras.Input((5, 4))
    for block in (1, 2):
        attention = layers.MultiHeadAttention(2, 3, name=f"block_{block}")
        x = layers.Add()([x, attention(x, x)])
    model = keras.Model(inputs, layers.Dense(2, name="output")(x))
    parts = ("query", "key", "value", "attention_output")
    names = [each.name for each in survey(model)[0]]
    assert sorted(names[:-1]) == sorted(
        f"block_{block}/{part}" for block in (1, 2) for part in parts
    )
    assert names[-1] == "output"
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 5, 4)).astype(np.float32)
    found = probe.measure(model, keras.losses.MeanSquaredError(), x, np.zeros((3, 5, 2)))
    assert found["layers"] == names
    assert np.isfinite(found["kernel_grad_norm"]).all()


def test_layers_of_one_name_in_two_towers_get_those_of_the_towers():
    inputs = keras.Input((3,))
    towers = []
    for side in ("left", "right"):
        blocks = [layers.Dense(2, name="fc1"), layers.Dense(2, name="fc2")]
        towers.append(keras.Sequential(blocks, name=side)(inputs))
    model = keras.Model(inputs, layers.Add()(towers))
    measured = probe.measure(model, "mse", np.ones((4, 3), np.float32), np.zeros((4, 2)))
    assert measured["layers"] == ["left/fc1", "left/fc2", "right/fc1", "right/fc2"]


def test_a_name_that_no_other_layer_has_stays_as_it_is():
    tower = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="inside")], name="tower")
    model = keras.Sequential([keras.Input((3,)), tower, layers.Dense(1, name="output")])
    assert [each.name for each in survey(model)[0]] == ["inside", "output"]


@given(st.lists(st.lists(STEPS, min_size=1, max_size=4).map(tuple), max_size=8))
def test_names_are_told_apart_by_the_shortest_ends(paths):
    names = told_apart(paths)
    assert len(set(names)) == len(paths)
    for path, name in zip(paths, names, strict=True):
        if paths.count(path) == 1:
            length = name.count("/") + 1
            assert name == "/".join(path[-length:])
            if length > 1:  # one step less would not have told it from another
                assert sum(other[-length + 1 :] == path[-length + 1 :] for other in paths) > 1
