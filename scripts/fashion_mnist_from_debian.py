"""Restores the published files of Fashion-MNIST from Debian's package, without the network.

    apt-get install dataset-fashion-mnist
    python scripts/fashion_mnist_from_debian.py fashion-files
    ZOO_MANUAL_DIR=fashion-files zoo data prepare fashion_mnist

Debian repacked the files without names and times in their gzip headers; with these put back they
are byte for byte what the authors published, and pass the checksums of tensorflow-datasets.
"""

import argparse
import struct
from pathlib import Path

from zoo.cli.process import as_command
from zoo.errors import ZooError
from zoo.files import write_whole

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
TIMES = {  # seconds since 1970, when the authors packed each file
    "train-images-idx3-ubyte": 1504176606,
    "train-labels-idx1-ubyte": 1504176606,
    "t10k-images-idx3-ubyte": 1504176627,
    "t10k-labels-idx1-ubyte": 1504176627,
}


def published(repacked: bytes, name: str, time: int) -> bytes:
    """The file as published: a gzip member with the original name and time in its header."""
    if repacked[:3] != b"\x1f\x8b\x08" or repacked[3] != 0:
        raise ZooError(f"{DEBIAN / name}.gz: not a gzip file without a name, as Debian packs it")
    has_name = 8
    head = repacked[:3] + struct.pack("<BI", has_name, time) + repacked[8:10]
    return head + name.encode("ascii") + b"\0" + repacked[10:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the files go; name it in ZOO_MANUAL_DIR")
    options = parser.parse_args()
    for name, time in TIMES.items():
        source = DEBIAN / f"{name}.gz"
        if not source.is_file():
            parser.error(f"{source}: not there: apt-get install dataset-fashion-mnist")
        path = options.folder / source.name
        try:
            write_whole(path, published(source.read_bytes(), name, time))
        except (ZooError, OSError) as error:
            parser.error(str(error))
        print(path)


if __name__ == "__main__":
    with as_command():
        main()
