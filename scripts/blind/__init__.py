"""Faulty and healthy programs, written without a look at the rules or at scripts/sick.

The rules of `zoo diagnose` were made to fit scripts/sick, so what it says of that set is no proof.
These were written after them, as people write programs that do not learn, and diagnosed once
(results/diagnosis/blind_at_first.json). Rules have been added since for kinds of what it missed, so
that its figures of today are none either. Those of habits were written last, after all of
scripts/pairs (habits_blind_at_first.json).

PROGRAMS has them by name. A faulty one misses its target with each of three seeds, a healthy one
reaches it: checked.json has the scores, and scripts/check_blind.py makes them.
"""

from . import habits, healthy, inputs, networks, outputs, steps
from .program import HEALTHY, PROGRAMS, Program

__all__ = [
    "HEALTHY",
    "PROGRAMS",
    "Program",
    "habits",
    "healthy",
    "inputs",
    "networks",
    "outputs",
    "steps",
]
