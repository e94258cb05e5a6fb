"""Checks a package in a folder with tools of others: `interop.py FOLDER`. Prints JSON."""

import json
import sys
from pathlib import Path

import pystac
from frictionless import Package, system, validate

folder = Path(sys.argv[1])
with system.use_context(trusted=True):
    report = validate(str(folder / "datapackage.json"))
    package = Package(str(folder / "datapackage.json"))

item = pystac.Item.from_file(str(folder / "stac.json"))
# Its own schemas come with it; those of extensions are checked elsewhere.
item.stac_extensions = []
item.validate()
item = pystac.Item.from_file(str(folder / "stac.json"))

print(
    json.dumps(
        {
            "valid": report.valid,
            "errors": report.flatten(["note", "message"]),
            "tasks": [[task.name, task.valid, task.type] for task in report.tasks],
            "resources": [[r.name, r.bytes, r.hash] for r in package.resources],
            "assets": {
                key: Path(asset.get_absolute_href()).stat().st_size
                for key, asset in item.assets.items()
            },
        }
    )
)
