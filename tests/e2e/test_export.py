"""Models written to archives: whole, the same each time, and never in the place of something else unasked."""
import hashlib
import os
import shutil
import subprocess
import zipfile

import pytest
from support import model
from support.archives import HOST
from support.model import MIB
from support.program import check_events
from support.store import blob_path, check_store, install, snapshot


@pytest.fixture
def tiny(store):
    made = model.whole(3 * MIB, 1)
    install(store, HOST, "library/tiny", "v1", made)
    return made


@pytest.fixture
def other(store, tiny):
    """Shares the weights with tiny, and is from a registry with a port."""
    made = model.Model([tiny.layers[0], model.Layer("adapter", model.noise(MIB, 9))])
    install(store, "127.0.0.1:5000", "alice/Other", "latest", made)
    return made


OTHER = "127.0.0.1:5000/alice/Other"


def test_a_zip_program_and_python_accept_it(pullama, tiny, other, tmp_path):
    path = tmp_path / "a.zip"
    result = pullama.run("export", "tiny:v1", OTHER, "-o", path, "--output", "json").ended(0)
    check_events(result)
    assert [e["event"] for e in result.events if e["event"] != "progress"] == ["export_start", "exported", "completed"]
    assert result.named("exported")[0]["ArchiveSize"] == path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        names = [info.filename for info in infos]
        assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
        assert {info.flag_bits for info in infos} == {0} and {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read(f"manifests/{HOST}/library/tiny/v1") == tiny.manifest
        assert archive.read("manifests/127.0.0.1%3A5000/alice/Other/latest") == other.manifest
        for digest, data in {**tiny.blobs, **other.blobs}.items():
            assert archive.read("blobs/" + digest.replace(":", "-")) == data
    assert len(names) == len(set(names)) and names.index("blobs/") > max(
        names.index(name) for name in names if name.startswith("manifests/"))
    if shutil.which("unzip"):
        assert b"No errors detected" in subprocess.run(["unzip", "-t", path], capture_output=True, check=True).stdout


def test_unpacked_it_is_a_models_directory(pullama, store, tiny, tmp_path):
    pullama.run("export", "tiny:v1", "-o", tmp_path / "a.zip").ended(0)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    check_store(tmp_path / "unpacked")
    pullama.run("verify", "tiny:v1", "--models-dir", tmp_path / "unpacked").ended(0)


def test_equal_models_give_equal_bytes(pullama, store, tiny, other, tmp_path):
    pullama.run("export", "tiny:v1", OTHER, "-o", tmp_path / "a.zip").ended(0)
    copy = tmp_path / "copy"
    install(copy, "127.0.0.1:5000", "alice/Other", "latest", other)
    install(copy, HOST, "library/tiny", "v1", tiny)
    pullama.run("export", OTHER, "tiny:v1", OTHER, "-o", tmp_path / "b.zip", "--models-dir", copy).ended(0)
    with open(tmp_path / "c.zip", "wb") as stream:
        result = pullama.run("export", "tiny:v1", OTHER, "-o", "-", stdout=stream).ended(0)
    assert "exported 2 models to standard output" in result.err
    pullama.run("export", "tiny:v1", OTHER, "-o", tmp_path / "d.zip", "--split", "1MiB").ended(0)
    parts = sorted(tmp_path.glob("d.zip.*"))
    assert [part.name[-4:] for part in parts] == [".001", ".002", ".003", ".004", ".005"]
    assert {part.stat().st_size for part in parts[:-1]} == {MIB}
    (tmp_path / "d.zip").write_bytes(b"".join(part.read_bytes() for part in parts))
    sums = {hashlib.sha256((tmp_path / f"{name}.zip").read_bytes()).hexdigest() for name in "abcd"}
    assert len(sums) == 1


def test_what_is_there_is_not_replaced_unasked(pullama, tiny, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"mine")
    result = pullama.run("export", "tiny:v1", "-o", path).ended(64)
    assert "--force replaces it" in result.err and path.read_bytes() == b"mine"
    pullama.run("export", "tiny:v1", "-o", path, "--force").ended(0)
    assert zipfile.ZipFile(path).testzip() is None
    assert sorted(entry.name for entry in tmp_path.glob("a.zip*")) == ["a.zip"]


def test_forced_parts_leave_none_of_the_old_ones(pullama, tiny, tmp_path):
    path = tmp_path / "a.zip"
    pullama.run("export", "tiny:v1", "-o", path, "--split", "1MiB").ended(0)
    assert "a.zip.001 is there" in pullama.run("export", "tiny:v1", "-o", path, "--split", "2MiB").ended(64).err
    pullama.run("export", "tiny:v1", "-o", path, "--split", "2MiB", "--force").ended(0)
    assert sorted(entry.name for entry in tmp_path.glob("a.zip*")) == ["a.zip.001", "a.zip.002"]
    pullama.run("import", f"{path}.001", "--models-dir", tmp_path / "to").ended(0)


@pytest.mark.parametrize("words, said", [
    (("tiny:v1",), "-o FILE.zip"),
    (("-o", "x.zip"), "operand is missing"),
    (("tiny:v1", "-o", "."), "is a folder"),
    (("tiny:v1", "-o", "sub/"), "name a file in it"),
    (("tiny:v1", "-o", "x.zip", "--split", "1K"), "1MiB to 1TiB"),
    (("tiny:v1", "-o", "-", "--split", "1MiB"), "no parts"),
    (("tiny:v1", "-o", "x.zip", "--fast"), "has no flag --fast"),
])
def test_bad_words_get_one_clear_error(pullama, tiny, tmp_path, words, said):
    (tmp_path / "sub").mkdir()
    result = pullama.run("export", *words, cwd=tmp_path).ended(64)
    assert said in result.err and result.err.count("error:") == 1, result
    assert not list(tmp_path.glob("x.zip*"))


def test_places_that_cannot_be_written_are_named(pullama, tiny, tmp_path):
    result = pullama.run("export", "tiny:v1", "-o", tmp_path / "no" / "a.zip").ended(64)
    assert str(tmp_path / "no") in result.err, result
    assert "no model missing" in pullama.run("export", "missing", "-o", tmp_path / "a.zip").ended(4).err.lower()
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in pullama.run("export", "tiny:v1", "-o", tmp_path / "pipe").ended(64).err


def test_a_dry_run_writes_nothing(pullama, tiny, tmp_path):
    result = pullama.run("export", "tiny:v1", "-o", tmp_path / "a.zip", "--dry-run").ended(0)
    assert "would export tiny:v1" in result.out and not list(tmp_path.glob("a.zip*"))


@pytest.mark.broken_store
@pytest.mark.parametrize("target", ["file", "stream", "parts"])
@pytest.mark.parametrize("damage", ["flipped", "short", "grown", "missing"])
def test_a_damaged_blob_ends_it_and_nothing_gets_the_name(pullama, store, tiny, tmp_path, target, damage):
    blob = blob_path(store, tiny.layers[0].digest)
    data = bytearray(blob.read_bytes())
    data[2 * MIB] ^= 1
    if damage == "missing":
        blob.unlink()
    else:
        blob.write_bytes({"flipped": data, "short": data[:-1], "grown": data + b"x"}[damage])
    before = snapshot(store)
    words = {"file": ("-o", tmp_path / "a.zip"), "stream": ("-o", "-"),
             "parts": ("-o", tmp_path / "a.zip", "--split", "1MiB")}[target]
    result = pullama.run("export", "tiny:v1", *words).ended(5)
    assert "damaged" in result.err and "verify --repair" in result.err, result
    assert not list(tmp_path.glob("a.zip*")) and result.out.count("PK") == 0
    assert snapshot(store) == before


def test_a_reader_that_ends_early_is_told_of(pullama, tiny):
    with subprocess.Popen(["head", "-c", "100000"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as head:
        result = pullama.run("export", "tiny:v1", "-o", "-", stdout=head.stdin)
        head.stdin.close()
    assert result.status == 1 and "reads the archive has ended" in result.err, result


def test_a_signal_ends_it_and_leaves_nothing(pullama, tiny, tmp_path):
    read, write = os.pipe()  # nobody reads: it gets stuck
    process = pullama.start("export", "tiny:v1", "-o", "-", stdout=write)
    os.close(write)
    assert os.read(read, 4) == b"PK\3\4"
    process.signal(2)
    result = process.result(10)
    os.close(read)
    assert result.status == 0 and "interrupted" in result.err, result


def test_a_pull_can_end_in_an_archive(pullama, registry, tmp_path):
    registry.add("library/m", "latest", model.small(MIB))
    registry.add("library/n", "latest", model.small(MIB, 2))
    path = tmp_path / "both.zip"
    pullama.pull(registry.name("library/m"), registry.name("library/n"), "--export", path).ended(0)
    names = zipfile.ZipFile(path).namelist()
    host = registry.host.replace(":", "%3A")
    assert f"manifests/{host}/library/m/latest" in names and f"manifests/{host}/library/n/latest" in names
    result = pullama.pull(registry.name("library/m"), registry.name("library/none"), "--export", tmp_path / "c.zip")
    assert result.ended(4).last["verb"] == "export" and "left out" in result.last["Message"]
    assert not (tmp_path / "c.zip").exists()
