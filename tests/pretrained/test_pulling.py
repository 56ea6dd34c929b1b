"""Models brought here: several processes at once, processes killed, no room."""

import os
import subprocess
import sys
import threading

import pytest

from tests.pretrained import fake_mirrors as fake
from tests.pretrained.fake_mirrors import (
    ID,
    MODEL,
    RECIPE,
    WEIGHTS,
    cached,
    files_of,
    home,
    left,
    mirror,
    serve,
    wait_for,
    whole,
)
from zoo.errors import ZooError
from zoo.pretrained import cache, places, pulling, registry

__all__ = ["cached", "home", "mirror", "serve"]

# ---------------------------------------------------------------- processes

ENVIRONMENT = {"ZOO_OFFLINE": "0", "ZOO_MIRROR": ""}


def start(*arguments, before="", home):
    code = f"import sys\n{before}\nfrom zoo import cli\nsys.argv[0] = 'zoo'\ncli.main()\n"
    return subprocess.Popen(
        [sys.executable, "-c", code, "pull", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **ENVIRONMENT, "ZOO_HOME": str(home)},
    )  # fmt: skip


def test_two_processes_pull_a_model_once(mirror, home, serve):
    server = serve(mirror)
    go = threading.Event()
    at = f"{MODEL.folder}/{registry.FILES[0]}"
    content = files_of(ID)[WEIGHTS]

    def held(handler):
        go.wait(60)
        fake.answer(handler, 200, content)

    server.faults[at] = [held]
    processes = [start(ID, "--mirror", server.address, home=home) for _ in range(2)]
    wait_for(lambda: server.asked.count(places.REGISTRY) == 2 and at in server.asked, *processes)
    go.set()
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    assert answers[0] == answers[1] and answers[0][1] == "" and ID in answers[0][0]
    assert [server.asked.count(f"{MODEL.folder}/{name}") for name in registry.FILES] == [1] * 7
    assert whole(home, ID)


def test_a_killed_process_leaves_nothing_that_counts_and_nothing_locked(mirror, home, serve):
    server = serve(mirror)
    at = f"{MODEL.folder}/{RECIPE}"
    server.faults[at] = [fake.silent(server)]
    process = start(ID, "--mirror", server.address, home=home)
    wait_for(lambda: at in server.asked, process)
    process.kill()
    process.communicate(timeout=60)
    assert cache.locate(MODEL) is None and left(home) != []
    pulling.get(MODEL, str(mirror))
    assert whole(home, ID)


def test_a_pull_that_is_ended_leaves_nothing(mirror, home, serve):
    server = serve(mirror)
    at = f"{MODEL.folder}/{RECIPE}"
    server.faults[at] = [fake.silent(server)]
    process = start(ID, "--mirror", server.address, home=home)
    wait_for(lambda: at in server.asked, process)
    process.terminate()
    assert process.communicate(timeout=60) == ("", "") and process.returncode == 143
    assert left(home) == []


# ---------------------------------------------------------------- what cannot be written


def one_line(line, home):
    assert line.isprintable() and line.startswith(f"{home}")
    assert "cannot be written: " in line
    assert line.endswith("make room, or name another folder in ZOO_HOME")
    return True


@pytest.mark.parametrize("which", ["home", "registries", "version", "recipe"])
def test_a_file_in_the_way_is_one_line_and_stays(which, mirror, home):
    path = {
        "home": home,
        "registries": home / "registries",
        "version": home / "1.0",
        "recipe": home / "1.0" / "digits" / "clipping",
    }[which]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")
    with pytest.raises(ZooError) as caught:
        pulling.get(MODEL, str(mirror))
    assert one_line(str(caught.value), home) and path.read_text() == "in the way"
    assert set(left(home)) <= {path.relative_to(home).as_posix()}


@pytest.mark.parametrize("room", [0, 100, 30_000])
def test_no_room_is_one_line_and_leaves_nothing(room, mirror, home):
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
    process = start(ID, "--mirror", mirror, before=limit, home=home)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors.count("\n")) == (2, "", 1), errors
    assert one_line(errors.rstrip("\n"), home) and "File too large" in errors
    assert left(home) == []
    assert pulling.get(MODEL, str(mirror)) and whole(home, ID)


MOUNTED = """
mount -t tmpfs -o size={size} tmpfs {home} || exit 99
{before}
{command}; echo "ended with $?" >&2
cd {home} && find . -type f -not -name '*.lock' -not -path './registries/*'
find . -name '*.partial'
"""


def mounted(home, mirror, size, before=""):
    home.mkdir()
    command = f"'{sys.executable}' -m zoo pull {ID} --mirror {mirror}"
    script = MOUNTED.format(home=home, size=size, before=before, command=command)
    process = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    message, ended = process.stderr.splitlines()
    assert one_line(message, home) and ended == "ended with 2" and process.stdout == ""
    return message


@pytest.mark.system
def test_a_full_disk(mirror, home):
    """In a mount namespace of the test's own."""
    assert "No space left on device" in mounted(home, mirror, "32k")


@pytest.mark.system
def test_a_cache_that_can_only_be_read(mirror, home):
    before = f"mount -o remount,ro {home}"
    assert "Read-only file system" in mounted(home, mirror, "10m", before)


@pytest.mark.system
def test_from_a_cache_that_can_only_be_read_models_are_used(cached, home):
    script = f"""
        mount --bind {home} {home} && mount -o remount,bind,ro {home} || exit 99
        touch {home}/x 2>/dev/null && exit 98
        '{sys.executable}' -m zoo pull {ID}
    """
    process = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (process.returncode, process.stderr) == (0, "") and str(cached) in process.stdout
