"""Models taken out of archives, of ours and of others; what is read twice, and what is missing."""
import os
import shutil
import subprocess

import pytest
from support import model
from support.archives import HOST, Entry, build, downloader_zip, entries_of, files_of, write
from support.model import MIB, Layer, Model
from support.program import check_events
from support.store import blob_path, install, leftovers, manifest_path


@pytest.fixture
def tiny():
    return model.whole(3 * MIB, 1)


@pytest.fixture
def archive(pullama, tiny, tmp_path):
    """What `export` makes of tiny, out of another store."""
    install(tmp_path / "from", "127.0.0.1:5000", "alice/m", "v1", tiny)
    pullama.run("export", "127.0.0.1:5000/alice/m:v1", "-o", tmp_path / "a.zip", "--models-dir", tmp_path / "from")
    return tmp_path / "a.zip"


def check(store, made, host=HOST, repository="library/m", tag="v1"):
    assert manifest_path(store, host, repository, tag).read_bytes() == made.manifest
    for digest, data in made.blobs.items():
        assert blob_path(store, digest).read_bytes() == data
    assert not leftovers(store)


def test_what_was_exported_comes_back(pullama, store, archive, tiny):
    result = pullama.run("import", archive, "--output", "json").ended(0)
    check_events(result)
    check(store, tiny, "127.0.0.1:5000", "alice/m")
    kinds = [e["event"] for e in result.events]
    assert kinds[0] == "import_start" and kinds[-2:] == ["imported", "completed"]
    assert result.named("imported")[0]["ReadBytes"] == tiny.size
    again = pullama.run("import", archive, "--output", "json").ended(0)
    assert again.last["UpToDate"] and again.named("imported")[0]["ReadBytes"] == 0


def test_archives_of_the_downloader(pullama, store, tiny, tmp_path):
    path = downloader_zip(tmp_path / "omd.zip", tiny, host="127.0.0.1:9101")
    pullama.run("import", path).ended(0)
    check(store, tiny, "127.0.0.1:9101")


@pytest.mark.parametrize("form", ["inside", "folder", "stored", "stream"])
def test_archives_of_zip(pullama, store, tiny, tmp_path, form):
    if not shutil.which("zip"):
        pytest.skip("there is no zip")
    install(tmp_path / "models", HOST, "library/m", "v1", tiny)
    path = tmp_path / "z.zip"
    words = {"inside": ["-r", path, "."], "stored": ["-0", "-r", path, "blobs", "manifests"],
             "stream": ["-r", "-", "blobs", "manifests"], "folder": ["-r", path, "models"]}[form]
    with open(path if form == "stream" else os.devnull, "wb") as out:
        subprocess.run(["zip", "-q", *words], check=True, stdout=out,
                       cwd=tmp_path if form == "folder" else tmp_path / "models")
    pullama.run("import", path, "--models-dir", tmp_path / "to").ended(0)
    check(tmp_path / "to", tiny)


@pytest.mark.parametrize("order", ["blobs first", "manifest first", "mixed"])
@pytest.mark.parametrize("deflate", [False, True])
def test_entries_may_come_in_any_order(pullama, store, tiny, tmp_path, order, deflate):
    entries = [Entry(name, data, deflate=deflate) for name, data in files_of(tiny)]
    if order == "manifest first":
        entries.reverse()
    elif order == "mixed":
        entries = entries[2:] + entries[:2]
    pullama.run("import", write(tmp_path / "a.zip", build(entries))).ended(0)
    check(store, tiny)


