"""One colour and one dash for each arm's name, in all figures of all recipes.

The names of the zoo's own recipes are spread over the styles so that no two of one recipe share
both, and few share either. Four colours are of Okabe and Ito's palette (2008), one of Paul Tol's
bright one, one of IBM's: those of the three on which both a white and a dark page can be read, and
which stay apart in protanopia, deuteranopia and tritanopia. Where an arm is its recipe's baseline
it has neither, but the heavy neutral line.
"""

import contextlib
import functools
import itertools
from collections.abc import Iterable, Sequence

from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.recipe.summary import summary

COLORS = {
    "blue": "#0072b2",
    "vermillion": "#d55e00",
    "green": "#009e73",
    "rose": "#cc79a7",
    "wine": "#aa3377",
    "violet": "#785ef0",
}
# On and off, in points.
DASHES: dict[str, tuple[float, ...]] = {
    "solid": (),
    "dashed": (6.0, 2.0),
    "dotted": (1.5, 1.5),
    "dash-dot": (7.0, 1.8, 1.5, 1.8),
}
STYLES = list(itertools.product(COLORS, DASHES))

Style = tuple[str, str]


def styles(names: Iterable[str]) -> dict[str, Style]:
    """The colour and the dash of each name, by their names.

    An arm of the zoo's own recipes has its own. Others, and the second of two that have the same
    and never met before, get what is least in use, in the order given.
    """
    known = _of_shipped_recipes()
    result: dict[str, Style] = {}
    for name in names:
        style = known.get(name)
        taken = list(result.values())
        result[name] = style if style and style not in taken else _least_in_use(taken)
    return result


def _least_in_use(taken: Sequence[Style]) -> Style:
    """A style that is free, if one is, of the colour that is in use least, then of the dash."""
    colors, dashes = ([style[part] for style in taken] for part in (0, 1))
    return min(
        STYLES,
        key=lambda style: (style in taken, colors.count(style[0]), dashes.count(style[1])),
    )


@functools.cache
def _of_shipped_recipes() -> dict[str, Style]:
    """A style for each arm of the zoo's recipes: a colouring of the graph of who meets whom.

    In turn, the largest recipe first and each in its order, so that neighbours have other colours.
    """
    together: list[list[str]] = []
    known = recipes.available()
    for recipe_id in sorted(known):
        with contextlib.suppress(ZooError):  # what is wrong with a recipe is said where it is used
            of = summary(recipe_id, known)
            together.append([name for name in of.arms if name != of.baseline])
    together.sort(key=len, reverse=True)
    result: dict[str, Style] = {}
    for name in dict.fromkeys(itertools.chain(*together)):
        met = dict.fromkeys(itertools.chain(*(names for names in together if name in names)))
        result[name] = _least_in_use([result[other] for other in met if other in result])
    return result
