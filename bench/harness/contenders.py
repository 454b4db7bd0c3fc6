"""The programs that are compared, and how each is told to pull a model and to check it."""
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16


@dataclass(frozen=True)
class Job:
    """One pull: of a model, from a URL, into an empty folder."""
    model: object
    url: str        # of the registry: scheme://host:port
    folder: Path
    authority: Path

    @property
    def blob_url(self):
        return self.url + self.model.blob_path(self.model.layers[0])

    @property
    def digest(self):
        return self.model.layers[0].digest


class Contender:
    """name: as in the tables. program: what must be installed. many: can fetch several blobs at once."""

    def __init__(self, name, program, single, many=None, restart=None):
        self.name, self.program = name, program
        self.single, self.many_blobs, self.resumes = single, many, restart

    @property
    def missing(self):
        return shutil.which(str(self.program)) is None

    def command(self, job):
        """The argument list for a job; None when this program cannot do it."""
        if len(job.model.layers) == 1:
            return self.single(job)
        return self.many_blobs(job) if self.many_blobs else None


def shell(text, **values):
    return ["sh", "-c", text.format(**{name: shlex.quote(str(value)) for name, value in values.items()})]


def pullama(program, options=()):
    def pull(job):
        return [program, "--models-dir", job.folder, "--quiet", "--cacert", job.authority, *options, "pull",
                f"{job.url}/{job.model.path}"]
    return Contender(" ".join(("pullama", *options)), program, pull, pull, pull)


def aria2_options(job):
    return ["aria2c", "--no-conf", "--quiet", "--no-netrc", "--file-allocation=falloc", "--min-split-size=1M",
            f"--max-connection-per-server={CONNECTIONS}", f"--split={CONNECTIONS}",
            f"--ca-certificate={job.authority}", "-d", str(job.folder)]


def aria2_single(job):
    return [*aria2_options(job), "-o", "blob", f"--checksum=sha-256={job.digest}", job.blob_url]


def aria2_resume(job):
    return [*aria2_options(job), "-c", "--auto-save-interval=1", "-o", "blob", f"--checksum=sha-256={job.digest}", job.blob_url]


def aria2_many(job):
    listed = job.folder / "list"
    listed.write_text("".join(
        f"{job.url}{job.model.blob_path(layer)}\n  out={layer.digest}\n  checksum=sha-256={layer.digest}\n"
        for layer in job.model.layers))
    return [*aria2_options(job), f"--max-concurrent-downloads={CONNECTIONS}", "-i", str(listed)]


def sums_file(job):
    """The digests of all blobs, in the form that sha256sum -c reads, under the names that servers give them."""
    listed = job.folder / "sums"
    listed.write_text("".join(f"{layer.digest}  sha256:{layer.digest}\n" for layer in job.model.layers))
    return listed


WGET2 = ("wget2 --no-config -q --max-threads={threads} --ca-certificate={authority} -P {folder}"
         " {options} {target} && cd {folder} && sha256sum --status -c {sums}")


def wget2_single(job):
    return shell(WGET2.replace("{options}", "--chunk-size=4M"), threads=CONNECTIONS, authority=job.authority, folder=job.folder,
                 target=job.blob_url, sums=sums_file(job))


def wget2_many(job):
    listed = job.folder / "list"
    listed.write_text("".join(f"{job.url}{job.model.blob_path(layer)}\n" for layer in job.model.layers))
    return shell(WGET2.replace("{options}", "-i"), threads=CONNECTIONS, authority=job.authority,
                 folder=job.folder, target=listed, sums=sums_file(job))


CURL = "cd {folder} && curl -q -sS {options} --cacert {authority} {target} && sha256sum --status -c {sums}"


def curl_single(job, options=""):
    return shell(CURL.replace("{options}", options + " -O"), folder=job.folder, authority=job.authority,
                 target=job.blob_url, sums=sums_file(job))


def curl_resume(job):
    return curl_single(job, "-C -")


def curl_many(job):
    listed = job.folder / "list"
    listed.write_text("".join(f'url = "{job.url}{job.model.blob_path(layer)}"\nremote-name\n'
                              for layer in job.model.layers))
    return shell(CURL.replace("{options}", f"-Z --parallel-max {CONNECTIONS}").replace("{target}", "-K {target}"),
                 folder=job.folder, authority=job.authority, target=listed, sums=sums_file(job))


# The time that counts is the pull's: the server has started before it. What the server uses counts too.
OLLAMA = """export OLLAMA_HOST=127.0.0.1:11500 OLLAMA_MODELS={dir}/models SSL_CERT_FILE={cacert}
{program} serve >/dev/null 2>&1 & server=$!
until {program} list >/dev/null 2>&1; do sleep 0.05; done
date +%s.%N >{dir}/began
{program} pull --insecure {registry}/{model}; status=$?
date +%s.%N >{dir}/ended
kill $server; wait $server; exit $status"""


def ollama(program):
    def pull(job):
        return shell(OLLAMA, program=program, registry=job.url, model=job.model.path, dir=job.folder,
                     cacert=job.authority)
    return Contender("ollama", program, pull, pull)


def own_clock(job):
    """The seconds that a contender says its pull took; None when it does not say."""
    began, ended = (job.folder / name for name in ("began", "ended"))
    if not ended.exists():
        return None
    return float(ended.read_text()) - float(began.read_text())


def peer(name, text):
    """A contender from the command line: a shell command with {url}, {model} and so on in it."""
    def pull(job):
        return shell(text, url=job.blob_url, registry=job.url, host=job.url.split("//")[1],
                     model=job.model.path, digest=job.digest, dir=job.folder, cacert=job.authority)
    return Contender(name, "sh", pull, pull if "{model}" in text else None)


def standard():
    return [Contender("aria2", "aria2c", aria2_single, aria2_many, aria2_resume),
            Contender("wget2", "wget2", wget2_single, wget2_many),
            Contender("curl", "curl", curl_single, curl_many, curl_resume)]


def raw_receive(job):
    """The same bytes thrown away: what the network and the server give to one connection."""
    return ["curl", "-q", "-sS", "--cacert", job.authority, "-o", "/dev/null", job.blob_url]


def verified(job):
    """Whether the blobs lie below the job's folder, whole. Found by their sizes: names differ."""
    from .model import file_digest
    wanted = {layer.digest for layer in job.model.layers}
    sizes = {layer.size for layer in job.model.layers}
    found = {file_digest(path) for path in job.folder.rglob("*")
             if path.is_file() and path.stat().st_size in sizes}
    return wanted <= found
