"""The queue: its order, what is skipped and protected, runs, interrupts, and what survives what."""
import json
import os
import random
import signal
import sqlite3
import threading

import pytest
from support import campaign, model, tracing
from support.model import MIB, Layer, Model, config_of, noise
from support.program import check_events, wait_for
from support.store import check_model, check_store

PART = "the queue: adds and kills"
ADDS = int(os.environ.get("PULLAMA_ADDS", "240"))
KILLS = int(os.environ.get("PULLAMA_KILLS", "12"))
SEED = int(os.environ.get("PULLAMA_SEED", "1"))
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}  # the search for leaks would count as our time


@pytest.fixture
def registry(serve):
    return serve()


@pytest.fixture
def models(registry):
    """Models a, b and c."""
    return {name: registry.add(f"library/{name}", "latest", model.small(2 * MIB, seed=seed))
            for seed, name in enumerate("abc", 1)}


def names(registry, words):
    return [registry.name(f"library/{name}") for name in words]


def entries(pullama):
    """[(model's last part, status)] in order."""
    listed = pullama.run("queue", "list", "--output", "json").ended(0)
    rows = listed.named("queue_entry")
    assert [row["Position"] for row in rows] == list(range(1, len(rows) + 1)), listed
    return [(row.get("Model", row["Reference"]).rpartition("/")[2], row["Status"]) for row in rows]


def start(pullama, *arguments, **options):
    return pullama.start("queue", "start", "--output", "json", *arguments, **options)


def run(pullama, *arguments):
    result = start(pullama, *arguments).result(120)
    check_events(result)
    return result


def test_models_are_pulled_in_their_order_and_failures_are_skipped(pullama, store, registry, models):
    pullama.run("queue", "add", *names(registry, ["b", "none", "a"])).ended(0)
    result = run(pullama).ended(4)
    settled = result.named("queue_settled")
    assert [(e["Tag"], e["Status"], e["Index"], e["Total"]) for e in settled] == [
        ("latest", "completed", 1, 3), ("latest", "failed", 2, 3), ("latest", "completed", 3, 3)], result
    assert result.last["event"] == "failed" and "1 of 3 models" in result.last["Message"], result
    assert entries(pullama) == [("b", "completed"), ("none", "failed"), ("a", "completed")]
    for name in "ab":
        check_model(store, registry, f"library/{name}", "latest", models[name])
    listed = pullama.run("queue", "list", "--output", "json").named("queue_entry")[1]
    assert listed["Code"] == "not_found" and "library/none" in listed["Message"] and listed["Attempts"] == 1


def test_whole_references_are_kept_and_only_equal_ones_are_duplicates(pullama, registry):
    references = ["llama3.2", "user/llama3.2", "hf.co/a/b:Q4_K_M", "http://127.0.0.1:1/library/m", "[::1]:5000/ns/m"]
    pullama.run("queue", "add", *references).ended(0)
    again = pullama.run("queue", "add", "llama3.2:latest", "registry.ollama.ai/library/llama3.2", "LLAMA3.2x").ended(0)
    assert "llama3.2:latest is in the queue already: entry 1, queued" in again.out, again
    assert "added 1 model to queue" in again.out, again
    listed = pullama.run("queue", "list", "--output", "json").named("queue_entry")
    assert [e["Reference"] for e in listed] == [
        "registry.ollama.ai/library/llama3.2:latest", "registry.ollama.ai/user/llama3.2:latest", "hf.co/a/b:Q4_K_M",
        "http://127.0.0.1:1/library/m:latest", "[::1]:5000/ns/m:latest",
        "registry.ollama.ai/library/LLAMA3.2x:latest"]
    nothing = pullama.run("queue", "add", "llama3.2").ended(0)
    assert "all models already in queue" in nothing.out, nothing


def test_entries_go_by_position_and_by_name_all_or_none(pullama):
    pullama.run("queue", "add", "a", "b", "c", "d").ended(0)
    for wrong, status in ((["2", "9"], 64), (["2", "x"], 4), (["2x"], 4), (["0"], 64)):
        pullama.run("queue", "rm", *wrong).ended(status)
    assert [name for name, _ in entries(pullama)] == list("abcd")
    removed = pullama.run("queue", "rm", "2", "d", "2").ended(0)
    assert removed.out.splitlines() == ["removed entry 2: b:latest", "removed entry 4: d:latest"], removed
    assert [name for name, _ in entries(pullama)] == ["a", "c"]
    pullama.run("queue", "clear").ended(0)
    assert pullama.run("queue", "list").ended(0).out == "queue is empty\n"


