"""A folder and the processes of one run of the benchmark, which leave nothing behind."""
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

PREFIX = "pullama-bench-"
PR_SET_PDEATHSIG = 1
SOURCES = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """The run cannot go on; the text says why."""


def alive(pid):
    return Path(f"/proc/{pid}").exists()


def owner_of(name):
    """The process that made a folder or a namespace of that name; None when it is none of ours."""
    pid = name.removeprefix(PREFIX).split("-")[0]
    return int(pid) if name.startswith(PREFIX) and pid.isdigit() else None


def stand_apart():
    """For a child: Ctrl+C is not for it, but it ends when this program does, however that ends.

    It stays in this session: some schedulers share the processors out by sessions.
    """
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Site:
    """Use as a context: what was started or made through it is gone at its end."""

    def __init__(self):
        self.name = f"{PREFIX}{os.getpid()}"
        self.folder = Path(tempfile.gettempdir(), self.name)
        self.stack = contextlib.ExitStack()
        self.handlers = {}

    def __enter__(self):
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.handlers[signum] = signal.signal(signum, self.interrupted)
        self.remove_stale()
        self.folder.mkdir(mode=0o700)
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        return self

    def __exit__(self, *reason):
        for signum in self.handlers:
            signal.signal(signum, signal.SIG_IGN)
        self.stack.close()
        for signum, handler in self.handlers.items():
            signal.signal(signum, handler)

    @staticmethod
    def interrupted(signum, _frame):
        raise SystemExit(128 + signum)

    def remove_stale(self):
        """What a run that was killed has left."""
        for path in self.folder.parent.glob(PREFIX + "*"):
            pid = owner_of(path.name)
            if pid and not alive(pid):
                shutil.rmtree(path, ignore_errors=True)

    def compile(self, name):
        """Builds bench/NAME.c. Returns the program's path."""
        program = self.folder / name
        compiler = next(filter(shutil.which, ("cc", "gcc", "clang")))
        subprocess.run([compiler, "-D_GNU_SOURCE", "-std=gnu17", "-O2", "-o", program, SOURCES / f"{name}.c"], check=True)
        return program

    def start(self, command, **options):
        """Starts a server that ends with this program. Returns it."""
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                   preexec_fn=stand_apart, **options)
        self.stack.callback(self.stop, process)
        return process

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def scratch(self, name):
        """An empty folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder
