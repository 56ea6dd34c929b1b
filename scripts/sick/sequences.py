"""Recurrent networks, texts of tokens, and a small transformer."""

from typing import Any

import keras
from keras import layers, ops, regularizers

from . import data
from .compiling import boundary, compiled
from .parts import cut, head, policy_of, start
from .problem import Problem, accuracy, binary_accuracy, r2

CELLS = {"GRU": layers.GRU, "LSTM": layers.LSTM, "SimpleRNN": layers.SimpleRNN}


def _recurrent(
    x: Any,
    *,
    cell: str = "GRU",
    units: int = 24,
    depth: int = 1,
    activation: str = "tanh",
    kernel_initializer: Any = "glorot_uniform",
    recurrent_initializer: Any = "orthogonal",
    bias_initializer: Any = "zeros",
    unit_forget_bias: bool = True,
    penalty: float = 0.0,
    frozen: bool = False,
    every_step: bool = False,
    cut_by: str | None = None,
) -> Any:
    """Recurrent layers; the last state, or with `every_step` all of them."""
    for number in range(1, depth + 1):
        more = {"unit_forget_bias": unit_forget_bias} if cell == "LSTM" else {}
        x = CELLS[cell](
            units,
            activation=activation,
            kernel_initializer=start(kernel_initializer),
            recurrent_initializer=start(recurrent_initializer),
            bias_initializer=start(bias_initializer),
            kernel_regularizer=regularizers.L2(penalty) if penalty else None,
            recurrent_regularizer=regularizers.L2(penalty) if penalty else None,
            return_sequences=every_step or number < depth,
            trainable=not frozen,
            name=f"recurrent_{number}",
            **more,
        )(x)
    return cut(x, cut_by)


def adding(
    *,
    length: int = 20,
    head_activation: Any = None,
    head_bias: Any = "zeros",
    loss: Any = "mse",
    scale: str = "as is",
    target_factor: float = 1.0,
    spoil: str | None = None,
    batch_size: int = 32,
    epochs: int = 6,
    target: float = 0.8,
    optimizer: str = "adam",
    learning_rate: float = 1e-2,
    momentum: float = 0.0,
    clipnorm: float | None = None,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    **recurrent: Any,
) -> Problem:
    """The adding problem: the sum of two marked numbers among `length`."""
    parts = data.spoiled(data.scaled(data.adding(length), scale), spoil)
    inputs = keras.Input((length, 2))
    outputs = head(
        _recurrent(inputs, **recurrent), 1, head_activation, bias_initializer=start(head_bias)
    )
    model = compiled(
        keras.Model(inputs, outputs),
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        clipnorm=clipnorm,
        weight_decay=weight_decay,
        decay_steps=decay_steps,
    )
    y, y_test = parts.y * target_factor, parts.y_test * target_factor
    return Problem(
        model, parts.x, y, parts.x_test, y_test, r2(y_test), "r2", target, epochs, batch_size
    )  # fmt: skip


def recall(
    *,
    length: int = 40,
    head_activation: Any = "sigmoid",
    loss: Any = "binary_crossentropy",
    labels: str = "integers",
    scale: str = "as is",
    spoil: str | None = None,
    batch_size: int = 32,
    epochs: int = 6,
    target: float = 0.9,
    optimizer: str = "adam",
    learning_rate: float = 5e-3,
    momentum: float = 0.0,
    clipnorm: float | None = None,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    **recurrent: Any,
) -> Problem:
    """The sign of the first of `length` steps, after the last of them."""
    parts = data.spoiled(data.scaled(data.recall(length), scale), spoil)
    inputs = keras.Input((length, 2))
    outputs = head(_recurrent(inputs, **recurrent), 1, head_activation)
    model = compiled(
        keras.Model(inputs, outputs),
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        clipnorm=clipnorm,
        weight_decay=weight_decay,
        decay_steps=decay_steps,
    )
    return Problem(
        model,
        parts.x,
        data.labels(parts.y, labels, 2),
        parts.x_test,
        data.labels(parts.y_test, labels, 2),
        binary_accuracy(parts.y_test, boundary(loss, labels)),
        "accuracy",
        target,
        epochs,
        batch_size,
    )


