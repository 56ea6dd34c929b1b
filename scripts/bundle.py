"""Makes the models that ship with the package anew, in zoo/pretrained/bundled.

    python scripts/bundle.py

They make the lesson without a download: of each recipe in `RECIPES` the baseline and the arm that
learns in the fewest steps, and `MORE`. What is there and of the same run is kept.
"""

import hashlib
import re
from pathlib import Path

from zoo import keras_setup
from zoo.cli.process import as_command
from zoo.cli.push import push
from zoo.files import write_whole
from zoo.pretrained import release
from zoo.results.published import rows

RECIPES = (
    "digits/activation",
    "digits/normalization",
    "digits/residual",
    "fashion_mnist/activation",
    "adding_problem_50/gating",
)
MORE = ("digits/activation/relu", "digits/activation/relu_he")
BUNDLED = Path(release.__file__).parent / "bundled"


def chosen() -> list[str]:
    """The models, by recipe and arm."""
    names = set(MORE)
    for recipe in RECIPES:
        of_recipe = [row for row in rows() if row.recipe == recipe]
        best = min(of_recipe, key=lambda row: row.mean_steps)
        names |= {f"{recipe}/{of_recipe[0].baseline}", f"{recipe}/{best.arm}"}
    return sorted(names)


def main() -> None:
    keras_setup.load_tensorflow()
    push.callback(BUNDLED, chosen(), None, "auto")
    digest = hashlib.sha256((BUNDLED / "registry.json").read_bytes()).hexdigest()
    path = Path(release.__file__)
    text = re.sub(r"(BUNDLED_SHA256: str \| None = ).*", rf'\g<1>"{digest}"', path.read_text())
    write_whole(path, text)
    size = sum(path.stat().st_size for path in BUNDLED.rglob("*") if path.is_file())
    print(f"{len(chosen())} models, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    with as_command():
        main()
