"""One measured run of one program."""
import os
import statistics
import subprocess
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .contenders import own_clock, verified


@dataclass(frozen=True)
class Usage:
    wall: float
    cpu: float
    peak_kib: int
    end: str

    @property
    def good(self):
        return self.end == "exit 0"


@dataclass(frozen=True)
class Sample:
    usage: Usage
    sent: int           # bytes that the server sent, its headers included
    server_cpu: float
    others_cpu: float   # of everything else on the machine meanwhile
    connections: int
    intact: bool        # the output has the right digest

    def to_json(self):
        return asdict(self)


@dataclass(frozen=True)
class Setup:
    """What every kind of measurement gets."""
    bench: "Bench"
    contenders: list    # the first is pullama itself
    say: object         # tells who waits: say(line, detail)
    place: object
    root: Path          # of the web server


def busy_seconds():
    """Of all processors, since the machine started; time at low priority counts as well."""
    user, nice, system, _idle, _wait, interrupt, soft = Path("/proc/stat").read_text().split()[1:8]
    return sum(map(int, (user, nice, system, interrupt, soft))) / os.sysconf("SC_CLK_TCK")


def parse_usage(text):
    wall, user, system, peak, *end = text.split()
    return Usage(float(wall), float(user) + float(system), int(peak), " ".join(end))


class Bench:
    """What samples are taken with: the folder, the program that measures, where clients run."""

    def __init__(self, site, timed):
        self.site, self.timed = site, timed

    def environment(self, folder):
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        return {**kept, "HOME": str(folder), "LC_ALL": "C"}

    def run(self, command, folder, inside=(), seconds=120):
        """Runs a command and measures it. Its output goes to a file of the folder above."""
        result = self.site.folder / "usage"
        result.unlink(missing_ok=True)
        words = [*inside, self.timed, seconds, result, *command]
        with open(self.site.folder / "output", "wb") as output:
            subprocess.run([str(word) for word in words], cwd=folder, env=self.environment(folder),
                           stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True)
        return parse_usage(result.read_text())

    def output(self):
        return Path(self.site.folder, "output").read_text(errors="replace").strip()[-300:]


def pull(bench, place, command, job, seconds):
    """One pull from a fresh server. Returns its sample."""
    os.sync()
    place.server.start()
    try:
        before = place.server.cpu()
        others = busy_seconds()
        usage = bench.run(command, job.folder, place.inside, seconds)
        others = busy_seconds() - others - usage.cpu
        server_cpu = place.server.cpu() - before
        place.server.settle()
    finally:
        requests = place.server.stop()
    usage = replace(usage, wall=own_clock(job) or usage.wall)
    return Sample(usage, sum(request.sent for request in requests), server_cpu, max(0, others - server_cpu),
                  len({request.connection for request in requests}), usage.good and verified(job))


@dataclass(frozen=True)
class Summary:
    """The medians of one contender's samples. Of a late one, what a killed child used is not known."""
    name: str
    rounds: int
    wall: float
    cpu: float
    server_cpu: float
    peak_mib: float
    sent_ratio: float
    connections: float
    intact: bool
    late: bool
    end: str


def summarize(name, samples, size):
    median = statistics.median
    bad = [s.usage.end for s in samples if not s.usage.good]
    return Summary(name, len(samples), median(s.usage.wall for s in samples), median(s.usage.cpu for s in samples),
                   median(s.server_cpu for s in samples), max(s.usage.peak_kib for s in samples) / 1024,
                   median(s.sent for s in samples) / size, median(s.connections for s in samples),
                   all(s.intact for s in samples), "late" in bad, (bad or ["exit 0"])[0])
