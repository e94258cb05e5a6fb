"""`make FOLDER`: one dataset as the reference tools write it in the formats of remote archives. `refer FILE URL FOLDER`:
kerchunk's references to a NetCDF-4 file, which others find at URL, as JSON and as Parquet.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

warnings.filterwarnings("ignore")


def make(folder):
    rng = np.random.default_rng(11)
    lat, lon = np.linspace(88.75, -88.75, 72), np.arange(0, 360, 2.5)
    field = rng.normal(280, 20, (10, lat.size, lon.size)).astype("f4")
    ds = xr.Dataset(
        {"tas": (("time", "lat", "lon"), field, {"units": "K"})},
        coords={"time": ("time", np.arange(10.0), {"units": "days since 2001-01-01"}), "lat": lat, "lon": lon},
    )
    packed = {"tas": {"zlib": True, "shuffle": True, "complevel": 4, "chunksizes": (4, 40, 100)}}
    ds.to_netcdf(folder / "four.nc", engine="netcdf4", encoding=packed, unlimited_dims=["time"])
    ds.to_netcdf(folder / "classic.nc", format="NETCDF3_64BIT", engine="netcdf4")
    # No chunk where the field is what a chunk never written holds.
    holed = ds.assign(tas=ds.tas.where(ds.time > 3.5, 0))
    encoding = {"tas": {"chunks": (4, 40, 80), "_FillValue": None}}
    holed.to_zarr(folder / "two.zarr", zarr_format=2, consolidated=True, encoding=encoding, write_empty_chunks=False)
    holed.to_zarr(folder / "three.zarr", zarr_format=3, consolidated=True, encoding=encoding, write_empty_chunks=False)
    ds.to_zarr(folder / "loose.zarr", zarr_format=2, consolidated=False, encoding=encoding)
    sharded = {"tas": {"chunks": (4, 36, 48), "shards": (4, 72, 96), "_FillValue": None}}
    holed.to_zarr(folder / "sharded.zarr", zarr_format=3, consolidated=True, encoding=sharded, write_empty_chunks=False)
    cog(folder / "five.tif", field)


def cog(path, values):
    import rasterio

    transform = rasterio.transform.from_origin(-1.25, 90, 2.5, 2.5)
    profile = dict(driver="COG", dtype="float32", count=len(values), height=72, width=144, crs="EPSG:4326")
    with rasterio.open(path, "w", transform=transform, compress="deflate", predictor=3, blocksize=256, **profile) as out:
        out.write(values)


def refer(file, url, folder):
    from kerchunk.df import refs_to_dataframe
    from kerchunk.hdf import SingleHdf5ToZarr

    with file.open("rb") as source:
        references = SingleHdf5ToZarr(source, url=url, inline_threshold=100).translate()
    (folder / "refs.json").write_text(json.dumps(references))
    refs_to_dataframe(references, str(folder / "refs.parq"))


if sys.argv[1] == "make":
    make(Path(sys.argv[2]))
else:
    refer(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