def rows(
    *,
    head_activation: Any = "softmax",
    loss: Any = "sparse_categorical_crossentropy",
    labels: str = "integers",
    scale: str = "as is",
    spoil: str | None = None,
    batch_size: int = 32,
    epochs: int = 14,
    target: float = 0.85,
    optimizer: str = "adam",
    learning_rate: float = 5e-3,
    momentum: float = 0.0,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    **recurrent: Any,
) -> Problem:
    """Digits, a row of 8 pixels at each of 8 steps."""
    digits = data.spoiled(data.scaled(data.digits(), scale), spoil)
    inputs = keras.Input((8, 8, 1))
    x = _recurrent(layers.Reshape((8, 8))(inputs), **{"cell": "LSTM", **recurrent})
    model = compiled(
        keras.Model(inputs, head(x, 10, head_activation)),
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        decay_steps=decay_steps,
    )
    return Problem(
        model,
        digits.x,
        data.labels(digits.y, labels, 10),
        digits.x_test,
        data.labels(digits.y_test, labels, 10),
        accuracy(digits.y_test),
        "accuracy",
        target,
        epochs,
        batch_size,
    )


def reviews(
    *,
    embedding: int = 8,
    embedding_initializer: Any = "uniform",
    embedding_frozen: bool = False,
    mask_zero: bool = True,
    reader: str = "average",
    tokens: str = "as is",
    head_units: int = 1,
    head_activation: Any = "sigmoid",
    head_bias: Any = "zeros",
    head_initializer: Any = "glorot_uniform",
    loss: Any = "binary_crossentropy",
    labels: str = "integers",
    spoil: str | None = None,
    dropout: float = 0.0,
    batch_size: int = 32,
    epochs: int = 8,
    target: float = 0.85,
    optimizer: str = "adam",
    learning_rate: float = 1e-2,
    momentum: float = 0.0,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    cut_by: str | None = None,
) -> Problem:
    """Made texts, good or bad, through an Embedding and an average or a recurrent layer.

    Args:
        reader: "average", or a cell.
        tokens: "as is", or "all unknown": a vocabulary that has none of the words.
        embedding, embedding_initializer, embedding_frozen, mask_zero, dropout: of the Embedding.
        head_units, head_activation, head_bias, head_initializer, loss, labels, spoil, batch_size,
        epochs, target, optimizer, learning_rate, momentum, weight_decay, decay_steps, cut_by: as
            everywhere.
    """
    parts = data.spoiled(data.reviews(), spoil)
    if tokens == "all unknown":
        parts = parts._replace(x=(parts.x > 0) * 1, x_test=(parts.x_test > 0) * 1)
    inputs = keras.Input((20,), dtype="int32")
    x = layers.Embedding(
        50,
        embedding,
        embeddings_initializer=start(embedding_initializer),
        mask_zero=mask_zero,
        trainable=not embedding_frozen,
    )(inputs)
    if dropout:
        x = layers.Dropout(dropout)(x)
    x = layers.GlobalAveragePooling1D()(x) if reader == "average" else CELLS[reader](16)(x)
    outputs = head(
        cut(x, cut_by),
        head_units,
        head_activation,
        bias_initializer=start(head_bias),
        kernel_initializer=start(head_initializer),
    )
    model = compiled(
        keras.Model(inputs, outputs),
        loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        decay_steps=decay_steps,
    )
    decide = accuracy if head_units == 2 else lambda y: binary_accuracy(y, boundary(loss, labels))
    return Problem(
        model,
        parts.x.astype("int32"),
        data.labels(parts.y, labels, 2),
        parts.x_test.astype("int32"),
        data.labels(parts.y_test, labels, 2),
        decide(parts.y_test),
        "accuracy",
        target,
        epochs,
        batch_size,
    )


