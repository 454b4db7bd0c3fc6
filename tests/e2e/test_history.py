"""The history: what every job leaves in it, what it is summed up to, and that it never harms a job."""
import csv
import io
import os
import re
import signal
import sqlite3
import subprocess

import pytest
from support import gguf, model
from support.model import MIB
from support.program import wait_for
from support.store import check_model, install, inventory, snapshot

RESUMED = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}


@pytest.fixture
def registry(serve):
    return serve()


@pytest.fixture
def tiny(registry):
    return registry.add("library/m", "latest", model.small(2 * MIB))


def history(pullama, *arguments):
    return pullama.run("history", "--output", "json", *arguments).ended(0).named("history")


def test_every_kind_of_job_is_recorded(pullama, store, registry, tiny, receive, put):
    name = registry.name("library/m")
    pullama.run("pull", name).ended(0)
    pullama.run("pull", name).ended(0)
    pullama.run("pull", registry.name("library/none")).ended(4)
    other = receive()
    pullama.run("push", put(other, model.small(MIB, seed=2))).ended(0)
    pullama.run("verify").ended(0)
    pullama.run("cp", name, "copy").ended(0)
    pullama.run("rm", "copy").ended(0)
    pullama.run("list").ended(0)
    pullama.run("pull", "--dry-run", name).ended(0)
    jobs = history(pullama)
    assert [job["JobVerb"] for job in jobs] == ["pull", "pull", "pull", "push", "verify", "cp", "rm"]
    assert [job["Outcome"] for job in jobs] == ["ok", "ok", "not_found", "ok", "ok", "ok", "ok"]
    size = sum(len(data) for data in tiny.blobs.values())
    first, second, none, push = jobs[:4]
    assert (first["FetchedBytes"], first["ReusedBytes"], first["TotalSize"]) == (size, 0, size)
    assert (second["FetchedBytes"], second["ReusedBytes"], second["TotalSize"]) == (0, size, size)
    assert first["Host"] == registry.host and first["Reference"].endswith("/library/m:latest")
    assert "library/none" in none["Message"] and none["FetchedBytes"] == 0
    assert push["SentBytes"] > MIB and push["Host"] == other.host
    for job in jobs:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", job["StartedAt"]) and job["StartedAt"] <= job["EndedAt"]


def test_models_that_come_and_go_as_files_are_recorded(pullama, tmp_path):
    weights, archive = tmp_path / "x.gguf", tmp_path / "x.zip"
    weights.write_bytes(gguf.make_of_about(MIB))
    pullama.run("adopt", weights, "--as", "tiny").ended(0)
    pullama.run("export", "tiny", "-o", archive).ended(0)
    pullama.run("rm", "tiny").ended(0)
    pullama.run("import", archive).ended(0)
    jobs = history(pullama)
    assert [job["JobVerb"] for job in jobs] == ["adopt", "export", "rm", "import"]
    assert all(job["Outcome"] == "ok" and job["TotalSize"] >= len(weights.read_bytes()) for job in jobs)
    assert all("tiny" in job["Reference"] or str(archive) in job["Reference"] for job in jobs)


def test_jobs_over_several_models_say_what_was_asked_for(pullama, store, tmp_path):
    for name in ("one", "two"):
        install(store, "registry.ollama.ai", f"library/{name}", "latest", model.small(MIB, seed=len(name)))
    archive = tmp_path / "both.zip"
    for arguments in (["clean"], ["verify"], ["verify", "one"], ["verify", "one", "two"], ["export", "one", "two", "-o", archive],
                      ["rm", "one"], ["import", archive]):
        pullama.run(*arguments).ended(0)
    whole = "registry.ollama.ai/library/one:latest"
    asked = [None, "all models", whole, "2 models", str(archive), whole, str(archive)]
    assert [job["Reference"] for job in history(pullama)] == asked
    rows = pullama.run("history").ended(0).out.splitlines()[1:]
    for row, text in zip(rows, ["-", "all models", "one:latest", "2 models", str(archive), "one:latest", str(archive)]):
        assert f"  {text}  " in row, row


