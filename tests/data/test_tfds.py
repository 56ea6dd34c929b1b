"""Sets of tensorflow-datasets: mocked ones of its catalogue, and small real ones defined here."""

import contextlib
import shutil
import socket
import threading

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.conftest import SMALL
from zoo import data
from zoo import recipe as recipes
from zoo.data import cache, folders, hosts
from zoo.data import tfds as standard
from zoo.data.raw import SPLITS
from zoo.errors import ZooError
from zoo.recipe.schema import Data, DataSplit


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch, one_thread):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    own = [builder.name for builder in (ZooTinyImages, ZooUnequalImages, ZooTinyTexts, ZooOnePart)]
    catalogue = standard.names()
    monkeypatch.setattr(standard, "names", lambda: [*catalogue, *own])
    return tmp_path


def mistake(*arguments, **options):
    """The message of a load that is refused: one line, and nothing that counts is left."""
    with pytest.raises(ZooError) as caught:
        data.load(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{arguments[0]}: ")
    assert not list(folders.decoded().rglob("set.json"))
    return message


# ---------------------------------------------------------------- small sets, prepared for real


def info(builder, key, feature):
    features = {key: feature, "label": tfds.features.ClassLabel(num_classes=5)}
    return tfds.core.DatasetInfo(
        builder=builder,
        features=tfds.features.FeaturesDict(features),
        supervised_keys=(key, "label"),
    )


class ZooTinyImages(tfds.core.GeneratorBasedBuilder):
    """Coloured noise: 40 and 20 images of 4 x 4."""

    VERSION = tfds.core.Version("1.0.0")
    SIZES = {"train": 40, "test": 20}

    def _info(self):
        return info(self, "image", tfds.features.Image(shape=(4, 4, 3)))

    def _split_generators(self, dl_manager):
        return {part: self._generate_examples(part) for part in self.SIZES}

    def _generate_examples(self, part):
        for number, (image, label) in enumerate(self.examples(part)):
            yield number, {"image": image, "label": label}

    @classmethod
    def examples(cls, part):
        draw = np.random.default_rng(len(part))
        return [
            (draw.integers(0, 256, (4, 4, 3)).astype(np.uint8), int(draw.integers(5)))
            for _ in range(cls.SIZES[part])
        ]


class ZooOnePart(ZooTinyImages):
    """As above, with no split but train."""

    SIZES = {"train": 40}


class ZooUnequalImages(ZooTinyImages):
    """Each image of one colour and a size of its own; the colour says the class."""

    def _info(self):
        return info(self, "image", tfds.features.Image(shape=(None, None, 3)))

    @classmethod
    def examples(cls, part):
        draw = np.random.default_rng(0)
        return [
            (np.full((*draw.integers(3, 30, 2), 3), [50 * label, 7, 255], np.uint8), label)
            for label in draw.integers(0, 5, cls.SIZES[part]).tolist()
        ]


class ZooTinyTexts(ZooTinyImages):
    """Texts whose words differ in frequency; some words are in the test split alone."""

    def _info(self):
        return info(self, "text", tfds.features.Text())

    def _generate_examples(self, part):
        for number, (text, label) in enumerate(self.examples(part)):
            yield number, {"text": text, "label": label}

    @classmethod
    def examples(cls, part):
        texts = ["Good, good, GOOD film!", "bad film?", "good"]
        texts += ["film " * 300] if part == "train" else ["dreadful, but good.", ""]
        return [(text, len(text) % 5) for text in texts]


def pairs(splits):
    return sorted((x.tobytes(), int(y)) for part in splits for x, y in zip(*part, strict=True))


def test_a_set_is_decoded_as_it_was_written():
    name, raw = standard.load("zoo_tiny_images")
    assert name == "zoo_tiny_images/1.0.0"
    assert (raw.outputs, raw.vocabulary, raw.task) == (5, None, "classification")
    train, validation, test = (raw.splits[part] for part in SPLITS)
    assert [len(y) for _, y in (train, validation, test)] == [36, 4, 20]
    assert train[0].dtype == np.uint8 and train[0].shape == (36, 4, 4, 3)

    def own(part):
        return sorted((image.tobytes(), label) for image, label in ZooTinyImages.examples(part))

    assert pairs([train, validation]) == own("train") and pairs([test]) == own("test")
    again = standard.load("zoo_tiny_images")[1]
    assert all(np.array_equal(raw.splits[part][0], again.splits[part][0]) for part in SPLITS)


def test_a_given_split_is_taken():
    split = {"train": "train[:10]", "validation": "test[:5]", "test": "train[10:30]+test[50%:]"}
    loaded = data.load("zoo_tiny_images", split)
    assert [len(getattr(loaded, part).y) for part in SPLITS] == [10, 5, 30]
    kept = cache.read(folders.place("zoo_tiny_images", split, None))
    assert not {x.tobytes() for x in kept.splits["train"][0]} & {
        x.tobytes() for x in kept.splits["test"][0]
    }


def test_a_set_of_one_part_is_cut_in_three():
    splits = standard.load("zoo_one_part")[1].splits
    assert [len(splits[part][1]) for part in SPLITS] == [32, 4, 4]
    own = [(image.tobytes(), label) for image, label in ZooOnePart.examples("train")]
    assert pairs(splits.values()) == sorted(own)


@pytest.mark.parametrize("size", [1, 8, 40])
def test_images_that_differ_are_resized(size):
    """Of one colour, each keeps it whatever its size was: smaller or larger."""
    raw = standard.load("zoo_unequal_images", image_size=size)[1]
    for x, y in raw.splits.values():
        assert x.shape[1:] == (size, size, 3) and x.dtype == np.uint8
        colours = np.stack([50 * y, np.full_like(y, 7), np.full_like(y, 255)], axis=1)
        assert (x == colours[:, None, None]).all()
    assert len(set(raw.splits["train"][1].tolist())) == 5


def test_texts_become_the_numbers_of_the_training_splits_words():
    split = {"train": "train", "validation": "test[:1]", "test": "test[1:]"}
    loaded = data.load("zoo_tiny_texts", split)
    assert loaded.vocabulary == standard.WORDS and loaded.input_shape == (standard.LENGTH,)
    assert loaded.train.x.dtype == np.int32
    padding, unknown, film, good, bad = range(5)  # the more frequent, the smaller

    def rows(*splits):
        return sorted(tuple(row[:4].tolist()) for split in splits for row in split.x)

    assert rows(loaded.train) == sorted(
        [(good, good, good, film), (bad, film, 0, 0), (good, 0, 0, 0), (film,) * 4]
    )
    assert rows(loaded.validation, loaded.test) == sorted(
        [
            (good, good, good, film),
            (bad, film, 0, 0),
            (good, 0, 0, 0),
            (unknown, unknown, good, padding),  # dreadful, but: not in the training split
            (padding,) * 4,
        ]
    )
    longest = loaded.train.x[(loaded.train.x == film).sum(1).argmax()]
    assert longest.tolist() == [film] * standard.LENGTH  # of 300 words


# ---------------------------------------------------------------- splits


@pytest.mark.parametrize(
    ("known", "train", "validation", "test"),
    [
        ([], "train[:90%]", "train[90%:]", "test"),
        (["test", "train"], "train[:90%]", "train[90%:]", "test"),
        (["train", "test", "unsupervised"], "train[:90%]", "train[90%:]", "test"),
        (["train", "validation", "test"], "train", "validation", "test"),
        (["train", "validation"], "train[:90%]", "train[90%:]", "validation"),
        (["train"], "train[:80%]", "train[80%:90%]", "train[90%:]"),
    ],
)
def test_the_default_split(known, train, validation, test):
    expected = {"train": train, "validation": validation, "test": test}
    assert standard.default_split(known) == expected


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("nope", ["Unknown split 'nope'", "['train', 'test']"]),
        ("train[:x]", ["is no split: write one such as"]),
        ("train[:999]", ["incompatible with 40 examples"]),
        ("train[5:5]", ["holds no example"]),
        ("train[30:]", ["has examples of train (train[:50%]+train[20:31]) too"]),
        ("test[:50%]", []),  # but those for the test: below
    ],
)
def test_a_split_that_is_none_is_named(split, words):
    parts = {"train": "train[:50%]+train[20:31]", "validation": split, "test": "test"}
    message = mistake("zoo_tiny_images", parts)
    if not words:
        assert message.startswith("zoo_tiny_images: split test: has examples of validation (test[")
        return
    assert message.startswith(f"zoo_tiny_images: split {split}: ")
    assert all(word in message for word in words) and "damaged" not in message


