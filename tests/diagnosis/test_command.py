"""`zoo diagnose` as a person types it."""

import json
import signal
import sys
import zipfile

import numpy as np
import pytest

from tests.diagnosis.networks import classifier, dense, examples, network, seed
from zoo import cli

X, Y, CLASSES = examples()


@pytest.fixture
def zoo(one_thread, monkeypatch, capsys, tmp_path):
    """Runs the command in this process; exit code, stdout and stderr without the warning."""
    ends = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", "diagnose", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        lines = [line for line in captured.err.splitlines() if "open only what you" not in line]
        return end.value.code or 0, captured.out, lines

    yield run
    signal.signal(signal.SIGTERM, ends)


@pytest.fixture
def sick(one_thread, tmp_path):
    seed()
    path = tmp_path / "sick.keras"
    classifier(8, activation="sigmoid").save(path)
    return path


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=X, y=CLASSES)
    return path


def test_it_names_the_symptom_its_place_and_what_to_try(zoo, sick, data):
    code, out, errors = zoo(sick, "--data", data, "--figure", "picture.png")
    assert (code, errors) == (0, [])
    assert max(map(len, out.splitlines())) <= 100
    for words in ("vanishing gradients", "healthy: ", "try: ", "Nearest in the zoo: digits/"):
        assert words in out
    assert (sick.parent / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_as_one_object(zoo, sick, data):
    code, out, errors = zoo(sick, "--data", data, "--json", "--steps", "20")
    assert (code, errors) == (0, [])
    about = json.loads(out)
    assert about["symptoms"][0]["symptom"] == "vanishing gradients" and about["steps"] == 20


def test_a_healthy_network_is_healthy_on_a_set_of_the_zoo(zoo, tmp_path):
    from keras import layers

    model = network(
        *(layers.Flatten(), dense(32, activation="relu"), dense(10, activation="softmax")),
        inputs=(8, 8),
        loss="sparse_categorical_crossentropy",
    )
    model.save(tmp_path / "well.keras")
    code, out, errors = zoo("well.keras", "--data", "digits")
    assert (code, errors) == (0, []) and "healthy" in out.splitlines()[0]


def test_another_loss_may_be_given(zoo, tmp_path, data):
    network(dense(3, activation="softmax"), loss="mse").save(tmp_path / "a.keras")
    arguments = ("a.keras", "--data", data, "--loss")
    code, out, _ = zoo(*arguments, "sparse_categorical_crossentropy")
    assert code == 0 and "labels do not fit" not in out
    code, out, _ = zoo(*arguments, "categorical_crossentropy")
    assert code == 0 and "labels do not fit" in out


def is_one_line(result, *words):
    code, out, errors = result
    assert (code, out, len(errors)) == (2, "", 1), result
    for word in words:
        assert word in errors[0]


def test_what_is_no_model_is_one_line(zoo, tmp_path, data):
    is_one_line(zoo("gone.keras", "--data", data), "gone.keras", "No such file")
    (tmp_path / "text.keras").write_text("no zip file")
    is_one_line(zoo("text.keras", "--data", data), "text.keras", "no model")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("a.txt", "no configuration")
    is_one_line(zoo("other.keras", "--data", data), "other.keras", "no model")
    with zipfile.ZipFile(tmp_path / "odd.keras", "w") as archive:
        archive.writestr("config.json", '{"class_name": "Gone", "module": "nowhere", "config": {}}')
        archive.writestr("metadata.json", "{}")
    is_one_line(zoo("odd.keras", "--data", data), "odd.keras", "cannot be opened")
    is_one_line(zoo(tmp_path, "--data", data), "cannot be read")


def test_code_in_a_file_is_not_run(zoo, tmp_path, data):
    import keras

    seen = tmp_path / "it-ran"

    def trap(x, path=str(seen)):
        __import__("pathlib").Path(path).touch()
        return x

    layer = keras.layers.Lambda(lambda x: trap(x))
    model = keras.Sequential([keras.Input((16,)), dense(3, activation="softmax")])
    model.add(layer)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.save(tmp_path / "trap.keras")
    seen.unlink(missing_ok=True)
    is_one_line(zoo("trap.keras", "--data", data), "trap.keras", "cannot be opened")
    assert not seen.exists()


def test_classes_of_the_users_own_come_from_a_file_that_is_named(zoo, tmp_path, data):
    from zoo.parts import user_files

    (tmp_path / "own.py").write_text(
        "import keras\n\n\n"
        '@keras.saving.register_keras_serializable("own_of_test")\n'
        "class Twice(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return 2 * x\n"
    )
    user_files.import_file(tmp_path / "own.py")
    import keras

    twice = keras.saving.get_registered_object("own_of_test>Twice")
    network(twice(), dense(1)).save(tmp_path / "own.keras")
    np.savez(tmp_path / "numbers.npz", x=X, y=Y)
    code, _, errors = zoo("own.keras", "--data", "numbers.npz", "--import", "own.py")
    assert (code, errors) == (0, [])


def test_data_that_are_none_are_one_line(zoo, sick, tmp_path):
    is_one_line(zoo(sick, "--data", "gone.npz"), "gone.npz", "No such file")
    is_one_line(zoo(sick, "--data", "digit"), "digit", "digits")
    (tmp_path / "text.npz").write_text("no arrays")
    is_one_line(zoo(sick, "--data", "text.npz"), "text.npz", "cannot be read")
    np.savez(tmp_path / "names.npz", a=X, b=Y)
    is_one_line(zoo(sick, "--data", "names.npz"), "no array x", "a, b")
    np.savez(tmp_path / "pickled.npz", x=np.array([{}, 1], dtype=object), y=Y[:2])
    is_one_line(zoo(sick, "--data", "pickled.npz"), "pickled.npz")
    np.savez(tmp_path / "lengths.npz", x=X, y=CLASSES[:-1])
    is_one_line(zoo(sick, "--data", "lengths.npz"), "199 and 200 examples")
    np.savez(tmp_path / "empty.npz", x=X[:0], y=CLASSES[:0])
    is_one_line(zoo(sick, "--data", "empty.npz"), "empty")
    np.savez(tmp_path / "shape.npz", x=X[:, :7], y=CLASSES)
    is_one_line(zoo(sick, "--data", "shape.npz"), "cannot take these inputs")


def test_a_loss_that_there_is_not_is_one_line(zoo, sick, data):
    is_one_line(zoo(sick, "--data", data, "--loss", "nothing"), "nothing")
    is_one_line(zoo(sick, "--data", data, "--optimizer", "nothing"), "optimizer")
    is_one_line(zoo(sick, "--data", data, "--steps", "0"), "--steps")


def test_an_uncompiled_model_asks_for_a_loss(zoo, tmp_path, data):
    import keras

    keras.Sequential([keras.Input((16,)), dense(3)]).save(tmp_path / "plain.keras")
    is_one_line(zoo("plain.keras", "--data", data), "has no loss")


def test_a_model_that_memory_cannot_hold_is_told_before_it_is_opened(zoo, sick, data, monkeypatch):
    from zoo.diagnosis import opening

    monkeypatch.setattr(opening, "available_bytes", lambda: 10_000)
    monkeypatch.setattr(opening.keras.saving, "load_model", None)  # it would be called
    is_one_line(zoo(sick, "--data", data), "GB are free")


def test_outputs_that_memory_cannot_hold_are_told_before_they_are_computed(one_thread):
    from zoo.diagnosis import memory
    from zoo.errors import ZooError

    model = classifier(2, width=1000)
    weights = sum(np.prod(weight.shape) for weight in model.weights) * 4
    memory.check(model, 32, available=int(memory.COPIES * weights + 4 * 32 * 4 * 2100))
    with pytest.raises(ZooError, match="smaller batch_size"):
        memory.check(model, 32_000, available=int(memory.COPIES * weights + 4 * 32 * 4 * 2100))
    with pytest.raises(ZooError, match="smaller model"):
        memory.check(model, 32, available=int(weights))
