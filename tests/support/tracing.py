"""System calls that kill or fail: strace in front of the program."""
import functools
import re
import shutil
import subprocess

# LeakSanitizer cannot work in a traced process.
UNTRACED = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99", "LSAN_OPTIONS": "detect_leaks=0"}


@functools.lru_cache
def can_trace():
    if not shutil.which("strace"):
        return False
    probe = inject("openat", "signal=SIGKILL", 1, "/dev/null")
    return subprocess.run([*probe, "cat", "/dev/null"], capture_output=True, check=False).returncode != 0


def inject(call, what, when, log, *noted):
    """The command that runs another one whose `when`-th call does `what`: "signal=SIGKILL", "error=EIO".

    That call and those that are `noted` stand in the log, with the paths of their files.
    """
    return ["strace", "-f", "-qq", "-y", "-o", str(log), "-e", "trace=" + ",".join({call, *noted}),
            "-e", f"inject={call}:{what}:when={when}"]


def own_calls(log, names):
    """call → number of the first and the last one that are the program's own, and not of the system's loader."""
    lines = [re.match(r"(\d+) +(\w+)\((.*)", line) for line in log.read_text().splitlines()]
    lines = [line for line in lines if line]
    own = next(n for n, line in enumerate(lines) if '"/dev/null"' in line[3])  # what main() begins with
    found = {}
    for call in names:
        threads = {}
        for line in (line for line in lines if line[2] == call):
            threads[line[1]] = threads.get(line[1], 0) + 1
        found[call] = 1 + sum(line[2] == call for line in lines[:own]), max(threads.values(), default=0)
    return found
