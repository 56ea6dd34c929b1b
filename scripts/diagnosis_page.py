"""The tables of docs/diagnose.md, from what was measured: results/diagnosis/*.json."""

import json
import statistics
from pathlib import Path
from textwrap import wrap
from typing import Any

from zoo.files import write_whole

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "results" / "diagnosis"
PAGE = ROOT / "docs" / "diagnose.md"
START, END = "<!-- made by scripts/diagnose.py -->", "<!-- end -->"
HEALTHY = "healthy"  # the kind of a program without a fault
# What was written blind, in the order in which it was met.
BLIND = {
    "programs": "blind",
    "pairs": "pairs",
    "more pairs": "more_pairs",
    "pairs as asked": "asked_pairs",
    "frequent faults": "frequent_pairs",
    "odd habits": "habits_blind",
}
# The names that are right for a fault of the set: its own, and what is always seen with it.
RIGHT = {
    "one-unit softmax": {"output cannot express the target"},
    "targets outside the range": {"output cannot express the target"},
    "logits taken for probabilities": {"logits taken for probabilities"},
    "probabilities taken for logits": {"logits taken for probabilities"},
    "labels that do not fit": {"labels do not fit", "output cannot express the target"},
    "initial loss far off": {"initial loss"},
    "inputs unscaled": {"inputs unscaled"},
    "targets unscaled": {"targets unscaled"},
    "examples alike": {"examples alike"},
    "data not finite": {"not finite data"},
    "head without loss": {"no loss reaches a head"},
    "frozen layers": {"frozen"},
    "unused layers": {"unused"},
    "not connected": {"not connected"},
    "penalty outweighs the loss": {"penalty outweighs the loss"},
    "vanishing in depth": {"vanishing gradients"},
    "vanishing through time": {"vanishing through time"},
    "exploding": {"exploding gradients"},
    "saturated units": {"saturated units", "inputs unscaled"},
    "dead units": {"dead units"},
    "symmetric units": {"symmetric units"},
    "float16 underflow": {"float16 underflow"},
    "float16 overflow": {"float16 overflow"},
    "non-finite": {"not finite"},
    "stagnating": {"stagnating"},
    "oscillating": {"oscillating", "rate too high"},
    "diverged": {"diverged", "rate too high"},
    "rate too high": {"rate too high", "oscillating", "diverged"},
    "rate too low": {"rate too low"},
    "dying weights": {"dying weights"},
    "batch normalization gap": {"training and inference differ"},
}


def write() -> None:
    """Puts the tables into the page."""
    text = PAGE.read_text()
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    write_whole(PAGE, f"{head}{START}\n\n{tables()}\n{END}{tail}")


def tables() -> str:
    """What was measured, of the networks of the set and of the arms, as Markdown."""
    measured = {
        name: json.loads(path.read_text())
        for name in ("set", "blind", "pairs", "arms", "advice")
        if (path := OUT / f"{name}.json").is_file()
    }
    parts = []
    if "set" in measured:
        parts.append(of_set(measured["set"]))
    if "blind" in measured and "pairs" in measured:
        parts.append(of_blind(measured["blind"] | measured["pairs"]))
    if "arms" in measured:
        parts.append(of_arms(measured["arms"]))
    if "set" in measured and "arms" in measured:
        parts.append(of_peers(measured["set"], measured["arms"]))
    if "advice" in measured:
        parts.append(of_advice(measured["advice"]))
    return "\n".join(parts)


