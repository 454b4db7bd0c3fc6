"""Tables for people, at most 100 columns wide."""
import statistics

COLUMNS = "  {:<13} {:>8} {:>8} {:>8} {:>8} {:>9} {:>7} {:>6} {:>6}  {}"


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
    if one["late"]:
        return COLUMNS.format(one["name"], f"> {one['wall']:.0f}", *["-"] * 4, f"{one['sent_ratio']:.3f}",
                              f"{one['connections']:.0f}", one["rounds"], "late")
    checked = "ok" if one["intact"] else "WRONG" if one["end"] == "exit 0" else one["end"]
    return COLUMNS.format(one["name"], f"{one['wall']:.3f}", f"{total / one['wall'] / 1e6:.1f}",
                          f"{one['cpu']:.2f}", f"{one['server_cpu']:.2f}", f"{one['peak_mib']:.1f}", f"{one['sent_ratio']:.3f}", f"{one['connections']:.0f}",
                          one["rounds"], checked).rstrip()


def stage_medians(result):
    return {stage: statistics.median(values) for stage, values in result["stages"].items()}


def verdicts(result):
    """How the first contender stands to the best of the others and to the slowest stage."""
    first, *others = result["summaries"]
    lines = []
    finished = [one for one in others if one["intact"]]
    if first["late"]:
        lines.append(f"{first['name']} was stopped: it took too long")
    elif finished:
        best = min(finished, key=lambda one: one["wall"])
        lines.append(f"{first['name']} takes {first['wall'] / best['wall']:.2f} of the time of the best peer"
                     f" ({best['name']})")
    if (result["link"] or {}).get("rate") and not first["late"]:
        lines.append(f"uses {result['bytes'] * 8 / first['wall'] / result['link']['rate']:.2f} of the line's rate")
    stages = stage_medians(result)
    if stages and not first["late"]:
        slowest = min(stages, key=stages.get)
        share = result["bytes"] / first["wall"] / stages[slowest]
        lines.append(f"reaches {share:.2f} of the slowest stage ({slowest}): "
                     + ", ".join(f"{stage} {rate(value)}" for stage, value in stages.items()))
    return lines


def of_race(scenario, result):
    lines = [heading(scenario, result),
             COLUMNS.format("", "wall s", "MB/s", "cpu s", "server s", "peak MiB", "sent/B", "conns", "runs", "hash")]
    lines += [summary_line(one, result["bytes"]) for one in result["summaries"]]
    lines += ["  " + line for line in verdicts(result)]
    return "\n".join(lines)


def of_results(scenario, result, columns):
    """A plain table of what the other kinds found. columns: (heading, field, format)"""
    first = f"{scenario.name}: {scenario.title}"
    if "bytes" in result:
        first += f", {size(result['bytes'])}"
    form = "  {:<18}" + " {:>12}" * len(columns)
    lines = [first, form.format("", *(heading for heading, _, _ in columns))]
    for one in result["results"]:
        name = one["name"] + (f", {one['from']}" if "from" in one else "")
        lines.append(form.format(name, *(format(one[field], form_) if form_ else ("ok" if one[field] else "FAILED")
                                         for _, field, form_ in columns)))
    return lines


def of_resume(scenario, result):
    return "\n".join(of_results(scenario, result, [
        ("kills", "kills", "d"), ("received/B", "ratio", ".4f"), ("wall s", "wall", ".2f"), ("hash", "intact", "")]))


def of_tail(scenario, result):
    return "\n".join(of_results(scenario, result, [
        ("wait s", "tail", ".3f"), ("wall s", "wall", ".2f"), ("cpu s", "cpu", ".2f"),
        ("peak MiB", "peak_mib", ".1f"), ("hash", "intact", "")]))


def of_startup(scenario, result):
    lines = of_results(scenario, result, [
        ("wall s", "wall", ".4f"), ("cpu s", "cpu", ".4f"), ("peak MiB", "peak_mib", ".1f"), ("", "good", "")])
    if result["binary"]:
        lines.append(f"  pullama without symbols: {result['binary']} bytes")
    return "\n".join(lines)


def of_verify(scenario, result):
    lines = of_results(scenario, result, [
        ("wall s", "wall", ".3f"), ("cpu s", "cpu", ".2f"), ("peak MiB", "peak_mib", ".1f"), ("", "good", "")])
    lines.append("  " + ", ".join(f"{stage} {rate(value)}" for stage, value in stage_medians(result).items())
                 + f" ({result['cores']} cores)")
    return "\n".join(lines)


def noise(scenarios):
    """How much else the machine did while races ran."""
    shares = [taken["others_cpu"] / taken["usage"]["wall"] for result in scenarios.values()
              for samples in result.get("samples", {}).values() for taken in samples]
    if not shares:
        return ""
    return f"other programs used {statistics.median(shares):.2f} cores meanwhile (median), {max(shares):.2f} at most"


def about(machine_facts, took, short, rounds):
    """Where the figures come from."""
    kind = "a short run" if short else f"a run with {rounds} round(s) of each race" if rounds else "a full run"
    tools = [machine_facts[name] for name in ("pullama", "aria2", "wget2", "curl", "nginx", "openssl")]
    return "\n".join([
        f"{kind} of {took / 60:.0f} minutes on {machine_facts['cores']} cores, {machine_facts['processor']},",
        f"kernel {machine_facts['kernel']}, {machine_facts['file_system']}; load {machine_facts['load'][0]:.1f} at the start,"
        f" {machine_facts['load_at_the_end'][0]:.1f} at the end", *(f"  {tool[:96]}" for tool in tools if tool)])


TABLES = {"race": of_race, "resume": of_resume, "tail": of_tail, "startup": of_startup, "verify": of_verify}


def table(scenario, result):
    return TABLES[scenario.kind](scenario, result)
