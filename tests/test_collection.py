"""Python's collector of cycles: paused, and then as it was."""

import gc

import pytest

from zoo import collection


@pytest.mark.parametrize("before", [True, False])
def test_it_is_as_it_was_also_after_an_error(before):
    try:
        (gc.enable if before else gc.disable)()
        with collection.paused():
            assert not gc.isenabled()
            with collection.paused():
                assert not gc.isenabled()
            assert not gc.isenabled()
        assert gc.isenabled() == before
        with pytest.raises(ZeroDivisionError), collection.paused():
            1 / 0  # noqa: B018
        assert gc.isenabled() == before
    finally:
        gc.enable()
