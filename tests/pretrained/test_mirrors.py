"""What a server or a folder may do to a pull: the right model comes, or one line and nothing.

`zoo pull` as a person types it, against a real server on the loopback.
"""

import contextlib
import datetime
import email.utils
import gzip
import hashlib
import io
import random
import signal
import sys
import time

import pytest
import requests

import zoo
from tests.odd_paths import dangling_link, link_to_itself, named_pipe
from tests.pretrained import fake_mirrors as fake
from tests.pretrained.fake_mirrors import (
    ID,
    MODEL,
    OTHER,
    RECIPE,
    WEIGHTS,
    fill,
    home,
    left,
    listener,
    serve,
    whole,
)
from zoo import cli
from zoo.errors import ZooError
from zoo.pretrained import downloading, places, registry, release
from zoo.pretrained.mirrors import Mirror

__all__ = ["home", "listener", "serve"]

AT = f"{MODEL.folder}/{WEIGHTS}"
CONTENT = fake.files_of(ID)[WEIGHTS]
HTML = b"\n<!DOCTYPE html><title>Log in</title>" + b" " * 400


@pytest.fixture
def server(home, serve, tmp_path, monkeypatch):
    """A mirror of two models; who asks it is told of no pauses."""
    fill(tmp_path / "mirror", ID, OTHER)
    monkeypatch.setattr(downloading, "WAITS", (0.01, 0.01, 0.01))
    return serve(tmp_path / "mirror")


@pytest.fixture
def pull(home, monkeypatch, capsys):
    """Runs `zoo pull` in this process; exit code, stdout and the lines of stderr."""
    ends = signal.getsignal(signal.SIGTERM)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", "pull", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err.splitlines()

    yield run
    signal.signal(signal.SIGTERM, ends)


def refused(result, home, *words):
    """One line that has the words, exit code 2, and nothing left."""
    code, output, lines = result
    assert (code, output, len(lines)) == (2, "", 1), result
    assert lines[0].isprintable() and len(lines[0]) < 400
    assert all(word in lines[0] for word in words), lines[0]
    assert left(home) == []
    return True


# ---------------------------------------------------------------- what goes well


def test_a_pull(server, pull, home):
    code, output, lines = pull(ID, "--mirror", server.address)
    size = 40_000 + sum(300 + number for number in range(1, 7))
    assert (code, lines) == (0, [])
    assert output == f"{ID}  {size / 1000:.3g} kB  {home / MODEL.folder}\n"
    assert whole(home, ID)
    assert server.asked == [places.REGISTRY, *(f"{MODEL.folder}/{name}" for name in registry.FILES)]
    assert server.agent == f"gradient-zoo/{zoo.__version__}"
    assert (home / AT).stat().st_mode & 0o777 == 0o644


def test_what_is_here_is_not_asked_for_nor_is_anybody_spoken_to(server, pull, home, monkeypatch):
    monkeypatch.setenv("ZOO_MIRROR", server.address)
    assert pull(ID)[0] == 0
    first = len(server.asked)
    assert pull(ID) == pull(ID.partition("@")[0]) == (0, pull(ID)[1], [])
    assert len(server.asked) == first
    server.close()
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert pull(ID)[0] == 0
    assert whole(home, ID)


def test_only_what_is_lacking_is_asked_for(server, pull, home):
    pull(ID, "--mirror", server.address)
    before = len(server.asked)
    assert pull(ID, OTHER, "--mirror", server.address)[0] == 0
    assert not [path for path in server.asked[before:] if path.startswith(MODEL.folder)]
    assert whole(home, ID, OTHER)


@pytest.mark.parametrize(
    "arguments", [["--all"], ["digits/*"], ["*/adaptive", "*/none@1.0"], ["*", ID, ID]]
)
def test_globs_and_all(arguments, server, pull, home):
    code, output, _ = pull(*arguments, "--mirror", server.address)
    assert code == 0 and [line.split("  ")[0] for line in output.splitlines()] == [ID, OTHER]
    assert whole(home, ID, OTHER) and server.asked.count(places.REGISTRY) == 1


@pytest.mark.parametrize("form", ["{}", "file://{}", "{}/"])
def test_a_folder_is_a_mirror_also_offline(form, pull, home, tmp_path, monkeypatch):
    fill(tmp_path / "mirror", ID)
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert pull(ID, "--mirror", form.format(tmp_path / "mirror"))[0] == 0
    assert whole(home, ID)


# ---------------------------------------------------------------- what goes wrong and is made good

