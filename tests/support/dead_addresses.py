"""dead_addresses.py PROGRAM FOLDER: pulls past addresses that never answer, and prints the seconds as JSON.

To be run in a network namespace of its own (unshare -n): it makes a network there. Exit 77: it may not."""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import model  # noqa: E402
from support.program import Program  # noqa: E402
from support.registry import Registry  # noqa: E402

# Packets to these addresses leave by one end of a pair, and the other end does not know the receiver.
NETWORK = """link set lo up
link add d0 type veth peer name d1
link set d0 up
link set d1 up
addr add 192.0.2.2/24 dev d0
-6 addr add 2001:db8::2/64 dev d0 nodad
neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev d0
-6 neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev d0"""

CASES = {
    "plain": ["127.0.0.1"],
    "dead IPv6": ["2001:db8::1,127.0.0.1"],
    "dead first address": ["192.0.2.1,127.0.0.1"],
    "only IPv4": ["2001:db8::1,127.0.0.1", "-4"],
}


def main(path, folder):
    for line in NETWORK.splitlines():
        done = subprocess.run(["ip", *line.split()], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr)
            return 77
    os.environ["PULLAMA"] = path
    seconds = {}
    for number, (name, (addresses, *flags)) in enumerate(CASES.items()):
        home = Path(folder) / str(number)
        home.mkdir()
        with Registry() as registry:
            registry.add("library/m", "latest", model.small(8 * model.MIB))
            port = registry.registry.port
            began = time.monotonic()
            Program(home, home / "models").pull(
                f"http://registry.test:{port}/library/m", "--resolve", f"registry.test:{port}:{addresses}", *flags,
                timeout=60).ended(0)
            seconds[name] = round(time.monotonic() - began, 2)
    print(json.dumps(seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
