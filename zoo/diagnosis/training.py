"""What the steps say of training itself: the rate, the scale of the data, weights that die."""

from collections.abc import Iterator

import keras
import numpy as np

from zoo.diagnosis import layers, rates
from zoo.diagnosis.scale import fixed_scale
from zoo.diagnosis.seen import LONG, Seen
from zoo.diagnosis.taught import CLEARLY, LITTLE, gain, knows, taught
from zoo.diagnosis.trial import LOOKED_AT
from zoo.diagnosis.verdict import Verdict
from zoo.probe.layers import layers_inside

DIED = 0.5  # what is left of a layer's weights
SHRINK = 0.75  # what is left of those of each layer, where they all go the same way
TRAINED = 100  # steps from which on moving averages are expected to be up to date
VERY_FAR = 100.0  # the same, from where 50 steps should come below FAR
FAR = 5.0  # a first loss so many times that of the best constant output


def verdicts(seen: Seen) -> Iterator[Verdict]:
    """Symptoms of training, from the likeliest cause on."""
    scale = list(_scale(seen))
    yield from scale
    alone = list(_batches_of_one(seen))
    yield from alone
    rate = [] if scale or alone else list(rates.wrong(seen))
    yield from rate
    yield from _penalty(seen)
    yield from layers.verdicts(seen)
    yield from rates.spent(seen)
    yield from _deaf(seen)
    yield from _dying(seen)
    yield from _inference(seen)
    if not scale and not rate and not alone:
        yield from _diverged(seen)
        yield from rates.later(seen)
        yield from _start(seen)
        yield from _stagnating(seen)
        yield from layers.dropped(seen)


def _scale(seen: Seen) -> Iterator[Verdict]:
    here = gain(seen.trial)
    for words, trial in seen.scaled.items():
        if "targets" in words and here > LITTLE and knows(seen.last, CLEARLY):
            continue  # it learns with the scale as it is
        if not knows(trial) or gain(trial) < here + CLEARLY:
            continue
        symptom = "targets unscaled" if words == "targets" else "inputs unscaled"
        what = {"inputs": "x", "targets": "y"}.get(words, "x and y")
        repairs = [
            f"{each} = ({each} - {each}.mean(0)) / ({each}.std(0) + 1e-7)"
            for each in what.split(" and ")
        ]
        if "inputs" in words and (layer := fixed_scale(seen.model)) is not None:
            repairs[0] = f"in place of {layer.name}: Normalization(axis=-1), and its adapt(x)"
        yield Verdict(
            symptom,
            words,
            f"{taught(seen.trial)}; with {words} standardized {taught(trial)}",
            f"{words} with mean 0 and variance 1",
            sure="likely",
            repair="; ".join(repairs),
        )
        return


def _penalty(seen: Seen) -> Iterator[Verdict]:
    other = seen.without_penalty
    if other is None or not knows(other) or gain(other) < gain(seen.trial) + CLEARLY:
        return
    kinds = ("kernel", "recurrent", "bias", "activity", "embeddings")
    layers = layers_inside(seen.model)
    names = [
        f"{kind}_regularizer"
        for kind in kinds
        if any(getattr(layer, f"{kind}_regularizer", None) is not None for layer in layers)
    ] or ["kernel_regularizer"]
    yield Verdict(
        "penalty outweighs the loss",
        "regularizers",
        f"of the loss of {seen.start['loss']:.3g} the penalties are {seen.penalty:.3g}; with them "
        f"{taught(seen.trial)}, without {taught(other)}",
        "penalties that are small beside the loss of the data",
        sure="likely",
        repair=f"{', '.join(f'{name}=None' for name in names)}, or one a hundred times smaller",
    )


def _dying(seen: Seen) -> Iterator[Verdict]:
    shrinkage = seen.trial.shrinkage
    all_shrink = bool(shrinkage) and max(shrinkage.values()) < SHRINK
    died = not knows(seen.trial) and min(shrinkage.values(), default=1.0) < DIED
    dying = {k: v for k, v in shrinkage.items() if all_shrink or v < DIED}
    if knows(seen.last, 0.5) or not _pulled(seen):
        return
    if (died or all_shrink) and not knows(seen.trial, 0.5) and seen.trial.diverged_at is None:
        name = min(dying, key=lambda each: dying[each])
        yield Verdict(
            "dying weights",
            name,
            f"in {len(seen.trial.losses)} steps its weights shrank to {dying[name]:.0%} of their "
            f"size, and {taught(seen.trial)}",
            "weights that keep their size: less weight decay, a smaller penalty",
            sure="likely",
            repair="weight_decay=None",
            layers=tuple(dying),
        )


def _pulled(seen: Seen) -> bool:
    """Whether something makes weights smaller whatever the data say."""
    constraints = ("kernel_constraint", "recurrent_constraint", "embeddings_constraint")
    constrained = any(
        getattr(layer, name, None) is not None
        for layer in layers_inside(seen.model)
        for name in constraints
    )
    return bool(seen.weight_decay) or seen.penalty > 0 or constrained


def _batches_of_one(seen: Seen) -> Iterator[Verdict]:
    """Batch normalization of batches of one example: minus its own mean, each unit is 0."""
    for layer in layers_inside(seen.model):
        if not isinstance(layer, keras.layers.BatchNormalization) or seen.batch_size > 1:
            continue
        if layer.trainable and getattr(layer.input_spec, "ndim", None) == 2:
            yield Verdict(
                "examples alike",
                layer.name,
                "batches have one example: in training its mean is taken away from each unit, and "
                "nothing is left",
                "batches of 8 examples or more, or LayerNormalization",
                repair="batch_size=32",
                layers=(layer.name,),
            )
            return


