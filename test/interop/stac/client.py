"""pystac-client at a node: `client.py URL < items.ndjson`, all items that were published. A JSON line for each check.

What a search should find is computed here from the items, without any index and by shapely.
"""

import json
import sys
import traceback

import offline

offline.install()

from pystac_client import Client  # noqa: E402
from shapely.geometry import box, shape  # noqa: E402
from shapely.ops import unary_union  # noqa: E402

ROOT = sys.argv[1]
ITEMS = [json.loads(line) for line in sys.stdin]
CLIENT = Client.open(ROOT)
PAGE = 37
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def ids(of):
    return sorted(item["id"] for item in of)


def found(**parameters):
    """Ids of a search with all its pages, each once, by GET and by POST."""
    answers = []
    for method in "GET", "POST":
        search = CLIENT.search(method=method, limit=PAGE, **parameters)
        of = [item["id"] for item in search.items_as_dicts()]
        assert len(set(of)) == len(of), f"{method} repeats items"
        assert search.matched() == len(of), f"{method}: {search.matched()} matched, {len(of)} came"
        answers.append(of)
    assert answers[0] == answers[1], "GET and POST differ"
    return answers[0]


def expect(of, **parameters):
    expected = ids(of)
    assert expected, "the check would prove nothing"
    assert len(expected) < len(ITEMS), "the check would prove nothing"
    assert sorted(found(**parameters)) == expected


def period(item):
    properties = item["properties"]
    at = properties["datetime"]
    return (at, at) if at else (properties["start_datetime"], properties["end_datetime"])


def value(item, name):
    return item["properties"].get(name)


def meets(geometry):
    return [item for item in ITEMS if item["geometry"] and shape(item["geometry"]).intersects(geometry)]


@check
def collections():
    expected = sorted({item["collection"] for item in ITEMS})
    assert sorted(collection.id for collection in CLIENT.get_collections()) == expected
    for collection in CLIENT.get_collections():
        collection.validate()


@check
def everything():
    assert sorted(found()) == ids(ITEMS)


@check
def items_of_collections():
    for name in {item["collection"] for item in ITEMS}:
        collection = CLIENT.get_collection(name)
        of = [item for item in ITEMS if item["collection"] == name]
        assert sorted(item.id for item in collection.get_items()) == ids(of)
        item = collection.get_item(of[0]["id"])
        assert item.id == of[0]["id"] and item.get_collection().id == name


@check
def pages_forth_and_back():
    for method in "GET", "POST":
        search = CLIENT.search(method=method, limit=PAGE, sortby="-properties.created")
        forth = list(search.pages_as_dicts())
        assert len(forth) > 3
        page, back = forth[-1], [forth[-1]]
        while link := next((link for link in page["links"] if link["rel"] == "prev"), None):
            text = CLIENT._stac_io.request(link["href"], method=link["method"], parameters=link.get("body"))
            page = json.loads(text)
            back.append(page)
        names = [[item["id"] for item in page["features"]] for page in forth]
        assert [[item["id"] for item in page["features"]] for page in reversed(back)] == names


@check
def cql2_text_and_json():
    of = [item for item in ITEMS if value(item, "cmip6:experiment_id") in ("historical", "ssp585")]
    of = [item for item in of if value(item, "cmip6:variable_id").startswith("p")]
    text = "cmip6:experiment_id IN ('historical', 'ssp585') AND cmip6:variable_id LIKE 'p%'"
    expect(of, filter=text, filter_lang="cql2-text")
    tree = {
        "op": "and",
        "args": [
            {"op": "in", "args": [{"property": "cmip6:experiment_id"}, ["historical", "ssp585"]]},
            {"op": "like", "args": [{"property": "cmip6:variable_id"}, "p%"]},
        ],
    }
    expect(of, filter=tree, filter_lang="cql2-json")
    middling = [item for item in ITEMS if 10 <= (value(item, "eo:cloud_cover") or 0) <= 60]
    expect(middling, filter="eo:cloud_cover BETWEEN 10 AND 60", filter_lang="cql2-text")


@check
def query():
    clear = [item for item in ITEMS if value(item, "eo:cloud_cover") is not None and value(item, "eo:cloud_cover") < 30]
    expect(clear, query={"eo:cloud_cover": {"lt": 30}})
    expect(clear, query=["eo:cloud_cover<30"])


@check
def sorted_by_property():
    of = [item for item in ITEMS if value(item, "eo:cloud_cover") is not None]
    expected = [item["id"] for item in sorted(of, key=lambda item: (-value(item, "eo:cloud_cover"), item["id"]))]
    collection = of[0]["collection"]
    sortby = ["-properties.eo:cloud_cover", "+id"]
    assert found(collections=[collection], sortby=sortby) == expected


@check
def fields():
    search = CLIENT.search(fields={"include": ["id", "properties.cmip6:source_id"], "exclude": []}, collections=["CMIP6"])
    for item in search.items_as_dicts():
        assert set(item["properties"]) <= {"cmip6:source_id"} and "assets" not in item


@check
def chosen_ids():
    chosen = [ITEMS[0], ITEMS[-1]]
    expect(chosen, ids=ids(chosen))


@check
def boxes():
    expect(meets(box(100, -45, 140, -10)), bbox=[100, -45, 140, -10])
    across = unary_union([box(170, -60, 180, 60), box(-180, -60, -170, 60)])
    expect(meets(across), bbox=[170, -60, -170, 60])


@check
def intersects():
    triangle = {"type": "Polygon", "coordinates": [[[-10, 36], [30, 36], [10, 65], [-10, 36]]]}
    expect(meets(shape(triangle)), intersects=triangle)


@check
def datetimes():
    for start, end in ("2018-01-01T00:00:00Z", "2020-12-31T23:59:59Z"), ("2090-01-01T00:00:00Z", None):
        of = [item for item in ITEMS if period(item)[1] >= start and (end is None or period(item)[0] <= end)]
        expect(of, datetime=f"{start}/{end or '..'}")


@check
def free_text():
    # The client has no parameter for it, but goes on with links that have it.
    first = json.loads(CLIENT._stac_io.request(f"{ROOT}/search", parameters={"q": "sentinel-2a", "limit": 3}))
    of = [item for item in ITEMS if value(item, "platform") == "sentinel-2a"]
    assert first["numberMatched"] == len(of) > 3
    rest = CLIENT._stac_io.get_pages(next(link for link in first["links"] if link["rel"] == "next")["href"])
    assert sorted(item["id"] for page in [first, *rest] for item in page["features"]) == ids(of)


@check
def collection_search():
    of = CLIENT.collection_search(q="CMIP6", limit=1)
    assert "CMIP6" in [collection.id for collection in of.collections()]
    # All boxes of the imagery are over land: nothing of it lies in the southern ocean.
    there = [collection.id for collection in CLIENT.collection_search(bbox=[-150, -89, -140, -80]).collections()]
    assert "CMIP6" in there and "sentinel-2-l2a" not in there


@check
def queryables():
    of = CLIENT.get_merged_queryables(["CMIP6", "sentinel-2-l2a"])["properties"]
    assert "cmip6:experiment_id" in of and "eo:cloud_cover" in of


for one in CHECKS:
    try:
        one()
        print(json.dumps({"check": one.__name__}))
    except Exception:
        print(json.dumps({"check": one.__name__, "fault": traceback.format_exc(limit=-3)}))