PASSING = {
    "a cut connection": lambda _: [fake.cut(CONTENT)],
    "a connection that ends before an answer": lambda _: [fake.reset],
    "two cuts and an error": lambda _: [fake.cut(CONTENT), fake.reset, fake.status(503)],
    "500": lambda _: [fake.status(500)],
    "502": lambda _: [fake.status(502)],
    "503": lambda _: [fake.status(503, Retry_After="0")],
    "504": lambda _: [fake.status(504)],
    "429 without a word": lambda _: [fake.status(429)],
    "429 with an odd word": lambda _: [fake.status(429, Retry_After="soon")],
    "429 until a date that is past": lambda _: [
        fake.status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
    ],
    "a redirect": lambda _: [fake.status(302, Location=f"/{AT}")],
    "a body that is packed though none was asked for": lambda _: [
        fake.body(gzip.compress(CONTENT), Content_Encoding="gzip")
    ],
    "a right file that is called a page": lambda _: [fake.body(CONTENT, Content_Type="text/html")],
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes(fault, server, pull, home):
    server.faults[AT] = PASSING[fault](server)
    code, _, lines = pull(ID, "--mirror", server.address)
    assert (code, lines) == (0, []) and whole(home, ID)
    assert server.faults[AT] == [] and server.asked.count(AT) >= 1


def test_the_registry_is_asked_for_again_too(server, pull, home):
    server.faults[places.REGISTRY] = [fake.status(500), fake.reset]
    assert pull(ID, "--mirror", server.address)[0] == 0
    assert whole(home, ID) and server.asked.count(places.REGISTRY) == 3


def test_a_short_wait_that_is_asked_for_is_waited(server, pull, home, monkeypatch):
    waited = []
    monkeypatch.setattr(downloading.time, "sleep", waited.append)
    server.faults[AT] = [fake.status(429, Retry_After="7"), fake.status(503)]
    assert pull(ID, "--mirror", server.address)[0] == 0
    assert whole(home, ID) and waited == [7, 0.01]


# ---------------------------------------------------------------- what goes wrong for good


def in_an_hour():
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    return email.utils.format_datetime(when, usegmt=True)


LASTING = {
    "404": (lambda _: [fake.status(404)], "404 Not Found"),
    "403": (lambda _: [fake.status(403)], "403 Forbidden"),
    "204": (lambda _: [fake.status(204)], "204 No Content"),
    "500 each time": (lambda _: [fake.status(500)] * 9, "500 Internal", "last of 4 attempts"),
    "a cut each time": (lambda _: [fake.cut(CONTENT)] * 9, "was cut", "last of 4 attempts"),
    "a long wait": (
        lambda _: [fake.status(429, Retry_After="120")],
        "429 Too Many Requests",
        "asks to wait 120 s",
    ),
    "a wait of years": (
        lambda _: [fake.status(503, Retry_After="9" * 5000)],
        "asks to wait 999999",
    ),
    "a date to come": (
        lambda _: [fake.status(429, Retry_After=in_an_hour())],
        "asks to wait 3",
    ),
    "a short file": (lambda _: [fake.body(CONTENT[:-1])], "39999 of 40000 bytes"),
    "an empty file": (lambda _: [fake.body(b"")], "0 of 40000 bytes"),
    "a longer file": (lambda _: [fake.body(CONTENT + b"0")], "more than 40000 bytes"),
    "a file without end": (lambda server: [fake.endless(server)], "more than 40000 bytes"),
    "wrong bytes": (lambda _: [fake.body(CONTENT[::-1])], "another SHA-256"),
    "a page": (lambda _: [fake.body(HTML)], "an HTML page"),
    "a page as long as the file": (
        lambda _: [fake.body(HTML + b" " * (len(CONTENT) - len(HTML)))],
        "an HTML page",
    ),
    "a packed body that is none": (
        lambda _: [fake.body(CONTENT, Content_Encoding="gzip")],
        "cannot be had",
    ),
    "redirects in a circle": (
        lambda _: [fake.status(302, Location=f"/{AT}")] * 9,
        "more than 5 times",
    ),
    "a redirect to a file": (
        lambda _: [fake.status(302, Location="file:///etc/hostname")],
        "sent on to file:///etc/hostname",
    ),
    "a redirect to ftp": (lambda _: [fake.status(301, Location="ftp://127.0.0.1/x")], "sent on to"),
    "what is no HTTP": (
        lambda _: [lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n\r\n")] * 9,
        "attempts",
    ),
}


@pytest.mark.parametrize("fault", LASTING)
def test_a_fault_that_lasts_is_one_line_and_leaves_nothing(fault, server, pull, home):
    faults, *words = LASTING[fault]
    server.faults[AT] = faults(server)
    result = pull(ID, "--mirror", server.address)
    assert refused(result, home, f"{server.address}/{AT}: ", *words)
    again = fault in ("500 each time", "a cut each time", "what is no HTTP")
    assert server.asked.count(AT) == (4 if again else 6 if "circle" in fault else 1)
    server.faults.clear()  # and what is right then comes
    assert pull(ID, "--mirror", server.address)[0] == 0 and whole(home, ID)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (fake.status(404), "404"),
        (fake.body(HTML), "an HTML page, no registry: is it a mirror's address?"),
        (fake.body(b"{}]"), "no registry of a mirror"),
        (fake.body(b'{"error": "not here"}'), "error"),
        (fake.body(b" " * (registry.MOST_BYTES + 9)), "no registry of a mirror"),
    ],
)
def test_what_is_no_registry_is_one_line(fault, said, server, pull, home):
    server.faults[places.REGISTRY] = [fault]
    result = pull(ID, "--mirror", server.address)
    assert refused(result, home, f"{server.address}/{places.REGISTRY}: ", said)
    assert not list(home.rglob("*.json"))


