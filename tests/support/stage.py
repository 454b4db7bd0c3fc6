"""Sets the stage for one cell of the matrix: a registry that misbehaves in just this way."""
from . import model
from .matrix import CUT, MIB, TIMES
from .tokens import Realm

CUTS = {"manifest": 100, "token": 20, "chunks": 100, "resolve": 100, "blob": 50_000, "object": 50_000}
CHUNK = MIB // 8
QUICK = ("--stall-timeout", "300ms", "--max-retries", "1", "--chunk-size", "128KiB", "-x", "2")
MOVED = b"<a href='elsewhere'>Temporary Redirect</a>." * 8


def pattern_of(kind, digest):
    return {"manifest": "/manifests/", "token": "^/token", "chunks": "/chunksums/"}.get(kind, digest)


def fault_of(cell):
    """The fault's arguments for this kind of request."""
    fault = {key: CUTS[cell.kind] if value == CUT else value for key, value in cell.fault.items()}
    if cell.kind == "resolve" and "status" not in fault:
        fault.setdefault("body", MOVED)
    fault.pop("tls", None)
    return fault


def set_stage(cell, serve, tls=None):
    """A registry with a model, a bearer realm and the cell's fault. Returns registry and model."""
    registry = serve(mode="direct" if cell.kind == "blob" else "redirect", realm=Realm("anonymous"), tls=tls)
    at_blob = cell.kind in ("blob", "object")
    tiny = registry.add("library/m", "latest", model.small(3000 if at_blob and "rate" in cell.fault else MIB // 2))
    digest = tiny.layers[0].digest
    if cell.kind == "chunks":
        # They are asked for only when a blob turned out wrong.
        registry.add_chunksums(digest, CHUNK)
        registry.fault(digest, server="cdn", flip=(70_000,), times=1)
    # The first request for the manifest has no token and gets no manifest, whatever happens.
    authorized = (lambda request: "authorization" in request.headers) if cell.kind == "manifest" else None
    registry.fault(pattern_of(cell.kind, digest), server="cdn" if cell.kind == "object" else "registry",
                   times=TIMES[cell.times], when=authorized, **fault_of(cell))
    return registry, tiny
