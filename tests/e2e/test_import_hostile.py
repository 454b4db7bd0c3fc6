"""Archives that lie: refused as a whole, with everything inside and outside of the store as it was."""
import io
import json
import struct
import zipfile
import zlib

import pytest
from support import model
from support.archives import DEVICE, FIFO, HOST, LINK, Entry, build, entries_of, files_of, write
from support.model import MIB, Layer, Model, digest_of
from support.program import check_events
from support.store import DATABASE, install, snapshot

TINY = model.Model([Layer("model", model.noise(70000, 3)), Layer("license", b"MIT")])
HERE = model.small(50000, 8)
MANIFEST = f"manifests/{HOST}/library/m/v1"


def with_entry(*more, **fields):
    return build([*entries_of(TINY), Entry(*more, **fields)])


def changed(number, **fields):
    """One entry of a good archive, with other fields."""
    entries = entries_of(TINY)
    for name, value in fields.items():
        setattr(entries[number], name, value)
    return build(entries)


def replaced(name, data):
    return build([Entry(n, data if n == name else d) for n, d in files_of(TINY)])


def manifest_of(**changes):
    return json.dumps({**json.loads(TINY.manifest), **changes}).encode()


def zeros(size):
    """A model of one blob that is all zeros, deflated: manifest, and the bomb."""
    data = bytes(size)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": digest_of(data), "size": size}
    return data, layer, json.dumps({"schemaVersion": 2, "config": layer, "layers": [layer]}).encode()


def bomb():
    """Far more than any weights can be packed, in an entry that its manifest names rightly."""
    size = 300 * MIB
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = b"".join(squeeze.compress(bytes(MIB)) for _ in range(300)) + squeeze.flush()
    entry = Entry("blobs/sha256-" + "ab" * 32, raw, method=8, size=size)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:" + "ab" * 32, "size": size}
    return build([entry, Entry(MANIFEST, json.dumps({"schemaVersion": 2, "config": layer, "layers": [layer]}).encode())])


def overlapping():
    """The blobs' entries share their bytes, as those of a well-known bomb do."""
    entries = entries_of(TINY)
    entries[1].offset = 0
    return build(entries)


def quoted():
    """An entry inside of the one before it."""
    entries = entries_of(TINY)
    entries[0].packed += 10
    entries[0].size += 10
    return build(entries)


def zip64(count=None, offset=None):
    """The end in its 64-bit form, with numbers that may lie."""
    data = build(entries_of(TINY))
    end = data[-22:]
    number, _, size, start = struct.unpack("<HHII", end[8:20])
    at = len(data) - 22
    end64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count or number, count or number, size,
                                    start if offset is None else offset)
    return data[:-22] + end64 + b"PK\6\7" + struct.pack("<IQI", 0, at, 1) + end


def encrypted():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files_of(TINY):
            archive.writestr(name, data)
    data = bytearray(out.getvalue())
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(signature)
        data[at + place] |= 1
    return bytes(data)


GOOD = build(entries_of(TINY))
BLOB = entries_of(TINY)[0].name.decode()

