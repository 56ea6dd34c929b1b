"""What is kept: run records, searches and the manifest, and what each says by itself."""
