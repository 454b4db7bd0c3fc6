"""A disk that is really full, or cannot be read: everything is kept, and the same command finishes."""
import contextlib
import os
import re
import subprocess

import pytest
from support import model, tracing
from support.model import MIB, Layer, Model, noise
from support.program import wait_for
from support.store import blob_name, blob_path, check_model, check_store, leftovers

pytestmark = pytest.mark.campaign("full and unreadable disks")

# What the check before the first byte wants to be free, beyond the blobs.
RESERVE = 64 * MIB


@pytest.fixture
def disk(tmp_path):
    """Mounts a small file system in place of the store's folder."""
    mounted = []

    def mount(size, options=""):
        folder = tmp_path / "models"
        folder.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "none", folder],
                              capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip("may not mount a file system here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        check_store(folder)
        subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def filled(folder, leave):
    """All but `leave` bytes are taken by something else."""
    room = os.statvfs(folder)
    other = folder / ".pullm" / "other"
    other.parent.mkdir(exist_ok=True)
    with open(other, "wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, room.f_bavail * room.f_frsize - leave))
    yield
    other.unlink()


def check_full(result):
    assert result.status == 2, result
    assert result.last["event"] == "failed" and result.last["Code"] == "disk_full", result
    assert "No space left" in result.err and "make room" in result.err, result
    assert "received is kept" in result.err, result


def finish(pullama, store, registry, tiny, most):
    registry.forget()
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert leftovers(store) == []
    assert registry.blob_bytes() <= most, f"fetched again: {registry.blob_bytes()}"


def two_layers():
    return Model([Layer("model", noise(4 * MIB, 1)), Layer("adapter", noise(12 * MIB, 2))])


def test_what_is_needed_is_said_in_bytes(pullama, store, registry, disk):
    tiny = registry.add("library/m", "latest", model.small(4 * MIB))
    disk(f"{20 * MIB}")
    result = pullama.pull(registry.name("library/m")).ended(2)
    assert str(tiny.size + RESERVE) in result.err and "make room" in result.err
    assert registry.blob_bytes() == 0


def test_a_disk_that_fills_up_before_a_blob_is_reserved(pullama, store, registry, disk):
    """The first layer is here when the room for the second is gone."""
    both = registry.add("library/m", "latest", two_layers())
    folder = disk(f"{16 * MIB + RESERVE + MIB}")
    first, second = (layer.digest for layer in both.layers)
    with contextlib.ExitStack() as full:
        once = []

        def fill(_request):
            if not once:
                once.append(full.enter_context(filled(folder, 6 * MIB)))

        registry.fault(first, call=fill)
        # Reserved one after the other: the second one when the first has all its requests.
        result = pullama.pull(registry.name("library/m"), "-x", "1", "--chunk-size", "1MiB")
        check_full(result)
        assert blob_name(second) in result.err
        needed = re.search(r"needs .*\((\d+) bytes\) free", result.err)
        assert needed and int(needed[1]) >= RESERVE + 12 * MIB - MIB, result
    finish(pullama, store, registry, both, 16 * MIB + 1000)


def test_what_came_before_the_disk_was_full_is_not_fetched_again(pullama, store, registry, disk):
    both = registry.add("library/m", "latest", two_layers())
    folder = disk(f"{16 * MIB + RESERVE + MIB}")
    first = both.layers[0].digest
    registry.gate.limit(3 * MIB)
    process = pullama.start_pull(registry.name("library/m"), "-x", "1")
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= 2 * MIB)
    with filled(folder, 2 * MIB):
        registry.gate.limit(None)
        check_full(process.result())
        registry.forget()
        # As long as there is no room, it is said at once, and nothing is lost.
        again = pullama.pull(registry.name("library/m"), "-x", "1").ended(2)
        assert "make room" in again.err
        assert registry.blob_bytes() == 0
    registry.forget()
    finish(pullama, store, registry, both, 13 * MIB)
    assert registry.blob_bytes(first) <= MIB


@pytest.mark.parametrize("inodes", range(7, 15))
def test_no_inode_left_at_any_file(pullama, store, registry, disk, inodes):
    """Folders, locks, data, live file, checkpoint, manifest: each once the last one that does not fit."""
    tiny = registry.add("library/m", "latest", model.small(2 * MIB))
    folder = disk("200m", f",nr_inodes={inodes}")
    result = pullama.pull(registry.name("library/m"))
    if result.status == 0:
        return
    check_full(result)
    check_store(folder)
    received = max((e["OverallDone"] for e in result.named("progress")), default=0)
    subprocess.run(["mount", "-o", "remount,nr_inodes=1000", folder], check=True)
    finish(pullama, store, registry, tiny, tiny.size - received)


@pytest.mark.parametrize("stage", ["checkpoint", "manifest"])
def test_no_room_for_the_records(pullama, store, registry, disk, stage):
    """The data has its room reserved; what is written beside it has none."""
    tiny = registry.add("library/m", "latest", model.small(4 * MIB))
    folder = disk(f"{4 * MIB + RESERVE + MIB}")
    registry.gate.limit(3 * MIB)
    process = pullama.start_pull(registry.name("library/m"), "-x", "1")
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= 2 * MIB)
    with filled(folder, 0 if stage == "checkpoint" else 8192):
        registry.gate.limit(None)
        result = process.result()
        check_store(folder)
        if result.status != 0:
            check_full(result)
        if stage == "checkpoint":
            assert result.status == 2, result
    finish(pullama, store, registry, tiny, len(tiny.config.data))


