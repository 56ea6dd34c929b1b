"""Whether hosts answer, found out in seconds: a download without network hangs for minutes."""

import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable

CONNECT_SECONDS = 3.0
MOST_HOSTS = 8  # that are tried


def unreachable(urls: Iterable[str]) -> tuple[str, str] | None:
    """A host of the URLs that does not answer and why; None if all do, or a proxy is set."""
    if {"http", "https", "all"} & urllib.request.getproxies().keys():
        return None
    hosts = sorted({_host(url) for url in urls})[:MOST_HOSTS]
    problems: dict[tuple[str, int], str | None]
    problems = dict.fromkeys(hosts, f"no answer in {CONNECT_SECONDS:.0f} s")

    def connect(host: tuple[str, int]) -> None:
        try:
            socket.create_connection(host, timeout=CONNECT_SECONDS).close()
            problems[host] = None
        except OSError as error:
            if not isinstance(error, TimeoutError):
                problems[host] = error.strerror or str(error)

    # In threads, all at once, since to look a name up has no time limit.
    threads = [threading.Thread(target=connect, args=(host,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    end = time.monotonic() + CONNECT_SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return next(((host, text) for (host, _), text in problems.items() if text), None)


def _host(url: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