def test_what_came_before_a_fault_stays(server, pull, home):
    server.faults[f"{fake.OTHER_MODEL.folder}/{RECIPE}"] = [fake.status(404)]
    code, output, lines = pull(ID, OTHER, "--mirror", server.address)
    assert code == 2 and output.startswith(ID) and len(lines) == 1
    assert whole(home, ID)


def test_a_model_that_the_mirror_lacks(server, pull, home):
    for wrong in ("digits/clipping/adaptivee", "digits/clipping/adaptive@0.9", "mnist/*"):
        result = pull(wrong, "--mirror", server.address)
        assert refused(result, home, wrong, server.address)
    assert (
        "did you mean digits/clipping/adaptive@1.0"
        in pull("digits/clipping/adaptivee", "--mirror", server.address)[2][0]
    )
    assert set(server.asked) == {places.REGISTRY}


# ---------------------------------------------------------------- who keeps silent


@pytest.fixture
def impatient(monkeypatch):
    """Makes what a server does the end of the patience: what came before it had all of it."""
    monkeypatch.setattr(downloading, "PATIENCE", downloading.PATIENCE)

    def after(fault, patience=0.1):
        def with_less(handler):
            downloading.PATIENCE = patience
            fault(handler)

        return with_less

    return after


SILENT = {
    "says nothing": fake.silent,
    "sends a byte now and then": lambda server: fake.drip(server, CONTENT),
    "has headers without end": fake.endless_headers,
}


@pytest.mark.parametrize("where", [AT, places.REGISTRY])
@pytest.mark.parametrize("fault", SILENT)
def test_a_server_that_hangs(fault, where, server, pull, home, impatient):
    server.faults[where] = [impatient(SILENT[fault](server))] * 9
    result = pull(ID, "--mirror", server.address)
    assert refused(result, home, f"{server.address}/{where}: no answer, or hardly any, in 0 s")
    assert server.asked.count(where) == 1


def test_a_byte_now_and_then_is_no_progress(server, pull, home, impatient, monkeypatch):
    """Also where each is seen when it comes."""
    monkeypatch.setattr(downloading, "CHUNK", 1)
    server.faults[AT] = [impatient(fake.drip(server, CONTENT), 0.3)]
    assert refused(pull(ID, "--mirror", server.address), home, "no answer, or hardly any")


def test_a_pause_beyond_the_patience_is_not_made(server, pull, home, monkeypatch):
    monkeypatch.setattr(downloading, "WAITS", (2 * downloading.PATIENCE,))
    server.faults[AT] = [fake.status(500)]
    assert refused(pull(ID, "--mirror", server.address), home, "500 Internal Server Error")
    assert server.asked.count(AT) == 1


def test_cuts_and_silence_together_are_not_waited_for_longer(server, pull, home, impatient):
    def late(handler):
        time.sleep(0.2)
        fake.reset(handler)

    server.faults[AT] = [impatient(late, 0.3)] * 9
    assert refused(pull(ID, "--mirror", server.address), home, AT)
    assert server.asked.count(AT) in (1, 2)  # not four


