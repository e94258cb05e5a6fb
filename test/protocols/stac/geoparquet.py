"""What pyarrow, geopandas and stac-geoparquet read: `geoparquet.py FILE < items.ndjson`. Answers a JSON line."""

import datetime
import json
import sys

import geopandas
import pyarrow.fs  # noqa: F401  stac_geoparquet takes it for granted
import pyarrow.parquet
import shapely
from stac_geoparquet.arrow import stac_table_to_items

PATH = sys.argv[1]
EXPECTED = {item["id"]: item for item in map(json.loads, sys.stdin)}


def plain(value):
    """Without nulls, which a table has wherever another row has a value; times to the second, as the reader writes them."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    return value


def item_of(item):
    item = plain(item)
    geometry = item.get("geometry")
    item["geometry"] = geometry and shapely.geometry.shape(geometry).normalize().wkt
    for name, value in item["properties"].items():
        if name.endswith("datetime") or name in ("created", "updated"):
            item["properties"][name] = datetime.datetime.fromisoformat(value).replace(microsecond=0).isoformat()
    return item


table = pyarrow.parquet.read_table(PATH)
frame = geopandas.read_parquet(PATH)
assert frame.geometry.notna().all() and len(frame) == table.num_rows
differences = []
for read in stac_table_to_items(table):
    mine, theirs = item_of(EXPECTED.pop(read["id"])), item_of(read)
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            differences.append([read["id"], name, mine.get(name), theirs.get(name)])
differences += [[id, "missing"] for id in EXPECTED]
print(
    json.dumps(
        {
            "rows": table.num_rows,
            "crs": ":".join(frame.crs.to_authority()),
            "times": str(table.schema.field("datetime").type),
            "differences": differences[:3],
        }
    )
)
