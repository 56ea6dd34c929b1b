"""What this release knows of its models. The project's owner fills in the mirror when it is there.

A mirror that a person names, by --mirror or ZOO_MIRROR, is trusted for what its registry says. The
release's own is not: its registry has to be the one that the release was made with.
"""

# The mirror's address, such as "https://models.example.org/gradient-zoo".
MIRROR: str | None = None

# The SHA-256 of its registry.json, as `make mirror` prints it: another file is refused.
REGISTRY_SHA256: str | None = None

# The SHA-256 of bundled/registry.json, the registry of the models that ship with the package.
BUNDLED_SHA256: str | None = "a06325af3506797db98512e77dca230fb79690db468da5a64cd8e2a0a9341a0e"
