"""What a family declares, and that recipes reach it by name alone."""

import subprocess
import sys
from typing import get_args

import pytest

from zoo.recipe.families import FAMILIES, Family, Shapes, families

ARGUMENTS = {  # the least that each needs, and inputs it takes
    "mlp": ({"depth": 3, "width": 4, "activation": "relu"}, (6,)),
    "cnn": ({"depth": 4, "widths": [4], "activation": "relu"}, (6, 6, 1)),
    "rnn": ({"width": 4, "cell": "LSTM"}, (6, 2)),
    "transformer": ({"depth": 3, "width": 4, "heads": 2, "activation": "relu"}, (6, 2)),
}


def test_every_family_is_found_by_its_name():
    assert set(FAMILIES) == set(ARGUMENTS)
    for name, family in families().items():
        assert issubclass(family, Family)
        assert get_args(family.model_fields["family"].annotation) == (name,)


@pytest.mark.parametrize("name", FAMILIES)
def test_hidden_layers_are_those_measured_less_the_output_or_one_a_block(name, one_thread):
    from zoo.probe.layers import survey

    arguments, input_shape = ARGUMENTS[name]
    family = families()[name](family=name, **arguments)
    model = family.build(Shapes(input_shape, 3))
    layers = [each.name for each in survey(model)[0]]
    assert model.layers[-1].name == layers[-1] == family.output_layer
    hidden = layers[:-1]
    if name == "transformer":
        hidden = [f"block_{block}_feed_forward_2" for block in (1, 2, 3)]
    assert family.hidden_layers(layers) == hidden != []


@pytest.mark.parametrize("name", FAMILIES)
def test_parts_are_tried_on_the_shape_that_they_will_see(name, one_thread):
    import keras

    arguments, input_shape = ARGUMENTS[name]
    family = families()[name](family=name, **arguments)
    if family.hidden_shape is not None:
        model = family.build(Shapes(input_shape, 3))
        seen = [x.input.shape for x in model.layers if isinstance(x, keras.layers.Activation)]
        assert set(seen) == {(None, *family.hidden_shape)}


def test_only_a_family_of_trainable_blocks_is_pretrained():
    layers = {
        name: families()[name](family=name, **arguments).pretrained_layers
        for name, (arguments, _) in ARGUMENTS.items()
    }
    assert layers == {"mlp": 3, "cnn": None, "rnn": None, "transformer": None}


def test_families_are_imported_without_keras():
    code = (
        "import sys\n"
        "from zoo.recipe.families import families\n"
        "assert len(families()) > 2\n"
        "print(*{'keras', 'tensorflow'} & sys.modules.keys())"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (process.returncode, process.stdout.strip()) == (0, ""), process.stderr
