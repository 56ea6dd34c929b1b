"""`python -m zoo` is the `zoo` command."""

from zoo.cli import main

if __name__ == "__main__":  # worker processes import this file too
    main()
