"""Fashion-MNIST, all of it: Debian's package to arrays, by the official builder's checksums."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo import data
from zoo.data.raw import SPLITS
from zoo.errors import ZooError

pytestmark = pytest.mark.system  # Debian's package

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "fashion_mnist_from_debian.py"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PARTS = [
    f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
]


def run(*command, **environment):
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        timeout=300,
    )


@pytest.fixture(scope="module")
def debian():
    missing = [name for name in PARTS if not (DEBIAN / f"{name}.gz").is_file()]
    if missing:
        pytest.fail(f"{DEBIAN}: no {', '.join(missing)}: apt-get install dataset-fashion-mnist")
    return DEBIAN


@pytest.fixture(scope="module")
def files(debian, tmp_path_factory):
    """The published files, as the script restores them."""
    folder = tmp_path_factory.mktemp("files") / "new" / "folder"
    process = run(SCRIPT, folder)
    assert (process.returncode, process.stderr) == (0, "")
    assert sorted(map(Path, process.stdout.splitlines())) == sorted(folder.iterdir())
    return folder


@pytest.fixture(scope="module")
def prepared(files, tmp_path_factory):
    """The folders of a set that the zoo's command has prepared, and what it said."""
    folder = tmp_path_factory.mktemp("prepared")
    folders = {"ZOO_CACHE_DIR": folder / "cache", "TFDS_DATA_DIR": folder / "tfds"}
    process = run("-m", "zoo", "data", "prepare", "fashion_mnist", ZOO_MANUAL_DIR=files, **folders)
    assert process.returncode == 0, process.stderr
    return folders, process


@pytest.fixture
def loaded(prepared, monkeypatch):
    """Opened in this process, where no files are brought and there is nothing to prepare from."""
    monkeypatch.setenv("ZOO_CACHE_DIR", str(prepared[0]["ZOO_CACHE_DIR"]))
    monkeypatch.setenv("TFDS_DATA_DIR", os.devnull)
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    return data.load("fashion_mnist")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("fashion_mnist_from_debian", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_files_are_what_the_authors_published(files):
    import tensorflow_datasets as tfds

    infos = tfds.builder_cls("fashion_mnist").url_infos.values()
    published = {info.filename: (info.size, info.checksum) for info in infos}
    assert sorted(published) == sorted(f"{name}.gz" for name in PARTS)
    restored = {
        path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files.iterdir()
    }
    assert restored == published


def test_debians_own_files_are_not_yet(files, debian):
    assert all((debian / path.name).read_bytes() != path.read_bytes() for path in files.iterdir())


def test_a_file_that_is_packed_otherwise_is_refused(files, script):
    name = PARTS[1]
    restored = (files / f"{name}.gz").read_bytes()  # has a name in its header
    for content in (restored, b"", b"PK\x03\x04 no gzip file", b"\x1f\x8b"):
        with pytest.raises(ZooError, match=name):
            script.published(content, name, 0)


def test_prepare_says_what_there_is_and_no_more(prepared):
    _, process = prepared
    assert process.stdout == (
        "fashion_mnist: ready, 54000 / 6000 / 10000 examples of 28x28x1, 10 outputs\n"
    )
    assert process.stderr == ""


def test_sizes_types_and_standardization(loaded):
    assert (loaded.outputs, loaded.task, loaded.vocabulary) == (10, "classification", None)
    for part, size in zip(SPLITS, (54_000, 6_000, 10_000), strict=True):
        x, y = getattr(loaded, part)
        assert x.shape == (size, 28, 28, 1) and x.dtype == np.float32
        assert y.shape == (size,) and y.dtype == np.int32
    assert loaded.train.x.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert loaded.train.x.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)


def pixels(prepared):
    """The decoded arrays as they are kept."""
    (about,) = prepared[0]["ZOO_CACHE_DIR"].rglob("set.json")
    assert json.loads(about.read_text())["set"] == "fashion_mnist/3.0.1"
    return {
        part: (np.load(about.parent / f"{part}-x.npy"), np.load(about.parent / f"{part}-y.npy"))
        for part in SPLITS
    }


