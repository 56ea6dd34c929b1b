"""Sets kept as arrays: damage, several processes at once, processes that are killed, no room."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from zoo.data import cache, folders
from zoo.data.raw import SPLITS, Raw
from zoo.errors import ZooError


def made_up():
    draw = np.random.default_rng(0)
    splits = {
        part: (
            draw.integers(0, 256, (size, 5, 5, 3)).astype(np.uint8),
            draw.integers(0, 4, size),
        )
        for part, size in zip(SPLITS, (40, 12, 8), strict=True)
    }
    return "made_up/1.0.0", Raw(splits, outputs=4, vocabulary=None)


def never():
    raise AssertionError("made again though it is there")


def same(first, second):
    return (first.outputs, first.vocabulary, first.task, first.standardize) == (
        second.outputs,
        second.vocabulary,
        second.task,
        second.standardize,
    ) and all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for part in SPLITS
        for a, b in zip(first.splits[part], second.splits[part], strict=True)
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    return folders.place("made_up", None, None)


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_set_is_made_once_and_read_as_it_was(place):
    first = cache.load(place, made_up)
    assert same(first, made_up()[1])
    assert same(cache.load(place, never), first)
    assert json.loads((place / "set.json").read_text())["set"] == "made_up/1.0.0"


def test_a_vocabulary_is_kept(place):
    _, raw = made_up()
    kept = cache.load(place, lambda: ("texts", Raw(raw.splits, outputs=2, vocabulary=77)))
    assert (kept.vocabulary, kept.outputs) == (77, 2)
    assert cache.load(place, never).vocabulary == 77


def test_a_task_is_kept(place):
    _, raw = made_up()
    values = Raw(raw.splits, outputs=1, task="regression")
    assert same(cache.load(place, lambda: ("values", values)), values)
    assert same(cache.load(place, never), values)


def test_it_is_kept_that_numbers_are_not_to_be_standardized(place):
    _, raw = made_up()
    numbers = Raw(raw.splits, outputs=4, standardize=False)
    assert same(cache.load(place, lambda: ("numbers", numbers)), numbers)
    assert same(cache.load(place, never), numbers)


def test_a_set_that_was_kept_without_a_word_is_one_of_classes_and_standardized(place):
    cache.load(place, made_up)
    about = json.loads((place / "set.json").read_text())
    del about["task"], about["standardize"], about["sha256"]
    about["sha256"] = cache._digest(place, about)
    (place / "set.json").write_text(json.dumps(about))
    assert same(cache.load(place, never), made_up()[1])


# ---------------------------------------------------------------- where


def test_the_folder_is_the_users_choice_or_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ZOO_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert folders.decoded() == tmp_path / ".cache" / "gradient-zoo"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert folders.decoded() == tmp_path / "xdg" / "gradient-zoo"
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "mine"))
    assert folders.decoded() == tmp_path / "mine"


def test_each_set_split_and_size_has_a_place_of_its_own(place):
    split = {"train": "train", "validation": "test[:50%]", "test": "test[50%:]"}
    places = [
        folders.place("a", None, None),
        folders.place("a", split, None),
        folders.place("a", {**split, "train": "train[:50%]"}, None),
        folders.place("a", None, 8),
        folders.place("a", None, 9),
        folders.place("a", split, 8),
        *(
            folders.place(name, None, None)
            for name in ("a/b", "a:b", "a-b", "a/b:1", "a:b/1", "./a")
        ),
    ]
    assert len(set(places)) == len(places)
    assert folders.place("a", dict(reversed(split.items())), None) == places[1]


@pytest.mark.parametrize("name", ["../../out", "/out", "a/../../../../out", "\udcff"])
def test_no_name_has_its_place_outside_the_folder(place, name):
    inside = os.path.normpath(folders.place(name, None, None))
    assert inside.startswith(str(folders.decoded()) + os.sep)


# ---------------------------------------------------------------- damage


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


ARRAYS = [f"{part}-{which}.npy" for part in SPLITS for which in "xy"]
DAMAGES = {
    "deleted": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "another file": lambda path: path.write_bytes(b"\xff\0 no such thing"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "first byte": lambda path: flip(path, 0),
    "last byte": lambda path: flip(path, -1),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [*ARRAYS, "set.json"])
def test_a_damaged_set_is_made_again(place, name, damage):
    cache.load(place, made_up)
    DAMAGES[damage](place / name)
    if name != "set.json" or damage not in ("longer", "last byte", "truncated"):
        with pytest.raises(AssertionError, match="made again"):
            cache.load(place, never)  # so it is seen, and nothing is lost on the way
    assert same(cache.load(place, made_up), made_up()[1])
    assert same(cache.load(place, never), made_up()[1])
    assert contents(place) == sorted([*ARRAYS, "set.json"])


def test_every_byte_of_a_header_counts(place):
    """NumPy reads a damaged header as another shape or type, or raises what it likes."""
    whole = cache.load(place, made_up)
    path = place / "train-x.npy"
    for position in range(128):
        flip(path, position)
        assert cache.read(place) is None, position
        flip(path, position)
    assert same(cache.read(place), whole)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "3", '"set"', "{}", "{", '{"sha256": 3}', "[" * 10_000,
        '{"outputs": 4, "vocabulary": null}',
    ],
)  # fmt: skip
def test_any_other_set_json_is_damage(place, text):
    cache.load(place, made_up)
    (place / "set.json").write_text(text)
    assert cache.read(place) is None
    assert same(cache.load(place, made_up), made_up()[1])


@pytest.mark.parametrize("change", [{"outputs": 5}, {"vocabulary": 9}, {"set": "another"}])
def test_an_edited_set_json_is_damage(place, change):
    cache.load(place, made_up)
    about = json.loads((place / "set.json").read_text())
    (place / "set.json").write_text(json.dumps({**about, **change}))
    assert cache.read(place) is None


# ---------------------------------------------------------------- processes

PROCESS = """
import sys, time
from pathlib import Path
from tests.data.test_cache import made_up
from zoo.data import cache, folders

