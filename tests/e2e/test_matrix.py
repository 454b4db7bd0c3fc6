"""Each kind of request meets each misbehaviour of the network, and the pull ends as the table says.

A sample of the table is tested; all of it with PULLAMA_MATRIX=all in the environment.
"""
import os
import re

import pytest
from support import matrix, stage
from support.matrix import STATUSES
from support.store import blob_path, check_model, check_store, leftovers

pytestmark = pytest.mark.campaign("requests × misbehaviours of the network")

LONGEST_S = 15   # with 300 ms of patience and one retry; refused targets are asked for 6 s
FOUND = matrix.cells()
CHOSEN = FOUND if os.environ.get("PULLAMA_MATRIX") == "all" else matrix.sample(FOUND, 40)


def secrets_of(registry):
    """What no output may contain: so much as the beginning of a token, and what makes a URL a signed one."""
    tokens = {r.headers.get("authorization", "").removeprefix("Bearer ") for r in registry.requests()}
    return {"Signature=", *(token[:12] for token in (*tokens, *registry.realm.tokens) if token)}


def check_failure(result, cell, registry, store, digest):
    last = result.last
    assert last["event"] == "failed" and last["Code"] == cell.end, result
    assert last["ExitStatus"] == result.status, result
    places = (registry.host, registry.cdn.host, digest.removeprefix("sha256:")[:12])
    assert any(place in result.err for place in places), f"it does not say where: {result}"
    assert re.search(cell.says or ".", result.err), f"it does not say what: {result}"
    assert not list(store.rglob("latest")), "a manifest of a model that is not whole"


@pytest.mark.parametrize("cell", CHOSEN, ids=str)
def test_cell(pullama, store, serve, request, cell):
    secure = cell.fault.get("tls")
    registry, tiny = stage.set_stage(cell, serve, request.getfixturevalue("tls") if secure else None)
    digest = tiny.layers[0].digest
    command = [registry.name("library/m"), *stage.QUICK]
    if secure:
        command += ["--cacert", request.getfixturevalue("authority") / "ca.pem"]
    result = pullama.pull(*command, timeout=4 * LONGEST_S)
    if "raw" in cell.fault and cell.end == "protocol" and result.status == STATUSES["network"]:
        # On a connection that was kept, stray bytes may be of the answer before: that counts as a lost
        # connection, and whether the last try met a kept one is chance.
        cell.end = "network"
    result.ended(STATUSES[cell.end])
    assert registry.rules.rules[-1].hits > 0, "the fault met no request"
    assert result.seconds < LONGEST_S, result
    check_store(store)
    if cell.end == "ok":
        check_model(store, registry, "library/m", "latest", tiny)
        assert leftovers(store) == []
    else:
        check_failure(result, cell, registry, store, digest)
    # What was wrong is right now, and the same command ends well.
    registry.rules.clear()
    again = pullama.pull(*command).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert blob_path(store, digest).exists() and leftovers(store) == []
    said = "".join(run.out + run.err for run in (result, again))
    assert [secret for secret in secrets_of(registry) if secret in said] == []
