"""stac-validator on every line of its input; a JSON line for each: id, whether it is valid, and why not."""

import json
import sys

import offline

offline.install()

from stac_validator.stac_validator import StacValidate  # noqa: E402

for line in sys.stdin:
    document = json.loads(line)
    validator = StacValidate()
    valid = validator.validate_dict(document)
    print(json.dumps({"id": document["id"], "valid": valid, "message": validator.message}))
