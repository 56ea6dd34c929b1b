"""Rows from others: packed, read, and refused where they are not what they say."""

import hashlib
import json
import shutil

import pytest

from tests.made_up_evidence import YAML, filling, written
from zoo import recipe as recipes
from zoo.errors import ZooError
from zoo.evidence.store import Store
from zoo.results import derived
from zoo.results.folder import FOLDER
from zoo.results.submissions import Retrained, folders, keep, pack, read

TIMES = {"sigmoid": [None] * 10, "tanh": [20] * 10, "relu": [30, 40] * 5}


@pytest.fixture
def theirs(tmp_path):
    """A recipe with made-up evidence, and the file that its runs imported."""
    recipe = written(tmp_path, YAML.replace("seeds: 3", "seeds: 10"))
    store, mine = Store(tmp_path / "evidence"), tmp_path / "mine.py"
    mine.write_text("raise SystemExit('nobody runs this')\n")
    filling(recipe, store)(TIMES)
    imported(recipe, store, {"mine.py": hashlib.sha256(mine.read_bytes()).hexdigest()})
    return tmp_path, recipe, store, mine


def imported(recipe, store, digests):
    for arm in recipe.arms.values():
        for record in store.records(arm).values():
            environment = {**record.environment, "imports": digests}
            store.write_record(arm, record.model_copy(update={"environment": environment}))
        runs = [run.model_copy(update={"imports": digests}) for run in store.tuning(arm)]
        store.write_tuning(arm, runs)
    store.manifest.write()


def packed(theirs):
    folder, recipe, store, mine = theirs
    path = folder / "recipes" / "made" / "up.yaml"
    return pack(recipe, path, [mine], store.root, folder / "submissions")


def test_what_is_packed_is_read_with_the_same_rows(theirs):
    folder = packed(theirs)
    root, _, store, mine = theirs
    assert folders(root / "submissions") == [folder] and folder.name == "made__up"
    shutil.rmtree(store.root)
    mine.unlink()
    (root / "recipes" / "made" / "up.yaml").unlink()
    submission = read(folder)
    assert submission.status == "recomputed" and submission.recipe.id == "made/up"
    assert {row.arm: row.verdict for row in submission.rows} == {
        "sigmoid": None,
        "tanh": "better",
        "relu": "better",
    }


def test_a_recipe_that_extends_its_author_s_is_packed_with_it(theirs):
    root, _, store, mine = theirs
    path = root / "recipes" / "made" / "more.yaml"
    path.write_text("extends: made/up\ntitle: More\ndata.batch_size: 32\n")
    recipe = recipes.load(path)
    filling(recipe, store)(TIMES)
    imported(recipe, store, {"mine.py": hashlib.sha256(mine.read_bytes()).hexdigest()})
    folder = pack(recipe, path, [mine], store.root, root / "submissions")
    path.unlink()
    path.with_name("up.yaml").unlink()
    assert read(folder).recipe.title == "More"


def test_runs_trained_again_decide_the_status(theirs):
    folder = packed(theirs)
    run = Retrained(arm="tanh", seed=3, state="equal", environment={"cpu": "another"})
    keep(folder, [run])
    assert read(folder).status == "re-trained"
    keep(folder, [run.model_copy(update={"state": "differs"})])
    assert read(folder).status == "refuted"
    assert [each.state for each in read(folder).retrained] == ["equal", "differs"]


def test_one_of_another_benchmark_is_shown_as_reported(theirs):
    folder = packed(theirs)
    path = folder / "submission.json"
    path.write_text(path.read_text().replace('"benchmark": "1.0"', '"benchmark": "0.9"'))
    submission = read(folder)
    assert (submission.status, submission.recipe, submission.rows) == ("self-reported", None, [])
    text = derived._submission(submission)
    assert "**self-reported**, of benchmark 0.9, 3 rows: [evidence](submissions/made__up)" in text