def test_a_split_of_a_prepared_set_is_looked_at_with_its_sizes():
    """As `zoo check` does, which prepares and decodes nothing."""

    def mistakes(**split):
        return data.mistakes(Data(name="zoo_tiny_images", batch_size=8, split=DataSplit(**split)))

    split = {"train": "train[:50%]", "validation": "train[19:30]", "test": "tset"}
    assert mistakes(**split) == []  # nothing is known of the set
    standard.prepare("zoo_tiny_images")
    assert mistakes(**split) == [
        (("split", "test"), "Unknown split 'tset'. Should be one of ['train', 'test']."),
        (
            ("split", "validation"),
            "has examples of train (train[:50%]) too: let none be in two",
        ),
    ]
    assert mistakes(train="train[:50%]", validation="train[20:30]", test="test") == []


# ---------------------------------------------------------------- mocked


@pytest.fixture
def mocked(monkeypatch):
    """Any set of the catalogue gives random examples; there is no host to try."""
    monkeypatch.setattr(hosts, "unreachable", lambda urls: None)
    with tfds.testing.mock_data(num_examples=30):
        yield


def naive(x, train):
    mean = train.reshape(-1, x.shape[-1]).astype(float).mean(0)
    return (x - mean) / train.reshape(-1, x.shape[-1]).astype(float).std(0)


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("mnist", (28, 28, 1), 10),
        ("cifar100", (32, 32, 3), 100),
        pytest.param("fashion_mnist", (28, 28, 1), 10, marks=pytest.mark.combination),
        *(
            pytest.param(name, (32, 32, 3), 10, marks=pytest.mark.combination)
            for name in ("cifar10", "svhn_cropped")
        ),
    ],
)
def test_images_of_the_catalogue(mocked, name, shape, classes):
    loaded = data.load(name)
    assert (loaded.input_shape, loaded.outputs, loaded.vocabulary) == (shape, classes, None)
    kept = cache.read(folders.place(name, None, None)).splits
    for part in SPLITS:
        split = getattr(loaded, part)
        assert split.x.dtype == np.float32 and split.y.dtype == np.int32
        assert len(split.x) == len(split.y) == 30
        assert split.y.min() >= 0 and split.y.max() < classes
        assert np.abs(split.x - naive(kept[part][0], kept["train"][0])).max() < 1e-5


