"""`make FOLDER`: one dataset written by the reference tools in every format that Gyre reads, and a cube of members that
store it differently. `cube URL FOLDER`: compares the served cube with what xarray's open_mfdataset makes of the files.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

warnings.filterwarnings("ignore")


def dataset(times=10, start=0):
    rng = np.random.default_rng(7)
    lat = np.linspace(88.75, -88.75, 72)
    lon = np.arange(0, 360, 2.5)
    field = rng.normal(280, 20, (24, lat.size, lon.size)).astype("f4")[start : start + times]
    field[:, 3:5, 7:11] = np.nan
    time = (np.arange(start, start + times) + 0.5).astype("f8")
    return xr.Dataset(
        {"tas": (("time", "lat", "lon"), field, {"units": "K", "standard_name": "air_temperature"})},
        coords={
            "time": ("time", time, {"units": "days since 2001-02-26", "calendar": "noleap", "axis": "T"}),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
        attrs={"title": "one dataset", "Conventions": "CF-1.10"},
    )


def make(folder):
    ds = dataset()
    plain = {"tas": {"_FillValue": np.float32(1e20), "dtype": "f4"}}
    ds.to_netcdf(folder / "classic.nc", format="NETCDF3_64BIT", engine="netcdf4", encoding=plain)
    packed = {"tas": {**plain["tas"], "zlib": True, "shuffle": True, "complevel": 4, "chunksizes": (3, 20, 50)}}
    ds.to_netcdf(folder / "four.nc", engine="netcdf4", encoding=packed, unlimited_dims=["time"])
    chunked = {"tas": {"_FillValue": np.float32(1e20), "chunks": (4, 30, 70)}}
    ds.to_zarr(folder / "two.zarr", zarr_format=2, consolidated=True, encoding=chunked)
    ds.to_zarr(folder / "three.zarr", zarr_format=3, consolidated=True, encoding=chunked)
    cog(folder / "five.tif", np.where(np.isnan(ds.tas.values), np.float32(1e20), ds.tas.values))
    members(folder / "members")


def cog(path, values):
    import rasterio

    profile = dict(driver="COG", dtype="float32", count=values.shape[0], height=72, width=144, crs="EPSG:4326")
    transform = rasterio.transform.from_origin(-1.25, 90, 2.5, 2.5)
    with rasterio.open(path, "w", nodata=1e20, transform=transform, compress="deflate", predictor=3, blocksize=128, **profile) as out:
        out.write(values)


def members(folder):
    """Other scale and offset, a chunk length that does not fit, another codec, other time units, plain floats."""
    folder.mkdir()
    packing = [
        dict(dtype="i2", scale_factor=0.01, add_offset=273.15, _FillValue=np.int16(-32768), zlib=True, chunksizes=(4, 72, 144)),
        dict(dtype="i2", scale_factor=0.02, add_offset=280.0, _FillValue=np.int16(-32767), zlib=True, chunksizes=(4, 72, 144)),
        dict(dtype="i2", scale_factor=0.01, add_offset=273.15, _FillValue=np.int16(-32768), zlib=False, chunksizes=(3, 36, 144)),
        dict(dtype="f4", _FillValue=np.float32(1e20), zlib=True, shuffle=True, chunksizes=(4, 72, 144)),
    ]
    start = 0
    for i, (encoding, length) in enumerate(zip(packing, (4, 6, 5, 4))):
        ds = dataset(length, start)
        if i == 2:
            ds["time"] = ("time", ds.time.values * 24, {"units": "hours since 2001-02-26", "calendar": "noleap", "axis": "T"})
        ds.to_netcdf(folder / f"part{i}.nc", engine="netcdf4", encoding={"tas": encoding})
        start += length


def cube(url, folder):
    local = xr.open_mfdataset(sorted(map(str, (folder / "members").glob("*.nc"))), combine="by_coords").load()
    found = {}
    for form, version in (("kerchunk", 2), ("zarr", 2), ("zarr", 3)):
        served = xr.open_zarr(f"{url}datasets/mixed/{form}", zarr_format=version, chunks=None).load()
        found[f"{form} {version}"] = {
            "values": bool(np.allclose(served.tas, local.tas, rtol=1e-6, atol=0, equal_nan=True)),
            "masks": bool(np.array_equal(np.isnan(served.tas), np.isnan(local.tas))),
            "times": [str(t) for t in served.time.values] == [str(t) for t in local.time.values],
            "shape": list(served.tas.shape) == list(local.tas.shape),
        }
    print(json.dumps(found))


if sys.argv[1] == "make":
    make(Path(sys.argv[2]))
else:
    cube(sys.argv[2], Path(sys.argv[3]))
