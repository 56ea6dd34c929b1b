"""Greedy layer-wise pretraining, layer by layer from the input, before training all together.

Bengio, Lamblin, Popovici and Larochelle 2007, Greedy layer-wise training of deep networks; the
noise of the autoencoders is that of Vincent, Larochelle, Bengio and Manzagol 2008, Extracting and
composing robust features with denoising autoencoders.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.recipe.schema import Pretraining

Tensor = Any


class GreedyPretraining:
    """Trains one hidden layer of `zoo.models.mlp` at a time, for a task of its own.

    The block of a layer is its Dense, normalization and activation. What enters it comes from the
    blocks below as they were pretrained, in inference mode, and they get no gradient. Its output
    goes to an auxiliary Dense layer, trained with it and then left behind, that either

    - reconstructs what entered the block before a share of the entries was set to 0 ("autoencoder";
      squared error, averaged over entries and batch), or
    - predicts the targets ("supervised"; the loss of the model itself).

    The papers reconstruct inputs in [0, 1] through the transposed kernel and a sigmoid, with a
    cross-entropy. Here inputs are standardized as a rule, and so the auxiliary layer is linear,
    with a kernel of its own. The output layer of the model and an embedding are not pretrained.

    Args:
        model: as `zoo.models.mlp` builds it.
        arguments: the method, and the share of entries set to 0.
        loss: of the model's outputs, averaged over the batch.
        outputs: of the data set.
        make_optimizer: called once for each layer.

    Attributes:
        layers: the hidden layers, of which number l is to be trained in the steps from
            l * arguments.steps on.

    Raises:
        ValueError: if the model has no layer named dense_1.
    """

    def __init__(
        self,
        model: keras.Model,
        arguments: Pretraining,
        loss: keras.Loss,
        outputs: int,
        make_optimizer: Callable[[], keras.Optimizer],
    ) -> None:
        self._reconstructs = arguments.method == "autoencoder"
        self._corruption, self._loss = arguments.corruption, loss
        self._below, self._blocks = _split(model)
        self.layers = len(self._blocks)
        self._auxiliary, self._optimizers, self._starts = [], [], []
        for block in self._blocks:
            dense = block[0]
            units = dense.kernel.shape[0] if self._reconstructs else outputs
            auxiliary = keras.layers.Dense(units, kernel_initializer="zeros")  # until reset
            auxiliary.build((None, dense.units))
            optimizer = make_optimizer()
            optimizer.build(_trainable([*block, auxiliary]))
            self._auxiliary.append(auxiliary)
            self._optimizers.append(optimizer)
            self._starts.append([variable.numpy() for variable in optimizer.variables])
        self._seed = tf.Variable(0, trainable=False)

    def reset(self, seed: int, learning_rate: float) -> None:
        """Puts what is not the model's to a run's start: auxiliary layers, optimizers, noise."""
        self._seed.assign(seed)
        for layer, auxiliary in enumerate(self._auxiliary):
            drawn = int(np.random.SeedSequence([seed, layer]).generate_state(1)[0])
            start = keras.initializers.GlorotUniform(seed=drawn)(auxiliary.kernel.shape)
            auxiliary.kernel.assign(start)
            auxiliary.bias.assign(tf.zeros_like(auxiliary.bias))
        for optimizer, starts in zip(self._optimizers, self._starts, strict=True):
            for variable, start in zip(optimizer.variables, starts, strict=True):
                variable.assign(start)
            optimizer.learning_rate = learning_rate

    def step(self, layer: int, x: Tensor, y: Tensor, step: Tensor) -> Tensor:
        """Trains one block for one step; call it inside a `tf.function`.

        Args:
            layer: its number, from 0.
            x: inputs, (batch, ...).
            y: targets, as the loss takes them.
            step: the number of the step, a scalar int32: the noise depends on it and the seed.

        Returns:
            The loss before the step, a scalar float32.
        """
        block, auxiliary = self._blocks[layer], self._auxiliary[layer]
        below = [*self._below, *(part for lower in self._blocks[:layer] for part in lower)]
        entering = _through(below, x, training=False)
        with tf.GradientTape() as tape:
            if self._reconstructs:
                seen = entering * self._kept(entering, step)
                rebuilt = auxiliary(_through(block, seen, training=True))
                error = tf.cast(rebuilt, tf.float32) - tf.cast(entering, tf.float32)
                loss = tf.reduce_mean(tf.square(error))
            else:
                loss = self._loss(y, auxiliary(_through(block, entering, training=True)))
        variables = _trainable([*block, auxiliary])
        self._optimizers[layer].apply(tape.gradient(loss, variables), variables)
        return tf.cast(loss, tf.float32)

    def _kept(self, entering: Tensor, step: Tensor) -> Tensor:
        """1 for each entry that the autoencoder sees, 0 for the others."""
        chance = tf.random.stateless_uniform(tf.shape(entering), tf.stack([self._seed, step]))
        return tf.cast(chance >= self._corruption, entering.dtype)


def _split(model: keras.Model) -> tuple[list[keras.Layer], list[list[keras.Layer]]]:
    """The layers before the first block, and the layers of each block."""
    layers = [part for part in model.layers if not isinstance(part, keras.layers.InputLayer)]
    names = [part.name for part in layers]
    if "dense_1" not in names:
        raise ValueError(f"model {model.name} is no multilayer perceptron: it has no dense_1")
    starts = [names.index("dense_1")]
    while (name := f"dense_{len(starts) + 1}") in names:
        starts.append(names.index(name))
    ends = [*starts[1:], names.index("output")]
    return layers[: starts[0]], [layers[i:j] for i, j in zip(starts, ends, strict=True)]


def _through(layers: list[keras.Layer], x: Tensor, training: bool) -> Tensor:
    for layer in layers:
        x = layer(x, training=training)
    return x


def _trainable(layers: list[keras.Layer]) -> list[Any]:
    return [variable for layer in layers for variable in layer.trainable_variables]
