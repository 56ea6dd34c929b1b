"""Whether hosts answer, found out in seconds: a download without network hangs for minutes."""

import base64
import http.client
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable
from typing import NamedTuple

CONNECT_SECONDS = 3.0
PROXY_SECONDS = 8.0  # it answers when it has reached the host
MOST_HOSTS = 8  # that are tried


class _Way(NamedTuple):
    """How a host is reached: by a proxy, or without one where that is empty."""

    host: str
    port: int
    scheme: str
    proxy: str


def unreachable(urls: Iterable[str]) -> tuple[str, str] | None:
    """A host of the URLs that does not answer and why; None if all do.

    Where a proxy is set, the host is asked for through it.
    """
    ways = sorted({_way(url) for url in urls})[:MOST_HOSTS]
    limit = PROXY_SECONDS if any(way.proxy for way in ways) else CONNECT_SECONDS
    problems: dict[_Way, str | None] = dict.fromkeys(ways, f"no answer in {limit:.0f} s")

    def connect(way: _Way) -> None:
        try:
            if way.proxy:
                _ask(way)
            else:
                socket.create_connection((way.host, way.port), timeout=CONNECT_SECONDS).close()
            problems[way] = None
        except (OSError, ValueError, http.client.HTTPException) as error:
            if not isinstance(error, TimeoutError):
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                problems[way] = reason

    # In threads, all at once, since to look a name up has no time limit.
    threads = [threading.Thread(target=connect, args=(way,), daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    end = time.monotonic() + limit
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    for way, text in problems.items():
        if text is not None:
            by = f" through the proxy {_split(way.proxy).netloc.rpartition('@')[2]}"
            return way.host + (by if way.proxy else ""), text
    return None


def _way(url: str) -> _Way:
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
    proxies = urllib.request.getproxies()
    bypassed = urllib.request.proxy_bypass(f"{host}:{port}")
    proxy = "" if bypassed else proxies.get(parts.scheme) or proxies.get("all") or ""
    return _Way(host, port, parts.scheme, proxy)


def _split(proxy: str) -> urllib.parse.SplitResult:
    return urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _ask(way: _Way) -> None:
    """Asks a proxy for a host, as a download will.

    Raises:
        OSError, HTTPException: if it cannot be reached, does not answer, or says that the host
            does not.
    """
    proxy = _split(way.proxy)
    ports = {"http": 80, "https": 443}
    address = proxy.hostname or "", proxy.port or ports.get(proxy.scheme, 1080)
    if proxy.scheme != "http":  # of another protocol: whether it is there
        socket.create_connection(address, timeout=PROXY_SECONDS).close()
        return
    who = urllib.parse.unquote(f"{proxy.username or ''}:{proxy.password or ''}").encode()
    headers = {"Proxy-Authorization": f"Basic {base64.b64encode(who).decode()}"}
    headers = headers if proxy.username else {}
    connection = http.client.HTTPConnection(*address, timeout=PROXY_SECONDS)
    try:
        if way.scheme == "https":
            connection.set_tunnel(way.host, way.port, headers)
            connection.connect()
        else:
            connection.request("HEAD", f"http://{way.host}:{way.port}/", headers=headers)
            connection.getresponse()  # any answer will do: the root may be nothing
    finally:
        connection.close()
