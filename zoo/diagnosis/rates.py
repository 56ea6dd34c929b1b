"""Whether the learning rate is at fault: what other rates teach in the same steps."""

from collections.abc import Iterator

from zoo.diagnosis.seen import CREPT, SPENT, Seen
from zoo.diagnosis.taught import CLEARLY, forgotten, gain, knows, taught
from zoo.diagnosis.trial import LOOKED_AT, Trial
from zoo.diagnosis.verdict import Verdict

# By so much more of the loss must a slower rate take away where the loss does not swing: it may be
# on its way.
MUCH = 0.15
FAR_MORE = 0.3  # the same, in 50 steps beside many more at the model's own, which creep
CLEARER = 0.03  # the same, of a faster rate, where the weights hardly moved
# Displacement of the median layer. Weights that moved by five times their size have forgotten where
# they began; in the zoo's arms that learn later than in 64 steps it stays below 4.
UPROOTED = 5.0


def wrong(seen: Seen) -> Iterator[Verdict]:
    """A rate at which the steps taught nothing, where they teach much at another."""
    trial, here = seen.trial, gain(seen.trial)
    if _unmoved(seen):
        yield Verdict(
            "rate too low",
            "optimizer",
            f"in {len(seen.last.losses)} steps not one weight has moved, and their gradients are "
            "not 0",
            "a rate above 0, and fewer steps whose gradients are gathered before one is taken",
            sure="likely",
            repair="gradient_accumulation_steps=None, a rate above 0",
        )
        return
    better = {factor: gain(each) for factor, each in seen.rates.items() if knows(each)}
    faster = {factor: each for factor, each in better.items() if factor > 1}
    if faster and trial.moved < CREPT and max(faster.values()) > gain(seen.last) + FAR_MORE:
        factor = max(faster, key=lambda each: faster[each])
        yield _too_low(seen, factor, seen.last)
        return
    if seen.learned and not knows(seen.trial):
        return  # it learns soon at this one
    more = CLEARLY if trial.diverged_at is not None or trial.swings or seen.stuck else MUCH
    slower = [factor for factor in better if factor < 1 and better[factor] > here + more]
    clearly = [factor for factor in faster if faster[factor] > here + CLEARER]
    moved = trial.moved
    rate = f"{seen.rate:g}" if seen.rate is not None else "the rate"
    if slower and (trial.diverged_at is not None or _lost(seen)):
        factor = max(slower, key=lambda each: better[each])
        other = seen.rates[factor]
        yield Verdict(
            "oscillating" if trial.diverged_at is None and trial.swings else "rate too high",
            f"optimizer {type(seen.model.optimizer).__name__}"
            if getattr(seen.model, "optimizer", None) is not None
            else "optimizer",
            f"at {rate} {taught(trial)}; at {(seen.rate or 1) * factor:.2g} {taught(other)}",
            f"a rate of about {(seen.rate or 1) * factor:.1g}",
            sure="likely",
            repair=f"learning_rate={(seen.rate or 1) * factor:.1g}",
        )
    elif trial.diverged_at is None and moved > UPROOTED and not _learns(seen):
        yield Verdict(
            "rate too high",
            "optimizer",
            f"at {rate} the weights of the median layer moved by {moved:.2g} times their size in "
            f"{len(trial.losses)} steps, and {taught(trial)}",
            "updates of about a thousandth of the weights",
            sure="likely",
            repair=f"learning_rate={(seen.rate or 1) / 100:.1g}",
        )
    elif clearly and moved < CREPT and not knows(trial):
        yield _too_low(seen, max(clearly, key=lambda each: better[each]), trial)


def _unmoved(seen: Seen) -> bool:
    """Whether weights that have gradients stand where they stood, after many steps."""
    moved, many = seen.last.displacement, len(seen.last.losses) >= LOOKED_AT
    norms = zip(seen.start["layers"], seen.start["kernel_grad_norm"], strict=True)
    wanted = any(norm > 0 for name, norm in norms if name in moved)
    return many and wanted and not any(moved.values())


def _too_low(seen: Seen, factor: float, until: Trial) -> Verdict:
    """What a faster rate teaches in the first steps, and the model's own until the end of some."""
    trial = seen.trial
    return Verdict(
        "rate too low",
        "optimizer",
        f"at {seen.rate:g} the weights of the median layer moved by {trial.moved:.1e} of their "
        f"size in {len(trial.losses)} steps, and {taught(until)}; at "
        f"{(seen.rate or 1) * factor:.2g} {taught(seen.rates[factor])}",
        "updates of about a thousandth of the weights; a small clipnorm or a large epsilon shrink "
        "them",
        sure="likely",
        repair=f"learning_rate={(seen.rate or 1) * factor:.1g}",
    )


def _learns(seen: Seen) -> bool:
    """Whether the predictions know something, or the loss of few examples is half gone."""
    limit = seen.constant_loss
    return knows(seen.trial) or (limit is not None and seen.trial.end < limit / 2)


def _lost(seen: Seen) -> bool:
    """Whether the loss is no better than a constant output's, and is not on its way there.

    A first step that was too large, and from which the loss comes down again, is no fault.
    """
    trial = seen.trial
    limit = trial.start if seen.constant_loss is None else seen.constant_loss
    return trial.end > 0.98 * limit and not trial.end < 0.5 * trial.start


def later(seen: Seen) -> Iterator[Verdict]:
    """What the first steps taught is gone some hundred later: a loss that swings, or diverges."""
    longer, slower = seen.longer, seen.longer_slower
    if longer is None or (longer.diverged_at is None and not forgotten(seen.trial, longer)):
        return
    rate = (seen.rate or 1) / 10
    helps = slower is not None and knows(slower, CLEARLY)
    yield Verdict(
        "oscillating" if longer.diverged_at is None else "diverged",
        "optimizer" if longer.diverged_at is None else f"step {longer.diverged_at}",
        f"{taught(seen.trial)}; {taught(longer)}"
        + (f", and at {rate:.2g} {taught(slower)}" if slower is not None and helps else ""),
        "a loss that stays down and finite: a smaller rate, less momentum",
        sure="likely",
        repair=f"learning_rate={rate:.1g}" if helps else "",
    )


def spent(seen: Seen) -> Iterator[Verdict]:
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
