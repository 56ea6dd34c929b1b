"""Keras's losses by what they take: their names, in groups."""

OVER_CLASSES = ("categorical_crossentropy", "categorical_focal_crossentropy")
SPARSE = "sparse_categorical_crossentropy"
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
PROBABILISTIC = (*OVER_CLASSES, SPARSE, *BINARY)
MARGINS = ("hinge", "squared_hinge", "categorical_hinge")
POINTWISE = (
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
)
FROM_ZERO = ("mean_squared_logarithmic_error", "poisson")  # take no targets below 0
