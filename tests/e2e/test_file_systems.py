"""The store on other file systems than the one that the tests are on: real XFS and Btrfs, where files share blocks."""
import shutil
import subprocess

import pytest
from support import gguf, model
from support.model import MIB, noise
from support.store import blob_path, check_model, check_store, descriptors, leftovers, manifest_path

HOST = "registry.ollama.ai"
ROOM = 320 * MIB  # no XFS is smaller than 300 MiB
KINDS = ["xfs", "btrfs"]


@pytest.fixture(params=KINDS)
def disk(request, tmp_path):
    """A folder on a file system of its own, in which the store lies."""
    make, image, folder = shutil.which(f"mkfs.{request.param}", path="/usr/sbin:/sbin:/usr/bin:/bin"), \
        tmp_path / "image", tmp_path / "disk"
    if not make:
        pytest.skip(f"no mkfs.{request.param}")
    folder.mkdir()
    with open(image, "wb") as stream:
        stream.truncate(ROOM)
    subprocess.run([make, "-q", image], check=True, capture_output=True)
    if subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"may not mount {request.param} here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    image.unlink()


@pytest.fixture
def store(disk):
    """In place of the usual models directory."""
    path = disk / "models"
    yield path
    check_store(path)


def own_file(disk, size=24 * MIB):
    path = disk / "mine.gguf"
    path.write_bytes(gguf.make_of_about(size, filler=lambda n: noise(n, 1)))
    return path


def used(disk):
    subprocess.run(["sync", "-f", disk], check=True)
    return shutil.disk_usage(disk).used


def largest_blob(store, host, name):
    wanted = descriptors(manifest_path(store, host, name, "latest"))
    return blob_path(store, max(wanted, key=lambda one: one["size"])["digest"])


def test_adopt_shares_the_blocks_of_the_file_and_not_its_changes(pullama, store, disk):
    path = own_file(disk)
    content, before = path.read_bytes(), used(disk)
    result = pullama.run("adopt", path, "--as", "a", "--output", "json").ended(0)
    assert result.named("adopted")[0]["How"] == "reflink"
    assert used(disk) - before < 4 * MIB
    with open(path, "r+b") as stream:
        stream.write(b"overwritten")
    assert largest_blob(store, HOST, "library/a").read_bytes() == content
    pullama.run("verify").ended(0)
    assert leftovers(store) == []


def test_freed_bytes_are_those_that_nobody_shares(pullama, store, disk):
    path = own_file(disk)
    size = path.stat().st_size
    pullama.run("adopt", path, "--as", "a").ended(0)
    used(disk)  # what is not on the disk has no blocks yet that could be shared
    shared = pullama.run("rm", "a", "--dry-run", "--output", "json").ended(0).named("rm_done")[0]
    assert shared["BytesReclaimed"] < MIB
    path.unlink()
    before = used(disk)
    alone = pullama.run("rm", "a", "--output", "json").ended(0).named("rm_done")[0]
    assert size <= alone["BytesReclaimed"] < size + MIB
    assert before - used(disk) > size - 4 * MIB


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_killed_pull_goes_on(pullama, store, registry, share):
    tiny = registry.add("library/m", "latest", model.small(16 * MIB))
    registry.gate.limit(int(share * 16 * MIB))
    process = pullama.start_pull(registry.name("library/m"), "--chunk-size", "1MiB")
    process.wait_event("progress", where=lambda event: event["OverallDone"] >= share * 16 * MIB - 256 * 1024)
    process.kill()
    registry.gate.limit(None)
    pullama.pull(registry.name("library/m"), "--chunk-size", "1MiB").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes() <= tiny.size + 4 * 256 * 1024
    assert leftovers(store) == []


def test_a_full_disk_is_told_and_the_same_command_finishes(pullama, store, disk, registry):
    registry.add("library/m", "latest", model.small(24 * MIB))
    ballast = disk / "ballast"
    with open(ballast, "wb") as stream:
        while shutil.disk_usage(disk).free > 20 * MIB:
            stream.write(noise(MIB, 3))
            stream.flush()
            subprocess.run(["sync", "-f", disk], check=True)
    result = pullama.pull(registry.name("library/m")).ended(2)
    assert "free" in result.err or "No space" in result.err
    ballast.unlink()
    used(disk)
    pullama.pull(registry.name("library/m")).ended(0)


def test_a_damaged_blob_is_repaired_beside_a_copy_that_shares_it(pullama, store, disk, registry):
    registry.add("library/m", "latest", model.small(8 * MIB))
    pullama.pull(registry.name("library/m")).ended(0)
    blob = largest_blob(store, registry.host, "library/m")
    with open(blob, "r+b") as stream:
        stream.seek(3 * MIB)
        stream.write(b"damage")
    copy = disk / "copy"
    subprocess.run(["cp", "--reflink=always", blob, copy], check=True)
    damaged = copy.read_bytes()
    pullama.run("verify", "--repair", "--insecure").ended(0)
    pullama.run("verify").ended(0)
    assert copy.read_bytes() == damaged


def test_a_model_goes_out_and_comes_back(pullama, store, disk, registry):
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    name = registry.name("library/m")
    pullama.pull(name).ended(0)
    pullama.run("export", name, "-o", disk / "m.zip").ended(0)
    pullama.run("rm", name).ended(0)
    pullama.run("import", disk / "m.zip").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