def test_a_name_that_is_none_adds_nothing(pullama):
    wrong = pullama.run("queue", "add", "good", "../../etc").ended(64)
    assert "../../etc" in wrong.err, wrong
    assert entries(pullama) == []


def test_what_failed_is_retried_at_its_place(pullama, registry, models):
    pullama.run("queue", "add", *names(registry, ["a", "late", "b"])).ended(0)
    run(pullama).ended(4)
    registry.add("library/late", "latest", model.small(MIB, seed=9))
    pullama.run("queue", "retry").ended(0)
    assert entries(pullama) == [("a", "completed"), ("late", "queued"), ("b", "completed")]
    run(pullama).ended(0)
    pullama.run("queue", "clear", "--finished").ended(0)
    assert entries(pullama) == []


def test_what_is_added_during_a_run_is_pulled_too(pullama, store, registry, models):
    registry.gate.limit(MIB)
    pullama.run("queue", "add", *names(registry, "a")).ended(0)
    process = start(pullama)
    process.wait_event("progress")
    pullama.run("queue", "add", *names(registry, "bc")).ended(0)
    assert entries(pullama) == [("a", "active"), ("b", "queued"), ("c", "queued")]
    registry.gate.limit(None)
    process.result().ended(0)
    for name in "abc":
        check_model(store, registry, f"library/{name}", "latest", models[name])


def test_one_run_at_a_time_and_what_it_is_at_is_protected(pullama, registry, models):
    registry.gate.limit(MIB)
    pullama.run("queue", "add", *names(registry, "ab")).ended(0)
    process = start(pullama)
    process.wait_event("progress")
    second = pullama.run("queue", "start").ended(1)
    assert f"process {process.pid} is pulling this queue already" in second.err, second
    refused = pullama.run("queue", "rm", "1").ended(1)
    assert f"is being pulled by process {process.pid}" in refused.err, refused
    cleared = pullama.run("queue", "clear").ended(0)
    assert cleared.out == "removed 1 entry from queue; 1 entry is being pulled and stays\n", cleared
    assert entries(pullama) == [("a", "active")]
    registry.gate.limit(None)
    process.result().ended(0)


def test_several_at_a_time_share_the_connections(pullama, store, registry, models):
    pullama.run("queue", "add", *names(registry, "abc")).ended(0)
    registry.gate.limit(MIB)
    process = start(pullama, "--jobs", "3", "-x", "2", "--limit-rate", "50MiB")
    wait_for(lambda: len({e["job"] for e in process.events() if e["event"] == "blob_start"}) > 1, "two pulls",
             process=process)
    active = [name for name, status in entries(pullama) if status == "active"]
    assert active == ["a", "b"], active  # more models than connections would be no gain
    registry.gate.limit(None)
    result = process.result().ended(0)
    check_events(result)
    jobs = {e["job"] for e in result.named("pull_start")}
    assert len(jobs) == 3 and all(e["Connections"] <= 2 for e in result.named("progress")), result
    for name in "abc":
        check_model(store, registry, f"library/{name}", "latest", models[name])


def test_several_at_a_time_are_told_apart_in_lines(pullama, registry, models):
    pullama.run("queue", "add", *names(registry, "abc")).ended(0)
    result = pullama.run("queue", "start", "--jobs", "3").ended(0)
    facts = [line for line in result.out.splitlines() if "blob 1/" in line or "%" in line]
    assert facts and all("library/" in line for line in facts), result


@pytest.mark.skipif(not tracing.can_trace(), reason="needs strace")
@pytest.mark.parametrize("call", [25, 40])
def test_a_loop_that_fails_ends_all_that_runs_beside_each_other(pullama, store, registry, models, call):
    pullama.run("queue", "add", *names(registry, "ab")).ended(0)
    registry.gate.limit(MIB)
    log = pullama.folder / "trace"
    result = start(pullama, "--jobs", "2", environment={**tracing.UNTRACED, "MALLOC_PERTURB_": "165"},
                   wrapper=tracing.inject("poll", "error=ENOMEM", f"{call}+", log)).result()
    assert "INJECTED" in log.read_text(errors="replace")
    result.ended(1)
    check_store(store)
    registry.gate.limit(None)
    pullama.run("queue", "retry").ended(0)
    run(pullama).ended(0)
    assert {status for _, status in entries(pullama)} == {"completed"}


