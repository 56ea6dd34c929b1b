"""What answers at the address of a scheduler and is none: one clear line, soon."""

import contextlib
import socket
import threading

import pytest

from zoo.errors import ZooError
from zoo.sweep import dask


@contextlib.contextmanager
def port(answer):
    """A port of this machine that says something to who has said something, or nothing at all."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        connections = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connections.append(listener.accept()[0])
                    if answer is not None:
                        connections[-1].recv(1)
                        connections[-1].sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        for connection in connections:
            connection.close()


def told(address):
    """The message of a cluster that is none; in a thread, lest a test waits for ever."""
    messages = []

    def use():
        try:
            with dask.cluster(address):
                messages.append("there is one")
        except ZooError as error:
            messages.append(str(error))

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(60)
    assert messages, "still waiting"
    assert messages[0].isprintable()
    return messages[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "nothing is said in 0.5 s"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "what answers is not Dask"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what answers is not Dask"),
        (b"", ""),
        (b"\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", ""),  # a message of Dask's, with nothing in it
    ],
)
def test_what_is_no_scheduler_is_told_in_one_line(answer, reason, monkeypatch):
    monkeypatch.setattr(dask, "CONNECT_SECONDS", 0.5)
    with port(answer) as number:
        address = f"tcp://127.0.0.1:{number}"
        message = told(address)
    assert message.startswith(f"--scheduler {address}: no Dask scheduler answers: {reason}")
    assert message.endswith("; see docs/cluster.md")


def test_another_server_of_dasks_is_named(monkeypatch):
    import asyncio

    from distributed.core import Server

    ready, end = threading.Event(), threading.Event()
    addresses = []

    async def serve():
        async with Server({}) as server:
            await server.listen("tcp://127.0.0.1")
            addresses.append(server.address)
            ready.set()
            await asyncio.to_thread(end.wait, 60)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    message = told(addresses[0])
    end.set()
    thread.join(60)
    assert "what answers is Dask's Server" in message


@pytest.mark.parametrize("address", ["nowhere", "tcp://127.0.0.1:x", "http://127.0.0.1:1", "\x1b"])
def test_what_is_no_address_is_told_in_one_line(address):
    assert "no Dask scheduler answers: " in told(address)
