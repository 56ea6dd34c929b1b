"""The version of the benchmark: light to import."""

BENCHMARK = "1.0"  # of protocol and recipes; evidence of another is refused