here = Path(sys.argv[1])

def make():
    with (here / "made").open("a") as log:
        log.write("x")
    made = made_up()
    time.sleep(0.5)
    return made

(here / f"ready-{sys.argv[2]}").touch()
while not (here / "go").exists():
    time.sleep(0.001)
print(int(cache.load(folders.place("made_up", None, None), make).splits["train"][0].sum()))
"""

HANGS = """
import sys, time
import numpy as np
from tests.data.test_cache import made_up
from zoo.data import cache, folders

def hang(*_):
    print("here", flush=True)
    time.sleep(600)

save, saved = np.save, []

def save_some(path, array):
    if len(saved) == 3:
        path.write_bytes(b"a part")
        hang()
    saved.append(path)
    save(path, array)

if sys.argv[1] == "making":
    made_up = hang
elif sys.argv[1] == "writing":
    np.save = save_some
else:  # the moment before the folder appears
    cache.Path.rename = hang
cache.load(folders.place("made_up", None, None), made_up)
"""


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(condition, *processes):
    """As long as the processes that are to bring it about live."""
    while not condition():
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)


def test_processes_that_ask_at_once_make_it_once(place, tmp_path):
    processes = [start(PROCESS, tmp_path, number) for number in range(3)]
    wait_for(lambda: len(list(tmp_path.glob("ready-*"))) == 3, *processes)
    (tmp_path / "go").touch()
    answers = [process.communicate(timeout=60) for process in processes]
    expected = f"{int(made_up()[1].splits['train'][0].sum())}\n"
    assert answers == [(expected, "")] * 3
    assert (tmp_path / "made").read_text() == "x"
    assert contents(place.parent) == [".default.lock", "default"]


@pytest.mark.parametrize("stage", ["making", "writing", "renaming"])
def test_a_killed_process_leaves_nothing_that_counts_and_nothing_locked(place, stage):
    process = start(HANGS, stage)
    assert process.stdout.readline() == "here\n"
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    left = contents(place.parent)
    assert "default" not in left and cache.read(place) is None
    assert len(left) == (1 if stage == "making" else 2)  # the lock's file, and what was written
    assert same(cache.load(place, made_up), made_up()[1])
    assert contents(place.parent) == [".default.lock", "default"]


def test_who_waits_for_a_process_that_is_killed_makes_it_then(place, tmp_path):
    holder = start(HANGS, "making")
    assert holder.stdout.readline() == "here\n"
    (tmp_path / "go").touch()
    waiter = start(PROCESS, tmp_path, 0)
    wait_for((tmp_path / "ready-0").exists, waiter)
    time.sleep(0.2)
    assert waiter.poll() is None and not (tmp_path / "made").exists()
    holder.kill()
    holder.communicate()
    output, errors = waiter.communicate(timeout=60)
    assert (waiter.returncode, errors) == (0, "") and output
    assert (tmp_path / "made").read_text() == "x"


# ---------------------------------------------------------------- what cannot be written


def in_the_way(place, what):
    """A file where a folder has to be."""
    path = {"cache": folders.decoded(), "set": place.parent.parent, "place": place}[what]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")
    return path


@pytest.mark.parametrize("what", ["cache", "set", "place"])
def test_a_file_in_the_way_is_one_line_and_stays(place, what):
    path = in_the_way(place, what)
    with pytest.raises(ZooError) as caught:
        cache.load(place, made_up)
    message = str(caught.value)
    assert message.startswith(f"{place}: cannot be written: ")
    assert "\n" not in message and "ZOO_CACHE_DIR" in message
    assert path.read_text() == "in the way"


NO_ROOM = """
import resource
from tests.data.test_cache import made_up
from zoo.data import cache, folders
from zoo.errors import ZooError

resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    cache.load(folders.place("made_up", None, None), made_up)
except ZooError as error:
    print(error)
"""


def test_no_room_is_one_line_and_leaves_nothing(place):
    process = start(NO_ROOM)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert output.startswith(f"{place}: cannot be written: ") and output.count("\n") == 1
    assert "make room" in output
    assert contents(place.parent) == [".default.lock"]
    assert same(cache.load(place, made_up), made_up()[1])


def test_a_set_that_cannot_be_made_leaves_nothing(place):
    def fails():
        raise ZooError("made_up: cannot be had")

    with pytest.raises(ZooError, match=r"^made_up: cannot be had$"):
        cache.load(place, fails)
    assert contents(place.parent) == [".default.lock"]


def test_a_damaged_set_that_cannot_be_made_again_leaves_its_files(place):
    cache.load(place, made_up)
    flip(place / "train-x.npy", -1)
    with pytest.raises(AssertionError, match="made again"):
        cache.load(place, never)
    assert contents(place) == sorted([*ARRAYS, "set.json"])
    shutil.rmtree(place)
    assert same(cache.load(place, made_up), made_up()[1])
