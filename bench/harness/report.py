"""Tables for people, at most 100 columns wide."""
import statistics

COLUMNS = "  {:<12} {:>9} {:>8} {:>8} {:>8} {:>9} {:>7} {:>6} {:>6}  {}"


def rate(value):
    return f"{value / 1e9:.2f} GB/s" if value >= 1e9 else f"{value / 1e6:.1f} MB/s"


def size(value):
    for unit, step in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= step:
            return f"{value / step:g} {unit}"
    return f"{value} B"


def heading(scenario, result):
    what = size(result["bytes"] // result["blobs"])
    if result["blobs"] > 1:
        what = f"{result['blobs']} blobs of {what}"
    return f"{scenario.name}: {scenario.title}, {what}"


def summary_line(one, total):
    wall = f"> {one['wall']:.0f}" if one["late"] else f"{one['wall']:.3f}"
    speed = "" if one["late"] else f"{total / one['wall'] / 1e6:.1f}"
    checked = "late" if one["late"] else "ok" if one["intact"] else "WRONG"
    return COLUMNS.format(one["name"], wall, speed, f"{one['cpu']:.2f}", f"{one['server_cpu']:.2f}",
                          f"{one['peak_mib']:.1f}", f"{one['sent_ratio']:.3f}", f"{one['connections']:.0f}",
                          one["rounds"], checked).rstrip()


def stage_medians(result):
    return {stage: statistics.median(values) for stage, values in result["stages"].items()}


def verdicts(result):
    """How the first contender stands to the best of the others and to the slowest stage."""
    first, *others = result["summaries"]
    lines = []
    finished = [one for one in others if one["intact"]]
    if finished:
        best = min(finished, key=lambda one: one["wall"])
        lines.append(f"{first['name']} takes {first['wall'] / best['wall']:.2f} of the time of the best peer"
                     f" ({best['name']})")
    stages = stage_medians(result)
    if stages:
        slowest = min(stages, key=stages.get)
        share = result["bytes"] / first["wall"] / stages[slowest]
        lines.append(f"reaches {share:.2f} of the slowest stage ({slowest}): "
                     + ", ".join(f"{stage} {rate(value)}" for stage, value in stages.items()))
    return lines


def race_table(scenario, result):
    lines = [heading(scenario, result),
             COLUMNS.format("", "wall s", "MB/s", "cpu s", "server s", "peak MiB", "sent/B", "conns", "runs", "hash")]
    lines += [summary_line(one, result["bytes"]) for one in result["summaries"]]
    lines += ["  " + line for line in verdicts(result)]
    return "\n".join(lines)
