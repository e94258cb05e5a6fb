"""stac-api-validator, with schemas that are on this machine: `api_validator.py --root-url URL --conformance ...`."""

import offline

offline.install()

import stac_api_validator.__main__ as program  # noqa: E402
from requests import Session  # noqa: E402

# It wants writes to be done when they are answered: with what was made, and with nothing of what was changed.
PREFERENCES = {"POST": "wait=30, return=representation", "PUT": "wait=30, return=minimal"}
PREFERENCES |= {method: PREFERENCES["PUT"] for method in ("PATCH", "DELETE")}

prepare = Session.prepare_request


def prepared(self, request):
    writes = request.method != "POST" or request.url.endswith("/items")
    if writes and request.method in PREFERENCES:
        request.headers = {**(request.headers or {}), "Prefer": PREFERENCES[request.method]}
    return prepare(self, request)


Session.prepare_request = prepared
program.main(prog_name="stac-api-validator")
