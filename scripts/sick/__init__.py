"""Sick networks with their healthy twins, and healthy ones that look odd: is a diagnosis right?

A set to try `zoo diagnose` on, and any other tool that says why a Keras model does not learn. It
was written without a look at what the diagnosis does. What that said of it when they first met is a
measurement (results/diagnosis/set_at_first.json); rules were added since for what it missed then,
so what it says now is none.

What there is
    CASES: each a family with a fault. The sick network is the family's with the knobs of the fault
    turned, its twin is the same without; `base` has what both have. A twin reaches its target, a
    score on examples that it was not trained on, with each of three seeds; the sick network with
    none, or Keras raises, where that is what comes of the fault. What was to be sick and learned
    was left out, or stands in HEALTHY. checked.json has the scores, and check.py makes them.
    HEALTHY: networks that reach their target though a rule of thumb would have them sick. What
    `looks` says is the false alarm that they are there for.

    from sick import CASES            # for a script beside this folder
    problem = CASES[0].sick()         # a compiled model and its data, as before `fit`
    problem.train()
    problem.score_now() >= problem.target

How kinds were chosen
    KINDS are the verdicts that such a tool should be able to give, in three groups: head and data,
    which can be seen from the last layer, the loss, the data and the graph; gradients; and the
    course of training. Faults of the first group are the commonest in programs of users that were
    studied, and get the most cases. Within a kind, family and severity vary: a dense classifier,
    binary classifier, regression, autoencoder and siamese pair; plain, residual, nested and
    one-dimensional convolutions; recurrent layers on the adding problem, on recall and on rows of
    pixels; made texts, by an average, a recurrent layer and a small transformer; a subclassed
    model; two inputs with two outputs; float16. A fault is one that people write, in the size in
    which they write it. Where it is a matter of degree, its note says so: with ten times the
    budget some of those networks would learn. A case has one kind, that of its cause; a tool that
    names what comes of the cause (a rate too high, say, where a loss diverged, or dead units that
    a rate too high left) is not wrong, so a table of verdicts should say which it accepts.

What is not in it
    Overfitting, leaks, wrong labels and too little data: the networks are small and the examples
    easy, and nothing here tests whether a model generalizes. Faults that Keras raises while a
    model is built. Faults of speed and memory, of several machines, and of text or images as such
    (augmentation, tokenizers). Generative adversarial networks and reinforcement learning. Large
    networks: every one here trains in seconds on one core, so what needs depth or width in the
    hundreds to go wrong does not go wrong here. Two faults at once, as users' programs often have.
"""

from . import (
    faults_of_data,
    faults_of_gradients,
    faults_of_graphs,
    faults_of_outputs,
    faults_of_training,
)
from .healthy import HEALTHY
from .problem import KINDS, Case, Healthy, Problem

__all__ = ["CASES", "HEALTHY", "KINDS", "Case", "Healthy", "Problem"]

CASES = [
    *faults_of_outputs.CASES,
    *faults_of_data.CASES,
    *faults_of_graphs.CASES,
    *faults_of_gradients.CASES,
    *faults_of_training.CASES,
]
