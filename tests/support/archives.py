"""Archives of models: as other programs make them, and as nobody should."""
import struct
import zipfile
import zlib
from pathlib import Path

from .model import digest_of
from .store import blob_name

HOST = "registry.ollama.ai"
REGULAR, LINK, FIFO, DEVICE = 0o100644, 0o120777, 0o010644, 0o060644


def files_of(model, host=HOST, repository="library/m", tag="v1"):
    """[(name, bytes)] of a model, the blobs first, as a walk through a models directory finds them."""
    blobs = sorted((f"blobs/{blob_name(digest)}", data) for digest, data in model.blobs.items())
    return [*blobs, (f"manifests/{host}/{repository}/{tag}", model.manifest)]


class Unseekable:
    """Makes Python's zipfile write sizes behind the data, as Go's does."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, data):
        return self.stream.write(data)

    def flush(self):
        self.stream.flush()


def downloader_zip(path, model, **place):
    """What ollama-model-downloader makes: folders too, all deflated, sizes behind the data."""
    files = files_of(model, **place)
    folders = {f"{'/'.join(name.split('/')[:depth])}/" for name, _ in files for depth in range(1, name.count("/") + 1)}
    with open(path, "wb") as stream, zipfile.ZipFile(Unseekable(stream), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted([*files, *((folder, b"") for folder in folders)]):
            info = zipfile.ZipInfo(name, (2025, 11, 18, 12, 0, 0))
            info.external_attr = (0o040755 if name.endswith("/") else REGULAR) << 16
            info.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return path


class Entry:
    """One entry, of which every field may lie. Fields that are None are as they should be."""

    def __init__(self, name, data=b"", deflate=False, mode=REGULAR, flags=0, method=None, size=None, packed=None,
                 crc=None, extra=b"", local=None, offset=None, system=3):
        self.name = name.encode("latin-1") if isinstance(name, str) else name
        self.raw = data
        if deflate:
            squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
            self.raw = squeeze.compress(data) + squeeze.flush()
        self.method = (8 if deflate else 0) if method is None else method
        self.size = len(data) if size is None else size
        self.packed = len(self.raw) if packed is None else packed
        self.crc = zlib.crc32(data) if crc is None else crc
        self.mode, self.flags, self.extra, self.offset, self.system = mode, flags, extra, offset, system
        self.local = {} if local is None else local  # fields that the local header has otherwise

    def header(self):
        get = {"name": self.name, "flags": self.flags, "method": self.method, "crc": self.crc, "packed": self.packed,
               "size": self.size, "extra": b"", "signature": b"PK\3\4", **self.local}
        return get["signature"] + struct.pack(
            "<HHHHHIIIHH", 20, get["flags"], get["method"], 0, 0x21, get["crc"], get["packed"] & 0xffffffff,
            get["size"] & 0xffffffff, len(get["name"]), len(get["extra"])) + get["name"] + get["extra"]

    def central(self, offset):
        offset = offset if self.offset is None else self.offset
        return b"PK\1\2" + struct.pack(
            "<BBHHHHHIIIHHHHHII", 20, self.system, 20, self.flags, self.method, 0, 0x21, self.crc, self.packed & 0xffffffff,
            self.size & 0xffffffff, len(self.name), len(self.extra), 0, 0, 0, self.mode << 16,
            offset & 0xffffffff) + self.name + self.extra


def build(entries, count=None, directory=None, size=None, front=b"", middle=b"", back=b"", comment=b"", disk=0):
    """The bytes of an archive; what is given replaces what would be right."""
    out, offsets = bytearray(front), []
    for entry in entries:
        offsets.append(len(out))
        out += entry.header() + entry.raw
    out += middle
    start = len(out)
    for entry, offset in zip(entries, offsets):
        out += entry.central(offset)
    length = len(out) - start
    number = len(entries) if count is None else count
    out += b"PK\5\6" + struct.pack("<HHHHIIH", disk, 0, number, number, length if size is None else size,
                                   start if directory is None else directory, len(comment)) + comment
    return bytes(out) + back


def entries_of(model, **place):
    return [Entry(name, data) for name, data in files_of(model, **place)]


def write(path, data):
    Path(path).write_bytes(data)
    return path


__all__ = ["Entry", "build", "digest_of", "downloader_zip", "entries_of", "files_of", "write"]