def test_texts_of_the_catalogue(mocked):
    loaded = data.load("imdb_reviews")
    assert (loaded.input_shape, loaded.outputs) == ((standard.LENGTH,), 2)
    assert loaded.vocabulary == standard.WORDS
    for part in SPLITS:
        split = getattr(loaded, part)
        assert split.x.dtype == np.int32 and split.x.shape == (30, standard.LENGTH)
        assert split.x.min() == 0 and 1 < split.x.max() < loaded.vocabulary


def test_images_of_the_catalogue_that_differ_in_size(mocked):
    message = mistake("caltech101")
    assert "images differ in size" in message and "data.image_size" in message
    loaded = data.load("caltech101", image_size=16)
    assert loaded.input_shape == (16, 16, 3) and loaded.train.x.std() == pytest.approx(1, abs=1e-5)
    assert data.load("mnist", image_size=7).input_shape == (7, 7, 1)  # of equal ones too


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("titanic", "tabular"),
        ("wmt14_translate", "translation"),
        ("coco", "detection"),
        ("voc", "detection"),
        ("movielens", "ratings"),
        ("glue", "pairs of sentences"),
        ("div2k", "image to image"),
        ("speech_commands", "audio"),
    ],
)
def test_a_set_of_another_kind_is_refused_before_anything_is_downloaded(name, kind, monkeypatch):
    def never(*_, **__):
        raise AssertionError("went on")

    monkeypatch.setattr(hosts, "unreachable", never)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", never)
    assert "not a set of images or texts with one class each" in mistake(name)