def test_the_images_are_the_published_ones_each_with_its_class(prepared, debian):
    """Against the files read by hand; tensorflow-datasets shuffles them."""
    import gzip

    kept = pixels(prepared)
    merged = [np.concatenate([kept["train"][which], kept["validation"][which]]) for which in (0, 1)]
    for (x, y), part in ((merged, "train"), (kept["test"], "t10k")):
        content = gzip.decompress((debian / f"{part}-images-idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((debian / f"{part}-labels-idx1-ubyte.gz").read_bytes())
        own = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 784)
        assert x.dtype == np.uint8

        def keys(images, classes):
            rows = zip(images.reshape(-1, 784), classes, strict=True)
            return sorted(row.tobytes() + bytes([int(label)]) for row, label in rows)

        assert keys(x, y) == keys(own, np.frombuffer(labels, np.uint8, offset=8))
    everything = merged[0] / 255
    assert everything.mean() == pytest.approx(0.2860, abs=5e-5)  # as published for the 60,000
    assert everything.std() == pytest.approx(0.3530, abs=5e-5)


def test_the_default_validation_split_is_the_last_tenth_and_holds_every_class(loaded, prepared):
    info = json.loads(next(prepared[0]["TFDS_DATA_DIR"].rglob("dataset_info.json")).read_text())
    assert [split["name"] for split in info["splits"]] == ["train", "test"]
    counts = np.bincount(loaded.train.y) + np.bincount(loaded.validation.y)
    assert counts.tolist() == [6000] * 10
    assert np.bincount(loaded.validation.y).min() > 500
    assert np.bincount(loaded.test.y).tolist() == [1000] * 10


def test_the_split_is_fixed(prepared):
    """By tensorflow-datasets's own shuffling, so whoever prepares it trains on the same."""
    labels = b"".join(y.astype("<i4").tobytes() for _, y in pixels(prepared).values())
    assert hashlib.sha256(labels).hexdigest()[:16] == "274b1c9a44d8707c"


def test_a_second_load_imports_neither_tensorflow_nor_tensorflow_datasets(prepared):
    folders, _ = prepared
    code = (
        "import sys\nfrom zoo import data\nloaded = data.load('fashion_mnist')\n"
        "print(len(loaded.train.y))\n"
        "print({'tensorflow', 'tensorflow_datasets', 'keras'} & sys.modules.keys())\n"
    )
    process = run("-c", code, **{**folders, "TFDS_DATA_DIR": os.devnull, "ZOO_MANUAL_DIR": ""})
    assert (process.stdout, process.stderr) == ("54000\nset()\n", "")


def test_one_wrong_byte_in_a_brought_file_is_refused(files, tmp_path):
    brought = tmp_path / "brought"
    shutil.copytree(files, brought)
    damaged = brought / f"{PARTS[0]}.gz"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    folders = {"ZOO_CACHE_DIR": tmp_path / "cache", "TFDS_DATA_DIR": tmp_path / "tfds"}
    process = run(
        "-m", "zoo", "data", "prepare", "fashion_mnist", ZOO_MANUAL_DIR=brought, **folders
    )
    assert (process.returncode, process.stdout) == (2, "")
    (line,) = process.stderr.splitlines()
    assert line.startswith("fashion_mnist: cannot be prepared in ")
    assert str(damaged) in line and "wrong checksum" in line and "anew" in line
    for folder in folders.values():
        assert not [*folder.rglob("*.json"), *folder.rglob("*.npy"), *folder.rglob("*.tfrecord*")]
        assert not list(folder.rglob("3.0.1"))


def test_a_part_of_the_files_is_not_enough(files, tmp_path, monkeypatch):
    """What is not brought has to be downloaded: without the network that is said at once."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_cls("fashion_mnist")
    nowhere = {f"http://nowhere.invalid/{i.filename}": i for i in builder.url_infos.values()}
    monkeypatch.setattr(builder, "url_infos", nowhere)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    shutil.copytree(files, tmp_path / "brought")
    (tmp_path / "brought" / f"{PARTS[1]}.gz").unlink()
    monkeypatch.setenv("ZOO_MANUAL_DIR", str(tmp_path / "brought"))
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    with pytest.raises(ZooError) as caught:
        data.load("fashion_mnist")
    message = str(caught.value)
    assert "\n" not in message and "nowhere.invalid cannot be reached" in message
    assert all(f"{name}.gz" in message for name in PARTS) and "ZOO_MANUAL_DIR" in message
