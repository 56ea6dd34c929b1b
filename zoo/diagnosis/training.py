"""What the steps say of training itself: the rate, the scale of the data, weights that die."""

from collections.abc import Iterator

import keras
import numpy as np

from zoo.diagnosis.seen import CREPT, Seen, knows
from zoo.diagnosis.trial import Trial
from zoo.diagnosis.verdict import Verdict
from zoo.probe.layers import layers_inside

# Displacement of the median layer. Weights that moved by five times their size have forgotten where
# they began; in the zoo's arms that learn later than in 64 steps it stays below 4.
UPROOTED = 5.0
MUCH = 0.15  # the same, of a slower rate, where the loss does not swing: it may be on its way
CLEARER = 0.03  # the same, of a faster rate, where the weights hardly moved
CLEARLY = 0.1  # by so much more of the loss something else must take away to be the cure
LITTLE = 0.05  # of the loss: who knows more learns with targets and layers as they are
DROPPED = 0.9  # of the inputs
SPENT = 0.01  # of its first rate: a schedule has nothing left
DIED = 0.5  # what is left of a layer's weights
SHRINK = 0.75  # what is left of those of each layer, where they all go the same way
LONG = 2000  # steps: of healthy small networks half know nothing after 200, and do after these
TRAINED = 100  # steps from which on moving averages are expected to be up to date
VERY_FAR = 100.0  # the same, from where 50 steps should come below FAR
FAR = 5.0  # a first loss so many times that of the best constant output


def verdicts(seen: Seen) -> Iterator[Verdict]:
    """Symptoms of training, from the likeliest cause on."""
    scale = list(_scale(seen))
    yield from scale
    rate = [] if scale else list(_rate(seen))
    yield from rate
    yield from _penalty(seen)
    yield from _frozen(seen)
    yield from _schedule(seen)
    yield from _linear(seen)
    yield from _dying(seen)
    yield from _inference(seen)
    if not scale and not rate:
        yield from _diverged(seen)
        yield from _start(seen)
        yield from _stagnating(seen)
        yield from _dropped(seen)


def gain(trial: Trial | None) -> float:
    """What the predictions know at the end, from 0; 0 where training diverged."""
    if trial is None or trial.knowledge is None:
        return 0.0
    value = trial.knowledge.gain
    if np.isnan(value):  # a loss without targets
        return max(0.0, (trial.start - trial.end) / abs(trial.start)) if trial.start else 0.0
    return max(0.0, value) if trial.knowledge.is_there(0.0) else 0.0


def _scale(seen: Seen) -> Iterator[Verdict]:
    here = gain(seen.trial)
    for words, trial in seen.scaled.items():
        if "targets" in words and here > LITTLE:
            continue  # it learns with the scale as it is
        if not knows(trial) or gain(trial) < here + CLEARLY:
            continue
        symptom = "targets unscaled" if words == "targets" else "inputs unscaled"
        what = {"inputs": "x", "targets": "y"}.get(words, "x and y")
        yield Verdict(
            symptom,
            words,
            f"{taught(seen.trial)}; with {words} standardized {taught(trial)}",
            f"{words} with mean 0 and variance 1",
            sure="likely",
            repair="; ".join(
                f"{each} = ({each} - {each}.mean(0)) / ({each}.std(0) + 1e-7)"
                for each in what.split(" and ")
            ),
        )
        return


def _rate(seen: Seen) -> Iterator[Verdict]:
    trial, here = seen.trial, gain(seen.trial)
    better = {factor: gain(each) for factor, each in seen.rates.items() if knows(each)}
    more = CLEARLY if trial.diverged_at is not None or _swings(trial) else MUCH
    slower = [factor for factor in better if factor < 1 and better[factor] > here + more]
    faster = [factor for factor in better if factor > 1 and better[factor] > here + CLEARER]
    moved = trial.moved
    rate = f"{seen.rate:g}" if seen.rate is not None else "the rate"
    if slower and (trial.diverged_at is not None or _lost(seen)):
        factor = max(slower, key=lambda each: better[each])
        other = seen.rates[factor]
        yield Verdict(
            "oscillating" if trial.diverged_at is None and _swings(trial) else "rate too high",
            f"optimizer {type(seen.model.optimizer).__name__}"
            if getattr(seen.model, "optimizer", None) is not None
            else "optimizer",
            f"at {rate} {taught(trial)}; at {(seen.rate or 1) * factor:.2g} {taught(other)}",
            f"a rate of about {(seen.rate or 1) * factor:.1g}",
            sure="likely",
            repair=f"learning_rate={(seen.rate or 1) * factor:.1g}",
        )
    elif trial.diverged_at is None and moved > UPROOTED and not knows(trial):
        yield Verdict(
            "rate too high",
            "optimizer",
            f"at {rate} the weights of the median layer moved by {moved:.2g} times their size in "
            f"{len(trial.losses)} steps, and {taught(trial)}",
            "updates of about a thousandth of the weights",
            sure="likely",
            repair=f"learning_rate={(seen.rate or 1) / 100:.1g}",
        )
    elif faster and moved < CREPT and not knows(trial):
        factor = max(faster, key=lambda each: better[each])
        yield Verdict(
            "rate too low",
            "optimizer",
            f"at {rate} the weights of the median layer moved by {moved:.1e} of their size in "
            f"{len(trial.losses)} steps, and {taught(trial)}; at "
            f"{(seen.rate or 1) * factor:.2g} {taught(seen.rates[factor])}",
            "updates of about a thousandth of the weights",
            sure="likely",
            repair=f"learning_rate={(seen.rate or 1) * factor:.1g}",
        )


