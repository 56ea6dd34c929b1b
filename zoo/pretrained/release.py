"""What this release knows of its mirror. The project's owner fills both in when it is there."""

# The mirror's address, such as "https://models.example.org/gradient-zoo".
MIRROR: str | None = None

# The SHA-256 of its registry.json, as `make mirror` prints it: another file is refused.
REGISTRY_SHA256: str | None = None
