"""A warm process: reads [function, arguments...] as JSON lines and answers {seconds, result}; imports are not timed."""

import hashlib
import json
import sys
import time
import warnings

warnings.simplefilter("ignore")

import h5py
import netCDF4
import numpy as np
from kerchunk.hdf import SingleHdf5ToZarr
from obspec_utils.registry import ObjectStoreRegistry
from obstore.store import LocalStore
from virtualizarr import open_virtual_dataset
from virtualizarr.parsers import HDFParser

REGISTRY = ObjectStoreRegistry({"file://": LocalStore()})


def kerchunk(path):
    return SingleHdf5ToZarr(path, path, inline_threshold=0).translate()


def virtualizarr(path):
    return open_virtual_dataset(f"file://{path}", registry=REGISTRY, parser=HDFParser(), loadable_variables=[])


def read_h5py(path, name):
    with h5py.File(path) as file:
        return file[name][...]


def read_netcdf4(path, name):
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        return file[name][...]


def places_of_kerchunk(result):
    return [[key, *ref[1:]] for key, ref in result["refs"].items() if isinstance(ref, list) and len(ref) == 3]


def places_of_virtualizarr(result):
    places = []
    for name, variable in result.variables.items():
        for key, entry in variable.data.manifest.dict().items():
            places.append([f"{name}/{key}", entry["offset"], entry["length"]])
    return places


def digest(places):
    lines = sorted(f"{key} {offset} {length}" for key, offset, length in places)
    return {"count": len(lines), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def values(array):
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


READERS = {"kerchunk": kerchunk, "virtualizarr": virtualizarr, "h5py": read_h5py, "netCDF4": read_netcdf4}
DIGESTS = {
    "kerchunk": lambda result: digest(places_of_kerchunk(result)),
    "virtualizarr": lambda result: digest(places_of_virtualizarr(result)),
    "h5py": values,
    "netCDF4": values,
}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    wanted, _, how = name.partition(":")
    start = time.perf_counter()
    result = READERS[wanted](*arguments)
    seconds = time.perf_counter() - start
    answer = DIGESTS[wanted](result) if how == "digest" else None
    del result
    print(json.dumps({"seconds": seconds, "result": answer}), flush=True)
