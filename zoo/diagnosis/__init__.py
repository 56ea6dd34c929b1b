"""Your own model: what is wrong with it, and what to try first; and the lesson behind both."""
