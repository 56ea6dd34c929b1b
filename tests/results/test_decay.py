"""The fall of the deltas from layer to layer, measured and predicted."""

import math

import numpy as np
import pytest

from zoo import recipe, theory
from zoo.results.decay import decay

SPEC = recipe.load("digits/activation").arms["tanh"].spec
SHAPE = (8, 8, 1)


def test_exponential_deltas_have_their_rate_and_its_distance_from_theory():
    layers, rates = np.arange(10), np.array([0.3, 0.4, 0.6, 0.3])
    seen = decay(SPEC, SHAPE, 1.0, [np.exp(rate * layers).tolist() for rate in rates])
    assert seen.measured == pytest.approx(rates.mean())
    profile = theory.predicted_profile(SPEC, SHAPE, 1.0)
    slope = np.polyfit(layers, np.log(profile), 1)[0]
    assert seen.predicted == pytest.approx(slope)
    error = rates.std(ddof=1) / math.sqrt(len(rates))
    assert seen.z == pytest.approx((rates.mean() - slope) / error)


def test_the_recursion_starts_at_the_batch_s_own_mean_square():
    deltas = [[1.0] * 10] * 2
    small, large = (decay(SPEC, SHAPE, rms, deltas).predicted for rms in (0.1, 3.0))
    assert small < decay(SPEC, SHAPE, 1.0, deltas).predicted < large  # tanh saturates
    unit = SPEC.model_copy(update={"data": SPEC.data.model_copy(update={"scale": "unit"})})
    assert decay(unit, SHAPE, None, deltas).predicted is None
    assert decay(unit, SHAPE, 0.1, deltas).predicted == small


def test_no_z_without_theory_or_scatter():
    deltas = [[1.0, 2.0, 4.0]]
    normalized = recipe.load("digits/normalization").arms["batch"].spec
    of_one = decay(normalized, SHAPE, 1.0, deltas * 3)
    assert (of_one.measured, of_one.predicted, of_one.z) == (pytest.approx(math.log(2)), None, None)
    ten = [[2.0**layer for layer in range(10)]]
    assert decay(SPEC, SHAPE, 1.0, ten).z is None  # one run
    assert decay(SPEC, SHAPE, 1.0, ten * 2).z is None  # of no scatter