def test_the_leaderboard_has_a_section_of_them(theirs):
    folder = packed(theirs)
    keep(folder, [Retrained(arm="tanh", seed=3, state="differs", environment={})])
    Store(folder.parents[1]).manifest.write()
    texts = {path.name: text for path, text in derived.derive(folder.parents[1]).files()}
    board = texts["LEADERBOARD.md"]
    assert "## Rows from others" in board
    assert "**refuted** (tanh, seed 3: differs): [evidence](submissions/made__up)" in board
    assert "| [tanh](submissions/made__up/runs/made/up/tanh) | 10/10 |" in board


def change_a_record(folder):
    path = folder / "runs/made/up/tanh/seed-0.json"
    path.write_text(path.read_text().replace('"seconds": 1.0', '"seconds": 2.0'))


def drop_a_record(folder):
    (folder / "runs/made/up/tanh/seed-0.json").unlink()


def change_the_recipe(folder):
    path = folder / "recipes/made/up.yaml"
    path.write_text(path.read_text().replace("Nothing.", "Everything."))


def change_the_code(folder):
    (folder / "imports/mine.py").write_text("x = 1\n")


def change_a_row(folder):
    path = folder / "submission.json"
    values = json.loads(path.read_text())
    values["rows"][1]["speedup"] = 50.0
    path.write_text(json.dumps(values))


def drop_a_row(folder):
    path = folder / "submission.json"
    values = json.loads(path.read_text())
    del values["rows"][1]
    path.write_text(json.dumps(values))


def point_elsewhere(folder):
    path = folder / "submission.json"
    values = json.loads(path.read_text())
    values["digests"]["../../README.md"] = "0" * 64
    path.write_text(json.dumps(values))


def break_it(folder):
    (folder / "submission.json").write_text("{}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (change_a_record, r"tanh/seed-0.json: changed since manifest.json was written"),
        (drop_a_record, r"tanh/seed-0.json: missing, but in manifest.json"),
        (change_the_recipe, r"recipes/made/up.yaml: changed since it was submitted"),
        (change_the_code, r"imports/mine.py: changed since it was submitted"),
        (change_a_row, r"tanh: reported is another row than the records give"),
        (drop_a_row, r"tanh: reported is another row than the records give"),
        (point_elsewhere, r"\.\./\.\./README.md: not a path in the folder"),
        (break_it, r"submission.json: benchmark: Field required"),
    ],
)
def test_a_changed_submission_is_refused_and_named(theirs, change, said):
    folder = packed(theirs)
    change(folder)
    with pytest.raises(ZooError, match=said):
        read(folder)


def test_one_that_carries_no_verdict_is_not_packed(theirs):
    root, _, store, _ = theirs
    (store.root / "runs/made/up/relu/seed-3.json").unlink()
    store.manifest.write()
    with pytest.raises(ZooError, match=r"made/up: no verdict on relu: no seed 3"):
        packed(theirs)
    assert not folders(root / "submissions") and not list((root / "submissions").glob("*"))


def test_other_files_than_the_records_name_are_not_packed(theirs):
    root, recipe, store, mine = theirs
    path = root / "recipes" / "made" / "up.yaml"
    mine.write_text("another\n")
    with pytest.raises(ZooError, match=r"made with other files than --import gives: mine.py"):
        packed(theirs)
    with pytest.raises(ZooError, match=r"made with other files than --import gives: mine.py"):
        pack(recipe, path, [], store.root, root / "submissions")


def test_neither_the_zoo_s_own_recipe_nor_a_second_submission_is_packed(theirs):
    packed(theirs)
    with pytest.raises(ZooError, match=r"made__up: is there already"):
        packed(theirs)
    root, *_ = theirs
    own = recipes.available()["digits/clipping"]
    with pytest.raises(ZooError, match=r"digits/clipping is a recipe of the zoo"):
        pack(recipes.load(own), own, [], root / "evidence", root / "submissions")


def test_the_committed_ones_are_read():
    for folder in folders(FOLDER / "submissions"):
        read(folder)
