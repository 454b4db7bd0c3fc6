"""The two descriptions of the event stream say the same."""
import pytest
from support.events import check_described, documented, in_schema, schema

# What a type of events.md is in the schema.
FORMS = {
    "integer": {"type": "integer", "minimum": 0}, "integer or null": {"type": ["integer", "null"], "minimum": 0},
    "string": {"type": "string"}, "string or null": {"type": ["string", "null"]}, "boolean": {"type": "boolean"},
    "digest or null": {"anyOf": [{"$ref": "#/$defs/digest"}, {"type": "null"}]},
    "time or null": {"anyOf": [{"$ref": "#/$defs/time"}, {"type": "null"}]},
    "array of strings": {"type": "array", "items": {"type": "string"}},
    "[blob](#blob)": {"$ref": "#/$defs/blob"}, "[chunk](#chunk)": {"$ref": "#/$defs/chunk"},
    "array of [layer](#layer)": {"type": "array", "items": {"$ref": "#/$defs/layer"}},
    "[layer](#layer) or null": {"anyOf": [{"$ref": "#/$defs/layer"}, {"type": "null"}]},
}


def test_both_know_the_same_events():
    assert set(documented()) == set(in_schema(schema()))


@pytest.mark.parametrize("event", documented())
def test_both_give_an_event_the_same_fields_of_the_same_types(event):
    table, rules = documented()[event], in_schema(schema())[event]
    assert set(table) == set(rules) - ({"Blob"} if event in ("retry", "refresh") else set())
    for field, kind in table.items():
        rule = dict(rules[field])
        if "enum" in rule:  # closer than "string"
            rule = {"type": "string"}
        rule.pop("maximum", None)
        assert rule == FORMS[kind], field


def test_every_field_is_required_where_it_is_described():
    for rule in schema()["allOf"]:
        then, name = rule["then"], rule["if"]["properties"]["event"]["const"]
        optional = {"Blob"} if name in ("retry", "refresh") else set()
        assert set(then["required"]) == set(then["properties"]) - optional, name


def test_what_is_not_described_is_found():
    good = {"event": "rm_start", "seq": 1, "time": None, "job": 1, "verb": "rm"}
    check_described([good])
    for bad in ({"seq": 0}, {"time": "today"}, {"verb": "fly"}, {"More": 1}, {"job": True}):
        with pytest.raises(AssertionError):
            check_described([{**good, **bad}])
