"""What this release knows of its models. The project's owner fills in the mirror when it is there.

A mirror that a person names, by --mirror or ZOO_MIRROR, is trusted for what its registry says. The
release's own is not: its registry has to be the one that the release was made with.
"""

# The mirror's address, such as "https://models.example.org/gradient-zoo".
MIRROR: str | None = None

# The SHA-256 of its registry.json, as `make mirror` prints it: another file is refused.
REGISTRY_SHA256: str | None = None

# The SHA-256 of bundled/registry.json, the registry of the models that ship with the package.
BUNDLED_SHA256: str | None = "950d38e3c745e9c52b78634d22cb92e44e6ab65c80f5f69c677b853e7fa1b680"