def test_several_archives_and_models_that_share(pullama, store, tiny, tmp_path):
    other = Model([tiny.layers[0], Layer("adapter", model.noise(MIB, 9))])
    entries = {entry.name: entry for entry in [*entries_of(tiny), *entries_of(other, repository="library/o")]}
    write(tmp_path / "both.zip", build(list(entries.values())))
    write(tmp_path / "third.zip", build(entries_of(model.small(MIB, 5), repository="library/t")))
    result = pullama.run("import", tmp_path / "both.zip", tmp_path / "third.zip", "--output", "json").ended(0)
    check_events(result)
    first = result.named("import_start")[0]
    once = {**tiny.blobs, **other.blobs}
    assert first["TotalSize"] == sum(len(data) for data in once.values()) and first["BlobCount"] == len(once)
    mine = [event for event in result.events if event["job"] == first["job"]]
    assert {event["OverallTotal"] for event in mine if event["event"] == "progress"} == {first["TotalSize"]}
    assert [event["TotalBytes"] for event in mine if event["event"] == "completed"] == [first["TotalSize"]]
    done = [event["OverallDone"] for event in mine if event["event"] == "progress"]
    assert done == sorted(done) and done[-1] == first["TotalSize"]
    numbers = {(event["Blob"]["Digest"], event["Blob"]["Index"]) for event in mine if "Blob" in event}
    assert sorted(number for _, number in numbers) == list(range(1, len(once) + 1)), numbers
    check(store, tiny)
    check(store, other, repository="library/o")
    check(store, model.small(MIB, 5), repository="library/t")


def test_from_a_pipe(pullama, store, archive, tiny):
    with open(archive, "rb") as stream, subprocess.Popen(["cat"], stdin=stream, stdout=subprocess.PIPE) as cat:
        pullama.run("import", "-", stdin=cat.stdout).ended(0)
        cat.stdout.close()
    check(store, tiny, "127.0.0.1:5000", "alice/m")
    with open(archive, "rb") as stream:
        assert "all is here already" in pullama.run("import", "-", stdin=stream).ended(0).out


def test_from_a_pipe_another_order_is_refused_with_a_way_out(pullama, store, tiny, tmp_path):
    write(tmp_path / "a.zip", build(entries_of(tiny)))
    with open(tmp_path / "a.zip", "rb") as stream:
        result = pullama.run("import", "-", stdin=stream).ended(1)
    assert "save the archive to a file and import that" in result.err, result


def test_parts_are_read_by_the_first(pullama, store, tiny, tmp_path):
    install(tmp_path / "from", HOST, "library/m", "v1", tiny)
    pullama.run("export", "m:v1", "-o", tmp_path / "a.zip", "--split", "1MiB", "--models-dir", tmp_path / "from").ended(0)
    second, last = tmp_path / "a.zip.002", sorted(tmp_path.glob("a.zip.*"))[-1]
    assert "name the first one, a.zip.001" in pullama.run("import", second).ended(64).err
    assert "a.zip.001 is: name that one" in pullama.run("import", tmp_path / "a.zip").ended(64).err
    for part, said in ((second, "a.zip.002 is missing"), (last, "cut short")):
        kept = part.read_bytes()
        part.unlink()
        assert said in pullama.run("import", tmp_path / "a.zip.001").ended(1).err
        part.write_bytes(kept)
    kept = second.read_bytes()
    second.write_bytes(kept[:-1])
    assert "a.zip.002 has not the size" in pullama.run("import", tmp_path / "a.zip.001").ended(1).err
    second.write_bytes(kept)
    pullama.run("import", tmp_path / "a.zip.001").ended(0)
    check(store, tiny)


def test_what_is_missing_in_it_may_be_in_the_store(pullama, store, tiny, tmp_path):
    entries = [entry for entry in entries_of(tiny) if tiny.layers[0].digest[7:].encode() not in entry.name]
    path = write(tmp_path / "a.zip", build(entries))
    assert "it lacks blobs/sha256-" in pullama.run("import", path).ended(1).err
    install(store, HOST, "library/x", "v1", Model([tiny.layers[0]]))
    pullama.run("import", path).ended(0)
    check(store, tiny)


