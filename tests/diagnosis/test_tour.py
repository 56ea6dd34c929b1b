"""docs/tour.ipynb, executed: it says what it said, and the cure that it tries is one."""

import copy
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

PATH = Path(__file__).resolve().parents[2] / "docs" / "tour.ipynb"


def said(book):
    """What is printed, and how many pictures there are."""
    outputs = [o for cell in book.cells if cell.cell_type == "code" for o in cell.outputs]
    text = "".join(o.text for o in outputs if o.get("name") == "stdout")
    return text, sum("image/png" in o.get("data", {}) for o in outputs)


def test_the_tour(tmp_path):
    kept = nbformat.read(PATH, as_version=4)
    book = copy.deepcopy(kept)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(book, timeout=600, kernel_name="python3", resources=where).execute()
    for each in (kept, book):
        text, pictures = said(each)
        assert pictures == 2
        sigmoid, relu, before, cured = (
            int(re.search(rf"{name}: (\d+)%", text)[1])
            for name in ("sigmoid", "relu_he", "before", "cured")
        )
        assert max(sigmoid, before) < 30 and min(relu, cured) > 85
        assert "model sequential: vanishing gradients\n" in text
        first = re.search(r"try\n +(.*)\n +(.*)\n", text)  # what the cured network has
        code = "".join(cell.source for cell in each.cells)
        activation, start = re.search(r'cured = network\("(\w+)", "(\w+)"\)', code).groups()
        assert first.groups() == (f'activation="{activation}"', f'kernel_initializer="{start}"')
        assert "healthy" in text


def test_what_is_kept_of_it_is_small_and_of_no_machine():
    assert PATH.stat().st_size < 200_000
    kept = nbformat.read(PATH, as_version=4)
    assert not any(o.get("name") == "stderr" for c in kept.cells for o in c.get("outputs", ()))
    assert set(kept.metadata) == {"kernelspec", "language_info"}