HOSTILE = {
    "up and out": with_entry("../evil", b"x"),
    "up in a blob's name": with_entry("blobs/../../evil", b"x"),
    "up in a manifest's name": with_entry(f"manifests/{HOST}/../../../evil", b"x"),
    "up, written as %2E": with_entry(f"manifests/{HOST}/%2E%2E/%2E%2E/evil", b"x"),
    "a slash, written as %2F": with_entry(f"manifests/{HOST}/library/m/..%2F..%2Fevil", b"x"),
    "from the root": with_entry("/tmp/evil", b"x"),
    "a drive": with_entry("C:\\evil", b"x"),
    "backslashes": with_entry("blobs\\..\\..\\evil", b"x"),
    "a name with a NUL": with_entry(b"blobs/sha256-\0evil", b"x"),
    "a name with an escape": with_entry(b"\x1b]0;evil\x07", b"x"),
    "no name": with_entry("", b"x"),
    "a long name": with_entry("a" * 3000, b"x"),
    "a file of our own": with_entry(".pullm/store.lock", b"x"),
    "a partial": with_entry(BLOB + ".partial", b"x"),
    "a foreign file": with_entry("README.md", b"x"),
    "a foreign folder": with_entry("evil/", mode=0o040755),
    "a link for a blob": changed(0, mode=LINK),
    "a link for the manifest": changed(-1, mode=LINK),
    "a link for a folder": with_entry("blobs/", mode=LINK),
    "a pipe": changed(0, mode=FIFO),
    "a device": changed(0, mode=DEVICE),
    "a folder for a blob": changed(0, mode=0o040755),
    "a folder with bytes": with_entry("blobs/", b"x", mode=0o040755),
    "a blob twice": build([entries_of(TINY)[0], *entries_of(TINY)]),
    "a manifest twice": build([*entries_of(TINY), entries_of(TINY)[-1]]),
    "a manifest twice, written in two ways": build(
        [*entries_of(TINY), Entry("manifests/h:1/a/m/v1", TINY.manifest), Entry("manifests/h%3A1/a/m/v1", TINY.manifest)]),
    "a blob that nobody names": with_entry("blobs/sha256-" + "0" * 64, b"x"),
    "no manifest": build(entries_of(TINY)[:-1]),
    "nothing at all": build([]),
    "a blob's bytes changed": replaced(BLOB, model.noise(len(dict(files_of(TINY))[BLOB]), 99)),
    "a blob's size changed": replaced(BLOB, b"short"),
    "a manifest that is none": replaced(MANIFEST, b"{}"),
    "a manifest that is no JSON": replaced(MANIFEST, b"\xff" * 100),
    "a manifest with a path for a digest": replaced(MANIFEST, manifest_of(
        config={"mediaType": "x", "digest": "sha256:../../../evil", "size": 1})),
    "a manifest with a huge size": replaced(MANIFEST, manifest_of(
        config={"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1 << 62})),
    "a manifest with a negative size": replaced(MANIFEST, manifest_of(
        config={"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": -1})),
    "a manifest of 5 MiB": replaced(MANIFEST, b" " * (5 * MIB)),
    "a manifest that unpacks to much": build(
        [*entries_of(TINY)[:-1], Entry(MANIFEST, bytes(100 * MIB), deflate=True)]),
    "a manifest whose checksum is wrong": changed(-1, crc=7),
    "encrypted": encrypted(),
    "strongly encrypted": changed(0, flags=0x41),
    "a patch": changed(0, flags=0x20),
    "bzip2": changed(0, method=12),
    "a stored blob with two sizes": changed(0, size=70001),
    "a bomb": bomb(),
    "a ratio that cannot be": changed(0, method=8, size=1 << 31),
    "entries that overlap": overlapping(),
    "an entry in another": quoted(),
    "a local header with another name": changed(0, local={"name": b"blobs/sha256-" + b"1" * 64}),
    "a local header with another size": changed(0, local={"size": 5, "packed": 5}),
    "a local header with another method": changed(0, local={"method": 8}),
    "a local header with other flags": changed(0, local={"flags": 2}),
    "no local header": changed(0, local={"signature": b"PK\7\7"}),
    "an offset behind the end": changed(0, offset=1 << 31),
    "deflated bytes that are broken": build(
        [Entry(BLOB, b"\xff" * 500, method=8, size=len(dict(files_of(TINY))[BLOB])), *entries_of(TINY)[1:]]),
    "deflated bytes that are too few": build(
        [Entry(BLOB, zlib.compress(b"x")[2:-4], method=8, size=len(dict(files_of(TINY))[BLOB])), *entries_of(TINY)[1:]]),
    "broken extra fields": changed(0, extra=b"\1\0\xff\xff"),
    "64-bit sizes that are missing": changed(0, size=0xffffffff, packed=0xffffffff),
    "cut short": GOOD[:-1],
    "cut in its half": GOOD[:len(GOOD) // 2],
    "only its end": GOOD[-22:],
    "empty": b"",
    "no zip": b"x" * 5000,
    "something behind it": GOOD + b"x",
    "something in front of it": build(entries_of(TINY), directory=0)[:0] + b"#!/bin/sh\n" + GOOD,
    "more entries than it has": build(entries_of(TINY), count=50000),
    "fewer entries than it has": build(entries_of(TINY), count=1),
    "a directory that is elsewhere": build(entries_of(TINY), directory=3),
    "a directory of another size": build(entries_of(TINY), size=20),
    "one of several disks": build(entries_of(TINY), disk=1),
    "2^60 entries": zip64(count=1 << 60),
    "a 64-bit end that contradicts": zip64(offset=1),
    "a tar file": b"blobs/".ljust(257, b"\0") + b"ustar".ljust(1000, b"\0"),
}


@pytest.fixture
def around(tmp_path, store):
    """A store with a model in it, and files beside it that are nobody's business."""
    install(store, HOST, "library/here", "v1", HERE)
    (store / ".pullm").mkdir()
    (tmp_path / "evil-target").write_bytes(b"mine")
    (tmp_path / "blobs").mkdir()
    return tmp_path


def state_of(folder):
    """All but the runs' output, the history, and the lock that every writer leaves."""
    return {path: is_ for path, is_ in snapshot(folder).items()
            if "/runs" not in path and not path.endswith(("store.lock", *DATABASE))}


@pytest.mark.parametrize("how", ["file", "stream"])
@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_and_changes_nothing(pullama, around, store, name, how):
    path = write(around / "hostile.zip", HOSTILE[name])
    before = state_of(around)
    if how == "file":
        result = pullama.run("import", path, "--output", "json", cwd=around)
    else:
        with open(path, "rb") as stream:
            result = pullama.run("import", "-", "--output", "json", stdin=stream, cwd=around)
    check_events(result)
    assert result.status in (1, 5), result
    assert result.last["event"] == "failed" and result.last["Message"], result
    assert "\x1b" not in result.err and not result.named("imported"), result
    after = state_of(around)
    assert {path: is_ for path, is_ in after.items() if ".pullm" not in path} == \
           {path: is_ for path, is_ in before.items() if ".pullm" not in path}
    # Blobs that were right before the wrong one came may wait for a better archive.
    left = {path for path in after if path not in before}
    good = {digest.replace(":", "-") for digest in TINY.blobs}
    assert all(any(blob in path for blob in good) for path in left), left


def test_the_good_one_is_taken(pullama, around):
    pullama.run("import", write(around / "good.zip", GOOD)).ended(0)
    pullama.run("import", write(around / "good64.zip", zip64())).ended(0)
    pullama.run("import", write(around / "comment.zip", build(entries_of(TINY), comment=b"PK\5\6 hello"))).ended(0)


@pytest.mark.parametrize("cut", range(1, 40))
def test_cut_anywhere_it_is_refused(pullama, around, cut):
    size = len(GOOD) * cut // 40
    for how in ("file", "stream"):
        path = write(around / "cut.zip", GOOD[:size])
        with open(path, "rb") as stream:
            result = pullama.run("import", path if how == "file" else "-", stdin=stream)
        assert result.status == 1 and "cut short" in result.err or "manifests" in result.err, result


def test_a_stream_with_a_surprise_is_refused_before_anything_is_published(pullama, around, store):
    ordered = entries_of(TINY)[-1:] + [Entry(f"blobs/{d.replace(':', '-')}", TINY.blobs[d]) for d in
                                       [layer.digest for layer in [*TINY.layers, TINY.config]]]
    surprises = [Entry("blobs/sha256-" + "0" * 64, b"x"), Entry("../evil", b"x"), ordered[1], ordered[0]]
    for surprise in surprises:
        path = write(around / "s.zip", build([*ordered, surprise]))
        with open(path, "rb") as stream:
            result = pullama.run("import", "-", stdin=stream)
        assert result.status == 1, result
        assert not (store / MANIFEST).exists()
    with open(write(around / "s.zip", build(ordered)), "rb") as stream:
        pullama.run("import", "-", stdin=stream).ended(0)


@pytest.mark.parametrize("how", ["file", "stream"])
def test_models_that_give_one_blob_two_sizes_are_refused_before_anything_begins(pullama, around, store, how):
    """In a stream only what is named tells how much there is, so that progress would go beyond it."""
    other = json.loads(TINY.manifest)
    other["layers"] = [{**layer, "size": 7} if layer["size"] == 70000 else layer for layer in other["layers"]]
    blobs = sorted((d for d in TINY.blobs), key=lambda d: len(TINY.blobs[d]))  # that of two sizes last
    entries = [Entry(MANIFEST, TINY.manifest), Entry(f"manifests/{HOST}/library/n/v1", json.dumps(other).encode()),
               *(Entry(f"blobs/{d.replace(':', '-')}", TINY.blobs[d]) for d in blobs)]
    path = write(around / "two.zip", build(entries))
    before = state_of(around)
    with open(path, "rb") as stream:
        result = pullama.run("import", path if how == "file" else "-", "--output", "json", stdin=stream)
    assert result.status == 1 and result.last["Code"] == "corrupt", result
    assert "size" in result.err and not result.named("import_start"), result
    assert not (store / MANIFEST).exists() and state_of(around) == before


def test_an_import_needs_little_memory(pullama, around):
    if pullama.is_sanitized:
        pytest.skip("a sanitizer needs memory of its own")
    data, layer, manifest = zeros(200 * MIB)
    entries = [Entry(MANIFEST, manifest), Entry("blobs/" + layer["digest"].replace(":", "-"), data, deflate=True)]
    result = pullama.run("import", write(around / "z.zip", build(entries))).ended(0)
    assert result.peak_kib < 32 * 1024, result.peak_kib
    result = pullama.run("export", "m:v1", "-o", around / "out.zip").ended(0)
    assert result.peak_kib < 32 * 1024, result.peak_kib


def test_a_name_may_not_be_a_link_in_the_store(pullama, around, store):
    """A folder of the store that somebody replaced leads nowhere else."""
    (around / "outside").mkdir()
    (store / "manifests" / HOST / "library" / "m").symlink_to(around / "outside")
    result = pullama.run("import", write(around / "good.zip", GOOD))
    assert not list((around / "outside").iterdir())
    assert result.status != 0
    (store / "manifests" / HOST / "library" / "m").unlink()


assert len(HOSTILE) >= 60 and Model
