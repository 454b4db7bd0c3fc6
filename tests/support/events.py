"""The event stream as docs/formats describe it: both descriptions, and whether events keep to them."""
import json
import re
from pathlib import Path

FORMATS = Path(__file__).resolve().parents[2] / "docs" / "formats"
COMMON = {"event", "seq", "time", "job", "verb", "Model", "Tag", "Ref"}


def documented():
    """event → {field: type}, as the tables of events.md have them."""
    text = (FORMATS / "events.md").read_text().partition("\n## Events\n")[2].partition("\n## Nested objects\n")[0]
    found, event = {}, None
    for line in text.splitlines():
        if match := re.match(r"\*\*`(\w+)`\*\*", line):
            event = found.setdefault(match[1], {})
        elif match := re.match(r"\| `(\w+)` \| (.*?) \|", line):
            event[match[1]] = match[2]
    return found


def schema():
    return json.loads((FORMATS / "events.schema.json").read_text())


def in_schema(schema):
    """event → {field: its schema}."""
    found = {name: {} for name in schema["properties"]["event"]["enum"]}
    for rule in schema["allOf"]:
        found[rule["if"]["properties"]["event"]["const"]].update(rule["then"]["properties"])
    return found


TYPES = {"integer": int, "boolean": bool, "string": str, "null": type(None), "array": list, "object": dict}


def fits(value, rule, definitions):
    """Whether a value keeps to as much of JSON Schema as ours uses."""
    if "$ref" in rule:
        return fits(value, definitions[rule["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in rule:
        return any(fits(value, one, definitions) for one in rule["anyOf"])
    if "enum" in rule:
        return value in rule["enum"]
    types = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    if not any(type(value) is TYPES[name] for name in types):
        return False
    if isinstance(value, list):
        return all(fits(item, rule["items"], definitions) for item in value)
    if isinstance(value, dict):
        return all(key in value for key in rule.get("required", ())) and all(
            fits(item, rule["properties"][key], definitions) for key, item in value.items() if key in rule["properties"])
    if isinstance(value, str):
        return re.search(rule.get("pattern", ""), value) is not None
    return not isinstance(value, int) or rule.get("minimum", value) <= value <= rule.get("maximum", value)


def check_described(events):
    """Every event has exactly the fields that are described, with values of the types that are."""
    described = schema()
    fields = in_schema(described)
    for event in events:
        name = event["event"]
        own = set(event) - COMMON
        optional = {"Blob"} if name in ("retry", "refresh") else set()
        assert own | optional == set(fields[name]) | optional, f"{name}: {own ^ set(fields[name])}"
        for key, value in event.items():
            rule = described["properties"].get(key) or fields[name][key]
            assert fits(value, rule, described["$defs"]), f"{name}: {key} is {value!r}"
