"""What families of sequences ask of the data."""

from zoo.errors import ZooError


def require_sequence(input_shape: tuple[int, ...], family: str) -> None:
    """Refuses images.

    Args:
        input_shape: of one example; (steps,) or (steps, features) is a sequence.
        family: that is to be built.

    Raises:
        ZooError: for more dimensions.
    """
    if len(input_shape) > 2:
        raise ZooError(
            f"inputs of shape {input_shape} are no sequence for the model family {family}: "
            "name the set of images with _rows, such as digits_rows"
        )