def of_set(results: dict[str, Any]) -> str:
    sick = [each for name, each in results.items() if name.startswith("sick ")]
    well = [each for name, each in results.items() if not name.startswith("sick ")]
    first = json.loads((OUT / "set_at_first.json").read_text())
    first_sick = [each for name, each in first.items() if name.startswith("sick ")]
    first_well = [each for name, each in first.items() if not name.startswith("sick ")]
    alarmed, named = sum(map(alarms, sick)), sum(map(right, sick))
    false = sum(map(alarms, well))
    seconds = statistics.median(each["seconds"] for each in results.values())
    lines = [
        f"**A set of {len(sick)} sick networks** (`scripts/sick`), each of which misses its",
        f"target with every seed that was tried, and {len(well)} healthy ones that reach it: twins",
        "without the fault, and networks that look odd and learn. Something is alarmed in",
        f"{alarmed} of the sick ones ({alarmed / len(sick):.0%}), by the right name in {named},",
        f"and in {false} of the healthy ones; the median takes {seconds:.1f} s, imports apart.",
        "",
        "The set was written without a look at the rules, and the rules without one at the set.",
        f"When they first met, {sum(map(alarms, first_sick))} of {len(first_sick)} were alarmed",
        f"({sum(map(alarms, first_sick)) / len(first_sick):.0%}), and",
        f"{sum(map(alarms, first_well))} of {len(first_well)} healthy ones. Rules for the missed",
        "were added then, so that the figures of today are no independent proof; programs written",
        "blind, below, are one.",
        "",
        "| fault | networks | alarmed | by its name |",
        "| --- | ---: | ---: | ---: |",
    ]
    for kind in RIGHT:
        of_kind = [each for each in sick if each["kind"] == kind]
        if of_kind:
            counts = (len(of_kind), sum(map(alarms, of_kind)), sum(map(right, of_kind)))
            lines.append(f"| {kind} | {' | '.join(map(str, counts))} |")
    return "\n".join([*lines, ""])


def alarms(result: dict[str, Any]) -> bool:
    return bool(result.get("symptoms")) or "error" in result


def right(result: dict[str, Any]) -> bool:
    return bool(RIGHT[result["kind"]] & set(result.get("symptoms", [])))