def test_a_size_for_texts_is_refused(mocked):
    assert "leave data.image_size out" in mistake("imdb_reviews", image_size=8)


def test_a_set_too_large_for_memory_is_refused_unless_a_part_is_asked_for(monkeypatch):
    monkeypatch.setattr(standard, "LARGEST", 60 * 4 * 4 * 3 - 1)  # bytes; there are 60 images
    message = mistake("zoo_tiny_images")
    assert "GiB decoded" in message and "data.image_size" in message and "data.split" in message
    part = {"train": "train[:38]", "validation": "train[38:39]", "test": "test"}
    assert len(data.load("zoo_tiny_images", part).train.y) == 38
    assert data.load("zoo_tiny_images", image_size=2).input_shape == (2, 2, 3)
    monkeypatch.setattr(standard, "LARGEST", 60 * 4 * 4 * 3)
    assert len(data.load("zoo_tiny_images").train.y) == 36


# ---------------------------------------------------------------- half prepared, damaged


@pytest.fixture(scope="module")
def whole(tmp_path_factory, one_thread):
    folder = tmp_path_factory.mktemp("whole")
    ZooTinyImages(data_dir=folder).download_and_prepare()
    return folder / "zoo_tiny_images" / "1.0.0"


@pytest.fixture
def prepared(own_folders, whole):
    return shutil.copytree(whole, own_folders / "tfds" / "zoo_tiny_images" / "1.0.0")


def shard(folder):
    (found,) = folder.glob("*-train.tfrecord-*")
    return found


def emptied(folder):
    for path in folder.iterdir():
        path.unlink()


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replaced(path, content):
    path.write_bytes(content(path.read_bytes()))


