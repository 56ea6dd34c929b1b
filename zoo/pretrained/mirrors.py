"""A mirror: a plain folder of registry and models, on the web or on this machine.

Which is trusted: `zoo.pretrained.release`. Whatever a mirror sends, a file is no longer than the
registry says and has its SHA-256, or it is none.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from zoo.errors import Place, ZooError, mistake
from zoo.files import open_plain
from zoo.pretrained import places, registry, release
from zoo.pretrained.ids import ModelId
from zoo.pretrained.registry import File, FileName, Registry

HEAD = 512  # bytes of a file by which a page is told

Received = Callable[[int], None]  # told how many bytes came


class Mirror:
    """A mirror at an address.

    Args:
        address: as `zoo.pretrained.places.mirror` gives it.

    Attributes:
        shown: its address, without a password.
        pinned: the SHA-256 that its registry has to have; None if what it says is trusted.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self.shown = places.without_password(address)
        self.pinned = release.REGISTRY_SHA256 if address == places.of_release() else None
        self._attempts: Callable[[str], Iterator[Iterator[bytes]]] = self._of_folder
        if not places.is_folder(address):
            from zoo.pretrained.downloading import Client  # of the network

            self._attempts = Client().attempts

    def registry_text(self) -> bytes:
        """What is in its registry.json, which is the pinned one if one is pinned.

        Raises:
            ZooError: if it cannot be had, or is not the release's.
        """
        at = f"{self._address}/{registry.NAME}"
        place, text = Place(places.without_password(at)), bytearray()
        for attempt in self._attempts(at):
            text.clear()
            for chunk in attempt:
                text += chunk
                if len(text) > registry.MOST_BYTES:
                    break
        if _is_page(text[:HEAD]):
            raise ZooError(mistake(place, "an HTML page, no registry: is it a mirror's address?"))
        if self.pinned not in (None, hashlib.sha256(text).hexdigest()):
            hint = "refused; name a mirror that you trust with --mirror or ZOO_MIRROR"
            raise ZooError(mistake(place, f"not the registry of this release (SHA-256); {hint}"))
        return bytes(text)

    def registry(self) -> Registry:
        """Its registry.

        Raises:
            ZooError: as `registry_text`, and if it is no registry.
        """
        return registry.read(self.registry_text(), f"{self.shown}/{registry.NAME}")

    def fetch(
        self,
        model: ModelId,
        name: FileName,
        file: File,
        folder: Path,
        received: Received = lambda _: None,
    ) -> Path:
        """Brings a file of a model to a folder, whole and checked or not at all.

        Args:
            model: whose file it is.
            name: of the file.
            file: what it holds, as the registry says.
            folder: where to; it is there.
            received: told of what came.

        Returns:
            The file's path.

        Raises:
            ZooError: if the mirror does not give what its registry says.
            OSError: if the folder cannot be written to.
        """
        import pooch

        at = f"{self._address}/{model.folder}/{name}"
        place = Place(places.without_password(at))
        head, size = b"", 0

        def download(_: str, temporary: str, __: object) -> None:
            nonlocal head, size
            for attempt in self._attempts(at):
                received(-size)  # of an attempt that was cut
                size = 0
                with Path(temporary).open("wb") as written:
                    for chunk in attempt:
                        head = chunk[:HEAD] if size == 0 else head
                        size += len(chunk)
                        if size > file.size:
                            break
                        written.write(chunk)
                        received(len(chunk))
            if size != file.size:
                what = f"more than {file.size}" if size > file.size else f"{size} of {file.size}"
                raise _unlike(place, head, f"{what} bytes")

        pooch.get_logger().setLevel("WARNING")  # it tells of every file
        try:
            with contextlib.suppress(FileNotFoundError):
                (folder / name).unlink()
            pooch.retrieve(at, f"sha256:{file.sha256}", name, folder, downloader=download)
        except ValueError:  # pooch's word for it
            raise _unlike(place, head, "another SHA-256") from None
        (folder / name).chmod(0o644)
        return folder / name

    def _of_folder(self, at: str) -> Iterator[Iterator[bytes]]:
        """One attempt at a file of a folder of this machine, as those of a `Client`."""

        def chunks() -> Iterator[bytes]:
            root = Path(self._address)
            try:
                path = Path(at).resolve(strict=True)  # links within the mirror are its own affair
                if not path.is_relative_to(root.resolve(strict=True)):
                    raise OSError(0, "a link that leads out of the mirror")
                with os.fdopen(open_plain(path), "rb") as file:
                    while chunk := file.read(2**16):
                        yield chunk
            except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
                reason = getattr(error, "strerror", None) or error
                raise ZooError(mistake(Place(at), "cannot be read", reason)) from None

        yield chunks()


def _is_page(head: bytes | bytearray) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html"))


def _unlike(place: Place, head: bytes, what: str) -> ZooError:
    """What to say of a file that is not the registry's."""
    if _is_page(head):
        return ZooError(mistake(place, "an HTML page came instead of the file; nothing is kept"))
    return ZooError(mistake(place, f"not the file of the registry: {what}; nothing is kept"))
