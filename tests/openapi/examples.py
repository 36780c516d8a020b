"""Holds every example of a document to its schema: `examples.py openapi.json`. Prints how many there are; fails with those that do not fit."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend


def pattern(_: Any, regex: str, value: Any, __: Any) -> Iterator[ValidationError]:
    """A pattern as ECMAScript has them: Python has another word for letters and digits."""
    if isinstance(value, str) and not re.search(regex.replace(r"\p{L}\p{N}", r"\w"), value):
        yield ValidationError(f"{value!r} does not match {regex!r}")


Validator = extend(Draft202012Validator, {"pattern": pattern})


def main() -> None:
    document = json.loads(Path(sys.argv[1]).read_text())
    faults, count = [], 0
    for place, schema, example in examples(document, ""):
        count += 1
        whole = {**{name: value for name, value in schema.items() if name not in {"example", "examples"}}, "components": document["components"]}
        faults += [f"{place}: {error.json_path} {error.message[:300]}" for error in Validator(whole).iter_errors(example)]
    print(count)
    if faults:
        sys.exit("\n".join(faults))


def examples(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example, with its schema: that which it stands in, or that beside it."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from examples(item, f"{place}/{index}")
    elif isinstance(node, dict):
        schema = node["schema"] if isinstance(node.get("schema"), dict) else node
        if isinstance(node.get("examples"), list):
            yield from ((place, schema, example) for example in node["examples"])
        # A property may be called so.
        if "example" in node and not place.endswith("/properties"):
            yield place, schema, node["example"]
        for name, value in node.items():
            if name not in {"example", "examples"}:
                yield from examples(value, f"{place}/{name}")


if __name__ == "__main__":
    main()