def test_a_push_is_recorded_by_the_name_that_the_registry_knows(pullama, store, receive):
    install(store, "registry.ollama.ai", "library/m", "latest", model.small(MIB))
    registry = receive()
    pullama.run("push", "m", "--as", registry.name("team/n", "v2")).ended(0)
    pushed = history(pullama)[-1]
    assert pushed["Host"] == registry.host and f"{registry.host}/team/n:v2" in pushed["Reference"]
    assert "registry.ollama.ai" not in pullama.run("stats").ended(0).out


def test_an_archive_whose_models_share_blobs_adds_up(pullama, store, tmp_path):
    one, other = model.small(MIB, seed=3), model.small(MIB, seed=4)
    for name, what in (("one", one), ("other", other), ("same", one)):
        install(store, "registry.ollama.ai", f"library/{name}", "latest", what)
    archive = tmp_path / "all.zip"
    pullama.run("export", "one", "other", "same", "-o", archive).ended(0)
    pullama.run("rm", "other").ended(0)
    pullama.run("import", archive).ended(0)
    pullama.run("import", archive).ended(0)
    some, none = history(pullama)[-2:]
    for job in some, none:
        assert job["TotalSize"] == one.size + other.size
        assert job["FetchedBytes"] + job["ReusedBytes"] == job["TotalSize"]
    assert some["FetchedBytes"] > 0 and some["ReusedBytes"] > 0 and none["FetchedBytes"] == 0


