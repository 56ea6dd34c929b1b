"""A user's own mitigation of every kind runs in a recipe by --import."""

import pytest

from zoo import recipe
from zoo.evidence.store import Store
from zoo.parts import user_files
from zoo.sweep.sweep import Sweep
from zoo.sweep.workers import local

MINE = """\
import keras
from keras import ops

register = keras.saving.register_keras_serializable(package="mine")

@register
def bent(x):
    return ops.maximum(x, 0.2 * x)

@register
class Narrow(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.random.normal(shape, 0.0, 0.1, dtype, seed=7)

@register
class Centered(keras.layers.Layer):
    def call(self, x):
        return x - ops.mean(x, axis=-1, keepdims=True)

@register
class Half(keras.layers.Layer):
    def call(self, pair):
        return 0.5 * (pair[0] + pair[1])

    def compute_output_shape(self, shapes):
        return shapes[0]

@register
class Leaky(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        self.kernel = self.add_weight((shape[-1], self.units), "glorot_uniform", name="kernel")

    def call(self, x, states):
        state = 0.9 * states[0] + ops.tanh(ops.matmul(x, self.kernel))
        return state, [state]

@register
class Slow(keras.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(0.5 * gradient, variable, learning_rate)

@register
def signs(gradients, variables):
    return [0.01 * ops.sign(gradient) for gradient in gradients]
"""
COMMON = """\
title: Mine
claim: It runs.
data: {{name: digits{rows}, batch_size: 32}}
model: {model}
training:
  optimizer: SGD
  learning_rate: [0.1]
  steps: 4
  evaluate_every: 2
  seeds: 1
  tuning_seeds: 1
target: {{metric: val_accuracy, mode: max, value: 0.9}}
baseline: plain
arms:
  plain: {{}}
"""
RECIPES = {
    "mlp": (
        "{family: mlp, depth: 2, width: 8, activation: relu}",
        """\
  activation: {model.activation: bent}
  initializer: {model.initializer: Narrow}
  normalization: {model.normalization: Centered}
  optimizer: {training.optimizer: Slow}
  clipping: {training.clipping: signs}
""",
    ),
    "cnn": (
        "{family: cnn, depth: 4, widths: [4], activation: relu}",
        "  skip: {model.skip: Half}\n",
    ),
    "rnn": (
        "{family: rnn, width: 8, cell: SimpleRNN}",
        "  cell: {model.cell: Leaky}\n",
    ),
}


@pytest.mark.parametrize("family", RECIPES)
def test_a_users_own_part_of_each_kind_is_trained(family, eagerly, empty_registry, tmp_path):
    model, arms = RECIPES[family]
    rows = "_rows" if family == "rnn" else ""
    path = tmp_path / "recipes" / f"{family}.yaml"
    path.parent.mkdir()
    path.write_text(COMMON.format(model=model, rows=rows) + arms)
    (tmp_path / "mine.py").write_text(MINE)
    source = user_files.import_file("mine.py")
    loaded = recipe.load(path)
    store = Store(tmp_path / "out")
    job = Sweep([loaded], store, [source])
    with local(1) as workers:
        job.run(workers, lambda states: None)
    assert job.failures == []
    found = {name: store.records(arm)[0] for name, arm in loaded.arms.items()}
    curves = {name: tuple(record.evaluation.training_loss) for name, record in found.items()}
    assert len(set(curves.values())) == len(curves)  # each changed something
    if family == "mlp":
        assert found["clipping"].clipping.clipped == 1.0
    if family == "rnn":
        assert found["cell"].probe.layers[0] == "rnn_1_kernel"
        assert len(found["cell"].probe.input_grad_rms[0]) == 8
