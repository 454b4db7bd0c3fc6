"""System calls that kill or fail: strace in front of the program."""
import functools
import shutil
import subprocess

# Calls by which a pull changes the disk.
CHANGING = ("mkdirat", "renameat", "unlinkat", "fsync", "fdatasync", "syncfs", "ftruncate", "fallocate", "pwrite64")
# LeakSanitizer cannot work in a traced process.
UNTRACED = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99", "LSAN_OPTIONS": "detect_leaks=0"}


@functools.lru_cache
def can_trace():
    if not shutil.which("strace"):
        return False
    probe = inject("openat", "signal=SIGKILL", 1, "/dev/null")
    return subprocess.run([*probe, "cat", "/dev/null"], capture_output=True, check=False).returncode != 0


def inject(call, what, when, log):
    """The command that runs another one whose `when`-th call does `what`: "signal=SIGKILL", "error=EIO"."""
    return ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={when}"]
