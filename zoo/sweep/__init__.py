"""All runs of a comparison, on every core or machine."""