def test_patience_is_spent_by_time_and_given_back_by_bytes(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(downloading.time, "monotonic", lambda: now[0])
    whole, slowest = downloading.PATIENCE, downloading.SLOWEST
    patience = downloading._Patience()
    for _ in range(100):  # one who is just fast enough is waited for as long as it takes
        now[0] += whole / 2
        assert patience.left == whole / 2
        patience.received(round(slowest * whole / 2))
        assert patience.left == whole
    patience.received(10**9)  # no more than all of it
    assert patience.left == whole
    now[0] += whole - 1
    patience.received(slowest)
    assert patience.left == 2
    now[0] += 3
    assert patience.left == 0


def test_a_proxy_that_hangs(pull, home, listener, monkeypatch):
    monkeypatch.setattr(downloading, "PATIENCE", 0.3)
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{listener}")
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listener}")
    for scheme in ("http", "https"):
        result = pull(ID, "--mirror", f"{scheme}://mirror.invalid/zoo")
        says = f"through the proxy http://127.0.0.1:{listener}"
        assert refused(result, home, "no answer, or hardly any", says)
        assert "secret" not in result[2][0]


def test_one_who_is_not_there(pull, home, listener):
    import socket

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        result = pull(ID, "--mirror", f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert refused(result, home, "cannot be reached: Connection refused")


def test_what_is_no_safe_connection_is_not_tried_again(server, pull, home):
    safe = server.address.replace("http", "https")
    assert refused(pull(ID, "--mirror", safe), home, f"{safe}/registry.json: no safe connection: ")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_safe_mirror_that_sends_on_to_one_that_is_not(scheme, home, monkeypatch):
    client = downloading.Client()
    sent_on, there = requests.Response(), requests.Response()
    sent_on.status_code, sent_on.headers["location"] = 302, f"{scheme}://other.invalid/x"
    there.status_code, there.raw, sent_on.raw = 200, io.BytesIO(b"there"), io.BytesIO()
    answers = iter([sent_on, there])
    monkeypatch.setattr(client._session, "get", lambda *_, **__: next(answers))
    attempts = client.attempts("https://mirror.invalid/x")
    if scheme == "https":
        assert b"".join(next(attempts)) == b"there"
    else:
        with pytest.raises(
            ZooError, match=r"sent on to http://other.invalid/x, which is not https"
        ):
            next(next(attempts))


def test_a_name_that_takes_ever_to_look_up(pull, home, monkeypatch):
    monkeypatch.setattr(downloading, "PATIENCE", 0.3)
    import socket

    def lost(*_, **__):
        time.sleep(5)
        raise OSError("lost")

    monkeypatch.setattr(socket, "getaddrinfo", lost)
    assert refused(pull(ID, "--mirror", "https://mirror.invalid"), home, "no answer, or hardly any")


@pytest.mark.combination
@pytest.mark.parametrize("fault", ["silent", "drip", "proxy"])
def test_there_is_an_answer_within_half_a_minute(fault, server, pull, home, listener, monkeypatch):
    """With the limits as they are."""
    faults = {"silent": fake.silent(server), "drip": fake.drip(server, CONTENT)}
    server.faults[places.REGISTRY] = [faults[fault]] * 9 if fault in faults else []
    if fault == "proxy":
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{listener}")
    start = time.monotonic()
    result = pull(ID, "--mirror", server.address)
    assert time.monotonic() - start < 30  # which is promised, and twice the patience
    assert refused(result, home, "no answer, or hardly any, in 15 s")


# ---------------------------------------------------------------- folders


def outside(path):
    """A link to the right file, which is not in the mirror."""
    elsewhere = path.parents[5] / "elsewhere"
    path.with_name(RECIPE).replace(elsewhere)
    path.with_name(RECIPE).symlink_to(elsewhere)


def with_folder_outside(path):
    folder = path.parent
    folder.rename(path.parents[5] / "elsewhere")
    folder.symlink_to(path.parents[5] / "elsewhere")


def replaced(make):
    def change(path):
        path.with_name(RECIPE).unlink()
        make(path.with_name(RECIPE))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (outside, "a link that leads out of the mirror"),
        (with_folder_outside, "a link that leads out of the mirror"),
        (replaced(dangling_link), "No such file"),
        (replaced(link_to_itself), ""),
        (replaced(named_pipe), "a named pipe, not a file"),
        (replaced(lambda path: path.mkdir()), "a folder, not a file"),
        (replaced(lambda path: path.symlink_to("/dev/zero")), "leads out of the mirror"),
        (replaced(lambda path: path.write_bytes(b"")), "0 of 301 bytes"),
        (replaced(lambda path: None), "No such file"),
    ],
    ids=range(9),
)
def test_a_folder_gives_plain_files_of_its_own_alone(change, said, pull, home, tmp_path):
    fill(tmp_path / "mirror", ID)
    change(tmp_path / "mirror" / MODEL.folder / WEIGHTS)
    result = pull(ID, "--mirror", tmp_path / "mirror")
    assert refused(result, home, str(tmp_path / "mirror"), said)