def _inference(seen: Seen) -> Iterator[Verdict]:
    """Whether a network that was trained knows in inference mode what it knows in training."""
    normalized = [
        layer
        for layer in layers_inside(seen.model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not normalized:
        return
    longer = seen.longer
    pairs = []
    if seen.trained >= TRAINED:
        pairs.append(("the model's loss", seen.before, seen.at_rest))
    if longer is not None and len(longer.losses) >= LOOKED_AT:
        steps = f"after {len(longer.losses)} steps the loss"
        pairs.append((steps, longer.knowledge, seen.longer_at_rest))
    for words, training, rest in pairs:
        if training is None or not training.is_there(0.2):
            continue
        if rest is not None and rest.gain >= 0.5 * training.gain:
            continue
        yield Verdict(
            "training and inference differ",
            normalized[0].name,
            f"{words} is {training.loss:.3g} with the moments of the batch, and "
            f"{f'{rest.loss:.3g}' if rest is not None else 'not finite'} with the moving averages, "
            "by which it evaluates and predicts",
            "averages that are up to date: a smaller momentum, larger batches, more steps",
            sure="likely",
            repair="BatchNormalization(momentum=0.9)",
            layers=tuple(layer.name for layer in normalized),
        )
        return


def _diverged(seen: Seen) -> Iterator[Verdict]:
    trial = seen.trial
    if trial.diverged_at is None or not np.isfinite(seen.start["loss"]):
        return  # what is not finite from the start is said of the gradients
    yield Verdict(
        "diverged",
        f"step {trial.diverged_at}",
        f"the loss went from {trial.losses[0]:.3g} to {trial.losses[-1]:.3g} and was then not "
        "finite, and so it was at a tenth, a hundredth and a thousandth of the rate"
        if sum(f < 1 and e.diverged_at is not None for f, e in seen.rates.items()) == 3
        else f"the loss went from {trial.losses[0]:.3g} to {trial.losses[-1]:.3g} and was then not "
        "finite",
        "a loss that is finite",
        sure="likely",
    )


def _deaf(seen: Seen) -> Iterator[Verdict]:
    """A loss of Keras's that is the same whatever the targets, as label smoothing of 1 makes it."""
    known = seen.trial.knowledge
    losses = [head.loss.name for head in seen.heads if head.loss is not None]
    alike = all(head.y is None or (head.y == head.y[:1]).all() for head in seen.heads)
    if known is None or known.of_targets or alike or not losses or not all(losses):
        return
    yield Verdict(
        "labels do not fit",
        f"loss {', '.join(dict.fromkeys(losses))}",
        f"after {len(seen.trial.losses)} steps it is {known.loss:.3g} for the right targets and "
        "for any others",
        "a loss that is small for the right targets alone",
        sure="likely",
        repair="less label_smoothing, outputs in the range that the loss takes",
    )


def _start(seen: Seen) -> Iterator[Verdict]:
    limit, loss = seen.constant_loss, seen.start["loss"] - seen.penalty
    if not limit or not loss > FAR * limit:
        return
    end = seen.trial.end
    stays = end > 0.75 * loss or (loss > VERY_FAR * limit and end > FAR * limit)
    steps, last = len(seen.last.losses), seen.last_loss
    stays_long = seen.last.diverged_at is None and steps >= LONG and last > FAR * limit
    yield Verdict(
        "initial loss",
        "last layer",
        f"the loss is {loss:.3g} before the first step, {loss / limit:.0f} times that of the best "
        f"constant output ({limit:.3g})"
        + (f", and {last:.3g} after {steps}" if stays_long else ""),
        "about that of a constant output: smaller weights in the last layer, inputs of size 1",
        sure="likely" if stays_long or (stays and not knows(seen.trial)) else "note",
        repair="use_bias=True in the last layer"
        if stays_long and _without_bias(seen.model)
        else 'kernel_initializer="glorot_uniform", bias_initializer="zeros" in the last layer',
    )


def _without_bias(model: keras.Model) -> bool:
    """Whether the last of the layers that may have a bias has none."""
    biased = [each for each in layers_inside(model) if hasattr(each, "use_bias")]
    return bool(biased) and not biased[-1].use_bias


def _stagnating(seen: Seen) -> Iterator[Verdict]:
    """Of a network that was trained for long; what knows nothing sooner may be slow and no more."""
    own = seen.last.of_its_own
    if seen.by_heart and own is not None:
        yield Verdict(
            "stagnating",
            f"model {seen.model.name}",
            f"after {seen.trained + len(seen.last.losses)} steps {own.gain:.0%} of the loss of the "
            "examples that it was trained on is gone, and nothing of others': it learns them by "
            "heart",
            "targets that follow from their inputs",
            sure="likely",
            repair="look whether y[i] belongs to x[i]; shuffle both by one permutation",
        )
        return
    if not seen.stuck:
        return
    yield Verdict(
        "stagnating",
        f"model {seen.model.name}",
        f"after {seen.trained + len(seen.last.losses)} steps the loss "
        + ("of examples that were held out " if seen.held_out else "")
        + f"is {seen.judged_loss:.3g}"
        + (
            f", and that of the best constant output {seen.constant_loss:.3g}"
            if seen.constant_loss is not None
            else "; the predictions know nothing of their targets"
        ),
        "a loss clearly below that of a constant output",
        sure="likely",
    )
