"""Names to Keras objects: what there is of each kind, making it, trying it before any training."""
