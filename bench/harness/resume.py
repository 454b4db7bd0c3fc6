"""Kill and resume: a pull that is killed twenty times on its way; how much of it came more than once?"""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import model
from .contenders import Job, verified
from .site import Failed, stand_apart

HEADERS = 52  # bytes of IP and TCP before the data of a packet
SILENCE_S = 0.2  # longer than the line's round trip and its queue
TOO_MUCH = 3  # times the size: then it does not resume


def received(device_table):
    """Bytes of data that came in by the line, from the text of /proc/PID/net/dev."""
    for row in device_table.splitlines():
        name, _, counts = row.partition(":")
        if name.strip() == "line":
            octets, packets = map(int, counts.split()[:2])
            return octets - HEADERS * packets
    return 0


class Client:
    """One contender on the client's host, killed and started again."""

    def __init__(self, bench, place, command, folder):
        self.bench, self.place, self.command, self.folder = bench, place, command, folder

    def start(self):
        words = [str(word) for word in (*self.place.inside, *self.command)]
        with open(self.bench.site.folder / "output", "wb") as output:
            self.process = subprocess.Popen(words, cwd=self.folder, env=self.bench.environment(self.folder),
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            preexec_fn=stand_apart)

    def run_until(self, bytes_more, counted, deadline):
        """Runs until that much more has come, then kills. Returns (bytes that came, ended by itself)."""
        wait_for_silence(counted)
        before = counted()
        self.start()
        try:
            while self.process.poll() is None and time.monotonic() < deadline:
                if bytes_more and counted() - before >= bytes_more:
                    break
                time.sleep(0.002)
        finally:
            ended = self.process.poll() is not None
            if not ended:
                os.killpg(self.process.pid, signal.SIGKILL)
            got = counted() - before
            self.process.wait()
        return got, ended


def watch(bench, place):
    """A process on the client's host, and the table of that host's devices."""
    watcher = bench.site.start([*place.inside, "sleep", "3600"])
    table = Path(f"/proc/{watcher.pid}/net/dev")
    until = time.monotonic() + 5
    while "line:" not in table.read_text():
        if time.monotonic() > until:
            raise Failed("the client's host has no line")
        time.sleep(0.005)
    return watcher, table


def wait_for_silence(counted):
    """What was on its way to a killed program is not what it had received."""
    before = None
    while before != (before := counted()):
        time.sleep(SILENCE_S)


def pull_with_kills(bench, place, contender, job, kills, seconds):
    """Returns what one contender needed."""
    watcher, table = watch(bench, place)
    deadline = time.monotonic() + seconds
    got, done, ended = 0, 0, False
    begun = time.monotonic()
    for left in range(kills, -1, -1):
        share = job.model.size // (kills + 1) if left else 0
        more, ended = Client(bench, place, contender.resumes(job), job.folder).run_until(
            share, lambda: received(table.read_text()), deadline)
        got += more
        done += left > 0 and not ended
        if ended or got > TOO_MUCH * job.model.size or time.monotonic() > deadline:
            break
    bench.site.stop(watcher)
    return {"name": contender.name, "kills": done, "received": got, "ratio": got / job.model.size,
            "wall": time.monotonic() - begun, "finished": ended, "intact": ended and verified(job)}


def measure(setup, scenario):
    bench, place = setup.bench, setup.place
    pulled = model.make(setup.root, scenario.name, 1, scenario.size)
    found = []
    for contender in [one for one in setup.contenders if one.resumes]:
        job = Job(pulled, place.server.url(scenario.port), bench.site.scratch("out"), place.server.authority)
        place.server.start()
        found.append(pull_with_kills(bench, place, contender, job, scenario.count, scenario.limit))
        place.server.stop()
        setup.say(f"{scenario.name} {contender.name} {found[-1]['ratio']:.4f}",
            "" if found[-1]["intact"] else bench.output())
        shutil.rmtree(job.folder)
    return {"bytes": scenario.size, "kills": scenario.count, "results": found}
