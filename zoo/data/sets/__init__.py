"""Data sets that need no network: a file each, with a function of its name that gives a `Raw`.

A set for any number of time steps takes it as `length`, and its name ends with it:
`adding_problem_50`. A set that comes with a package of its own names that in `PACKAGE`, one of
values to predict says so in `TASK`, one whose inputs stay as they are in `STANDARDIZE`, one of
images of 0 to 255 as uint8 in `BYTES`.
"""
