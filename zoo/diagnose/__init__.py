"""Your own model: why it does not learn, and what to try first."""
