"""Models on this machine: each file is checked whenever it is used."""

import hashlib
import json
import random
import shutil

import pytest

from tests.odd_paths import dangling_link, link_to_itself, named_pipe
from tests.pretrained import fake_mirrors as fake
from tests.pretrained.fake_mirrors import (
    ID,
    MODEL,
    OTHER_MODEL,
    RECIPE,
    WEIGHTS,
    cached,
    files_of,
    fill,
    home,
    left,
    mirror,
    serve,
    whole,
)
from zoo.errors import ZooError
from zoo.pretrained import cache, places, pulling, registry, release
from zoo.pretrained.ids import parse

__all__ = ["cached", "home", "mirror", "serve"]

REMEDY = f"to get it anew: zoo pull {ID}"


def refusal(model=MODEL):
    with pytest.raises(ZooError) as caught:
        cache.locate(model)
    line = str(caught.value)
    assert line.isprintable()
    return line


# ---------------------------------------------------------------- what is here


def test_a_model_of_the_cache(cached, mirror, home):
    local = cache.locate(MODEL)
    assert (local.id, local.folder, local.where) == (MODEL, home / MODEL.folder, "cached")
    assert local.mirror == str(mirror)
    known = registry.read((mirror / places.REGISTRY).read_bytes(), "registry.json")
    assert local.entry == known.models[ID]
    assert cache.locate(OTHER_MODEL) is None and cache.locate(parse(f"{ID[:-3]}0.9")) is None


def test_the_cache_stays_as_it_is_when_it_is_read(cached, home):
    def state():
        return {path: path.stat().st_mtime_ns for path in home.rglob("*")}

    before = state()
    cache.locate(MODEL), pulling.get(MODEL), cache.locate(OTHER_MODEL)
    assert state() == before


def test_a_bundled_model_comes_before_the_cache(cached, home, tmp_path):
    text = fill(tmp_path / "bundled", ID)
    local = cache.locate(MODEL)
    assert (local.where, local.mirror) == ("bundled", None)
    assert local.folder == tmp_path / "bundled" / MODEL.folder
    assert pulling.get(MODEL).where == "bundled"
    shutil.rmtree(home)
    assert pulling.get(MODEL).where == "bundled" and not home.exists()
    assert registry.read(text, "").models[ID] == local.entry


@pytest.mark.parametrize("mirror_named", [True, False])
def test_where_nothing_has_it_the_line_says_where_it_was_looked_for(
    mirror_named, home, monkeypatch
):
    if mirror_named:
        monkeypatch.setenv("ZOO_MIRROR", "https://me:secret@mirror.example")
        monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(ZooError) as caught:
        pulling.get(MODEL)
    line = str(caught.value)
    assert line.startswith(f"{ID}: not in {home}, and ") and line.isprintable()
    words = ["ZOO_OFFLINE=1", "mirror.example"] if mirror_named else ["ZOO_MIRROR", "make mirror"]
    assert all(word in line for word in words) and "secret" not in line
    assert not home.exists()


def test_a_slip_in_an_id_is_told_where_there_is_no_mirror_to_ask(home):
    with pytest.raises(ZooError, match=f"make mirror makes one; did you mean {ID}\\?$"):
        pulling.get(parse("digits/clipping/adaptivee"))


# ---------------------------------------------------------------- damage


def flips(path, count):
    """A file with one bit flipped, each time another; whole again at the end."""
    content, draw = path.read_bytes(), random.Random(0)
    for _ in range(count):
        changed = bytearray(content)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        yield
    path.write_bytes(content)


@pytest.mark.parametrize("name", [WEIGHTS, RECIPE])
def test_a_flipped_bit_of_a_cached_file_is_refused(name, cached):
    for _ in flips(cached / name, 200):
        assert refusal() == f"{cached / name}: damaged (SHA-256): {REMEDY}"
    assert cache.locate(MODEL) is not None


def test_a_flipped_bit_of_what_lies_beside_them_is_refused(cached):
    for _ in flips(cached / places.ENTRY, 200):
        line = refusal()
        assert line.startswith(f"{cached / places.ENTRY}: damaged") and line.endswith(REMEDY)
    assert cache.locate(MODEL) is not None


def test_a_flipped_bit_of_what_is_bundled_is_refused(home, tmp_path, monkeypatch):
    text = fill(tmp_path / "bundled", ID)
    monkeypatch.setattr(release, "BUNDLED_SHA256", hashlib.sha256(text).hexdigest())
    path = tmp_path / "bundled" / places.REGISTRY
    for _ in flips(path, 200):
        assert refusal() == f"{path}: damaged (SHA-256): install gradient-zoo anew"
    weights = tmp_path / "bundled" / MODEL.folder / WEIGHTS
    for _ in flips(weights, 20):
        assert refusal() == f"{weights}: damaged (SHA-256): install gradient-zoo anew"
    assert cache.locate(MODEL).where == "bundled"


def replaced(make):
    def damage(path):
        path.unlink()
        make(path)

    return damage


DAMAGES = {
    "deleted": (lambda path: path.unlink(), "No such file"),
    "empty": (lambda path: path.write_bytes(b""), "damaged"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-1]), "damaged"),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "damaged"),
    "a folder": (replaced(lambda path: path.mkdir()), "a folder, not a file"),
    "a pipe": (replaced(named_pipe), "a named pipe, not a file"),
    "a link to nowhere": (replaced(dangling_link), "a symbolic link, not a file"),
    "a link to itself": (replaced(link_to_itself), "a symbolic link, not a file"),
    "a device": (replaced(lambda path: path.symlink_to("/dev/zero")), "a symbolic link"),
}


def link_to_the_same(path):
    path.rename(path.parents[5] / "elsewhere")
    path.symlink_to(path.parents[5] / "elsewhere")