def test_no_room_for_the_manifest(pullama, store, registry, disk):
    tiny = registry.add("library/m", "latest", Model([Layer("model", noise(2 * MIB))] + [
        Layer("license", noise(10, n)) for n in range(100)]))
    folder = disk("200m")
    sizes = (4096 * n for n in range(0, 8))
    registry.gate.limit(MIB)
    process = pullama.start_pull(registry.name("library/m"), "-x", "1")
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= MIB // 2)
    registry.gate.limit(None)
    process.wait_event("blob_finalized")
    process.kill()
    # Blobs are in their places, the manifest (of more than 4 pages) is not.
    for size in sizes:
        with filled(folder, size):
            result = pullama.pull(registry.name("library/m"))
            check_store(folder)
            if result.status == 0:
                return
            assert result.status == 2 and "make room" in result.err, result
    finish(pullama, store, registry, tiny, 0)


def test_a_full_disk_hinders_nobody_from_making_room(pullama, store, registry, disk):
    registry.add("library/m", "latest", model.small(2 * MIB))
    registry.add("library/other", "latest", model.small(2 * MIB, 7))
    folder = disk("200m")
    pullama.pull(registry.name("library/m")).ended(0)
    registry.fault("/blobs/", silent_at=MIB)
    process = pullama.start_pull(registry.name("library/other"), "-x", "1")
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= MIB // 2)
    process.kill()
    with filled(folder, 0):
        pullama.run("list").ended(0)
        pullama.run("show", registry.name("library/m", scheme=False)).ended(0)
        pullama.run("clean").ended(0)
        assert [name for name in leftovers(folder) if name != "other"] == []
        pullama.run("rm", registry.name("library/m", scheme=False)).ended(0)
        assert list((folder / "blobs").iterdir()) == []


def unreadable(path, when, log):
    """strace that lets reads of one file fail."""
    command = tracing.inject("pread64", "error=EIO", when, log)
    return [*command, "-P", str(path)]


@pytest.mark.parametrize("when", ["1", "3", "1+"])
def test_bytes_that_cannot_be_read_back_are_no_wrong_bytes(pullama, store, registry, when):
    """EIO while hashing: exit 1, everything kept, and the next run needs no byte."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    log = pullama.folder / "trace"
    result = pullama.start("pull", "--output", "json", registry.name("library/m"), "-x", "1",
                           environment=tracing.UNTRACED, wrapper=unreadable(
                               store / ".pullm" / (blob_name(tiny.layers[0].digest) + ".partial"), when, log)).result()
    if "INJECTED" not in log.read_text():
        pytest.skip("nothing was read")
    assert result.status in ((1,) if when == "1+" else (0, 1)), result
    if result.status:
        assert blob_name(tiny.layers[0].digest)[:19] in result.err, result
        assert "Input/output error" in result.err and "received is kept" in result.err, result
        assert result.last["Code"] == "io"
    received = registry.blob_bytes()
    finish(pullama, store, registry, tiny, tiny.size - received + 2 * MIB)


@pytest.mark.parametrize("when", ["1", "2", "1+"])
def test_a_blob_in_the_store_that_cannot_be_read_is_kept(pullama, store, registry, when):
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    path = blob_path(store, tiny.layers[0].digest)
    path.parent.mkdir(parents=True)
    path.write_bytes(tiny.layers[0].data)
    log = pullama.folder / "trace"
    result = pullama.start("pull", "--output", "json", registry.name("library/m"),
                           environment=tracing.UNTRACED, wrapper=unreadable(path, when, log)).result()
    assert "INJECTED" in log.read_text()
    if result.status == 0:
        check_model(store, registry, "library/m", "latest", tiny)
        return
    assert result.status == 1 and "Input/output error" in result.err, result
    assert path.exists()
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


@pytest.mark.parametrize("part", ["blobs", "manifests"])
def test_a_store_on_two_disks_is_told_of_before_anything_is_fetched(pullama, disk, registry, tmp_path, part):
    registry.add("library/m", "latest", model.small(MIB))
    folder = disk(128 * MIB)
    (tmp_path / "other").mkdir()
    (folder / part).symlink_to(tmp_path / "other")
    result = pullama.pull(registry.name("library/m")).ended(1)
    assert f"{folder}/{part} lies on another disk" in result.last["Message"], result
    assert not registry.requests("/blobs/")