def test_a_link_within_a_mirror_is_its_own_affair(pull, home, tmp_path):
    fill(tmp_path / "mirror", ID)
    path = tmp_path / "mirror" / MODEL.folder / RECIPE
    path.rename(tmp_path / "mirror" / "shared")
    path.symlink_to(tmp_path / "mirror" / "shared")
    (tmp_path / "name").symlink_to(tmp_path / "mirror")
    assert pull(ID, "--mirror", tmp_path / "name")[0] == 0 and whole(home, ID)


def test_no_such_folder(pull, home, tmp_path):
    assert refused(pull(ID, "--mirror", tmp_path / "none"), home, "No such file")


# ---------------------------------------------------------------- which registry is believed


@pytest.fixture
def released(server, monkeypatch, tmp_path):
    """The server's mirror as that of the release, pinned."""
    text = (tmp_path / "mirror" / places.REGISTRY).read_bytes()
    monkeypatch.setattr(release, "MIRROR", server.address)
    monkeypatch.setattr(release, "REGISTRY_SHA256", hashlib.sha256(text).hexdigest())
    return text


def test_the_releases_registry_is_the_pinned_one(released, server, pull, home):
    assert pull(ID)[0] == 0 and whole(home, ID)
    assert pull(OTHER)[0] == 0  # and is not asked for twice
    assert server.asked.count(places.REGISTRY) == 1


def test_another_registry_of_the_release_is_refused_however_it_is_asked(
    released, server, pull, home
):
    other = registry.written(registry.Registry(models={})).encode()
    for arguments in ([], ["--mirror", server.address], ["--mirror", f"{server.address}/"]):
        server.faults[places.REGISTRY] = [fake.body(other)]
        assert refused(pull(ID, *arguments), home, "not the registry of this release (SHA-256)")


def test_a_mirror_that_is_named_is_believed(released, serve, pull, home, tmp_path):
    fill(tmp_path / "named", "mine/own/arm@1.0")
    assert pull("mine/own/arm", "--mirror", serve(tmp_path / "named").address)[0] == 0
    assert whole(home, "mine/own/arm@1.0")


def flips(content, count):
    """The content with one bit flipped, each time another."""
    draw = random.Random(0)
    for _ in range(count):
        changed = bytearray(content)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        yield bytes(changed)


def test_a_flipped_bit_of_a_pinned_registry_is_refused(released, home, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "MIRROR", str(tmp_path / "mirror"))
    path = tmp_path / "mirror" / places.REGISTRY
    mirror = Mirror(places.of_release())
    for content in flips(released, 200):
        path.write_bytes(content)
        with pytest.raises(ZooError, match=r"not the registry of this release"):
            mirror.registry()
    path.write_bytes(released)
    assert list(mirror.registry().models) == [ID, OTHER]


@pytest.mark.parametrize("name", [WEIGHTS, RECIPE])
def test_a_flipped_bit_of_a_file_of_a_mirror_is_refused(name, home, tmp_path):
    fill(tmp_path / "mirror", ID)
    path = tmp_path / "mirror" / MODEL.folder / name
    content = path.read_bytes()
    mirror = Mirror(str(tmp_path / "mirror"))
    file = mirror.registry().models[ID].files[name]
    (tmp_path / "to").mkdir()
    for damaged in flips(content, 200):
        path.write_bytes(damaged)
        with pytest.raises(
            ZooError, match=f"{name}: not the file of the registry: another SHA-256"
        ):
            mirror.fetch(MODEL, name, file, tmp_path / "to")
        assert not any((tmp_path / "to").iterdir())
    path.write_bytes(content)
    assert mirror.fetch(MODEL, name, file, tmp_path / "to").read_bytes() == content


def test_what_came_is_told_and_taken_back_when_an_attempt_was_cut(server, home, tmp_path):
    server.faults[AT] = [fake.cut(CONTENT)]
    told = []
    mirror = Mirror(server.address)
    file = mirror.registry().models[ID].files[WEIGHTS]
    with contextlib.suppress(FileExistsError):
        (tmp_path / "to").mkdir()
    mirror.fetch(MODEL, WEIGHTS, file, tmp_path / "to", told.append)
    assert sum(told) == file.size and min(told) < 0
