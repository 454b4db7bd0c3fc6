"""The program as it is, killed at each system call by which a pull changes something, or failing there.

A sample is tested, by PULLAMA_SEED; each call with PULLAMA_STRACE=all in the environment, and one case alone with
PULLAMA_STRACE=pwrite64/EIO/17: the call, what it does, and which one it is in its thread.
"""
import os
import random
import re
import shutil

import pytest
from support import campaign, model, tracing
from support.model import MIB
from support.program import Program
from support.store import check_model, check_store, leftovers

PART = "system calls of the program"
WANTED = os.environ.get("PULLAMA_STRACE", "")
SAMPLE = 3       # of each call and error
MOST = 1000
HERE = __file__
ERRORS = {
    "openat": ("EIO", "ENOSPC", "ENOMEM", "EINTR"),
    "mkdirat": ("EIO", "ENOSPC", "EACCES"),
    "pwrite64": ("EIO", "ENOSPC", "EINTR"),
    "write": ("EIO", "ENOSPC", "EINTR"),
    "fsync": ("EIO", "ENOSPC", "EINTR"),
    "fdatasync": ("EIO", "ENOSPC", "EINTR"),
    "renameat": ("EIO", "ENOSPC", "ENOMEM"),
    "unlinkat": ("EIO", "ENOMEM"),
    "flock": ("ENOLCK", "EINTR"),
    "ftruncate": ("EIO", "ENOSPC", "EINTR"),
    "fallocate": ("EIO", "ENOSPC", "EINTR", "EOPNOTSUPP"),
    "mmap": ("ENOMEM",),
}
REASONS = {"EIO": "Input/output error", "ENOSPC": "No space left|make room", "ENOMEM": "memory|start a thread",
           "EACCES": "Permission denied", "ENOLCK": "No locks available"}
HARMLESS = ("EINTR", "EOPNOTSUPP")
KINDS = [f"{call}/{what}" for call, errors in ERRORS.items() for what in ("SIGKILL", *errors)]
CHOSEN = [kind for kind in KINDS if WANTED in ("", "all") or WANTED.startswith(kind + "/")]
OPTIONS = ("-x", "1", "--chunk-size", "1MiB", "--output", "json")
WRITE = re.compile(r"^(\d+) +(?:pwrite64\(\d+<[^>]*\.partial>.*?|<\.\.\. pwrite64 resumed>\) +)= (\d+)$", re.MULTILINE)


@pytest.fixture
def tiny(registry):
    return registry.add("library/k", "latest", model.small(2 * MIB))


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """call → number of the first and the last one that are the program's own, and not of the system's loader."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    from support.registry import Registry
    folder = tmp_path_factory.mktemp("calls")
    log = folder / "trace"
    with Registry() as registry:
        registry.add("library/k", "latest", model.small(2 * MIB))
        Program(folder, folder / "models").start(
            "pull", *OPTIONS, registry.name("library/k"), environment=tracing.UNTRACED,
            wrapper=["strace", "-f", "-qq", "-o", str(log)]).result().ended(0)
    return tracing.own_calls(log, ERRORS)


def chosen(kind, first, last):
    """The numbers of the calls that are to be hit."""
    if WANTED.startswith(kind + "/"):
        return [int(WANTED.rpartition("/")[2])]
    if WANTED == "all":
        return range(first, MOST)
    found = range(first, last + 1)
    chance = random.Random(f"{campaign.SEED}/{kind}")
    return sorted(chance.sample(found, SAMPLE)) if len(found) > SAMPLE else found


def check_failure(result, call, error, store):
    """What failed, where, and a status that fits."""
    if error in HARMLESS:
        assert result.status == 0, f"{error} is no failure: {result}"
    if result.status == 0:
        return
    assert result.status == (2 if error == "ENOSPC" else 1), result
    assert re.search(REASONS[error], result.err), f"it does not say what: {result}"
    place = "/library/k" if error == "ENOMEM" else "output: " if call == "write" else str(store)
    assert place in result.err, f"it does not say where: {result}"
    assert len(re.findall("^error", result.err, re.MULTILINE)) == 1, f"not told once: {result}"
    if call != "write":
        assert result.last["event"] == "failed" and result.last["ExitStatus"] == result.status, result


def hit(pullama, store, registry, tiny, kind, number):
    """Lets one call fail or be the last. False when there is no such call any more."""
    call, _, what = kind.partition("/")
    name, log = registry.name("library/k"), pullama.folder / "trace"
    is_kill = what == "SIGKILL"
    shutil.rmtree(store, ignore_errors=True)
    log.unlink(missing_ok=True)
    result = pullama.start("pull", *OPTIONS, name, environment=tracing.UNTRACED, wrapper=tracing.inject(
        call, f"signal={what}" if is_kill else f"error={what}", number, log, "pwrite64")).result()
    traced = log.read_text(errors="replace")
    if result.status != -9 if is_kill else "INJECTED" not in traced:
        assert result.status == 0, result
        return False
    check_store(store)
    if not is_kill:
        check_failure(result, call, what, store)
    written = sum(int(done) for _, done in WRITE.findall(traced))
    again = pullama.run("pull", *OPTIONS, name, environment=tracing.UNTRACED).ended(0)
    check_model(store, registry, "library/k", "latest", tiny)
    twice = max(0, written + again.last["FetchedBytes"] - tiny.size)
    # What a failed sync covered may be lost, whatever the page cache says now.
    if "sync" not in call or is_kill:
        campaign.count(PART, cases=0, again=(twice, tiny.size, f"{kind}/{number}"))
        assert twice <= MIB, f"P1: {twice} bytes were fetched again: {again}"
    if leftovers(store) != []:
        assert not is_kill and call == "unlinkat", leftovers(store)
        pullama.run("clean").ended(0)
        assert leftovers(store) == []
    return True


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHOSEN)
def test_a_call_that_fails_or_is_the_last(pullama, store, registry, tiny, calls, kind):
    """P4: the store is valid after it, the message is right, and the same command finishes."""
    if pullama.is_sanitized and kind.startswith("mmap"):
        pytest.skip("a sanitizer needs its memory")
    first, last = calls[kind.partition("/")[0]]
    assert last, f"a pull makes no call of {kind}"
    wrong, number = [], 0
    for number in chosen(kind, first, last):
        try:
            if not hit(pullama, store, registry, tiny, kind, number):
                break
        except AssertionError as error:
            case = f"{kind}/{number}"
            wrong.append(f"{case}: {error}\nrepeat: {campaign.repeat(HERE, PULLAMA_STRACE=case)}\n")
        campaign.count(PART, wrong=0, seed=campaign.SEED)
    campaign.count(PART, cases=0, wrong=len(wrong))
    assert not wrong, "\n".join(wrong)
