"""Every private name of Keras and TensorFlow that the zoo uses, one function each.

Such names may go with any release: pyproject.toml pins both below their next minor version, and
each function has a test that says what it relies on.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.models.functional import Functional
from keras.src.random import seed_generator
from keras.src.trainers.compile_utils import CompileLoss
from tensorflow.python.eager import context


@contextlib.contextmanager
def seeds_from(generator: random.Random) -> Iterator[None]:
    """Within it, Keras draws the seeds of its layers and initializers from this generator.

    Keras draws them from Python's global one, which other threads may use meanwhile.
    """
    shared = seed_generator.python_random
    seed_generator.python_random = generator
    try:
        yield
    finally:
        seed_generator.python_random = shared


@contextlib.contextmanager
def shared_seed_kept() -> Iterator[None]:
    """Puts the seed back that all random operations without one of their own draw from."""
    name = seed_generator.GLOBAL_SEED_GENERATOR
    before = global_state.get_global_attribute(name)
    value = None if before is None else before.state.numpy()
    try:
        yield
    finally:
        global_state.set_global_attribute(name, before)  # None: it is drawn when it is asked for
        if before is not None:
            before.state.assign(value)


@contextlib.contextmanager
def names_from_zero() -> Iterator[None]:
    """Within it, Keras counts the layers that have no name of their own from the first on.

    Elsewhere it goes on from all that this process has built.
    """
    before = global_state.get_global_attribute("object_name_uids")
    global_state.set_global_attribute("object_name_uids", None)
    try:
        yield
    finally:
        global_state.set_global_attribute("object_name_uids", before)


def inner_layers(layer: keras.Layer) -> list[keras.Layer]:
    """The layers right inside a layer or model, in the order in which it got them."""
    return list(layer._layers)


def count_loss(model: keras.Model, loss: Any, examples: Any) -> None:
    """Adds a batch's loss to the mean that a compiled model reports, as its `train_step` does."""
    model._loss_tracker.update_state(loss, sample_weight=examples)


def compute_loss(model: keras.Model, x: Any, y: Any, outputs: Any, weights: Any) -> Any:
    """The loss of a compiled model, by its `compute_loss`, with `training` or without."""
    return model._compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weights, training=True)


def compiled_data_loss(model: keras.Model) -> Callable[..., Any] | None:
    """The compiled loss without penalties; None for a model with a `compute_loss` of its own."""
    return None if has_own_loss(model) else model._compile_loss


def has_own_loss(model: keras.Model) -> bool:
    """Whether a model has a `compute_loss` of its own."""
    return type(model).compute_loss is not keras.Model.compute_loss


def compiled_loss(model: keras.Model, loss: Any) -> Callable[..., Any]:
    """The loss that `compile` makes of what it is given, with a model's names of outputs.

    A function is averaged over what no mask hides, targets are cast, several losses are added.
    """
    made: Callable[..., Any] = CompileLoss(loss, output_names=getattr(model, "output_names", None))
    return made


def on_one_replica(optimizer: keras.Optimizer) -> keras.Optimizer:
    """The optimizer without its all-reduce over replicas, which keeps every graph it traced."""
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
    return optimizer


def not_inlined(function: Callable[..., Any]) -> Any:
    """A `tf.function` whose graph stays apart from that of its callers, which stay small."""
    return tf.function(function, experimental_attributes={"_noinline": True})


def traced_without_warning(function: Callable[..., Any], autograph: bool = True) -> Any:
    """A `tf.function` of code that many arms have: TensorFlow does not warn that it traced many."""
    compiled = tf.function(function, autograph=autograph)
    compiled._omit_frequent_tracing_warning = True
    return compiled


@contextlib.contextmanager
def not_optimized() -> Iterator[None]:
    """Within it, graphs that are first run are run as they were traced.

    To optimize a graph costs as much as a dozen of its runs do, where the arrays are small.
    """
    here = context.context()
    before = here.function_call_options
    config = tf.compat.v1.ConfigProto.FromString(before.config_proto_serialized)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    here.function_call_options = context.FunctionCallOptions(before.executor_type, config)
    try:
        yield
    finally:
        here.function_call_options = before


def fused_batch_norm(x: Any, scale: Any, offset: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """TensorFlow's one operation for batch normalization in training mode.

    Args:
        x: (batch, height, width, channels) float32.
        scale: (channels,).
        offset: (channels,).
        epsilon: added to the variance.

    Returns:
        The normalized x, and mean and unbiased variance of each channel.
    """
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(x, scale, offset, epsilon=epsilon)
    return y, mean, variance


def attends_over_time_alone(layer: keras.layers.MultiHeadAttention) -> bool:
    """Whether a built layer attends over the one axis of (batch, time, units), and drops none."""
    return layer._attention_axes == (1,) and layer._dropout == 0 and layer._sliding_window is None


def replace_attention(layer: keras.layers.MultiHeadAttention, seen: Any) -> None:
    """Has `seen(query, key, value, mask)` compute in training what a layer composes.

    Args:
        layer: built.
        seen: gives the values that each query sees, of the projected query, key and value,
            (batch, time, heads, units), and of a mask, (batch or 1, time, time), or None.
    """
    composed = layer._compute_attention

    def attention(
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any = None,
        training: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        if return_attention_scores or not training:
            causal = {"use_causal_mask": True} if use_causal_mask else {}
            arguments = (attention_mask, training, return_attention_scores)
            return composed(query, key, value, *arguments, **causal)
        if use_causal_mask:
            attention_mask = layer._compute_causal_mask(query, value)
        return seen(query, key, value, attention_mask), None

    layer._compute_attention = attention


def weights_of(layer: keras.Layer) -> list[keras.Variable]:
    """The weights right in a layer, not in those inside, that it was given to learn; frozen too."""
    return list(layer._trainable_variables)


REPEATING = "_remat_mode"  # the attribute of a layer that computes its pass again for the gradient


def repeats_its_pass(layer: keras.Layer) -> bool:
    """Whether a layer was made within a `keras.RematScope`: no tape sees its z then."""
    return getattr(layer, REPEATING, None) is not None


def is_functional(model: keras.Layer) -> bool:
    """Whether a model is a graph of its layers, neither subclassed with a `call` nor a plain layer.

    A subclass of such a model may call its layers as it likes.
    """
    return type(model) is Functional


def given_loss(model: keras.Model) -> Any:
    """What a model was compiled with as its loss; None for none."""
    return getattr(getattr(model, "_compile_loss", None), "_user_loss", None)


def given_loss_weights(model: keras.Model) -> Any:
    """What a model was compiled with as the weights of its losses; None for none."""
    return getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None)
