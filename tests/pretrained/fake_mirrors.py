"""Mirrors of models that nobody opens: random bytes, in a folder or behind a server with faults.

The server is a real one, on the loopback, and does what it is told to the next requests of a file.
"""

import contextlib
import hashlib
import http.server
import random
import socket
import threading
import time

import pytest

from zoo.pretrained import places, pulling, registry, release
from zoo.pretrained.ids import parse

ID = "digits/clipping/adaptive@1.0"
OTHER = "digits/clipping/none@1.0"
MODEL, OTHER_MODEL = parse(ID), parse(OTHER)
WEIGHTS, RECIPE = "model.weights.h5", "recipe.yaml"


def entry_of(files):
    return registry.Entry(
        files={
            name: registry.File(size=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in files.items()
        },
        keras_version="3.15.1",
        arm_sha256="0" * 64,
        seed=3,
        learning_rate=0.03,
        parameters=42_250,
        metrics={"test_accuracy": 0.975, "test_loss": 0.125},
        data="digits",
        license="Apache-2.0",
        probe=registry.Probe(outputs=[[0.25, -1e-3], [1.0, 2.5]]),
    )


def files_of(name, size=40_000):
    """Random bytes, the same for the same id; the largest file is that of the weights."""
    draw = random.Random(name)
    return {
        file: draw.randbytes(size if file == WEIGHTS else 300 + number)
        for number, file in enumerate(registry.FILES)
    }


def fill(folder, *names, size=40_000):
    """Makes a mirror in a folder; its registry's text."""
    models = {}
    for name in names:
        files = files_of(name, size)
        place = folder / parse(name).folder
        place.mkdir(parents=True)
        for file, content in files.items():
            (place / file).write_bytes(content)
        models[name] = entry_of(files)
    text = registry.written(registry.Registry(models=models))
    (folder / places.REGISTRY).write_text(text, encoding="utf-8")
    return text.encode()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The cache, in a folder of the test's own, and nothing else on this machine that counts."""
    for name in ("MIRROR", "OFFLINE"):
        monkeypatch.delenv(f"ZOO_{name}", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(places, "bundled", lambda: tmp_path / "bundled")
    for name in ("MIRROR", "REGISTRY_SHA256", "BUNDLED_SHA256"):
        monkeypatch.setattr(release, name, None)
    return tmp_path / "home"


def left(home):
    """The files in a cache, but of locks and registries; and whatever was only on its way."""
    return sorted(
        path.relative_to(home).as_posix()
        for path in home.rglob("*")
        if (path.is_file() and path.suffix != ".lock" and path.parent.name != "registries")
        or path.name.endswith((".partial", ".damaged"))
    )


def whole(home, *names):
    """Whether a cache has these models to the byte, and nothing else."""
    expected = {
        f"{parse(name).folder}/{file}": content
        for name in names
        for file, content in files_of(name).items()
    }
    entries = {f"{parse(name).folder}/{places.ENTRY}" for name in names}
    return left(home) == sorted({*expected, *entries}) and all(
        (home / name).read_bytes() == content for name, content in expected.items()
    )


# ---------------------------------------------------------------- a server


class Server:
    """A server of a folder.

    Attributes:
        asked: the path of each request, and the User-Agent of the last.
        faults: of a path, or of any (None), what is done to the next requests.
    """

    def __init__(self, folder):
        self.folder, self.asked, self.faults, self.agent = folder, [], {}, None
        self.ends = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                path = self.path.lstrip("/")
                server.asked.append(path)
                server.agent = self.headers["User-Agent"]
                for faults in (server.faults.get(path), server.faults.get(None)):
                    if faults:
                        with contextlib.suppress(OSError):
                            return faults.pop(0)(self)
                        self.close_connection = True
                        return None
                file = server.folder / path
                if not file.is_file():
                    return answer(self, 404, b"<html>no such page</html>")
                return answer(self, 200, file.read_bytes())

            def log_message(self, *_):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # who asked has gone
        self.port = self._http.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self):
        self.ends.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def serve():
    """Serves folders until the test ends."""
    servers = []

    def start(folder):
        servers.append(Server(folder))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def answer(handler, status, body, length=None, **headers):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


# ---------------------------------------------------------------- what it does wrong


def status(code, **headers):
    return lambda handler: answer(handler, code, b"<html>an error</html>", **headers)


def body(content, **headers):
    return lambda handler: answer(handler, 200, content, **headers)


def cut(content):
    """Half of what was announced, then nothing: the connection ends."""

    def fault(handler):
        answer(handler, 200, content[: len(content) // 2], length=len(content))
        handler.close_connection = True

    return fault


def reset(handler):
    """The connection ends before any answer."""
    handler.close_connection = True


def silent(server):
    return lambda _: server.ends.wait(60)


def drip(server, content):
    """A byte now and then, never late enough for the time limit of a socket."""

    def fault(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        for number in range(len(content)):
            handler.wfile.write(content[number : number + 1])
            if server.ends.wait(0.05):
                return

    return fault


def endless_headers(server):
    def fault(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not server.ends.wait(0.05):
            handler.wfile.write(b"a")

    return fault


def endless(server):
    """A body without an announced end."""

    def fault(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not server.ends.is_set():
            handler.wfile.write(b"x" * 2**16)

    return fault


@pytest.fixture
def listener():
    """The port of one who accepts connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(20)
        yield listening.getsockname()[1]


def wait_for(condition, *processes):
    """As long as the processes that are to bring it about live."""
    while not condition():
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)


@pytest.fixture
def mirror(home, tmp_path):
    """A folder of two models."""
    fill(tmp_path / "mirror", ID, OTHER)
    return tmp_path / "mirror"


@pytest.fixture
def cached(mirror):
    """The folder of a model in the cache."""
    return pulling.get(MODEL, str(mirror)).folder
