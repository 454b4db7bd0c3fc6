"""Whatever stands in the store's folders: nothing outside is touched, nothing hangs, and what is wrong is named."""
import json
import os
import random
import shutil
import socket
import stat
import struct
from pathlib import Path

import pytest
from support import model
from support.model import MIB
from support.store import blob_name, blob_path, check_model, install, inventory, manifest_path

pytestmark = [pytest.mark.broken_store, pytest.mark.campaign("hostile registries, stores and names")]
VERBS = ("list", "show", "clean", "rm")
STATE = (".partial", ".json", ".live", ".lock", ".json.tmp", ".live.tmp")
SECONDS = 15


def put_socket(path, _world):
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's address is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def put_full_folder(path, _world):
    path.mkdir()
    (path / "kept").write_text("keep me")


def put_device(path, _world):
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("may not make a device")


def put_huge(path, _world):
    with open(path, "wb") as stream:
        stream.truncate(1 << 40)


THINGS = {
    "link to a file": lambda path, world: path.symlink_to(world / "precious" / "file"),
    "link to a folder": lambda path, world: path.symlink_to(world / "precious"),
    "dangling link": lambda path, world: path.symlink_to(world / "precious" / "not-there"),
    "link to itself": lambda path, world: path.symlink_to(path.name),
    "link to a device": lambda path, world: path.symlink_to("/dev/zero"),
    "hard link": lambda path, world: path.hardlink_to(world / "precious" / "file"),
    "FIFO": lambda path, world: os.mkfifo(path),
    "socket": put_socket,
    "device": put_device,
    "empty folder": lambda path, world: path.mkdir(),
    "full folder": put_full_folder,
    "empty file": lambda path, world: path.touch(),
    "random bytes": lambda path, world: path.write_bytes(random.Random(1).randbytes(70_000)),
    "text without end": lambda path, world: path.write_bytes(b"[" * 100_000),
    "1 TiB": put_huge,
}


@pytest.fixture
def world(tmp_path, store):
    """Things outside the store, which must be the same afterwards."""
    precious = tmp_path / "precious"
    (precious / "inner").mkdir(parents=True)
    (precious / "file").write_bytes(b"keep me" * 1000)
    (precious / "inner" / "latest").write_text("{")
    for part in ("blobs", "manifests", ".pullm"):
        (store / part).mkdir(parents=True, exist_ok=True)
    before = inventory(precious)
    yield tmp_path
    assert inventory(precious) == before, "something outside the store changed"


