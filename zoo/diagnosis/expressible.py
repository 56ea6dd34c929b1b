"""Whether an output can give its targets, and whether they fit its loss: seen without training.

About half of the faults that people write are of this kind. Gradients do not show them: Keras
attaches the logits to the outputs of softmax and sigmoid, and its cross-entropies use them.
"""

from zoo.diagnosis import labels, ranges
from zoo.diagnosis.heads import Head
from zoo.diagnosis.verdict import Verdict


def faults(head: Head) -> list[Verdict]:
    """What is wrong with an output, its targets and its loss.

    Args:
        head: with targets and outputs of some examples.
    """
    if head.loss is None or head.y is None:
        return []
    return labels.of_other_shapes(head) or [
        *labels.no_classes(head),
        *labels.by_percent(head),
        *ranges.faults(head),
    ]
