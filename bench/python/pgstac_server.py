"""stac-fastapi-pgstac as it comes, one process under uvicorn and uvloop: database from PGHOST and the like; a free port.

Free text of items is not among its defaults, though pgstac has it: it is switched on. Both sides compress their answers
with gzip, which the bench takes as clients do.
"""

import socket

import uvicorn
from stac_fastapi.extensions.free_text import FreeTextConformanceClasses
from stac_fastapi.pgstac.app import instantiate_api
from stac_fastapi.pgstac.extensions import FreeTextExtension
from stac_fastapi.pgstac.models.extensions import Extensions

free_text = FreeTextExtension(conformance_classes=[FreeTextConformanceClasses.SEARCH])
app = instantiate_api(extensions=Extensions(search_map={"free_text": free_text})).app

listener = socket.create_server(("127.0.0.1", 0))
print(f"listening http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
uvicorn.Server(uvicorn.Config(app, loop="uvloop", http="httptools", log_level="warning", access_log=False)).run(
    sockets=[listener]
)