def test_what_was_interrupted_and_what_went_on_add_up(pullama, registry, tiny):
    registry.gate.limit(MIB)
    process = pullama.start_pull(registry.name("library/m"), environment=RESUMED)
    process.wait_event("progress", where=lambda event: event["OverallDone"] >= MIB // 2)
    process.signal(signal.SIGINT)
    process.result(20).ended(0)
    registry.gate.limit(None)
    pullama.run("pull", registry.name("library/m")).ended(0)
    stopped, resumed = history(pullama)
    assert stopped["Outcome"] == "interrupted" and stopped["FetchedBytes"] > 0
    assert resumed["Outcome"] == "ok" and resumed["ReusedBytes"] > 0
    assert resumed["ReusedBytes"] + resumed["FetchedBytes"] == resumed["TotalSize"]


def test_retries_are_counted(pullama, registry, tiny):
    registry.fault("/manifests/", times=2, status=503, headers={"Retry-After": "0"})
    pullama.run("pull", registry.name("library/m")).ended(0)
    assert history(pullama)[0]["Retries"] == 2


def test_since_and_csv_and_sums(pullama, registry, tiny):
    name = registry.name("library/m")
    pullama.run("pull", name).ended(0)
    pullama.run("pull", name).ended(0)
    assert len(history(pullama, "--since", "1h")) == 2
    assert history(pullama, "--since", "2999-01-01") == []
    pullama.run("history", "--since", "yesterday").ended(64)
    rows = list(csv.DictReader(io.StringIO(pullama.run("history", "--output", "csv").ended(0).out)))
    assert [row["JobVerb"] for row in rows] == ["pull", "pull"] and rows[0]["Host"] == registry.host
    sums = pullama.run("stats", "--output", "json").ended(0).named("stats")
    assert [(s["Scope"], s["Jobs"]) for s in sums] == [("all", 2), ("host", 2), ("day", 2)]
    assert sums[0]["FetchedBytes"] == sums[0]["ReusedBytes"] == sum(len(data) for data in tiny.blobs.values())
    assert sums[1]["Name"] == registry.host and re.fullmatch(r"\d{4}-\d\d-\d\d", sums[2]["Name"])
    empty = pullama.run("history", "--output", "csv", "--since", "2999-01-01").ended(0)
    assert empty.out.count("\n") == 1 and empty.out.startswith("JobVerb,"), empty


def test_it_is_bounded_on_request_and_stays_so(pullama, registry, tiny):
    name = registry.name("library/m")
    for _ in range(3):
        pullama.run("pull", name).ended(0)
    assert "keeps the newest 2 jobs from now on; 1 dropped" in pullama.run("history", "--keep", "2").ended(0).out
    pullama.run("pull", name).ended(0)
    assert len(history(pullama)) == 2
    assert "all jobs" in pullama.run("history", "--keep", "all").ended(0).out
    pullama.run("pull", name).ended(0)
    assert len(history(pullama)) == 3
    assert "of the last" in pullama.run("history", "--keep", "90d").ended(0).out
    assert len(history(pullama)) == 3
    for wrong in ("0", "-1", "soon", "0s"):
        pullama.run("history", "--keep=" + wrong).ended(64)


def test_an_empty_history_says_so_and_makes_nothing(pullama, store):
    assert pullama.run("history").ended(0).out == "no jobs in the history\n"
    assert pullama.run("stats").ended(0).out == "no jobs in the history\n"
    assert not store.exists()


# ---- it never harms a job ----

def test_a_database_that_is_locked_delays_no_interrupt(pullama, store, registry, tiny):
    pullama.run("queue", "add", "x").ended(0)
    registry.gate.limit(MIB)
    process = pullama.start_pull(registry.name("library/m"), environment=RESUMED)
    process.wait_event("progress")
    with sqlite3.connect(store / ".pullm" / "pullama.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        process.signal(signal.SIGINT)
        result = process.result(20).ended(0)
        other.execute("ROLLBACK")
    assert "resume with" in result.err and "locked" not in result.err, result


def test_a_damaged_database_fails_no_job(pullama, store, registry, tiny):
    (store / ".pullm").mkdir(parents=True)
    (store / ".pullm" / "pullama.db").write_bytes(b"noise" * 2000)
    result = pullama.run("pull", registry.name("library/m")).ended(0)
    assert result.err == "", result
    check_model(store, registry, "library/m", "latest", tiny)
    assert (store / ".pullm" / "pullama.db").read_bytes() == b"noise" * 2000


@pytest.fixture
def read_only(store):
    """Makes the store a read-only mount."""
    mounted = []

    def mount():
        for command in (["mount", "--bind", store, store], ["mount", "-o", "remount,ro,bind", store]):
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                pytest.skip("may not mount a file system here")
            mounted.append(store) if command[1] == "--bind" else None

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_read_only_store_is_read_and_jobs_are_silent_about_it(pullama, store, registry, tiny, read_only):
    pullama.run("pull", registry.name("library/m")).ended(0)
    pullama.run("queue", "add", "later").ended(0)
    read_only()
    before = inventory(store)
    verify = pullama.run("verify").ended(0)
    assert verify.err == "", verify
    assert "later:latest" in pullama.run("queue", "list").ended(0).out
    assert len(history(pullama)) == 1
    refused = pullama.run("queue", "add", "more").ended(1)
    assert "Read-only file system" in refused.err or "may not be written to" in refused.err, refused
    pullama.run("queue", "start").ended(1)
    assert inventory(store) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_write_can_read_and_verify(pullama, store, registry, tiny, tmp_path):
    pullama.run("pull", registry.name("library/m")).ended(0)
    pullama.run("queue", "add", "later").ended(0)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o11)
    before = snapshot(store)
    wrapper = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    assert pullama.run("verify", wrapper=wrapper).ended(0).err == ""
    assert "later:latest" in pullama.run("queue", "list", wrapper=wrapper).ended(0).out
    refused = pullama.run("queue", "add", "more", wrapper=wrapper).ended(1)
    assert "pullama.db" in refused.err or ".pullm" in refused.err, refused
    assert snapshot(store) == before


def test_a_full_disk_is_told_and_the_queue_stays_valid(pullama, store):
    store.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", store], check=False).returncode != 0:
        pytest.skip("may not mount a file system here")
    try:
        pullama.run("queue", "add", "first").ended(0)
        with open(store / "blobs" / ("sha256-" + "0" * 64), "wb") as other:
            free = os.statvfs(store)
            os.posix_fallocate(other.fileno(), 0, free.f_bavail * free.f_frsize)
        full = pullama.run("queue", "add", *[f"m{n}" for n in range(2000)]).ended(2)
        assert "make room" in full.err and "pullama.db" in full.err, full
        assert "first:latest" in pullama.run("queue", "list").ended(0).out
        os.unlink(other.name)
        pullama.run("queue", "add", "second").ended(0)
        assert len(pullama.run("queue", "list").ended(0).out.splitlines()) == 2
    finally:
        subprocess.run(["umount", "-l", store], check=True)


def test_two_jobs_at_a_time_are_both_recorded(pullama, registry, tiny):
    registry.add("library/n", "latest", model.small(MIB, seed=3))
    one = pullama.start_pull(registry.name("library/m"))
    two = pullama.start_pull(registry.name("library/n"))
    one.result().ended(0)
    two.result().ended(0)
    wait_for(lambda: len(history(pullama)) == 2, "both records")
