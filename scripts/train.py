"""One run of the zoo in plain Keras, to be read in a minute.

    python scripts/train.py digits/activation --arm relu --seed 0

Trains one arm of a recipe at one learning rate and one seed, prints the learning curve and says
after how many steps the target was met to stay. `zoo run` does the same some twenty times faster:
it compiles an arm once and loops over batches inside TensorFlow (zoo/training/).
"""

import argparse

import keras

import zoo.data
import zoo.models
import zoo.recipe
from zoo.cli.process import as_command, at_least
from zoo.evidence.target import steps_to_target
from zoo.parts import making
from zoo.results.folder import committed
from zoo.training import loss_of
from zoo.training.schedule import batch_order


def train(arm: zoo.recipe.Arm, seed: int, learning_rate: float) -> dict[str, list[float]]:
    """Trains to two evaluations past the budget; the curve by evaluation, as Keras names it."""
    training, size = arm.spec.training, arm.spec.data.batch_size
    data = zoo.data.load_for(arm.spec.data)

    keras.utils.set_random_seed(seed)  # the same initial weights for every arm of this shape
    model = zoo.models.build(arm.spec.model, data)
    model.compile(
        optimizer=making.optimizer(training.optimizer, learning_rate),
        loss=loss_of(data),
        metrics=["accuracy"] if data.task == "classification" else [],
        jit_compile=False,
    )

    steps = training.evaluation_steps[-1]
    order = batch_order(seed, len(data.train.x), size, steps)
    curve: dict[str, list[float]] = {"step": []}
    for first in range(0, steps, training.evaluate_every):
        examples = order[first : first + training.evaluate_every].ravel()
        history = model.fit(
            data.train.x[examples],
            data.train.y[examples],
            batch_size=size,
            shuffle=False,
            validation_data=data.validation,
            validation_batch_size=1024,
            verbose=0,
        )
        curve["step"].append(first + training.evaluate_every)
        for name, values in history.history.items():
            curve.setdefault(name, []).extend(values)
        print(
            "  ".join(f"{name} {values[-1]:<11.7g}" for name, values in curve.items()), flush=True
        )
    return curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", help="an id or a YAML file")
    parser.add_argument("--arm", required=True)
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--learning-rate", type=float, help="default: the leaderboard's")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()

    settings = dict(zoo.recipe.parse_setting(text) for text in options.set)
    recipe = zoo.recipe.load(options.recipe, settings)
    if options.arm not in recipe.arms:
        parser.error(f"--arm {options.arm}: {recipe.id} has {', '.join(recipe.arms)}")
    rows = {row["arm"]: row for row in committed() if row["recipe"] == recipe.id}
    learning_rate = options.learning_rate or rows.get(options.arm, {}).get("learning_rate")
    if learning_rate is None:
        parser.error("--learning-rate is needed: the leaderboard has no row of this arm")

    training = recipe.arms[options.arm].spec.training
    ours = ("drops", "clipping", "pretraining", "precision")
    beyond = [name for name in ours if getattr(training, name)]
    if beyond:
        parser.error(f"training.{beyond[0]} is not for plain Keras: see zoo/training/step.py")
    curve = train(recipe.arms[options.arm], options.seed, learning_rate)
    target, budget = recipe.spec.target, recipe.spec.training.steps
    reached = steps_to_target(curve["step"], curve[target.metric], target, budget)
    print(
        f"{target.metric} {target.value} " + (f"from step {reached}" if reached else "not reached")
    )


if __name__ == "__main__":
    with as_command():
        main()