def of_blind(results: dict[str, Any]) -> str:
    """Programs written without a look at rules or set: at first, and now."""
    lines = [
        *wrap(
            "**Programs written blind** (scripts/blind, scripts/pairs), without a look at the "
            "rules, at the set, or at what was said of the batches before: faulty ones miss a "
            "target with each of three seeds, healthy ones reach it; of a pair, one is the other "
            "with its fault repaired. *At first* is what was said of a batch before any rule was "
            "changed with a look at it: this is the figure for faults that are new. Then rules "
            "were added for kinds of what was missed, and false alarms mended. One of more pairs, "
            "faulty and repaired, and two of odd habits are refused, for their models are not "
            "built; they count as not alarmed.",
            100,
        ),
        "",
        "| | faulty | alarmed at first | now | healthy | alarmed at first | now |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for words, name in BLIND.items():
        path = OUT / f"{name}_at_first.json"
        first = json.loads(path.read_text()) if path.is_file() else {}
        cells = []
        for healthy in (False, True):
            names = [task for task, each in first.items() if (each["kind"] == HEALTHY) == healthy]
            at_first, now = (
                sum(bool(of[task].get("symptoms")) for task in names) for of in (first, results)
            )
            share = f" ({at_first / len(names):.0%})" if names else ""
            cells += [len(names), f"{at_first}{share}", now]
        lines.append(f"| {words} | {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, ""])


def of_arms(results: dict[str, Any]) -> str:
    lines = [
        "**The arms of the zoo**, each at the rate of its search with seed 0. The run *learns* if",
        "it reaches the target, and does not if it diverges or ends less than a quarter of the way",
        "from a constant prediction to it.",
        "",
        "| when | the run | networks | alarmed |",
        "| --- | --- | ---: | ---: |",
    ]
    whens = {"start": "before the first step", "halfway": "halfway"}
    of_when = {
        when: {
            name.split()[0]: each
            for name, each in results.items()
            if name.endswith(f" {when}") and "error" not in each
        }
        for when in whens
    }
    wrong = []
    for when, said in whens.items():
        for learned, words in (("yes", "learns"), ("partly", "learns in part"), ("no", "does not")):
            some = {n: each for n, each in of_when[when].items() if each["learns"] == learned}
            alarmed = [name for name, each in some.items() if alarms(each)]
            if some:
                lines.append(f"| {said} | {words} | {len(some)} | {len(alarmed)} |")
            if learned == "yes":
                wrong += [f"{n}, {said} ({', '.join(some[n]['symptoms'])})" for n in alarmed]
            if learned == "no":
                missed = sorted(set(some) - set(alarmed))
                wrong += [f"{n}, {said} ({knew(some[n])})" for n in missed]
    looks = [(n, each) for some in of_when.values() for n, each in some.items()]
    sick = {name for name, each in looks if each["learns"] == "no"}
    named = {name for name, each in looks if each["learns"] == "no" and alarms(each)}
    lines.append(f"| at one of the two | does not | {len(sick)} | {len(named)} |")
    return "\n".join([*lines, "", *wrap(f"Wrong: {'; '.join(wrong) or 'none'}.", 100), ""])


def knew(result: dict[str, Any]) -> str:
    """What the predictions of a network that was not named knew of their targets."""
    steps, share = [*result["known"].items()][-1]
    return f"nothing; {steps} steps from there took {share:.0%} of the loss away"


def of_peers(networks: dict[str, Any], arms: dict[str, Any]) -> str:
    """Rules of other tools beside ours, on the same networks."""
    start = [each for name, each in arms.items() if name.endswith(" start") and "error" not in each]
    groups = [
        [each for name, each in networks.items() if name.startswith("sick ")],
        [each for name, each in networks.items() if not name.startswith("sick ")],
        [each for each in start if each["learns"] == "no"],
        [each for each in start if each["learns"] == "yes"],
    ]
    rules = list(next(each["peers"] for each in networks.values() if each.get("peers")))
    unknown = sum(not each.get("peers") for each in groups[0])
    lines = [
        *wrap(
            "**Thresholds of other tools** (scripts/peer_rules.py), on the same networks and arms, "
            "before the first step and after 50. How many each alarms; it should be all of the "
            f"sick and none of the healthy. For {unknown} of the sick networks there are no such "
            "numbers: their data or labels cannot be trained on.",
            100,
        ),
        "",
        "| rule | sick networks | healthy ones | arms that do not learn | arms that do |",
        "| --- | ---: | ---: | ---: | ---: |",
        f"| of | {' | '.join(str(len(group)) for group in groups)} |",
        f"| `zoo.diagnose` | {' | '.join(str(sum(map(alarms, group))) for group in groups)} |",
    ]
    for rule in rules:
        counts = [sum(each.get("peers", {}).get(rule, False) for each in group) for group in groups]
        lines.append(f"| {rule} | {' | '.join(map(str, counts))} |")
    return "\n".join([*lines, ""])


def of_advice(results: dict[str, Any]) -> str:
    """How often the first advice, followed, was enough."""
    lines = [
        *wrap(
            "**Does the advice help?** The first thing that is said to try, done by a program, and "
            "trained for the same budget with seed 0. Where it names the very part that is at "
            "fault (layers that are frozen, an argmax on the way), the fault is taken out. Of an "
            "arm of the zoo the advice comes from the other recipes alone, and brings its rate. "
            "What a program cannot do (look at the data, turn to another task, give a network a "
            "part that its family does not have) is counted apart.",
            100,
        ),
        "",
        "| | advised | could be followed | then reach the target |",
        "| --- | ---: | ---: | ---: |",
    ]
    for words, of in (("sick networks", "sick "), ("arms that do not learn", "")):
        some = [each for name, each in results.items() if name.startswith("sick ") == bool(of)]
        followed = [each for each in some if "error" not in each]
        reached = sum(each["reached"] for each in followed)
        share = f" ({reached / len(followed):.0%})" if followed else ""
        lines.append(f"| {words} | {len(some)} | {len(followed)} | {reached}{share} |")
    return "\n".join([*lines, ""])
