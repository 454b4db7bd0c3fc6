"""A push, killed or failing at each system call by which it reads the store or keeps its record; and killed at random.

As in test_calls.py, a sample is tested, by PULLAMA_SEED; each call with PULLAMA_STRACE=all, one case alone with
PULLAMA_STRACE=fsync/EIO/3. PULLAMA_ROUNDS sets how many rounds of kills there are.
"""
import os
import random
import re
import shutil

import pytest
from support import campaign, model, tracing
from support.model import MIB, Layer
from support.program import Program, wait_for
from support.store import check_store, install, leftovers

PART = "system calls of a push"
WANTED = os.environ.get("PULLAMA_STRACE", "")
ROUNDS = int(os.environ.get("PULLAMA_ROUNDS", "4"))
SAMPLE = 2       # of each call and error
MOST = 1000
HERE = __file__
ERRORS = {
    "openat": ("EIO", "ENOMEM", "EINTR"),
    "pread64": ("EIO", "EINTR"),
    "pwrite64": ("EIO", "ENOSPC", "EINTR"),
    "fsync": ("EIO", "ENOSPC"),
    "renameat": ("EIO", "ENOSPC"),
    "unlinkat": ("EIO",),
    "flock": ("ENOLCK", "EINTR"),
    "mmap": ("ENOMEM",),
}
REASONS = {"EIO": "Input/output error", "ENOSPC": "No space left", "ENOMEM": "memory|start a thread", "ENOLCK": "No locks"}
KINDS = [f"{call}/{what}" for call, errors in ERRORS.items() for what in ("SIGKILL", *errors)]
CHOSEN = [kind for kind in KINDS if WANTED in ("", "all") or WANTED.startswith(kind + "/")]
OPTIONS = ("-x", "1", "--chunk-size", "1MiB", "--output", "json")


def make():
    return model.Model([Layer("model", model.noise(3 * MIB, 3)), Layer("license", b"free")])


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    from support.uploads import PushRegistry
    folder = tmp_path_factory.mktemp("push-calls")
    with PushRegistry() as registry:
        program = Program(folder, folder / "models")
        install(folder / "models", registry.host, "alice/m", "v1", make())
        program.start("push", *OPTIONS, registry.name("alice/m", "v1"), environment=tracing.UNTRACED,
                      wrapper=["strace", "-f", "-qq", "-o", str(folder / "trace")]).result().ended(0)
    return tracing.own_calls(folder / "trace", ERRORS)


def quiet(registry):
    """The server is through with what a dead client left in its sockets."""
    wait_for(lambda: not registry.registry.sockets, "the server to see it")


def check_failure(result, call, what, store):
    if result.status == 0:
        return
    assert what in REASONS and result.status in (1, 2), f"{what} is no failure: {result}"
    assert re.search(REASONS[what], result.err), f"it does not say what: {result}"
    assert what == "ENOMEM" or str(store) in result.err, f"it does not say where: {result}"
    assert result.last["event"] == "failed" and result.last["ExitStatus"] == result.status, result


def hit(pullama, store, receive, kind, number):
    """Lets one call fail or be the last. False when there is no such call any more."""
    call, _, what = kind.partition("/")
    is_kill, log, registry = what == "SIGKILL", pullama.folder / "trace", receive()
    shutil.rmtree(store, ignore_errors=True)  # each model more that is in it takes more calls
    install(store, registry.host, "alice/m", "v1", pushed := make())
    name = registry.name("alice/m", "v1")
    log.unlink(missing_ok=True)
    result = pullama.start("push", *OPTIONS, name, environment=tracing.UNTRACED, wrapper=tracing.inject(
        call, f"signal={what}" if is_kill else f"error={what}", number, log)).result()
    if result.status != -9 if is_kill else "INJECTED" not in log.read_text(errors="replace"):
        assert result.status == 0, result
        return False
    quiet(registry)
    check_store(store)
    if not is_kill:
        check_failure(result, call, what, store)
    noted = bool(list(store.glob(".pullm/push-*.json")))
    read = registry.wire_bytes("/blobs/")
    pullama.run("push", *OPTIONS, name, environment=tracing.UNTRACED).ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    twice = registry.wire_bytes("/blobs/") - pushed.size
    campaign.count(PART, cases=0, again=(max(0, twice), pushed.size, f"{kind}/{number}"))
    # Small blobs are not noted; what was sent before the first note was written is sent again.
    assert twice <= (16 if noted else read), f"{twice} bytes were sent again, of {read}"
    if leftovers(store) != []:
        assert call == "unlinkat", leftovers(store)
        pullama.run("clean").ended(0)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHOSEN)
def test_a_call_that_fails_or_is_the_last(pullama, store, receive, calls, kind):
    if pullama.is_sanitized and kind.startswith("mmap"):
        pytest.skip("a sanitizer needs its memory")
    first, last = calls[kind.partition("/")[0]]
    assert last, f"a push makes no call of {kind}"
    numbers = range(first, MOST if WANTED == "all" else last + 1)
    if WANTED.startswith(kind + "/"):
        numbers = [int(WANTED.rpartition("/")[2])]
    elif WANTED != "all" and len(numbers) > SAMPLE:
        numbers = sorted(random.Random(f"{campaign.SEED}/{kind}").sample(numbers, SAMPLE))
    wrong = []
    for number in numbers:
        try:
            if not hit(pullama, store, receive, kind, number):
                break
        except AssertionError as error:
            wrong.append(f"{kind}/{number}: {error}\nrepeat: {campaign.repeat(HERE, PULLAMA_STRACE=f'{kind}/{number}')}\n")
        campaign.count(PART, wrong=0, seed=campaign.SEED)
    campaign.count(PART, cases=0, wrong=len(wrong))
    assert not wrong, "\n".join(wrong)


ROUNDS_PART = "rounds of pushes that are killed"


@pytest.mark.slow
@pytest.mark.campaign(ROUNDS_PART)
@pytest.mark.parametrize("form", ["plain", "parts"])
@pytest.mark.parametrize("seed", range(campaign.SEED, campaign.SEED + ROUNDS))
def test_killed_at_random(pullama, store, receive, form, seed):
    """Nothing is sent twice beyond the parts under way, and the registry has the model in the end."""
    chance, registry = random.Random(f"{seed}/{form}"), receive(form=form)
    pushed = model.Model([Layer("model", model.noise(6 * MIB, n)) for n in range(3)])
    install(store, registry.host, "alice/m", "v1", pushed)
    command = ("push", registry.name("alice/m", "v1"), "-x", "2", "--chunk-size", "1MiB", "--limit-rate", "24MiB")
    kills = 0
    while True:
        process = pullama.start(*command, environment=tracing.UNTRACED)
        goal = registry.inbox.passed + chance.randrange(6 * MIB)
        if kills < 6:
            wait_for(lambda: registry.inbox.passed >= goal or process.poll() is not None, "some bytes")
        if kills >= 6 or process.poll() is not None:
            process.result().ended(0)
            break
        kills += 1
        process.kill()
        quiet(registry)
        wait_for(lambda: not registry.cdn.sockets, "the object store to see it")
        check_store(store)
    registry.check_pushed("alice/m", "v1", pushed)
    twice = registry.wire_bytes("/(blobs|parts)/") - pushed.size
    campaign.count(ROUNDS_PART, cases=0, seed=seed, again=(max(0, twice), pushed.size, f"{kills} kills, {form}"))
    assert twice <= kills * 2 * MIB and not leftovers(store)
