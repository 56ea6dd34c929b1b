"""One training step as an arm asks for it: Keras's own, or with what a mitigation adds to it."""

from typing import Any

import keras
import tensorflow as tf

from zoo import keras_private
from zoo.mitigations.greedy import GreedyPretraining
from zoo.parts import making
from zoo.recipe import schema
from zoo.training.clipping import GradientWatch


def optimizer(training: schema.Training) -> keras.Optimizer:
    """The optimizer that a recipe names, at a learning rate of 1."""
    return keras_private.on_one_replica(making.optimizer(training.optimizer, 1.0))


class TrainingStep:
    """Compiles a model with Keras and makes its training step.

    Args:
        training: what the recipe says of it.
        model: built; compiled here.
        loss: averaged over the batch.
        outputs: of the data set, for an auxiliary layer.
        jit: whether the step is compiled by XLA.

    Attributes:
        watch: of gradients, where the arm clips or asks for it; else None.
        phases: first step and step after the last of each stretch of like steps; the last is open.
    """

    def __init__(
        self,
        training: schema.Training,
        model: keras.Model,
        loss: keras.Loss,
        outputs: int,
        jit: bool,
    ) -> None:
        self._training, self._model, self._jit = training, model, jit
        inner = optimizer(training)
        rule = making.clipping(training.clipping) if training.clipping else None
        clips = rule is not None or any(
            limit is not None for limit in (inner.clipnorm, inner.global_clipnorm, inner.clipvalue)
        )
        self.watch = GradientWatch(inner, rule) if clips or training.watch_gradients else None
        self._inner = inner  # what a loss-scaling optimizer wraps
        self._full_rate = tf.Variable(0.0, trainable=False)  # that of a step after any warmup
        self.optimizer = (
            keras.optimizers.LossScaleOptimizer(inner) if training.loss_scaling else inner
        )
        model.compile(optimizer=self.optimizer, loss=loss, jit_compile=False, auto_scale_loss=False)
        self.optimizer.build(model.trainable_variables)
        self._start = [variable.numpy() for variable in self.optimizer.variables]
        self._greedy: GreedyPretraining | None = None
        self.phases = [(0, training.steps)]
        if training.pretraining is not None:
            self._greedy = GreedyPretraining(
                model, training.pretraining, loss, outputs, lambda: optimizer(training)
            )
            each, layers = training.pretraining.steps, self._greedy.layers
            self.phases = [(layer * each, (layer + 1) * each) for layer in range(layers)]
            self.phases.append((layers * each, training.steps))
        self._step = tf.function(self._plain, jit_compile=True) if jit else self._plain

    def prepare(self, x: Any, y: Any) -> None:
        """Takes a step outside a graph, so that every variable exists before one is traced."""
        self._plain(x, y)

    def scale(self) -> Any:
        """What the loss is multiplied by before gradients are taken; 1 without loss scaling."""
        return self.optimizer.dynamic_scale.value if self._training.loss_scaling else 1.0

    def reset(self, seed: int, learning_rate: float) -> None:
        """Puts the optimizer, and what a mitigation adds, to a run's start."""
        for variable, start in zip(self.optimizer.variables, self._start, strict=True):
            variable.assign(start)
        self.set_rate(learning_rate)
        if self.watch is not None:
            self.watch.start()
        if self._greedy is not None:
            self._greedy.reset(seed, learning_rate)

    def set_rate(self, learning_rate: float) -> None:
        """Changes the rate from the next step on; with warmup what it rises to."""
        self._inner.learning_rate = learning_rate
        self._full_rate.assign(learning_rate)

    def pretrains(self, step: Any) -> Any:
        """Whether the steps before `step` were all of the pretraining."""
        return tf.constant(False) if self._greedy is None else step <= self.phases[-1][0]

    def _plain(self, x: Any, y: Any) -> Any:
        # An optimizer that needs more than gradients brings a step with it.
        step = getattr(self._inner, "train_step", keras.Model.train_step)
        return step(self._model, (x, y))["loss"]

    def __call__(self, x: Any, y: Any, step: Any) -> Any:
        """Takes a step; the loss, or its mean since the metrics were reset; for `tf.function`.

        With a warmup over w steps, step s, from 0 on, has min(1, (s + 1) / w) of the rate (Goyal et
        al. 2017, arXiv:1706.02677; Vaswani et al. 2017).
        """
        if self._training.warmup:
            risen = tf.cast(step + 1, tf.float32) / self._training.warmup
            self._inner.learning_rate = self._full_rate * tf.minimum(1.0, risen)
        greedy = self._greedy
        if greedy is None:
            return self._step(x, y)
        branches = [
            *(lambda layer=layer: greedy.step(layer, x, y, step) for layer in range(greedy.layers)),
            lambda: self._step(x, y),
        ]
        each = self.phases[0][1]
        return tf.switch_case(tf.minimum(step // each, greedy.layers), branches)
