"""What it says: evidence in, tables and figures out; nothing here needs TensorFlow."""