@keras.saving.register_keras_serializable(package="sick")
class Attention(layers.Layer):
    """One head of attention written by hand, with its mask added to the scores.

    Args:
        size: of queries, keys and values.
        masked_score: what is added to the scores of padding.
        kernel_initializer: of the three kernels and that of the output.
    """

    def __init__(
        self, size: int, masked_score: float, kernel_initializer: Any = "glorot_uniform", **kw: Any
    ) -> None:
        super().__init__(**kw)
        self.size, self.masked_score, self.start = size, masked_score, kernel_initializer
        self.query, self.key, self.value, self.out = (
            layers.Dense(size, kernel_initializer=start(kernel_initializer), name=name)
            for name in ("query", "key", "value", "out")
        )

    def build(self, shapes: Any) -> None:
        """Of the shapes of inputs (n, steps, size) and padding (n, steps)."""
        for layer in (self.query, self.key, self.value, self.out):
            layer.build(shapes[0])

    def call(self, both: Any) -> Any:
        """Of inputs (n, steps, size) and padding (n, steps), 1 where there is no token."""
        x, padding = both
        scores = ops.matmul(self.query(x), ops.swapaxes(self.key(x), 1, 2)) / self.size**0.5
        scores = scores + ops.cast(padding[:, None], scores.dtype) * ops.cast(
            self.masked_score, scores.dtype
        )
        return self.out(ops.matmul(ops.softmax(scores), self.value(x)))

    def get_config(self) -> dict[str, Any]:
        """With its arguments."""
        more = {"size": self.size, "masked_score": self.masked_score}
        return {**super().get_config(), **more, "kernel_initializer": self.start}


def transformer(
    *,
    depth: int = 2,
    size: int = 16,
    masked_score: float = -1e4,
    kernel_initializer: Any = "glorot_uniform",
    activation: str = "relu",
    normalization: str | None = "before",
    skips: bool = True,
    positions: bool = True,
    head_activation: Any = "sigmoid",
    loss: Any = "binary_crossentropy",
    labels: str = "integers",
    policy: str = "float32",
    penalty: float = 0.0,
    batch_size: int = 32,
    epochs: int = 5,
    target: float = 0.85,
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    weight_decay: float | None = None,
    decay_steps: int | None = None,
    cut_by: str | None = None,
) -> Problem:
    """Made texts through blocks of attention and a Dense pair, then the average over the tokens."""
    parts = data.reviews()
    with policy_of(policy):
        inputs = keras.Input((20,), dtype="int32")
        padding = ops.cast(ops.equal(inputs, 0), "float32")
        x = layers.Embedding(50, size)(inputs)
        for number in range(1, depth + 1):
            for part in ("attention", "feed_forward"):
                inner = x
                if normalization == "before":
                    inner = layers.LayerNormalization()(inner)
                if part == "attention":
                    layer = Attention(
                        size, masked_score, kernel_initializer, name=f"{part}_{number}"
                    )
                    inner = layer([inner, padding])
                else:
                    for units, act in ((2 * size, activation), (size, None)):
                        inner = layers.Dense(
                            units,
                            act,
                            kernel_initializer=start(kernel_initializer),
                            kernel_regularizer=regularizers.L2(penalty) if penalty else None,
                            name=f"{part}_{number}_{units}",
                        )(inner)
                x = layers.Add()([x, inner]) if skips else inner
        x = layers.GlobalAveragePooling1D()(cut(x, cut_by))
        outputs = head(x, 1, head_activation)
        model = compiled(
            keras.Model(inputs, outputs),
            loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            decay_steps=decay_steps,
        )
    return Problem(
        model,
        parts.x.astype("int32"),
        data.labels(parts.y, labels, 2),
        parts.x_test.astype("int32"),
        data.labels(parts.y_test, labels, 2),
        binary_accuracy(parts.y_test, boundary(loss, labels)),
        "accuracy",
        target,
        epochs,
        batch_size,
    )
