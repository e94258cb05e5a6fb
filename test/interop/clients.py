"""Reads served datasets with xarray in every form and compares them with the local files.

Takes lines `{"id": ..., "path": ...}` on standard input and the node's address as argument; prints
`{"id", "form", "equal", "absent", "different"}` per dataset and form.
"""

import json
import sys
import warnings

import numpy as np
import xarray as xr

warnings.filterwarnings("ignore")
base = sys.argv[1]


def served(dataset_id, form):
    url = f"{base}datasets/{dataset_id}/{form[0]}"
    if form[1] is None:
        # Not left to fsspec to find out: it takes groups of Parquet references for arrays, if its hash order has it so.
        options = {"remote_protocol": "http"}
        return xr.open_dataset(url, engine="kerchunk", storage_options=options)
    return xr.open_zarr(url, zarr_format=form[1], consolidated=True, chunks=None)


def texts(values):
    plain = lambda v: v.decode("utf8", "replace").rstrip("\0") if isinstance(v, bytes) else str(v)
    return [plain(v) for v in values.ravel().tolist()]


def same(a, b):
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "OSUT" or b.dtype.kind in "OSUT":
        return texts(a) == texts(b)
    if a.dtype.kind == "V":
        return a.tobytes() == b.tobytes()
    if a.dtype.kind in "Mm":
        return np.array_equal(a.view("i8"), b.astype(a.dtype).view("i8"))
    if a.dtype == "f4" and b.dtype == "f8":
        # JSON says nothing of the width of scale_factor, from which xarray chooses that of the values.
        return np.allclose(a, b, rtol=1e-6, atol=1e-6 * np.nanmax(np.abs(a), initial=0), equal_nan=True)
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


for line in sys.stdin:
    entry = json.loads(line)
    try:
        local = xr.open_dataset(entry["path"], engine="netcdf4").load()
    except Exception:
        continue  # what xarray cannot read locally says nothing of us
    for form in (("kerchunk", 2), ("zarr", 2), ("zarr", 3), ("kerchunk.json", None), ("kerchunk.parquet", None)):
        result = {"id": entry["id"], "form": f"{form[0]} {form[1] or ''}".strip(), "equal": 0, "absent": [], "different": []}
        try:
            remote = served(entry["id"], form)
            for name in local.variables:
                if name not in remote.variables:
                    result["absent"].append(name)
                elif same(local[name].values, remote[name].values):
                    result["equal"] += 1
                else:
                    result["different"].append(name)
        except Exception as error:
            result["different"].append(repr(error)[:300])
        print(json.dumps(result), flush=True)
