"""The numbers that pullama wants to reach, and whether a run reached them."""
import statistics
from dataclasses import dataclass

MIB = 1 << 20
RACES = ("lan", "long", "lossy", "limited")


@dataclass(frozen=True)
class Goal:
    what: str
    wanted: str
    reached: object  # True, False, or None where the run did not measure it
    found: str


def of(scenarios):
    """The goals with what was found; scenarios as in the JSON file."""
    makers = (slowest_stage, *(faster_in(name) for name in RACES), kills, wait_at_the_end, verify_rate, memory,
              start, binary, small_blobs)
    return [maker(scenarios) for maker in makers]


def unknown(what, wanted):
    return Goal(what, wanted, None, "not measured")


def own(result):
    return result["summaries"][0]


def named(results, name):
    return next((one for one in results if one["name"] == name), None)


def slowest_stage(scenarios):
    what, wanted = "unshaped pull ÷ slowest stage", ">= 0.90"
    if "http" not in scenarios:
        return unknown(what, wanted)
    result = scenarios["http"]
    slowest = min(statistics.median(rates) for rates in result["stages"].values())
    share = result["bytes"] / own(result)["wall"] / slowest
    return Goal(what, wanted, share >= 0.9, f"{share:.2f}")


def faster_in(name):
    def look(scenarios):
        what, wanted = f"{name}: time ÷ best peer's", "< 1"
        if name not in scenarios:
            return unknown(what, wanted)
        peers = scenarios[name]["summaries"][1:]
        finished = [one for one in peers if one["intact"]] or peers
        if not finished:
            return unknown(what, wanted)
        best = min(finished, key=lambda one: one["wall"])
        mine = own(scenarios[name])
        ratio = mine["wall"] / best["wall"]
        return Goal(what, wanted, mine["intact"] and ratio < 1, f"{ratio:.2f} ({best['name']})")
    return look


def kills(scenarios):
    what, wanted = "received ÷ size, 20 SIGKILLs", "<= 1.01"
    if "resume" not in scenarios:
        return unknown(what, wanted)
    one = scenarios["resume"]["results"][0]
    return Goal(what, wanted, one["intact"] and one["ratio"] <= 1.01, f"{one['ratio']:.4f} ({one['kills']} kills)")


def wait_at_the_end(scenarios):
    what, wanted = "last byte to verified, 4 GiB", "< 0.3 s"
    if "tail" not in scenarios:
        return unknown(what, wanted)
    result = scenarios["tail"]
    one = result["results"][0]
    return Goal(what, wanted, one["intact"] and one["tail"] < 0.3,
                  f"{one['tail']:.3f} s ({result['bytes'] / (1 << 30):g} GiB)")


def verify_rate(scenarios):
    what, wanted = "verify ÷ min(all cores' SHA-256, disk)", ">= 0.95"
    mine = [one for one in scenarios.get("verify", {"results": []})["results"] if one["name"] == "pullama"]
    if not mine or not all(one["good"] for one in mine):
        return unknown(what, wanted)
    result = scenarios["verify"]
    hashing, reading = (statistics.median(result["stages"][stage]) for stage in ("hash", "read"))
    shares = {one["from"]: result["bytes"] / one["wall"] / (hashing if one["from"] == "memory" else min(hashing, reading))
              for one in mine}
    return Goal(what, wanted, min(shares.values()) >= 0.95,
                  ", ".join(f"{share:.2f} from {where}" for where, share in shares.items()))


def memory(scenarios):
    what, wanted = "peak memory, all pulls", "<= 32 MiB"
    peaks = [own(result)["peak_mib"] for result in scenarios.values() if result.get("summaries")]
    peaks += [result["results"][0]["peak_mib"] for result in scenarios.values()
              if result.get("results") and "peak_mib" in result["results"][0]]
    return Goal(what, wanted, max(peaks) <= 32, f"{max(peaks):.1f} MiB") if peaks else unknown(what, wanted)


def start(scenarios):
    what, wanted = "start-up ÷ curl's", "<= 1"
    results = scenarios.get("startup", {"results": []})["results"]
    mine, theirs = named(results, "pullama"), named(results, "curl")
    if not mine or not theirs:
        return unknown(what, wanted)
    return Goal(what, wanted, mine["wall"] <= theirs["wall"], f"{mine['wall'] / theirs['wall']:.2f}")


def binary(scenarios):
    what, wanted = "binary without symbols", "<= 1 MiB"
    size = scenarios.get("startup", {}).get("binary")
    return Goal(what, wanted, size <= MIB, f"{size / MIB:.2f} MiB") if size else unknown(what, wanted)


def small_blobs(scenarios):
    what, wanted = "small blobs ÷ (bytes ÷ rate + 4 round trips)", "<= 2"
    if "small" not in scenarios:
        return unknown(what, wanted)
    result = scenarios["small"]
    ideal = result["bytes"] * 8 / result["link"]["rate"] + 4 * result["link"]["rtt_ms"] / 1000
    ratio = own(result)["wall"] / ideal
    return Goal(what, wanted, own(result)["intact"] and ratio <= 2, f"{ratio:.2f}")


def table(scenarios, short):
    """The goals as text."""
    words = {True: "yes", False: "NO", None: "-"}
    first = "goals (of a short run: too little was pulled to judge by)" if short else "goals"
    return "\n".join([first, *(f"  {goal.what:<46} {goal.wanted:>10}  {words[goal.reached]:<4}{goal.found}"
                                 for goal in of(scenarios))])
