"""Writes examples-by-cql2-rs.json: what cql2-rs (PyPI: cql2 0.6.0), another reader of CQL2, makes of examples.json.

Run by hand, with that package, when the examples change.
"""
import json
import pathlib

import cql2

here = pathlib.Path(__file__).parent
texts = json.loads((here / "examples.json").read_text())
read = [cql2.parse_text(text).to_json() for text in texts]
(here / "examples-by-cql2-rs.json").write_text(json.dumps(read, indent=1) + "\n")
