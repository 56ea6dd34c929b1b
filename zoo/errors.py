"""The one exception of the zoo for what a person can put right."""


class ZooError(Exception):
    """A mistake in a recipe, a command or a file: says what, where and what to do.

    The message has one line for each mistake. The command line prints it without a traceback and
    exits with code 2.
    """
