"""What is predicted: mean-field theory of wide random networks, in NumPy alone."""

from zoo.theory.activations import Nonlinearity, nonlinearity
from zoo.theory.mean_field import (
    chi,
    depth_scale,
    edge_of_chaos,
    fixed_point,
    gaussian_mean,
    signal,
)
from zoo.theory.networks import (
    BATCH_NORM_RELU_GROWTH,
    TRUNCATED_VARIANCE,
    delta_profile,
    lstm_decay,
    predicted_profile,
    weight_variance,
)

__all__ = [
    "BATCH_NORM_RELU_GROWTH",
    "TRUNCATED_VARIANCE",
    "Nonlinearity",
    "chi",
    "delta_profile",
    "depth_scale",
    "edge_of_chaos",
    "fixed_point",
    "gaussian_mean",
    "lstm_decay",
    "nonlinearity",
    "predicted_profile",
    "signal",
    "weight_variance",
]
