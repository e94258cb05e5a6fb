"""What the reference libraries read from a file, as JSON: `writers.py netcdf4|xarray|h5py PATH`."""
import json
import sys

import numpy as np


def stats(values):
    values = np.asarray(values)
    if values.dtype.kind in "OSU":
        return [v.decode("latin1") if isinstance(v, bytes) else str(v) for v in values.ravel().tolist()]
    numbers = values.astype("f8")
    return {"shape": list(values.shape), "dtype": values.dtype.name,
            "sum": float(np.nansum(numbers)), "last": float(numbers.ravel()[-1]) if numbers.size else None}


def main(library, path):
    if library == "xarray":
        import xarray

        with (xarray.open_zarr(path, decode_cf=False) if path.rstrip("/").endswith(".zarr")
              else xarray.open_dataset(path, decode_cf=False)) as file:
            return {name: dict(dims=list(v.dims), values=stats(v.values), attrs=sorted(v.attrs))
                    for name, v in file.variables.items()}
    if library == "netcdf4":
        import netCDF4

        with netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            file.set_auto_chartostring(False)
            return {name: dict(dims=list(v.dimensions), values=stats(v[...]), attrs=sorted(v.ncattrs()))
                    for name, v in file.variables.items()}
    import h5py

    with h5py.File(path) as file:
        return {name: dict(dims=[d[0].name.lstrip("/") for d in v.dims] if not v.is_scale else None,
                           values=stats(v.asstr()[...] if v.dtype.kind == "O" else v[...]), attrs=[])
                for name, v in file.items() if "netCDF variable" not in str(v.attrs.get("NAME", ""))}


print(json.dumps(main(*sys.argv[1:])))
