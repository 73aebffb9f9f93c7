"""Schema: the JSON Schema of the documents that reports write, made from their types."""

import inspect

import msgspec

from pipeline.capacity_finding import Review
from pipeline.finding import SCHEMA_VERSION
from pipeline.incident_finding import Findings

# Where two shapes have one name, their modules tell them apart. What is published does not move
# with the code.
WRITTEN, PUBLISHED = b"pipeline.incident_finding.", b"pipeline.finding."


def schema() -> dict[str, object]:
    """The JSON Schema of the findings: those of an incident report, or of a capacity review."""
    made = msgspec.json.schema_components([Findings, Review], ref_template="#/$defs/{name}")
    published = msgspec.json.encode(made).replace(WRITTEN, PUBLISHED)
    documents, shapes = msgspec.json.decode(published)
    for shape in shapes.values():
        # Python 3.13 takes a docstring's indentation off by itself, those before it do not.
        shape["description"] = inspect.cleandoc(shape.get("description", ""))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"gateway-rca findings {SCHEMA_VERSION}",
        "anyOf": documents,
        "$defs": shapes,
    }
