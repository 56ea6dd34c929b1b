"""Splits in tensorflow-datasets's notation, beside Python's own slices of the examples."""

import itertools

import pytest
import tensorflow_datasets as tfds
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zoo.data import splits
from zoo.data.raw import SPLITS

NAMES = ("train", "test", "extra-1")


def prepared(sizes):
    """What tensorflow-datasets knows of a prepared set with splits of so many examples."""
    return {
        name: tfds.core.SplitInfo(
            name=name, shard_lengths=[size], num_bytes=0, filename_template=None
        )
        for name, size in sizes.items()
    }


def wrong(train, validation, test, known=None):
    return splits.mistakes({"train": train, "validation": validation, "test": test}, known)


@st.composite
def slices(draw, unit=None, lowest=-30):
    """A slice as text, and what takes it from a list."""
    name = draw(st.sampled_from(NAMES))
    unit = draw(st.sampled_from(["", "%"])) if unit is None else unit
    bounds = [draw(st.none() | st.integers(lowest, 100 if unit else 30)) for _ in range(2)]
    if bounds == [None, None]:
        return name, lambda examples: list(examples[name])
    text = ":".join("" if bound is None else f"{bound}{unit}" for bound in bounds)

    def taken(examples):
        size = len(examples[name])
        if not unit:
            assume(all(abs(bound or 0) <= size for bound in bounds))
        first, stop = (
            bound if bound is None or not unit else round(bound * size / 100) for bound in bounds
        )
        return examples[name][first:stop]

    return f"{name}[{text}]", taken


@st.composite
def sums(draw, unit=None, lowest=-30):
    """One or two slices with a plus between them."""
    parts = draw(st.lists(slices(unit, lowest), min_size=1, max_size=2))
    plus = draw(st.sampled_from(["+", " + "]))
    return plus.join(text for text, _ in parts), lambda examples: list(
        itertools.chain.from_iterable(taken(examples) for _, taken in parts)
    )


def truth(examples, parts):
    """The parts that have nothing, an example twice, or one of a part before."""
    mistaken, seen = set(), set()
    for part, (_, taken) in zip(SPLITS, parts, strict=True):
        of_part = taken(examples)
        if not of_part or len(set(of_part)) < len(of_part) or seen & set(of_part):
            mistaken.add(part)
        seen |= set(of_part)
    return mistaken


@given(st.tuples(sums(), sums(), sums()), st.tuples(*[st.integers(30, 250)] * 3))
@settings(deadline=None)
def test_of_a_prepared_set_every_overlap_is_told_and_no_other(parts, sizes):
    sizes = dict(zip(NAMES, sizes, strict=True))
    examples = {name: [(name, n) for n in range(size)] for name, size in sizes.items()}
    told = {part for part, _ in wrong(*(text for text, _ in parts), prepared(sizes))}
    assert told == truth(examples, parts)


@given(st.tuples(sums(), sums(), sums()), st.integers(30, 250))
@settings(deadline=None)
def test_of_another_set_what_is_told_is_true_at_every_size(parts, size):
    told = {part for part, _ in wrong(*(text for text, _ in parts))}
    examples = {name: [(name, n) for n in range(100 * size)] for name in NAMES}
    assert told <= truth(examples, parts)


@pytest.mark.parametrize("unit", ["", "%"])
@given(st.data())
@settings(deadline=None)
def test_of_another_set_an_overlap_in_one_unit_is_told(unit, data):
    """Where bounds are numbers from the start, and of a set that has all of them."""
    parts = data.draw(st.tuples(*[sums(unit, lowest=0)] * 3))
    examples = {name: [(name, n) for n in range(1000)] for name in NAMES}
    assert {part for part, _ in wrong(*(text for text, _ in parts))} == truth(examples, parts)


@given(st.text("train[]%:+- 0159_.", max_size=14).map(lambda text: f"train{text}"))
def test_what_is_read_is_what_tensorflow_datasets_reads(text):
    """And a bound in percent beside one in examples is refused, where it takes both for percent."""
    unreadable = any("is no split" in why or "unit" in why for _, why in wrong(text, "a", "b"))
    try:
        tfds.core.splits.AbstractSplit.from_spec(text)
    except (ValueError, NotImplementedError):
        assert wrong(text, "a", "b")
    else:
        assert not unreadable or text.count("%") == 1 or "_" in text or "." in text


@pytest.mark.parametrize(
    ("train", "validation", "test", "expected"),
    [
        ("train[:80%]", "train[80%:]", "test", []),
        ("train[:-10%]", "train[-10%:]", "test", []),
        ("train[:50000]", "train[50_000:]", "test", []),
        ("train[:-100]", "train[-100:]", "test", []),
        ("train[:1shard]", "train[1shard:]", "test[0shard]", []),
        ("train[:50%]", "train[1000:]", "test", []),  # which depends on the size
        (
            "train[:90%]", "train[80%:]", "test",
            [("validation", "has examples of train (train[:90%]) too: let none be in two")],
        ),
        (
            "train", "test", "test[:10]",
            [("test", "has examples of validation (test) too: let none be in two")],
        ),
        (
            "all", "test", "train",
            [
                ("validation", "has examples of train (all) too: let none be in two"),
                ("test", "has examples of train (all) too: let none be in two"),
            ],
        ),
        ("train[:60%]+train[50%:]", "a", "b", [("train", "holds examples twice")]),
        ("train[5:5]", "a", "b", [("train", "holds no example")]),
        ("train[:120%]", "a", "b", [("train", "120% is more than all of a split")]),
        (
            "train[10:50%]", "a", "b",
            [
                (
                    "train", "'train[10:50%]' should have bounds of one unit, such as train[:90%], "
                    "train[1000:2000] or train+test",
                )
            ],
        ),
        *(
            (
                text, "a", "b",
                [
                    (
                        "train", f"{text!r} is no split: write one such as train[:90%], "
                        "train[1000:2000] or train+test",
                    )
                ],
            )
            for text in ("train[:90%", "train(:90%)", "train[:x]", "train[90%]", "all[:5%]", "a b")
        ),
    ],
)  # fmt: skip
def test_what_is_said(train, validation, test, expected):
    assert wrong(train, validation, test) == expected


def test_of_a_prepared_set_names_and_sizes_are_known():
    known = prepared({"train": 40, "test": 20})
    [(part, why)] = wrong("trian[:90%]", "train[90%:]", "test", known)
    assert (part, why) == ("train", "Unknown split 'trian'. Should be one of ['train', 'test'].")
    [(part, why)] = wrong("train[:999]", "train[90%:]", "test", known)
    assert part == "train" and "incompatible with 40 examples" in why
    assert wrong("train[:50%]", "train[20:]", "test", known) == []
    [(part, _)] = wrong("train[:50%]", "train[19:]", "test", known)
    assert part == "validation"
