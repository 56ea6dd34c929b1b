"""`zoo leaderboard --check`: by digests where they stand, else by deriving anew."""

import json
import re
import shutil

import pytest

from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.results import check, derived, folder, published
from zoo.results.folder import FOLDER, METHOD, PROGRAM, README, all_stands, rows_stand


def test_the_committed_tables_are_those_derived_anew():
    for path, text in derived.derive(FOLDER).files():
        assert check._same(path, path.read_text(encoding="utf-8"), text), path


def test_each_row_is_linked_to_its_records():
    board = (FOLDER / "LEADERBOARD.md").read_text(encoding="utf-8")
    links = re.findall(r"^\| \[\w+\]\(([^)]+)\) \|", board, re.MULTILINE)
    assert len(links) == len(published.rows(FOLDER))
    assert all(list((FOLDER / link).glob("seed-*.json")) for link in links)


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """A folder that is taken for the zoo's own, with the smallest recipe of the evidence."""
    sizes = {
        name: sum(path.stat().st_size for path in (FOLDER / "runs" / name).rglob("*.json"))
        for name in Store(FOLDER).recipes()
    }
    name = min(sizes, key=sizes.__getitem__)
    root = tmp_path / "results"
    for kind in ("runs", "tuning"):
        shutil.copytree(FOLDER / kind / name, root / kind / name)
    shutil.copy(FOLDER / "claims.yaml", root)
    for name in (README, METHOD):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(f"Before.\n{folder.START}\n{folder.END}\nAfter.\n")
    for module in (check, derived):
        monkeypatch.setattr(module, "FOLDER", root)
    derived.write(root)
    return root


def expect(root, *texts):
    lines = check.differences(root)
    assert len(lines) == len(texts), lines
    assert all(text in line for line, text in zip(lines, texts, strict=True)), lines


def test_what_is_derived_stands_without_deriving(ours, monkeypatch):
    monkeypatch.setattr(derived, "derive", lambda folder: pytest.fail("derived anew"))
    assert all_stands(ours) and rows_stand(ours)
    assert check.differences(ours) == []
    readme = ours / README
    readme.write_text(readme.read_text().replace("Before.", "Something else."))
    assert check.differences(ours) == []  # what a person wrote is nobody's evidence


def test_a_changed_submission_is_looked_at(ours):
    """A folder among those of others that is none."""
    (ours / "submissions" / "empty").mkdir(parents=True)
    assert check.differences(ours) == []  # no file of it is in a clone
    (ours / "submissions" / "empty" / "submission.json").write_text("{}")
    with pytest.raises(ZooError, match=r"submission.json: benchmark: Field required"):
        check.differences(ours)


@pytest.mark.parametrize(
    "name", ["leaderboard.json", "overview.json", "LEADERBOARD.md", "CLAIMS.md", README, METHOD]
)
def test_a_changed_digit_of_a_table_is_named(ours, name):
    path = ours / name
    text = path.read_text()
    start = text.find(folder.START) + 1
    place = next(i for i, sign in enumerate(text) if i > start and sign in "123456789")
    path.write_text(text[:place] + "0" + text[place + 1 :])
    expect(ours, f"{name}: differs from the evidence, first at line")
    path.unlink()
    if name not in (README, METHOD):
        expect(ours, f"{name}: differs from the evidence")


def test_what_is_deleted_comes_back_byte_for_byte(ours):
    paths = [path for path, _ in derived.derive(ours).files()]
    before = {path: path.read_bytes() for path in paths}
    for path in paths:
        if path.name in ("README.md", "method.md"):  # the part that is derived
            text = path.read_text()
            start, end = text.index(folder.START), text.index(folder.END)
            path.write_text(text[:start] + folder.START + "\n" + text[end:])
        else:
            path.unlink()
    pictures = sorted((ours / "figures").rglob("*.svg"))
    for picture in pictures:
        picture.unlink()
    derived.write(ours)
    assert {path: path.read_bytes() for path in paths} == before
    assert sorted((ours / "figures").rglob("*.svg")) == pictures
    assert check.differences(ours) == []


def test_a_figure_of_other_numbers_is_named(ours):
    one, other, *_ = sorted((ours / "figures").rglob("*.svg"))
    one.write_bytes(other.read_bytes())
    expect(ours, f"{one}: other numbers than the evidence gives, or missing")
    one.unlink()
    expect(ours, f"{one}: other numbers than the evidence gives, or missing")


def records(root):
    return sorted((root / "runs").rglob("seed-*.json"))


def test_a_changed_an_added_and_a_dropped_record_are_named(ours):
    first, second, *_ = records(ours)
    text = first.read_text()
    first.write_text(text.replace('"seconds": ', '"seconds": 1', 1))
    lines = check.differences(ours)
    assert lines[0] == f"{first}: changed since manifest.json was written"
    first.write_text(text)
    assert check.differences(ours) == []
    shutil.copy(first, first.with_name("seed-77.json"))
    with pytest.raises(Exception, match="seed-77"):  # whose seed is another
        check.differences(ours)
    first.with_name("seed-77.json").unlink()
    second.unlink()
    assert f"{second}: missing, but in manifest.json" in check.differences(ours)


def test_evidence_that_is_signed_anew_is_derived_anew(ours):
    """Who changes a record and the manifest is found by the tables."""
    store = Store(ours)
    [name] = store.recipes()
    for arm in recipes.load(name).arms.values():
        record = store.records(arm)[0]
        store.write_record(arm, record.model_copy(update={"test_accuracy": 0.125}))
    store.manifest.write()
    assert not rows_stand(ours)
    assert any("leaderboard.json: differs" in line for line in check.differences(ours))


def test_another_program_that_derives_the_same_is_no_difference(ours):
    path = ours / "derived.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), PROGRAM: "another"}))
    assert not all_stands(ours) and rows_stand(ours)
    assert check.differences(ours) == []
    path.write_text("{}")
    expect(ours, "derived.json: differs from the evidence")
