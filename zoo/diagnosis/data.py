"""What can be said of the data alone."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import tree

from zoo.diagnosis.examples import Examples
from zoo.diagnosis.verdict import Verdict
from zoo.probe.layers import layers_inside

TOLD = 1 / 3  # of the errors, that inputs must at least be able to avoid
LEAST = 100  # examples that inputs are compared of
MOST = 5_000_000  # entries of those


def faults(model: keras.Model, examples: Examples) -> Iterator[Verdict]:
    """What is wrong with examples, whatever the net.

    Args:
        model: whose embeddings have a number of tokens.
        examples: all that there are.
    """
    verdicts = []
    for kind, values in (("inputs", examples.x), ("targets", examples.y)):
        for name, array in named(kind, values):
            verdicts += [*_not_finite(name, array), *_alike(name, kind, array)]
    verdicts += _tokens(model, examples)
    yield from verdicts or _contradicting(examples)


def named(kind: str, values: Any) -> list[tuple[str, Any]]:
    """Arrays of numbers with the words for them: `inputs`, or `inputs 2` of several."""
    if isinstance(values, dict):
        pairs = [(f"{kind} {key}", each) for key, each in values.items()]
    else:
        flat = [each for each in tree.flatten(values) if each is not None]
        pairs = [(f"{kind} {n}" if len(flat) > 1 else kind, a) for n, a in enumerate(flat, 1)]
    return [(name, array) for name, array in pairs if array is not None and numbers(array)]


def numbers(array: Any) -> bool:
    """Whether an array is of whole or floating-point numbers."""
    return bool(array.dtype.kind in "iuf")


def _not_finite(name: str, array: Any) -> Iterator[Verdict]:
    if array.dtype.kind != "f":
        return
    bad = ~np.isfinite(array)
    if bad.any():
        where = [int(place) for place in np.argwhere(bad)[0]]
        value = array[tuple(where)]
        rows = int(bad.reshape(len(bad), -1).any(axis=1).sum())
        at = f" at {tuple(where[1:])}" if len(where) > 1 else ""
        yield Verdict(
            "not finite data",
            f"{name}, example {where[0]}{at}",
            f"the value is {value}; so it is in {rows} of {len(array)} examples"
            if rows > 1
            else f"the value is {value}",
            "numbers alone",
            repair="keep = np.isfinite(x).reshape(len(x), -1).all(axis=1); x, y = x[keep], y[keep]",
        )


def _alike(name: str, kind: str, array: Any) -> Iterator[Verdict]:
    if len(array) < 2 or not array.size or not (array == array[:1]).all():
        return
    what = "one input" if kind == "inputs" else "one target"
    yield Verdict(
        "examples alike",
        name,
        f"all {len(array)} examples have {what}: there is nothing to tell apart",
        "examples that differ",
        repair="look at the arrays that the loader gives: print(x[:2], y[:2])",
    )


def _tokens(model: keras.Model, examples: Examples) -> Iterator[Verdict]:
    """Numbers of tokens that an embedding at the entrance does not have."""
    embeddings = [each for each in layers_inside(model) if isinstance(each, keras.layers.Embedding)]
    inputs = named("inputs", examples.x)
    if len(embeddings) != 1 or len(inputs) != 1:
        return
    embedding: Any = embeddings[0]
    [(name, array)] = inputs
    if id(first_layer(model)) != id(embedding):
        return
    values = np.unique(array)
    if len(values) <= 2 < embedding.input_dim and array[:1].size > 2:
        yield Verdict(
            "examples alike",
            name,
            f"of {embedding.input_dim} tokens that {embedding.name} has there are "
            f"{len(values)}: {', '.join(f'{value:g}' for value in values)}",
            "examples of many tokens",
            sure="likely",
            repair="look at the tokens: print(x[:2])",
        )
    outside = (array < 0) | (array >= embedding.input_dim)
    if outside.any():
        where = tuple(int(place) for place in np.argwhere(outside)[0])
        yield Verdict(
            "labels do not fit",
            f"{name}, example {where[0]}",
            f"it has the token {array[where]:g}, and {embedding.name} has {embedding.input_dim} "
            f"tokens, 0 to {embedding.input_dim - 1}",
            "tokens that the embedding has",
            repair=f"Embedding({int(array.max()) + 1}, ...)",
        )


def _contradicting(examples: Examples) -> Iterator[Verdict]:
    """Many examples with one input and other targets, so that no network can learn them.

    What is left to learn is the share of the errors of a constant answer (of the squares, of
    numbers) that are gone with the best answer to each input.
    """
    if not hasattr(examples.y, "dtype") or not numbers(examples.y):
        return
    width = sum(array[:1].size for array in tree.flatten((examples.x, examples.y)))
    count = min(examples.count, MOST // width)
    if count < LEAST:
        return
    some = examples.at(np.linspace(0, examples.count - 1, count).astype(int))
    rows, targets = (
        np.concatenate([array.reshape(count, -1) for array in tree.flatten(each)], axis=1)
        for each in (some.x, some.y)
    )
    if rows.dtype.kind not in "iuf":
        return
    groups = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    inputs = int(groups.max()) + 1
    if not 1 < inputs < count / 2:
        return
    classes = targets.dtype.kind in "iu" and targets.shape[1] == 1
    if classes:
        codes = np.unique(targets, return_inverse=True)[1].reshape(-1)
        table = np.zeros((inputs, codes.max() + 1))
        np.add.at(table, (groups, codes), 1)
        constant = count - table.sum(0).max()
        left = count - table.max(1).sum()
    else:
        wide = targets.astype(np.float64)
        sums = np.zeros((inputs, wide.shape[1]))
        np.add.at(sums, groups, wide)
        means = sums / np.bincount(groups)[:, None]
        constant = np.square(wide - wide.mean(0)).sum()
        left = np.square(wide - means[groups]).sum()
    if not constant or 1 - left / constant >= TOLD:
        return
    yield Verdict(
        "examples alike",
        "inputs",
        f"{count} examples have {inputs} inputs, and one input has many targets: "
        f"the best answer to each still makes {left / constant:.0%} of the "
        f"{'errors' if classes else 'squared errors'} that one answer for all makes",
        "inputs that tell the targets apart",
        sure="likely",
        repair="look at what was done to the inputs (cut, rounded, clipped): print(x[:5])",
    )


def first_layer(model: keras.Model) -> keras.Layer | None:
    """The first layer that does something with its input."""
    nothing = (keras.layers.InputLayer, keras.layers.Flatten, keras.layers.Reshape)
    for layer in layers_inside(model):
        if not isinstance(layer, (*nothing, keras.Model)):
            return layer
    return None
