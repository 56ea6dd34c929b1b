"""What the tests of a diagnosis share."""

import pytest

from tests.diagnosis.networks import seed


@pytest.fixture
def patient(one_thread, monkeypatch):
    """Layers drawn the same each time, and as many steps as on any processor, however slow."""
    seed()
    for patience in ("PATIENCE", "LONG_PATIENCE"):
        monkeypatch.setattr(f"zoo.diagnosis.measuring.{patience}", 600.0)