def _swings(trial: Trial) -> bool:
    """Whether the loss goes up and down by its own size."""
    last = trial.losses[len(trial.losses) // 2 :]
    return len(last) > 4 and float(np.std(last)) > 0.5 * abs(float(np.mean(last)))


def _lost(seen: Seen) -> bool:
    """Whether the loss is no better than a constant output's, and is not on its way there.

    A first step that was too large, and from which the loss comes down again, is no fault.
    """
    trial = seen.trial
    limit = trial.start if seen.constant_loss is None else seen.constant_loss
    return trial.end > 0.98 * limit and not trial.end < 0.5 * trial.start


def _penalty(seen: Seen) -> Iterator[Verdict]:
    other = seen.without_penalty
    if other is None or not knows(other) or gain(other) < gain(seen.trial) + CLEARLY:
        return
    yield Verdict(
        "penalty outweighs the loss",
        "regularizers",
        f"of the loss of {seen.start['loss']:.3g} the penalties are {seen.penalty:.3g}; with them "
        f"{taught(seen.trial)}, without {taught(other)}",
        "penalties that are small beside the loss of the data",
        sure="likely",
        repair="kernel_regularizer=None, or one a hundred times smaller",
    )


def _frozen(seen: Seen) -> Iterator[Verdict]:
    other = seen.unfrozen
    here = gain(seen.trial)
    if other is None or not knows(other) or here > LITTLE or gain(other) < here + CLEARLY:
        return
    states = zip(seen.start["layers"], seen.start["state"], strict=True)
    names = [name for name, state in states if "frozen" in state]
    yield Verdict(
        "frozen",
        ", ".join(names) if len(names) <= 3 else f"{names[0]} to {names[-1]}",
        f"{taught(seen.trial)}; with all layers to learn {taught(other)}",
        "layers that learn, unless they have learned before",
        sure="likely",
        repair="layer.trainable = True for these, then compile again",
        layers=tuple(names),
    )


def _schedule(seen: Seen) -> Iterator[Verdict]:
    """A schedule that has brought the rate to nothing before the network has learned."""
    if seen.rate is None or seen.rate_after is None or knows(seen.trial, 0.5):
        return
    if seen.rate_after < SPENT * seen.rate:
        yield Verdict(
            "rate too low",
            "learning rate schedule",
            f"the rate falls from {seen.rate:.2g} to {seen.rate_after:.2g} within {seen.steps} "
            f"steps, and by then {taught(seen.trial)}",
            "a rate that falls over the whole of training",
            sure="likely",
            repair="decay_steps=the number of all steps, or a constant rate",
        )


def _linear(seen: Seen) -> Iterator[Verdict]:
    """Dense layers with nothing between them are one dense layer."""
    if knows(seen.trial, CLEARLY) or seen.trial.diverged_at is not None:
        return
    layers = [
        layer
        for layer in layers_inside(seen.model)
        if not isinstance(layer, keras.layers.InputLayer | keras.Sequential)
    ]
    shaping = keras.layers.Flatten | keras.layers.Dropout | keras.layers.Reshape
    dense = [layer for layer in layers if isinstance(layer, keras.layers.Dense)]
    others = [layer for layer in layers if not isinstance(layer, keras.layers.Dense | shaping)]
    if len(dense) < 2 or others:
        return
    if all(layer.activation is keras.activations.linear for layer in dense[:-1]):
        yield Verdict(
            "stagnating",
            f"{dense[0].name} to {dense[-2].name}",
            f"no activation stands between {len(dense)} dense layers, which can do no more than "
            f"one can; {taught(seen.trial)}",
            "an activation that is not linear after each hidden layer",
            sure="likely",
            repair='activation="relu" in each hidden layer',
            layers=tuple(layer.name for layer in dense[:-1]),
        )


def _dying(seen: Seen) -> Iterator[Verdict]:
    shrinkage = seen.trial.shrinkage
    all_shrink = bool(shrinkage) and max(shrinkage.values()) < SHRINK
    died = not knows(seen.trial) and min(shrinkage.values(), default=1.0) < DIED
    dying = {k: v for k, v in shrinkage.items() if all_shrink or v < DIED}
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


def _inference(seen: Seen) -> Iterator[Verdict]:
    """Whether a network that was trained knows in inference mode what it knows in training."""
    normalized = [
        layer
        for layer in layers_inside(seen.model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not normalized or seen.trained < TRAINED:
        return
    if seen.before is None or seen.at_rest is None or not seen.before.is_there(0.2):
        return
    if seen.at_rest.gain < 0.5 * seen.before.gain:
        yield Verdict(
            "training and inference differ",
            normalized[0].name,
            f"the model's loss is {seen.before.loss:.3g} with the moments of the batch, and "
            f"{seen.at_rest.loss:.3g} with the moving averages, by which it evaluates and predicts",
            "averages that are up to date: a smaller momentum, larger batches, more steps",
            sure="likely",
            repair="BatchNormalization(momentum=0.9)",
            layers=tuple(layer.name for layer in normalized),
        )


def _diverged(seen: Seen) -> Iterator[Verdict]:
    trial = seen.trial
    if trial.diverged_at is None or not np.isfinite(seen.start["loss"]):
        return  # what is not finite from the start is said of the gradients
    yield Verdict(
        "diverged",
        f"step {trial.diverged_at}",
        f"the loss went from {trial.losses[0]:.3g} to {trial.losses[-1]:.3g} and was then not "
        "finite, and so it was at a tenth, a hundredth and a thousandth of the rate"
        if sum(factor < 1 for factor in seen.rates) == 3
        else f"the loss went from {trial.losses[0]:.3g} to {trial.losses[-1]:.3g} and was then not "
        "finite",
        "a loss that is finite",
        sure="likely",
    )


def _start(seen: Seen) -> Iterator[Verdict]:
    limit, loss = seen.constant_loss, seen.start["loss"] - seen.penalty
    if not limit or not loss > FAR * limit:
        return
    end = seen.trial.end
    stays = end > 0.75 * loss or (loss > VERY_FAR * limit and end > FAR * limit)
    yield Verdict(
        "initial loss",
        "last layer",
        f"the loss is {loss:.3g} before the first step, {loss / limit:.0f} times that of the best "
        f"constant output ({limit:.3g})",
        "about that of a constant output: smaller weights in the last layer, inputs of size 1",
        sure="likely" if stays and not knows(seen.trial) else "note",
    )


def _stagnating(seen: Seen) -> Iterator[Verdict]:
    """Of a network that was trained for long; what knows nothing sooner may be slow and no more."""
    if seen.trained < LONG or knows(seen.trial) or seen.trial.diverged_at is not None:
        return
    yield Verdict(
        "stagnating",
        f"model {seen.model.name}",
        f"after {seen.trained} steps and {len(seen.trial.losses)} more its predictions know "
        f"nothing of their targets (loss {seen.trial.end:.3g})",
        "a loss below that of a constant output",
        sure="likely",
    )


def _dropped(seen: Seen) -> Iterator[Verdict]:
    """Dropout that leaves a layer so little that nothing comes through."""
    if knows(seen.trial, CLEARLY):
        return
    for layer in layers_inside(seen.model):
        if isinstance(layer, keras.layers.Dropout) and layer.rate >= DROPPED:
            yield Verdict(
                "stagnating",
                layer.name,
                f"it drops {layer.rate:.0%} of its inputs in training, and {taught(seen.trial)}",
                "a dropout rate of 0.5 at most",
                sure="likely",
                repair="keras.layers.Dropout(0.2)",
                layers=(layer.name,),
            )
            return


def taught(trial: Trial) -> str:
    """What a trial came to, in words."""
    if trial.diverged_at is not None:
        return f"the loss is not finite at step {trial.diverged_at}"
    if not knows(trial):
        return (
            f"{len(trial.losses)} steps taught nothing (loss {trial.start:.3g} to {trial.end:.3g})"
        )
    return (
        f"{len(trial.losses)} steps took {gain(trial):.0%} of the loss away"
        if trial.knowledge is not None and not np.isnan(trial.knowledge.gain)
        else f"the loss fell from {trial.start:.3g} to {trial.end:.3g}"
    )