@pytest.fixture
def tiny(registry):
    return registry.add("library/m", "latest", model.small(3 * MIB // 2))


def run_all(pullama, name, paths, **options):
    """Pulls, then everything else. Each works, or says which file is in the way; none hangs."""
    results = {"pull": pullama.pull("http://" + name, timeout=SECONDS, **options)}
    for verb in VERBS:
        operands = [name] if verb in ("show", "rm") else []
        results[verb] = pullama.run(verb, *operands, timeout=SECONDS, **options)
    for verb, result in results.items():
        if verb in ("show", "rm") and results["pull"].status != 0 and result.status == 4:
            continue
        check_clear(result, paths)
        assert pullama.is_sanitized or result.peak_kib < 32 * 1024, result
    return results


def check_clear(result, paths):
    assert result.status in (0, 1, 2), result
    assert "bug in pullama" not in result.err, result
    if result.status != 0:
        assert any(Path(path).name in result.err for path in paths), result
        assert len(result.err.strip().splitlines()) >= 2, f"nothing about what to do: {result}"


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("ending", STATE)
def test_anything_under_a_name_of_ours(pullama, store, registry, world, tiny, ending, thing):
    path = store / ".pullm" / (blob_name(tiny.layers[0].digest) + ending)
    THINGS[thing](path, world)
    results = run_all(pullama, registry.name("library/m", scheme=False), [path])
    if results["pull"].status != 0:
        remove(path)
    pullama.pull(registry.name("library/m")).ended(0)
    remove(path)
    check_model(store, registry, "library/m", "latest", tiny)


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("name", ["store.lock", "manifest.tmp"])
def test_anything_under_a_name_of_the_store(pullama, store, registry, world, tiny, name, thing):
    path = store / ".pullm" / name
    THINGS[thing](path, world)
    results = run_all(pullama, registry.name("library/m", scheme=False), [path])
    if results["pull"].status != 0:
        remove(path)
        registry.forget()
        pullama.pull(registry.name("library/m")).ended(0)
        assert registry.blob_bytes() == 0, "what had been received was fetched again"
        check_model(store, registry, "library/m", "latest", tiny)


@pytest.mark.parametrize("thing", THINGS)
def test_anything_in_place_of_a_blob(pullama, store, registry, world, tiny, thing):
    path = blob_path(store, tiny.layers[0].digest)
    THINGS[thing](path, world)
    results = run_all(pullama, registry.name("library/m", scheme=False), [path])
    if results["pull"].status != 0:
        remove(path)
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


@pytest.mark.parametrize("ending", [".partial", ".lock", "-partial", "-partial-0", ".json"])
@pytest.mark.parametrize("thing", THINGS)
def test_anything_that_others_could_have_left(pullama, store, registry, world, tiny, ending, thing):
    path = store / "blobs" / (blob_name(tiny.layers[0].digest) + ending)
    THINGS[thing](path, world)
    if not path.is_symlink() and path.stat().st_nlink == 1:
        os.utime(path, (1, 1))
    run_all(pullama, registry.name("library/m", scheme=False), [path])
    pullama.pull(registry.name("library/m")).ended(0)
    assert blob_path(store, tiny.layers[0].digest).read_bytes() == tiny.layers[0].data


@pytest.mark.parametrize("thing", THINGS)
def test_anything_in_place_of_a_manifest(pullama, store, registry, world, tiny, thing):
    path = manifest_path(store, registry.host, "library/m", "latest")
    path.parent.mkdir(parents=True)
    THINGS[thing](path, world)
    results = run_all(pullama, registry.name("library/m", scheme=False), [path])
    if results["pull"].status != 0:
        remove(path)
        registry.forget()
        pullama.pull(registry.name("library/m")).ended(0)
        assert registry.blob_bytes() == 0, "what had been received was fetched again"


@pytest.mark.parametrize("part", [".pullm", "blobs", "manifests"])
@pytest.mark.parametrize("thing", THINGS)
def test_anything_in_place_of_a_folder(pullama, store, registry, world, tiny, part, thing):
    path = store / part
    path.rmdir()
    THINGS[thing](path, world)
    if thing == "link to a folder" and part != ".pullm":
        pytest.skip("a link to another disk is the user's own wish")
    results = run_all(pullama, registry.name("library/m", scheme=False), [path])
    if results["pull"].status != 0:
        remove(path)
        pullama.pull(registry.name("library/m")).ended(0)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_loops_of_links_among_the_manifests(pullama, store, registry, world, tiny, depth):
    install(store, "registry.ollama.ai", "library/other", "latest", model.small(1000, 5))
    folder = store / "manifests"
    for part in (registry.host, "library", "m")[:depth - 1]:
        folder = folder / part
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        (folder / f"loop{number}").symlink_to(".")
        (folder / f"up{number}").symlink_to("..")
    (folder / "round").symlink_to("round")
    results = run_all(pullama, registry.name("library/m", scheme=False), ["manifests", "loop0", "round", "up0"])
    results["list"].ended(0)
    assert "other:latest" in results["list"].out


# ---- records that lie ----

def record(tiny, **changes):
    layer = tiny.layers[0]
    return {"version": 2, "digest": layer.digest, "size": len(layer.data), "spans": [[0, MIB]], **changes}


LIES = {
    "claims all": dict(spans=[[0, 3 * MIB // 2]]),
    "claims more": dict(spans=[[0, 1 << 40]]),
    "claims backwards": dict(spans=[[MIB, 0]]),
    "claims twice": dict(spans=[[0, MIB], [0, MIB]]),
    "claims 64 bits": dict(spans=[[0, (1 << 64) - 1]]),
    "claims below 0": dict(spans=[[-5, MIB]]),
    "claims with fractions": dict(spans=[[0, 1.5]]),
    "claims nothing": dict(spans=[]),
    "claims are text": dict(spans="0-5"),
    "another digest": dict(digest="sha256:" + "0" * 64),
    "another size": dict(size=5),
    "version to come": dict(version=99),
    "version of Pullama": dict(version=1, chunks=[{"start": 0, "end": MIB - 1, "verified": True}]),
    "Pullama's chunk without end": dict(version=1, chunks=[{"start": 0, "end": (1 << 64) - 1, "verified": True}]),
    "many claims": dict(spans=[[i, i + 1] for i in range(0, 40_000, 2)]),
}


@pytest.mark.parametrize("partial", ["none", "short", "zeros", "wrong", "longer"])
@pytest.mark.parametrize("lie", LIES)
def test_a_record_that_lies_never_spoils_a_blob(pullama, store, registry, world, tiny, lie, partial):
    base = store / ".pullm" / blob_name(tiny.layers[0].digest)
    data = tiny.layers[0].data
    content = {"short": data[:5000], "zeros": bytes(len(data)), "wrong": data[::-1], "longer": data * 3}.get(partial)
    if content is not None:
        base.with_name(base.name + ".partial").write_bytes(content)
    base.with_name(base.name + ".json").write_text(json.dumps(record(tiny, **LIES[lie])))
    pullama.pull(registry.name("library/m"), timeout=SECONDS).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 3 * len(data)


@pytest.mark.parametrize("slots", [[(0, 1 << 62)], [(0, 3 * MIB // 2)], [(5, 4)], [(0, 1)] * 200], ids=range(4))
def test_a_live_file_that_lies_never_spoils_a_blob(pullama, store, registry, world, tiny, slots):
    """The live file of this boot, with claims that no write stands behind."""
    base = store / ".pullm" / blob_name(tiny.layers[0].digest)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip().encode()
    head = b"pullama live 1\n".ljust(16, b"\0") + boot.ljust(40, b"\0")
    head += bytes.fromhex(tiny.layers[0].digest[7:]) + struct.pack("<Q", len(tiny.layers[0].data))
    body = head + b"".join(struct.pack("<QQ", *slot) for slot in slots)
    for size in (len(head) - 3, len(body), 1 << 12, 1 << 13, 96 + 16 * 64, 96 + 16 * 128, 96 + 16 * 256):
        base.with_name(base.name + ".partial").write_bytes(bytes(len(tiny.layers[0].data)))
        base.with_name(base.name + ".live").write_bytes(body.ljust(size, b"\0")[:size])
        pullama.pull(registry.name("library/m"), timeout=SECONDS).ended(0)
        check_model(store, registry, "library/m", "latest", tiny)
        blob_path(store, tiny.layers[0].digest).unlink()
    pullama.pull(registry.name("library/m")).ended(0)
