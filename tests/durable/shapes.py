"""Does a response have the form that the service model gives it?

boto3 drops members it does not know and takes times in any form; here every
response is looked at as it came.
"""

import json
import re

TYPES = {
    "string": str, "integer": int, "long": int, "boolean": bool,
    "double": (int, float), "float": (int, float),
    "timestamp": (int, float), "list": list, "structure": dict, "map": dict,
}


def check(shape, value, where):
    """Raise AssertionError where the value is not of that shape."""
    kind = shape.type_name
    if kind == "blob":
        return
    assert isinstance(value, TYPES[kind]), f"{where} is no {kind}: {value!r}"
    assert kind == "boolean" or not isinstance(value, bool), where
    facts = shape.metadata
    if kind == "structure":
        for name in shape.required_members:
            assert name in value, f"{where} has no {name}"
        for name, one in value.items():
            assert name in shape.members, f"{where} has a member {name}"
            check(shape.members[name], one, f"{where}.{name}")
    elif kind == "list":
        for number, one in enumerate(value):
            check(shape.member, one, f"{where}[{number}]")
    elif kind == "timestamp":
        assert 1.7e9 < value < 2.2e9, f"{where}: {value}"
    elif kind == "string":
        assert facts.get("min", 0) <= len(value), where
        assert len(value) <= facts.get("max", len(value)), where
        if "pattern" in facts:
            assert re.fullmatch(facts["pattern"], value), f"{where}: {value}"
        if "enum" in facts:
            assert value in facts["enum"], f"{where}: {value}"
    elif kind == "integer":
        assert value >= facts.get("min", value), where
        assert value <= facts.get("max", value), where


def check_response(model, http_response, **_):
    """For botocore's event after-call; looks at the durable operations."""
    if http_response.status_code >= 300 or "Durable" not in model.name:
        return
    assert http_response.status_code == model.http["responseCode"]
    body = json.loads(http_response.content or "{}")
    check(model.output_shape, body, model.name)