DAMAGES["a link to what it was"] = link_to_the_same, "a symbolic link, not a file"


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [*registry.FILES, places.ENTRY])
def test_a_damaged_model_is_refused_and_got_anew(name, damage, cached, mirror, home):
    damages, said = DAMAGES[damage]
    damages(cached / name)
    line = refusal()
    assert line.startswith(f"{cached / name}: ") and said in line and line.endswith(REMEDY)
    assert pulling.get(MODEL, str(mirror)).folder == cached
    assert whole(home, ID)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"null", b"{}", b"{", b"[" * 10**5, b'{"schema": 1, "schema": 1}', b"\xff",
        b"9" * 9999,
    ],
    ids=range(9),
)  # fmt: skip
def test_any_other_entry_is_damage(text, cached):
    (cached / places.ENTRY).write_bytes(text)
    assert refusal().startswith(f"{cached / places.ENTRY}: damaged")


def test_an_entry_that_lacks_a_file_is_damage(cached, mirror):
    files = files_of(ID)
    del files[RECIPE]
    text = cache.text_beside(MODEL, str(mirror), fake.entry_of(files))
    (cached / places.ENTRY).write_text(text)
    assert refusal() == f"{cached / places.ENTRY}: damaged: {REMEDY}"


def test_an_entry_of_another_model_is_damage(cached, mirror):
    """Whose files are right by it: else a model could stand for another."""
    other = pulling.get(OTHER_MODEL, str(mirror)).folder
    shutil.rmtree(cached)
    shutil.copytree(other, cached)
    assert refusal() == f"{cached / places.ENTRY}: damaged: {REMEDY}"


def test_a_link_to_a_folder_is_refused_and_nothing_is_written_through_it(cached, mirror, home):
    elsewhere = home.parent / "elsewhere"
    for folder in (cached, cached.parent, home / "1.0"):
        folder.rename(elsewhere)
        folder.symlink_to(elsewhere)
        before = sorted(elsewhere.rglob("*"))
        assert refusal() == f"{folder}: a symbolic link: remove it"
        if folder != cached:
            with pytest.raises(ZooError, match="a symbolic link: remove it"):
                pulling.get(OTHER_MODEL, str(mirror))
        assert sorted(elsewhere.rglob("*")) == before
        folder.unlink()
        elsewhere.rename(folder)
    assert cache.locate(MODEL) is not None


def test_the_cache_itself_may_be_a_link(mirror, home, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    home.symlink_to(tmp_path / "elsewhere")
    assert pulling.get(MODEL, str(mirror)).where == "cached" and whole(home, ID)


def test_the_damaged_files_stay_until_there_are_better_ones(cached, mirror, home):
    (cached / WEIGHTS).write_bytes(b"damaged")
    before = left(home)
    (mirror / MODEL.folder / RECIPE).unlink()
    with pytest.raises(ZooError, match="cannot be read"):
        pulling.get(MODEL, str(mirror))
    assert left(home) == before and (cached / WEIGHTS).read_bytes() == b"damaged"


# ---------------------------------------------------------------- what the release knows


@pytest.fixture
def released(mirror, monkeypatch):
    monkeypatch.setattr(release, "MIRROR", str(mirror))
    digest = hashlib.sha256((mirror / places.REGISTRY).read_bytes()).hexdigest()
    monkeypatch.setattr(release, "REGISTRY_SHA256", digest)
    return mirror


def forge(folder, model, name, content):
    """Another file, and beside it an entry as this package would write it."""
    local = cache.locate(model)
    files = {each: (folder / each).read_bytes() for each in registry.FILES} | {name: content}
    (folder / name).write_bytes(content)
    text = cache.text_beside(model, local.mirror, fake.entry_of(files))
    (folder / places.ENTRY).write_text(text)


def test_what_the_release_pins_counts_more_than_what_lies_beside_a_model(released, home):
    local = pulling.get(MODEL)
    forge(local.folder, MODEL, WEIGHTS, b"forged")
    assert refusal().startswith(f"{local.folder / WEIGHTS}: damaged (6 bytes instead of 40000)")
    assert pulling.get(MODEL).entry == local.entry and whole(home, ID)


def test_a_kept_registry_that_is_not_the_pinned_one_counts_for_nothing(released, home):
    pulling.get(MODEL)
    kept = places.kept_registry(str(released))
    for _ in flips(kept, 200):
        assert cache.kept_registry_of_release(str(released)) is None
    assert cache.kept_registry_of_release(str(released)) is not None
    kept.write_text("{}")
    pulling.get(OTHER_MODEL)  # asks the mirror again
    assert cache.kept_registry_of_release(str(released)) is not None


def test_what_came_from_a_named_mirror_is_held_to_that(released, home, tmp_path):
    """A person's own models may have the ids of the release's."""
    folder = tmp_path / "named"
    shutil.copytree(released, folder)
    files = files_of(ID) | {WEIGHTS: b"weights of another processor"}
    (folder / MODEL.folder / WEIGHTS).write_bytes(files[WEIGHTS])
    models = {ID: fake.entry_of(files)}
    (folder / places.REGISTRY).write_text(registry.written(registry.Registry(models=models)))
    pulling.get(OTHER_MODEL)  # so the release's registry is known
    local = pulling.get(MODEL, str(folder))
    assert local.mirror == str(folder) and local.entry == models[ID]
    assert cache.locate(MODEL) == local


def test_an_entry_says_what_it_is(cached, mirror):
    about = json.loads((cached / places.ENTRY).read_text())
    assert list(about) == ["schema", "id", "mirror", "entry", "sha256"]
    assert (about["schema"], about["id"], about["mirror"]) == (1, ID, str(mirror))
