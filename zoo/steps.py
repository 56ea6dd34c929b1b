"""One training step as an arm asks for it: Keras's own, or with what a mitigation adds to it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo import keras_parts, schema
from zoo.mitigations.greedy import GreedyPretraining
from zoo.mitigations.no_clipping import NoClipping
from zoo.probe import norms

Rule = Callable[[list[Any], list[Any]], list[Any]]


def optimizer(training: schema.Training) -> keras.Optimizer:
    """The optimizer that a recipe names, at a learning rate of 1."""
    made = keras_parts.optimizer(training.optimizer, 1.0)
    # There is one replica, and TensorFlow's all-reduce keeps every graph it was traced in.
    made._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
    return made


class GradientWatch:
    """Applies a clipping rule, counts the steps that are clipped and notes the largest raw norm.

    The norm is that of all gradients together, before any clipping. Keras's own clipping, by the
    optimizer's arguments, is counted too.

    Args:
        watched: the optimizer; its `apply` is wrapped.
        rule: what to do to the gradients; None for what the optimizer does itself.

    Attributes:
        steps, clipped: how many steps were taken, and how many were clipped.
        largest: the largest norm that was finite.
    """

    def __init__(self, watched: keras.Optimizer, rule: Rule | None) -> None:
        self._optimizer, self._rule, self._apply = watched, rule, watched.apply
        self.steps = tf.Variable(0, trainable=False)
        self.clipped = tf.Variable(0, trainable=False)
        self.largest = tf.Variable(tf.zeros([], tf.float64), trainable=False)
        watched.apply = self._watched

    def start(self) -> None:
        """Forgets the run before."""
        for variable in (self.steps, self.clipped, self.largest):
            variable.assign(tf.zeros_like(variable))

    def _watched(self, gradients: Sequence[Any], variables: Any = None) -> None:
        # None, for a variable that the loss does not see, is left to the optimizer.
        given = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
        raw = [gradient for gradient in given if gradient is not None]
        each = norms(raw)
        total = tf.norm(each)
        new = given
        if self._rule is not None:
            new = self._rule(given, list(variables))
            pairs = [pair for pair in zip(given, new, strict=True) if pair[0] is not None]
            clipped = tf.reduce_any([tf.reduce_any(old != now) for old, now in pairs])
        else:
            clipped = self._clipped_by_keras(raw, each, total)
        self.steps.assign_add(1)
        self.clipped.assign_add(tf.cast(clipped, tf.int32))
        larger = tf.math.is_finite(total) & (total > self.largest)
        self.largest.assign(tf.where(larger, total, self.largest))
        self._apply(new, variables)

    def _clipped_by_keras(self, raw: list[Any], each: Any, total: Any) -> Any:
        own = self._optimizer
        if own.global_clipnorm is not None:
            return total > own.global_clipnorm
        if own.clipnorm is not None:
            return tf.reduce_any(each > own.clipnorm)
        if own.clipvalue is not None:
            return tf.reduce_any([tf.reduce_any(tf.abs(g) > own.clipvalue) for g in raw])
        return tf.constant(False)


class TrainingStep:
    """Compiles a model with Keras and makes its training step.

    Args:
        training: what the recipe says of it.
        model: built; compiled here.
        loss: averaged over the batch.
        outputs: of the data set, for an auxiliary layer.
        jit: whether the step is compiled by XLA.

    Attributes:
        watch: of gradients, where the arm clips or names a clipping rule; else None.
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
        own = optimizer(training)
        rule = keras_parts.clipping(training.clipping) if training.clipping else None
        clips = (own.clipnorm, own.global_clipnorm, own.clipvalue)
        watched = rule is not None or any(limit is not None for limit in clips)
        if isinstance(rule, NoClipping):
            rule = None
        self.watch = GradientWatch(own, rule) if watched else None
        self._own = own
        self.optimizer = keras.optimizers.LossScaleOptimizer(own) if training.loss_scaling else own
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
        """Changes the rate from the next step on."""
        self._own.learning_rate = learning_rate

    def pretrains(self, step: Any) -> Any:
        """Whether the steps before `step` were all of the pretraining."""
        return tf.constant(False) if self._greedy is None else step <= self.phases[-1][0]

    def _plain(self, x: Any, y: Any) -> Any:
        brings_its_own = hasattr(self._own, "train_step")  # one that needs more than gradients
        step = self._own.train_step if brings_its_own else keras.Model.train_step
        return step(self._model, (x, y))["loss"]

    def __call__(self, x: Any, y: Any, step: Any) -> Any:
        """Takes a step; the loss, or its mean since the metrics were reset; for `tf.function`."""
        greedy = self._greedy
        if greedy is None:
            return self._step(x, y)
        branches = [
            *(lambda layer=layer: greedy.step(layer, x, y, step) for layer in range(greedy.layers)),
            lambda: self._step(x, y),
        ]
        each = self.phases[0][1]
        return tf.switch_case(tf.minimum(step // each, greedy.layers), branches)
