"""The wait at the end: from the last byte that the server sent to a verified file."""
import shutil
import time

from . import model
from .contenders import Job, verified
from .site import Failed


def last_sent(requests, blob):
    """When the last request for the blob ended."""
    ends = [request.ended_at for request in requests if blob.digest in request.path.replace("%3A", ":")]
    if not ends:
        raise Failed("the server sent nothing")
    return max(ends)


def measure(setup, scenario):
    """The program's end stands for "verified": it includes the commit of the model, and its exit."""
    bench, place = setup.bench, setup.place
    pulled = model.make(setup.root, scenario.name, 1, scenario.size, sparse=True)
    found = []
    for contender in [one for one in setup.contenders if one.name in ("pullama", "aria2")]:
        job = Job(pulled, place.server.url(scenario.port), bench.site.scratch("out"), place.server.authority)
        place.server.start()
        usage = bench.run(contender.command(job), job.folder, place.inside, scenario.limit)
        ended = time.time()
        place.server.settle()
        requests = place.server.stop()
        found.append({"name": contender.name, "wall": usage.wall, "cpu": usage.cpu, "peak_mib": usage.peak_kib / 1024,
                      "tail": ended - last_sent(requests, pulled.layers[0]), "intact": usage.good and verified(job)})
        setup.say(f"{scenario.name} {contender.name} {found[-1]['tail']:.3f} s", "" if usage.good else bench.output())
        shutil.rmtree(job.folder)
    shutil.rmtree(setup.root / "v2" / "library" / scenario.name)
    return {"bytes": scenario.size, "results": found}