INFO = "dataset_info.json"
DAMAGES = {
    "empty folder": emptied,
    "no dataset_info.json": lambda at: (at / INFO).unlink(),
    "dataset_info.json empty": lambda at: (at / INFO).write_bytes(b""),
    "dataset_info.json half": lambda at: replaced(at / INFO, lambda old: old[: len(old) // 2]),
    "dataset_info.json another": lambda at: (at / INFO).write_text("{}"),
    "dataset_info.json binary": lambda at: (at / INFO).write_bytes(b"\xff\xfe\0"),
    "shard deleted": lambda at: shard(at).unlink(),
    "shard empty": lambda at: shard(at).write_bytes(b""),
    "shard truncated": lambda at: replaced(shard(at), lambda old: old[:-50]),
    "shard without its first record": lambda at: replaced(
        shard(at), lambda old: old[16 + int.from_bytes(old[:8], "little") :]
    ),
    "shard's byte": lambda at: flipped(shard(at)),
    "file in the way": lambda at: (shutil.rmtree(at), at.write_text("")),
}


def test_a_prepared_set_is_not_prepared_again(prepared, monkeypatch):
    monkeypatch.delattr(tfds.core.DatasetBuilder, "download_and_prepare")
    assert len(data.load("zoo_tiny_images").train.y) == 36


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_whole_is_named_and_can_be_prepared_anew(prepared, damage):
    DAMAGES[damage](prepared)
    message = mistake("zoo_tiny_images")
    assert str(prepared) in message and "remove it and prepare again" in message
    if damage in ("empty folder", "no dataset_info.json", "file in the way"):
        assert "is not a whole set" in message  # seen at once, not when it is decoded
    assert "function_node" not in message and "no such" not in message.replace("No such file", "")
    if prepared.is_dir():
        shutil.rmtree(prepared)
    else:
        prepared.unlink()
    assert len(data.load("zoo_tiny_images").train.y) == 36


def test_when_another_process_was_quicker_its_set_is_taken(own_folders, whole, monkeypatch):
    """It finished while this one was at it; with another split, no lock is between them."""
    place = own_folders / "tfds" / "zoo_tiny_images" / "1.0.0"
    examples = ZooTinyImages.examples

    def slower(part):
        if not place.exists():
            shutil.copytree(whole, place)
        return examples(part)

    monkeypatch.setattr(ZooTinyImages, "examples", staticmethod(slower))
    assert len(data.load("zoo_tiny_images").train.y) == 36
    assert [path.name for path in place.parent.iterdir()] == ["1.0.0"]


@pytest.mark.parametrize("what", ["tfds", "tfds/zoo_tiny_images"])
def test_a_file_where_the_folder_should_be(own_folders, what):
    path = own_folders / what
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way")
    message = mistake("zoo_tiny_images")
    assert "cannot be prepared in" in message and str(path) in message
    assert path.read_text() == "in the way"


def test_files_brought_by_hand_need_a_folder(own_folders, monkeypatch):
    monkeypatch.setenv("ZOO_MANUAL_DIR", str(own_folders / "nowhere"))
    with pytest.raises(ZooError, match=r"ZOO_MANUAL_DIR: .*nowhere: no such folder"):
        data.load("mnist")


# ---------------------------------------------------------------- no network


@pytest.fixture
def silent():
    """A port of this machine that takes no more connections, and answers none."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        while True:
            client = socket.socket()
            waiting.append(client)
            client.settimeout(0.2)
            try:
                client.connect(listener.getsockname())
            except TimeoutError:
                break
        yield listener.getsockname()[1]
        for client in waiting:
            client.close()


@pytest.fixture
def answering():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        yield listener.getsockname()[1]


@pytest.fixture
def refusing(answering):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield closed.getsockname()[1]  # bound, and nothing listens


@pytest.fixture
def hosted(monkeypatch):
    """Moves the files of MNIST to other hosts."""

    def move(*hosts):
        builder = tfds.builder_cls("mnist")
        infos = list(builder.url_infos.values())
        moved = {
            f"{hosts[number % len(hosts)]}/{info.filename}": info
            for number, info in enumerate(infos)
        }
        monkeypatch.setattr(builder, "url_infos", moved)

    return move


@pytest.fixture
def impatient(monkeypatch):
    """A tenth of a second to answer in; what each connection was told to wait at most."""
    told, connect = [], socket.create_connection

    def noted(address, timeout):
        told.append(timeout)
        return connect(address, timeout)

    monkeypatch.setattr(hosts, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(socket, "create_connection", noted)
    return told


def not_downloaded():
    message = mistake("mnist")
    assert not list(folders.prepared().rglob("mnist/*"))
    return message


def says_what_to_do(message, host):
    return all(
        word in message
        for word in (str(folders.prepared() / "mnist"), f"{host} cannot be reached", "connect",
                     "ZOO_MANUAL_DIR", "train-images-idx3-ubyte.gz")
    )  # fmt: skip


def test_a_host_that_has_no_address(hosted):
    hosted("https://nowhere.invalid")
    assert says_what_to_do(not_downloaded(), "nowhere.invalid")


def test_a_host_that_refuses(hosted, refusing):
    hosted(f"http://127.0.0.1:{refusing}")
    message = not_downloaded()
    assert says_what_to_do(message, "127.0.0.1") and "refused" in message


def test_a_host_that_does_not_answer(hosted, silent, impatient):
    hosted(f"http://127.0.0.1:{silent}")
    message = not_downloaded()
    assert says_what_to_do(message, "127.0.0.1") and "(no answer in 0 s)" in message
    assert impatient == [0.1]


def test_one_of_several_hosts_that_does_not_answer(hosted, answering, monkeypatch):
    connect = socket.create_connection

    def lost(address, timeout):
        if address[0] == "localhost":
            raise TimeoutError  # what waiting in vain ends in
        return connect(address, timeout)

    monkeypatch.setattr(socket, "create_connection", lost)
    hosted(f"http://127.0.0.1:{answering}", f"http://localhost:{answering}")
    message = not_downloaded()
    assert says_what_to_do(message, "localhost") and "(no answer in 3 s)" in message


def test_a_name_server_that_does_not_answer(hosted, impatient, monkeypatch):
    """The answer comes while names are still looked up, for which there is no time-out."""
    end = threading.Event()

    def lost(*_, **__):
        end.wait(60)
        raise OSError("too late")

    monkeypatch.setattr(socket, "getaddrinfo", lost)
    hosted("https://somewhere.invalid", "https://elsewhere.invalid")
    message = not_downloaded()
    end.set()
    assert "elsewhere.invalid cannot be reached (no answer in" in message


def test_the_files_own_ports_are_tried(monkeypatch):
    tried = []

    def connect(address, timeout):
        tried.append(address)
        raise OSError("tried")

    monkeypatch.setattr(socket, "create_connection", connect)
    urls = ["http://a.invalid/x", "https://b.invalid/y?z", "https://c.invalid:8443/"]
    assert hosts.unreachable(urls) == ("a.invalid", "tried")
    assert sorted(tried) == [("a.invalid", 80), ("b.invalid", 443), ("c.invalid", 8443)]


def test_hosts_that_answer_are_no_problem(answering):
    assert hosts.unreachable([f"http://127.0.0.1:{answering}/a"] * 3) is None
    assert hosts.unreachable([]) is None


def test_a_list_of_hosts_without_proxy_is_no_proxy(refusing, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "somewhere.invalid")
    assert hosts.unreachable([f"http://127.0.0.1:{refusing}/a"]) is not None


# ---------------------------------------------------------------- proxies


@pytest.fixture
def proxy():
    """Starts a proxy that gives every client the next of some answers; None is silence."""
    ends = []

    def start(*answers):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        asked, clients = [], [listener]

        def serve():
            left = list(answers)
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    clients.append(client)
                    answer = left.pop(0) if len(left) > 1 else left[0]
                    if answer is not None:
                        asked.append(client.recv(10_000).decode())
                        client.sendall(answer)
                        client.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        ends.append((listener, clients))
        return listener.getsockname()[1], asked

    yield start
    for listener, clients in ends:
        listener.shutdown(socket.SHUT_RDWR)
        for each in clients:
            each.close()


FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
LOST = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("variable", "url", "answer", "line", "problem"),
    [
        ("https_proxy", "https://a.invalid/x", FINE, "CONNECT a.invalid:443 HTTP/1.0", None),
        ("HTTP_PROXY", "http://a.invalid/x", FINE, "HEAD http://a.invalid:80/ HTTP/1.1", None),
        ("all_proxy", "https://a.invalid/x", FINE, "CONNECT a.invalid:443 HTTP/1.0", None),
        ("http_proxy", "http://a.invalid/x", FORBIDDEN, "HEAD http://a.invalid:80/", None),
        ("https_proxy", "https://a.invalid/x", LOST, "CONNECT", "503 Service Unavailable"),
        ("https_proxy", "https://a.invalid/x", b"220 mail\r\n", "CONNECT", "220 mail"),
        ("https_proxy", "https://a.invalid/x", b"", "CONNECT", ""),
    ],
)
def test_a_proxy_is_asked_for_the_host(variable, url, answer, line, problem, proxy, monkeypatch):
    port, asked = proxy(answer)
    monkeypatch.setenv(variable, f"http://me:secret@127.0.0.1:{port}")
    told = hosts.unreachable([url])
    assert asked[0].startswith(line) and "Basic bWU6c2VjcmV0" in asked[0]
    if problem is None:
        assert told is None
    else:
        assert told[0] == f"a.invalid through the proxy 127.0.0.1:{port}"
        assert told[1] and problem in told[1]


@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "127.0.0.1:{}", "socks5://127.0.0.1:{}"])
def test_a_proxy_that_is_not_there_is_named(form, refusing, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", form.format(refusing))
    host, problem = hosts.unreachable(["https://a.invalid/x"])
    assert (host, problem) == (
        f"a.invalid through the proxy 127.0.0.1:{refusing}",
        "Connection refused",
    )


def test_a_proxy_that_hangs_is_given_up(proxy, hosted, monkeypatch):
    monkeypatch.setattr(hosts, "PROXY_SECONDS", 0.5)
    port, _ = proxy(None)
    hosted("https://a.invalid")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    message = mistake("mnist")
    assert says_what_to_do(message, f"a.invalid through the proxy 127.0.0.1:{port}")


def test_a_host_that_is_reached_without_the_proxy_is_tried(answering, refusing, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{refusing}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert hosts.unreachable([f"http://127.0.0.1:{answering}/a"]) is None
    host, _ = hosts.unreachable([f"http://127.0.0.1:{refusing}/a"])
    assert host == "127.0.0.1"


def test_a_download_that_breaks_is_told_once(proxy, hosted, monkeypatch, caplog):
    """Its hosts answered before; each attempt would be a warning of urllib3's."""
    monkeypatch.setattr("tensorflow_datasets.core.download.downloader.MAX_RETRIES", 1)
    port, asked = proxy(FINE, b"")
    hosted("http://a.invalid")
    for variable in ("http_proxy", "https_proxy"):  # the set's own addresses among them
        monkeypatch.setenv(variable, f"http://127.0.0.1:{port}")
    message = mistake("mnist")
    assert "cannot be prepared" in message and "ZOO_MANUAL_DIR" in message
    assert len(asked) > 2
    assert not [line for line in caplog.records if line.name.startswith("urllib3")]


# ---------------------------------------------------------------- training


@pytest.fixture
def arm_and_data(mocked, name):
    settings = {**SMALL, "data.name": name, "data.batch_size": 8, "training.steps": 20}
    arm = recipes.load("digits/activation", settings).arms["relu_he"]
    return arm, data.load_for(arm.spec.data)


@pytest.mark.parametrize(
    ("name", "first_layers"), [("imdb_reviews", "embedding"), ("cifar10", "flatten")]
)
def test_an_mlp_trains_on_it(arm_and_data, eagerly, first_layers):
    from zoo.training import CompiledArm

    arm, dataset = arm_and_data
    compiled = CompiledArm(arm, dataset)
    assert compiled.model.layers[1].name.startswith(first_layers)
    assert compiled.model.input_shape == (None, *dataset.input_shape)
    start = [weight.copy() for weight in compiled.model.get_weights()]
    run = compiled.run(0, 0.05)
    assert run["diverged_at"] is None
    losses = run["evaluation"]["training_loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    changed = [
        not np.array_equal(before, after)
        for before, after in zip(start, compiled.model.get_weights(), strict=True)
    ]
    assert all(changed)  # the embedding too
    probe = run["probe"]
    with_z = np.array([layer != "embedding" for layer in probe["layers"]])
    for quantity in ("delta_rms", "kernel_grad_norm", "kernel_rms"):
        values = np.array(probe[quantity], float)
        assert values.shape == (len(probe["steps"]), len(probe["layers"]))
        defined = with_z if quantity == "delta_rms" else np.full_like(with_z, True)
        np.testing.assert_array_equal(np.isfinite(values), np.broadcast_to(defined, values.shape))
        assert (values[:, defined] > 0).all()
    assert np.array(probe["nonfinite"], float).sum() == 0
    assert np.isfinite(np.array(probe["update_ratio"], float)).all()