def test_models_beside_each_other_fetch_what_they_share_once(pullama, store, registry):
    shared = Layer("model", noise(3 * MIB, 7))
    served = {name: registry.add(f"library/{name}", "latest", Model([shared], config_of(seed=name))) for name in "xyz"}
    pullama.run("queue", "add", *names(registry, "xyz")).ended(0)
    registry.gate.limit(MIB)
    process = start(pullama, "--jobs", "3")
    process.wait_event("blob_waiting")
    registry.gate.limit(None)
    check_events(process.result().ended(0))
    for name in "xyz":
        check_model(store, registry, f"library/{name}", "latest", served[name])
    assert registry.blob_bytes(shared.digest) == 3 * MIB


# ---- interrupts ----

def held(pullama, registry):
    """A run that is in the middle of a, with b behind it."""
    registry.gate.limit(MIB)
    pullama.run("queue", "add", *names(registry, "ab")).ended(0)
    process = start(pullama, environment=NO_LEAK_CHECK)
    process.wait_event("progress")
    return process


def test_one_interrupt_finishes_the_model_and_pauses(pullama, store, registry, models):
    process = held(pullama, registry)
    process.signal(signal.SIGINT)
    process.wait_event("queue_pausing")
    registry.gate.limit(None)
    result = process.result().ended(0)
    done = result.named("queue_done")[0]
    assert done["Paused"] and done["QueuedCount"] == 1, result
    assert entries(pullama) == [("a", "completed"), ("b", "queued")]
    run(pullama).ended(0)
    check_model(store, registry, "library/b", "latest", models["b"])


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,), (signal.SIGHUP,),
                                     (signal.SIGINT, signal.SIGTERM)], ids=str)
def test_stopping_leaves_the_model_queued_and_resumable(pullama, store, registry, models, numbers):
    process = held(pullama, registry)
    for number in numbers[:-1]:
        process.signal(number)
        process.wait_event("queue_pausing")
        threading.Event().wait(0.06)  # one key press takes longer than what counts as a doubled signal
    process.signal(numbers[-1])
    result = process.result(20).ended(0)
    assert result.err.count("resume with: pullama queue start") == 1, result
    assert entries(pullama) == [("a", "queued"), ("b", "queued")]
    registry.gate.limit(None)
    registry.forget()
    run(pullama).ended(0)
    assert registry.blob_bytes() < 2 * 2 * MIB, "what was received came again"
    for name in "ab":
        check_model(store, registry, f"library/{name}", "latest", models[name])


def test_a_third_interrupt_ends_it_at_once_and_loses_nothing(pullama, store, registry, models):
    process = held(pullama, registry)
    process.signal(signal.SIGINT)
    process.wait_event("queue_pausing")
    threading.Event().wait(0.06)
    os.kill(process.pid, signal.SIGSTOP)  # so that the second has no time to be carried out
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)  # another one: two SIGINTs would arrive as one
    os.kill(process.pid, signal.SIGCONT)
    assert process.result(20).status in (0, 1)
    assert entries(pullama) == [("a", "queued"), ("b", "queued")]
    registry.gate.limit(None)
    run(pullama).ended(0)


# ---- what survives what ----

@pytest.mark.campaign(PART)
def test_a_killed_run_is_put_back(pullama, store, registry, models):
    process = held(pullama, registry)
    process.kill()
    assert entries(pullama) == [("a", "queued"), ("b", "queued")]
    pullama.run("queue", "rm", "2").ended(0)  # nobody is at it any more
    registry.gate.limit(None)
    run(pullama).ended(0)
    assert entries(pullama) == [("a", "completed")]


