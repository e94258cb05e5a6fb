"""xpublish over the NetCDF files of a folder: python xpublish_server.py FOLDER none|zstd. Datasets open lazily."""

import os
import socket
import sys

import uvicorn
import xarray as xr
import xpublish
from zarr.codecs import ZstdCodec

folder, codec = sys.argv[1:]
datasets = {}
for name in sorted(os.listdir(folder)):
    dataset = xr.open_dataset(os.path.join(folder, name), chunks={}, decode_cf=False)
    for variable in dataset.variables.values():
        variable.encoding = {"compressors": (ZstdCodec(level=1),) if codec == "zstd" else None}
        if variable.chunks is not None:
            variable.encoding["chunks"] = tuple(sizes[0] for sizes in variable.chunks)
    datasets[name.removesuffix(".nc")] = dataset

listener = socket.create_server(("127.0.0.1", 0))
print(f"listening http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
config = uvicorn.Config(xpublish.Rest(datasets).app, log_level="error", access_log=False)
uvicorn.Server(config).run(sockets=[listener])
