"""Evidence in, tables and figures out; nothing here needs TensorFlow."""
