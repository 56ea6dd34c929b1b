"""A user's file with one object of each kind, for the tests that import it."""

from pathlib import Path

import pytest

from zoo.errors import ZooError

SWOOSH = """\
import keras

@keras.saving.register_keras_serializable(package="birds")
def swoosh(x):
    return x * keras.ops.sigmoid(x)

@keras.saving.register_keras_serializable()
class Slope(keras.layers.Layer):
    def __init__(self, slope=0.5, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope

    def call(self, x):
        return keras.ops.maximum(x, self.slope * x)

    def get_config(self):
        return {**super().get_config(), "slope": self.slope}

@keras.saving.register_keras_serializable()
class Half(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, 0.5, dtype)

@keras.saving.register_keras_serializable()
class HalfSGD(keras.optimizers.SGD):
    pass
"""


def user_file(source: str, name: str = "mine.py") -> str:
    Path(name).write_text(source)
    return name


def refusal(call, *arguments: object) -> str:
    with pytest.raises(ZooError) as caught:
        call(*arguments)
    return str(caught.value)