def test_only_what_is_missing_is_read_again(pullama, store, tiny, tmp_path, archive):
    """A partial of a pull, or of an import that was killed, is gone on with."""
    layer = tiny.layers[0]
    staging = store / ".pullm"
    staging.mkdir(parents=True)
    with open(staging / f"{layer.digest.replace(':', '-')}.partial", "wb") as stream:
        stream.write(layer.data[:2 * MIB])
        stream.truncate(len(layer.data))
    result = pullama.run("import", archive, "--output", "json").ended(0)
    assert result.named("blob_resumed")[0]["BytesKept"] >= 2 * MIB - 65536
    assert result.named("imported")[0]["ReadBytes"] <= tiny.size - 2 * MIB + 65536
    check(store, tiny, "127.0.0.1:5000", "alice/m")


def test_a_bad_partial_costs_one_more_reading(pullama, store, tiny, archive):
    layer = tiny.layers[0]
    staging = store / ".pullm"
    staging.mkdir(parents=True)
    (staging / f"{layer.digest.replace(':', '-')}.partial").write_bytes(b"x" * len(layer.data))
    pullama.run("import", archive).ended(0)
    check(store, tiny, "127.0.0.1:5000", "alice/m")


def test_a_damaged_blob_in_the_store_is_replaced(pullama, store, tiny, archive):
    blob = blob_path(store, tiny.layers[0].digest)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"x" * len(tiny.layers[0].data))
    pullama.run("import", archive).ended(0)
    check(store, tiny, "127.0.0.1:5000", "alice/m")


def test_a_dry_run_changes_nothing(pullama, store, archive, tiny):
    result = pullama.run("import", archive, "--dry-run").ended(0)
    assert "would import" in result.out and "fits" in result.out and not store.exists()


def test_a_signal_stops_it_and_the_next_run_goes_on(pullama, store, archive, tiny):
    read, writing = os.pipe()
    process = pullama.start("import", "-", "--output", "json", stdin=read)
    os.close(read)
    data = archive.read_bytes()
    os.write(writing, data[:65536])
    process.wait_event("import_start")
    process.signal(15)
    result = process.result(10).ended(0)
    os.close(writing)
    assert result.last["Code"] == "interrupted" and not manifest_path(store, "127.0.0.1:5000", "alice/m", "v1").exists()
    pullama.run("import", archive).ended(0)
    check(store, tiny, "127.0.0.1:5000", "alice/m")


@pytest.mark.parametrize("words, status, said", [
    ((), 64, "operand is missing"),
    (("none.zip",), 64, "there is no file none.zip"),
    ((".",), 64, ". is a folder"),
    (("-", "a.zip"), 64, "- stands alone"),
    (("a.zip", "--split", "1G"), 64, "has no flag --split"),
])
def test_bad_words_get_one_clear_error(pullama, tmp_path, words, status, said):
    result = pullama.run("import", *words, cwd=tmp_path).ended(status)
    assert said in result.err and result.err.count("error:") == 1, result


def test_a_damaged_archive_does_not_cost_what_a_pull_has_fetched(pullama, store, tiny, tmp_path):
    layer = tiny.layers[0]
    damaged = bytearray(layer.data)
    damaged[-1] ^= 1
    wrong = {layer.digest: bytes(damaged)}
    blobs = [Entry(f"blobs/{d.replace(':', '-')}", wrong.get(d, tiny.blobs[d]))
             for d in (x.digest for x in [*tiny.layers, tiny.config])]
    path = write(tmp_path / "damaged.zip", build([entries_of(tiny)[-1], *blobs]))
    partial = store / ".pullm" / f"{layer.digest.replace(':', '-')}.partial"
    partial.parent.mkdir(parents=True)
    for how in ("file", "stream"):
        with open(partial, "wb") as stream:
            stream.write(layer.data[:2 * MIB])
            stream.truncate(len(layer.data))
        with open(path, "rb") as stream:
            result = pullama.run("import", path if how == "file" else "-", stdin=stream).ended(5)
        assert "the archive has other bytes" in result.err
        good = write(tmp_path / "good.zip", build(entries_of(tiny)))
        result = pullama.run("import", good, "--output", "json").ended(0)
        assert result.named("blob_resumed")[0]["BytesKept"] >= 2 * MIB - 65536, how
        check(store, tiny)
        pullama.run("rm", "m:v1").ended(0)
