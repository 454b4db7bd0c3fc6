"""Runs the built program as a user would, and reads what it says."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

# A signal ends the program in half a second: test_interrupt.py measures it. A busy machine is no defect, so that a test
# fails only far above that.
FAR_TOO_LONG_S = 5

ROOT = Path(__file__).resolve().parents[2]
SANITIZER_STATUS = 99
SANITIZERS = {
    "ASAN_OPTIONS": f"detect_leaks=1:exitcode={SANITIZER_STATUS}:allocator_may_return_null=1",
    "UBSAN_OPTIONS": f"halt_on_error=1:print_stacktrace=1:exitcode={SANITIZER_STATUS}",
    "LSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}",
}
# A test's own environment decides about these, never that of whoever runs the tests.
FOREIGN = ("OLLAMA_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_", "HF_TOKEN", "DOCKER_",
           "NO_COLOR", "CI", "COLUMNS")


def wait_for(condition, what="the condition", timeout=20, process=None):
    """Polls until condition() is true, and returns what it returned."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if found := condition():
            return found
        if process is not None and process.poll() is not None:
            if found := condition():
                return found
            raise AssertionError(f"the program ended before {what}: {process.result()}")
        time.sleep(0.005)
    raise AssertionError(f"waited {timeout} s for {what}"
                         + (f": {process.peek()}" if process is not None else ""))


class Result:
    """How a run ended."""

    def __init__(self, arguments, status, out, err, seconds, peak_kib=0):
        self.arguments, self.status, self.raw_out, self.raw_err = arguments, status, out, err
        self.out, self.err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        self.seconds, self.peak_kib = seconds, peak_kib

    def __repr__(self):
        return (f"\n$ pullama {' '.join(self.arguments)}\nstatus {self.status} after {self.seconds:.2f} s"
                f"\n--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-6000:]}")

    @property
    def events(self):
        """The JSON objects on stdout. Every line must be one."""
        return [json.loads(line) for line in self.out.splitlines()]

    def named(self, *names):
        return [event for event in self.events if event["event"] in names]

    @property
    def last(self):
        return self.events[-1]

    def ended(self, status):
        assert self.status == status, self
        return self


class Process:
    """A running program. Its output goes to files, so that it never waits for us."""

    def __init__(self, command, arguments, environment, folder, **options):
        self.arguments, self.folder = arguments, folder
        number = len(list(folder.glob("*.out")))
        self.paths = folder / f"{number}.out", folder / f"{number}.err"
        self.began = time.monotonic()
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.popen = subprocess.Popen(
                [*command, *arguments], env=environment, start_new_session=True,
                **{"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **options})
        self.pid = self.popen.pid
        self.seconds, self.peak_kib = None, 0

    def poll(self):
        """The exit status, or None while it runs; keeps its peak of resident memory."""
        if self.popen.returncode is None:
            self.peak_kib = max(self.peak_kib, self.resident_peak())
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.popen.returncode = os.waitstatus_to_exitcode(status)
                self.seconds = time.monotonic() - self.began
        return self.popen.returncode

    def resident_peak(self):
        """Its high-water mark so far. Not the one of wait4(): that starts with ours, taken over at the fork."""
        try:
            with open(f"/proc/{self.pid}/status") as status:
                return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)
        except OSError:
            return 0

    def wait(self, timeout):
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                return False
            time.sleep(0.002)
        return True

    def peek(self):
        """What it has said up to now."""
        out, err = (path.read_bytes() for path in self.paths)
        return Result(self.arguments, self.poll(), out, err, time.monotonic() - self.began)

    def events(self):
        """The whole JSON lines so far."""
        lines = self.paths[0].read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def wait_event(self, *names, timeout=20, where=lambda event: True):
        def find():
            return next((e for e in self.events() if e.get("event") in names and where(e)), None)
        return wait_for(find, f"event {names}", timeout, self)

    def signal(self, number):
        os.kill(self.pid, number)

    def has_pending(self, number):
        """Whether a signal was sent to it that it has not got yet."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        pending = next(line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd"))
        return bool(int(pending, 16) >> (number - 1) & 1)

    def kill(self):
        """SIGKILL to it and to what it started, and gone."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(10)
        return self.peek()

    def result(self, timeout=60):
        if not self.wait(timeout):
            raise AssertionError(f"still running after {timeout} s: {self.kill()}")
        status = self.poll()
        out, err = (path.read_bytes() for path in self.paths)
        result = Result(self.arguments, status, out, err, self.seconds, self.peak_kib)
        assert status != SANITIZER_STATUS and b"Sanitizer" not in err, result
        assert status >= 0 or status in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT), result
        return result


class Program:
    """The program with a home and a store of its own."""

    def __init__(self, folder, store):
        self.path = Path(os.environ.get("PULLAMA") or ROOT / "build" / "pullama").resolve()
        self.folder, self.store = folder / "runs", store
        self.home = folder / "home"
        self.folder.mkdir()
        self.home.mkdir()
        self.environment = {
            key: value for key, value in os.environ.items() if not key.upper().startswith(FOREIGN)}
        self.environment.update(SANITIZERS)
        self.environment.update(HOME=str(self.home), OLLAMA_MODELS=str(store), LC_ALL="C.UTF-8",
                                TERM="xterm-256color")
        self.processes = []

    def start(self, *arguments, environment=None, wrapper=(), **options):
        arguments = [str(argument) for argument in arguments]
        merged = {**self.environment, **(environment or {})}
        process = Process([*wrapper, str(self.path)], arguments,
                          {key: value for key, value in merged.items() if value is not None},
                          self.folder, **options)
        self.processes.append(process)
        return process

    def run(self, *arguments, timeout=60, **options):
        return self.start(*arguments, **options).result(timeout)

    @property
    def is_sanitized(self):
        return any(name in self.path.read_bytes() for name in (b"__asan_init", b"__tsan_init"))

    def start_pull(self, *arguments, **options):
        return self.start("pull", "--output", "json", *arguments, **options)

    def pull(self, *arguments, timeout=60, **options):
        """Pulls with JSON output and checks what holds for every pull, however it ends."""
        result = self.start_pull(*arguments, **options).result(timeout)
        check_events(result)
        return result

    def start_push(self, *arguments, **options):
        return self.start("push", "--output", "json", *arguments, **options)

    def push(self, *arguments, timeout=60, **options):
        """Pushes with JSON output and checks what holds for every push, however it ends."""
        result = self.start_push(*arguments, **options).result(timeout)
        check_events(result)
        return result

    def stop_all(self):
        for process in self.processes:
            process.kill()


def check_events(result):
    """Promises of the event stream: valid lines, progress that only grows, one end for each job."""
    done, ended = {}, set()
    for event in result.events:
        assert isinstance(event.get("event"), str), event
        job = event.get("job", event.get("Job", 0))
        assert job not in ended, f"an event after the job's end: {event}"
        if "OverallDone" in event:
            assert event["OverallDone"] >= done.get(job, 0), f"progress went down: {event} {result}"
            done[job] = event["OverallDone"]
            assert event["OverallDone"] <= event["OverallTotal"], event
        if event["event"] == "retry":
            assert event["Attempt"] <= event["MaxAttempts"], f"more tries than allowed: {event}"
        if event["event"] in ("completed", "failed"):
            ended.add(job)
    if result.status != 64:
        assert result.events and result.last["event"] in ("completed", "failed"), result
