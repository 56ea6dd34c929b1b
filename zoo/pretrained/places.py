"""Where pretrained models lie and come from: light to import.

A mirror, the bundled models and the cache have one layout, of which a cache has no registry but an
entry beside each model, and the registries of the mirrors that it was filled from:

    <mirror>/registry.json                                    <cache>/registries/<mirror>.json
    <mirror>/1.0/digits/activation/relu/model.weights.h5      <cache>/1.0/.../entry.json
"""

import os
import re
import urllib.parse
from pathlib import Path

from zoo.errors import Place, ZooError, mistake, shown
from zoo.pretrained import release

REGISTRY = "registry.json"
ENTRY = "entry.json"


def home() -> Path:
    """Where pulled models are kept: ZOO_HOME, or gradient-zoo/models in the user's cache folder."""
    if given := os.environ.get("ZOO_HOME"):
        return Path(given).absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache.absolute() / "gradient-zoo" / "models"


def bundled() -> Path:
    """Where the models that ship with the package lie; there may be none."""
    return Path(__file__).resolve().parent / "bundled"


def offline() -> bool:
    """Whether the network is not to be asked: ZOO_OFFLINE, if neither empty nor 0."""
    return os.environ.get("ZOO_OFFLINE", "").strip() not in ("", "0")


def mirror(given: str | None = None) -> str | None:
    """The address of the mirror to ask: the one given, else ZOO_MIRROR, else the release's.

    Raises:
        ZooError: as `address`.
    """
    if given is not None:
        return address(given, "--mirror")
    if named := os.environ.get("ZOO_MIRROR", "").strip():
        return address(named, "ZOO_MIRROR")
    return of_release()


def of_release() -> str | None:
    """The address of the release's own mirror, if it has one yet."""
    return None if release.MIRROR is None else address(release.MIRROR, "release.MIRROR")


def address(text: str, name: str) -> str:
    """A mirror's address in the one form by which two are compared.

    Args:
        text: https://, http://, file:// or the path of a folder.
        name: what messages say it is of.

    Returns:
        The URL without a slash at its end, or the absolute path.

    Raises:
        ZooError: for anything else.
    """
    hint = "a mirror's address is https://, http://, file:// or the path of a folder"

    def wrong(what: str) -> ZooError:
        return ZooError(mistake(Place(name), without_password(text), f"{what}; {hint}"))

    if not text.strip() or not text.isprintable():
        raise ZooError(mistake(Place(name), shown(text), f"no address; {hint}"))
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)", text)
    if scheme is None:
        return str(Path(text).absolute())
    try:
        parts = urllib.parse.urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise wrong(str(error)) from None
    if parts.scheme not in ("https", "http", "file"):
        raise wrong(f"{shown(parts.scheme)} is no scheme of a mirror")
    if "?" in text or "#" in text:
        raise wrong("names of files are appended to it: no ? and no #")
    if parts.scheme == "file":
        path = urllib.parse.unquote(parts.path)
        if host not in (None, "localhost") or not path.startswith("/") or "\0" in path:
            raise wrong("write file:///path of a folder of this machine")
        return str(Path(path))
    if not host:
        raise wrong("it names no host")
    return urllib.parse.urlunsplit(parts).rstrip("/")


def is_folder(mirror: str) -> bool:
    """Whether the mirror of an address is a folder of this machine."""
    return not mirror.startswith(("https://", "http://"))


def without_password(mirror: str) -> str:
    """An address as it may be shown and kept."""
    return re.sub(r"(?<=//)[^/]*@", "", mirror)


def kept_registry(mirror: str) -> Path:
    """Where the registry of a mirror is kept, of which something was pulled."""
    import hashlib

    key = hashlib.sha256(without_password(mirror).encode("utf-8", "surrogateescape"))
    return home() / "registries" / f"{key.hexdigest()[:32]}.json"