@pytest.mark.campaign(PART)
def test_adds_by_eight_processes_against_a_run_lose_nothing(pullama, store, registry):
    """Each add is its own process, eight at a time, while a runner pulls what comes."""
    registry.add("library/first", "latest", model.small(MIB))
    pullama.run("queue", "add", registry.name("library/first")).ended(0)
    registry.gate.limit(0)
    process = start(pullama)
    process.wait_event("queue_next")
    failures = []

    def add(worker):
        for number in range(worker, ADDS, 8):
            result = pullama.start("queue", "add", f"http://127.0.0.1:1/w{worker}/m{number}").result()
            if result.status != 0:
                failures.append(result)

    workers = [threading.Thread(target=add, args=(worker,)) for worker in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures, failures[0]
    found = [name for name, _ in entries(pullama)]
    assert len(found) == ADDS + 1 and set(found[1:]) == {f"m{n}" for n in range(ADDS)}
    for worker in range(8):  # each process's own are in its order
        own = [int(name[1:]) for name in found[1:] if int(name[1:]) % 8 == worker]
        assert own == sorted(own)
    process.signal(signal.SIGTERM)
    process.result(20).ended(0)
    campaign.count(PART, cases=ADDS)


@pytest.mark.campaign(PART)
def test_runs_that_are_killed_by_chance_lose_no_entry(pullama, store, registry):
    chance = random.Random(SEED)
    count = 6
    for number in range(count):
        registry.add(f"library/k{number}", "latest", model.small(MIB, seed=number))
    pullama.run("queue", "add", *names(registry, [f"k{n}" for n in range(count)])).ended(0)
    for _ in range(KILLS):
        process = start(pullama, "--jobs", str(chance.randint(1, 3)), "--limit-rate", "4MiB")
        threading.Event().wait(chance.uniform(0, 0.25))
        process.kill()
        check_store(store)
        found = entries(pullama)
        assert [name for name, _ in found] == [f"k{n}" for n in range(count)]
        assert {status for _, status in found} <= {"queued", "completed"}
    run(pullama).ended(0)
    assert {status for _, status in entries(pullama)} == {"completed"}
    assert integrity(store) == "ok"


def integrity(store):
    with sqlite3.connect(store / ".pullm" / "pullama.db") as database:
        return database.execute("PRAGMA integrity_check").fetchone()[0]


# ---- Pullama's own queue ----

def leave_queue(store, text):
    folder = store / ".pullm"
    folder.mkdir(parents=True)
    (folder / "queue.json").write_text(text if isinstance(text, str) else json.dumps(text, indent=2))


def entry(name, status, **more):
    return {"model": name, "tag": "latest", "status": status, "added_at": "2026-11-21T18:27:37.1Z",
            "finished_at": "0001-01-01T00:00:00Z", **more}


def test_the_queue_of_pullama_is_taken_over_once(pullama, store):
    text = {"entries": [entry("a", "active"), entry("user/b", "failed", error="not found"), entry("..", "queued"),
                        entry("c", "completed"), entry("d", "queued")]}
    leave_queue(store, text)
    result = pullama.run("queue", "add", "e").ended(0)
    assert "took over 4 models from Pullama's queue" in result.err and ".." in result.err, result
    assert json.loads((store / ".pullm" / "queue.json.taken-over").read_text()) == text
    expected = [("a", "queued"), ("b", "failed"), ("c", "completed"), ("d", "queued"), ("e", "queued")]
    assert entries(pullama) == expected
    assert pullama.run("queue", "add", "e").ended(0).err == ""
    assert entries(pullama) == expected


@pytest.mark.parametrize("text", ["no json", "[]", '{"entries":[{"model":1}]}', "[" * 100000,
                                  '{"entries":[' + json.dumps(entry("a", "queued")) + ',7]}'], ids=range(5))
def test_a_hostile_queue_is_refused_whole_and_kept(pullama, store, text):
    leave_queue(store, text)
    result = pullama.run("queue", "add", "m").ended(0)
    assert "queue.json was not taken over" in result.err and "queue.json.refused" in result.err, result
    assert (store / ".pullm" / "queue.json.refused").read_text() == text
    assert entries(pullama) == [("m", "queued")]


# ---- databases that are not as they should be ----

def database_of(pullama, store):
    pullama.run("queue", "add", "a").ended(0)
    return store / ".pullm" / "pullama.db"


@pytest.mark.parametrize("damage", ["noise", "cut", "foreign"])
def test_a_damaged_database_is_told_and_set_aside_whole(pullama, store, damage):
    path = database_of(pullama, store)
    if damage == "noise":
        path.write_bytes(random.Random(SEED).randbytes(20000))
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE recipes (name)")
    was = path.read_bytes()
    for command in (["queue", "list"], ["history"], ["queue", "rm", "1"]):
        told = pullama.run(*command).ended(1)
        assert str(path) in told.err and "move the named file away" in told.err, told
    assert path.read_bytes() == was
    added = pullama.run("queue", "add", "b").ended(0)
    assert "set aside as pullama.db.damaged" in added.err, added
    assert (store / ".pullm" / "pullama.db.damaged").read_bytes() == was
    assert entries(pullama) == [("b", "queued")]


def test_a_database_of_a_newer_version_is_refused_and_harms_no_pull(pullama, store, registry, models):
    path = database_of(pullama, store)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    for command in (["queue", "add", "b"], ["queue", "list"], ["queue", "start"], ["history"], ["stats"]):
        refused = pullama.run(*command).ended(1)
        assert "made by a newer pullama" in refused.err, refused
    assert pullama.pull(registry.name("library/a")).ended(0).err == ""


def test_control_characters_in_the_database_never_reach_the_terminal(pullama, store):
    path = database_of(pullama, store)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE entries SET reference = 'x\x1b[2Jy', status = 'failed', error = 'e\x1b]0;z\x07\r\n'")
    result = pullama.run("queue", "list").ended(0)
    assert "\x1b" not in result.out and "\r" not in result.out and len(result.out.splitlines()) == 1, result


def test_what_is_no_reference_fails_and_the_next_has_its_turn(pullama, store, registry, models):
    path = database_of(pullama, store)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE entries SET reference = '../../x'")
    pullama.run("queue", "add", *names(registry, "b")).ended(0)
    run(pullama).ended(64)
    assert [status for _, status in entries(pullama)[1:]] == ["completed"]


# ---- stopped at a system call ----

CALLS = {"openat": ("SIGKILL", "EIO", "ENOSPC"), "pwrite64": ("SIGKILL", "EIO", "ENOSPC"),
         "fdatasync": ("SIGKILL", "EIO", "ENOSPC"), "ftruncate": ("SIGKILL", "EIO"), "unlink": ("SIGKILL", "EIO"),
         "fcntl": ("SIGKILL", "ENOLCK"), "mmap": ("SIGKILL", "ENOMEM")}
SAMPLE = 4


def own_calls(pullama, folder, *arguments):
    """call → numbers of those that the program makes itself, and not the system's loader."""
    log = folder / "trace"
    pullama.run(*arguments, environment=tracing.UNTRACED, wrapper=["strace", "-qq", "-o", str(log)]).ended(0)
    lines = [line.partition("(") for line in log.read_text().splitlines()]
    own = next(n for n, line in enumerate(lines) if '"/dev/null"' in line[2])  # what main() begins with
    names = [line[0] for line in lines]
    return {call: range(1 + names[:own].count(call), 1 + names.count(call)) for call in CALLS}


@pytest.mark.campaign(PART)
@pytest.mark.parametrize("call", CALLS)
def test_an_add_that_is_stopped_anywhere_is_whole_or_not_at_all(pullama, store, tmp_path, call):
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    if call == "mmap" and pullama.is_sanitized:
        pytest.skip("the sanitizer cannot go on without memory")
    numbers = own_calls(pullama, tmp_path, "queue", "add", "first")[call]  # as many as the one that makes the database
    chance, expected = random.Random(f"{SEED}/{call}"), ["first"]
    for what in CALLS[call]:
        action = f"signal={what}" if what == "SIGKILL" else f"error={what}"
        for number in sorted(chance.sample(numbers, min(SAMPLE, len(numbers)))):
            name = f"{what.lower()}{number}"
            result = pullama.start("queue", "add", name, name + "x", environment=tracing.UNTRACED,
                                   wrapper=tracing.inject(call, action, number, tmp_path / "injected")).result()
            assert result.status in ((0, -9) if what == "SIGKILL" else (0, 1, 2)), result
            found = [entry for entry, _ in entries(pullama)]
            added = [*expected, name, name + "x"]
            assert found == added or (found == expected and result.status != 0), (result, found)
            expected = found
    assert integrity(store) == "ok"


def test_what_the_list_names_can_be_named(pullama, store):
    pullama.run("queue", "add", "--insecure", "127.0.0.1:1/library/m").ended(0)
    pullama.run("queue", "add", "127.0.0.1:1/library/m").ended(0)
    names = [line.split()[1] for line in pullama.run("queue", "list").ended(0).out.splitlines()]
    assert len(set(names)) == 2, names
    for name in names:
        pullama.run("queue", "rm", name).ended(0)
    assert "empty" in pullama.run("queue", "list").ended(0).out
