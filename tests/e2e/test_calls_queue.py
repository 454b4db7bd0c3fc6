"""The verbs of the queue and the history, killed at each system call by which they work on the database, or failing there.

As test_calls_store.py does it for the store's commands: a sample, by PULLAMA_SEED; each call with PULLAMA_STRACE=all, and
one case alone with PULLAMA_STRACE=retry/fdatasync/EIO/2. `queue add` has its own test in test_queue.py.
"""
import os
import random
import shutil
import sqlite3

import pytest
from support import campaign, model, tracing
from support.model import MIB
from support.store import check_model, check_store

PART = "system calls of the queue's commands"
WANTED = os.environ.get("PULLAMA_STRACE", "")
CALLS = {"openat": ("SIGKILL", "EIO"), "pwrite64": ("SIGKILL", "ENOSPC"), "fdatasync": ("SIGKILL", "EIO"),
         "ftruncate": ("SIGKILL", "EIO"), "unlink": ("SIGKILL",), "fcntl": ("SIGKILL", "ENOLCK")}
QUEUE = [("m", "queued"), ("none", "failed"), ("there", "completed"), ("later", "queued")]
JOBS = 4  # in the history


class State:
    """What the database says: the queue's entries, and how many jobs the history has."""

    def __init__(self, entries, jobs):
        self.entries, self.jobs = entries, jobs

    def __eq__(self, other):
        return (self.entries, self.jobs) == (other.entries, other.jobs)

    def __repr__(self):
        return f"{self.entries}, {self.jobs} jobs"


def changed(**statuses):
    """The queue, with these statuses in place of what was there; None: the entry is gone."""
    kept = [(name, statuses.get(name, status)) for name, status in QUEUE]
    return [(name, status) for name, status in kept if status]


BEFORE = State(QUEUE, JOBS)
COMMANDS = {  # its words, what comes of it, and the status of the same command when it was done before
    "rm": (("queue", "rm", "4", "HOST/none"), State(changed(none=None, later=None), JOBS), (4, 64)),
    "retry": (("queue", "retry"), State(changed(none="queued"), JOBS), (0,)),
    "clear": (("queue", "clear", "--finished"), State(changed(none=None, there=None), JOBS), (0,)),
    "history": (("history",), BEFORE, (0,)),
    "keep": (("history", "--keep", "2"), State(QUEUE, 2), (0,)),
    "start": (("queue", "start", "--max-retries", "0"), None, (0,)),
}


def state_of(pullama):
    """Asked of the program: what a stopped one left must open."""
    listed = pullama.run("queue", "list", "--output", "json").ended(0).named("queue_entry")
    with sqlite3.connect(pullama.store / ".pullm" / "pullama.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        jobs = database.execute("SELECT count(*) FROM history").fetchone()[0]
    return State([(row["Model"].rpartition("/")[2], row["Status"]) for row in listed], jobs)


@pytest.fixture
def registry(serve):
    return serve()


@pytest.fixture
def models(registry):
    return {name: registry.add(f"library/{name}", "latest", model.small(MIB // 4, seed=seed))
            for seed, name in enumerate(("m", "later"))}


@pytest.fixture
def prepared(pullama, store, registry):
    """A folder with a store in that state, to be copied."""
    pullama.run("queue", "add", *(registry.name(f"library/{name}") for name, _ in QUEUE)).ended(0)
    with sqlite3.connect(store / ".pullm" / "pullama.db") as database:
        for name, status in QUEUE:
            database.execute("UPDATE entries SET status = ? WHERE reference LIKE ?", (status, f"%/{name}:latest"))
        database.executemany("INSERT INTO history (verb, started_ms, ended_ms, elapsed_ms, total, fetched, sent, reused, retries,"
                             " rate, outcome) VALUES ('pull', ?, ?, 1, 1, 1, 0, 0, 0, 1, 'ok')", [(n, n) for n in range(1, JOBS + 1)])
    folder = store.with_name("prepared")
    shutil.copytree(store, folder)
    return folder


class Case:
    """A command, and the call that is its last, or fails."""

    def __init__(self, pullama, registry, models, prepared, name):
        self.pullama, self.registry, self.models, self.prepared = pullama, registry, models, prepared
        words, self.after, self.again = COMMANDS[name]
        self.words = [word.replace("HOST", f"http://{registry.host}/library") for word in words]

    def run(self, wrapper=()):
        return self.pullama.start(*self.words, environment=tracing.UNTRACED, wrapper=wrapper).result()

    def hit(self, call, what, number):
        store = self.pullama.store
        shutil.rmtree(store)
        shutil.copytree(self.prepared, store)
        action = f"signal={what}" if what == "SIGKILL" else f"error={what}"
        result = self.run(tracing.inject(call, action, number, self.pullama.folder / "trace"))
        assert result.status in ((0, -9) if what == "SIGKILL" else (0, 1, 2, 6)), result
        assert result.status <= 0 or result.err.strip(), result
        if self.after is None:
            self.check_run(result)
        else:
            self.check_change(result)

    def check_change(self, result):
        """Done, or nothing of it; and done once the command was run again."""
        state = state_of(self.pullama)
        assert state in ((self.after,) if result.status == 0 else (BEFORE, self.after)), (state, result)
        second = self.run()
        assert second.status == 0 or (second.status in self.again and state == self.after), second
        assert state_of(self.pullama) == self.after, second

    def check_run(self, result):
        """No entry is lost, and none is called done before its model is here; another run ends well."""
        self.check_entries(result)
        self.pullama.run("queue", "retry").ended(0)
        second = self.run()
        second.ended(4)  # there is no model "none"
        state = self.check_entries(second)
        assert [status for _, status in state.entries] == ["completed", "failed", "completed", "completed"], (state, second)

    def check_entries(self, result):
        state = state_of(self.pullama)
        assert [name for name, _ in state.entries] == [name for name, _ in QUEUE] and state.jobs >= JOBS, (state, result)
        check_store(self.pullama.store)
        for name, status in state.entries:
            if status == "completed" and name in self.models:
                check_model(self.pullama.store, self.registry, f"library/{name}", "latest", self.models[name])
        return state


def numbers_of(name, call, what, first, last):
    case = f"{name}/{call}/{what}/"
    if WANTED.startswith(case):
        return [int(WANTED.rpartition("/")[2])]
    if WANTED == "all":
        return range(first, last + 1)
    if WANTED:
        return []
    chance = random.Random(f"{campaign.SEED}/{case}")
    return [chance.randint(first, last)] if first <= last else []


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_call_that_fails_or_is_the_last(pullama, registry, models, prepared, name):
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    log, wrong = pullama.folder / "trace", []
    case = Case(pullama, registry, models, prepared, name)
    case.run(["strace", "-f", "-qq", "-o", str(log)]).ended(0)
    own = tracing.own_calls(log, CALLS)
    for kind in [(call, what, number) for call, errors in CALLS.items() for what in errors
                 for number in numbers_of(name, call, what, *own[call])]:
        try:
            case.hit(*kind)
        except AssertionError as error:
            path = "/".join([name, *map(str, kind)])
            wrong.append(f"{path}: {error}\nrepeat: {campaign.repeat(__file__, PULLAMA_STRACE=path)}\n")
        campaign.count(PART, wrong=0, seed=campaign.SEED)
    campaign.count(PART, cases=0, wrong=len(wrong))
    assert not wrong, "\n".join(wrong)
