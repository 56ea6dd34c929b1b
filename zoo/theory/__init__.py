"""What is predicted: mean-field theory of wide random networks, in NumPy alone."""

from zoo.theory.activations import Nonlinearity, nonlinearity
from zoo.theory.initializers import TRUNCATED_VARIANCE, Biases, biases, weight_variance
from zoo.theory.mean_field import (
    chi,
    depth_scale,
    edge_of_chaos,
    fixed_point,
    gaussian_mean,
    participation,
    signal,
)
from zoo.theory.networks import (
    BATCH_NORM_RELU_GROWTH,
    born_dead,
    delta_profile,
    lstm_decay,
    predicted_profile,
)

__all__ = [
    "BATCH_NORM_RELU_GROWTH",
    "TRUNCATED_VARIANCE",
    "Biases",
    "Nonlinearity",
    "biases",
    "born_dead",
    "chi",
    "delta_profile",
    "depth_scale",
    "edge_of_chaos",
    "fixed_point",
    "gaussian_mean",
    "lstm_decay",
    "nonlinearity",
    "participation",
    "predicted_profile",
    "signal",
    "weight_variance",
]
