"""Writes the files that the benches read: python data.py NAME FOLDER. The same name gives the same values."""

import os
import sys

import h5py
import netCDF4
import numpy as np


def dimensions(file, **sizes):
    for name, size in sizes.items():
        file.createDimension(name, size)
        axis = file.createVariable(name, "f8", (name,))
        axis[:] = np.arange(size or 0)


def field(rng, shape, step):
    """Smooth in space, with noise in the last digits: deflate takes half, as it does of model output."""
    y = np.linspace(-1.5, 1.5, shape[0])[:, None]
    x = np.linspace(0, 6.3, shape[1])[None, :]
    values = 280 + 25 * np.cos(y) + 5 * np.sin(2 * x + step / 10)
    return (values + rng.integers(-200, 200, shape) / 100).astype("f4")


def stored(folder):
    """Chunks of 16 kB, 256 kB and 1 MB, stored as they are."""
    for name, side, count in (("16k", 64, 2048), ("256k", 256, 256), ("1m", 512, 64)):
        rng = np.random.default_rng(side)
        with netCDF4.Dataset(os.path.join(folder, f"{name}.nc"), "w") as file:
            dimensions(file, time=count, y=side, x=side)
            data = file.createVariable("data", "f4", ("time", "y", "x"), chunksizes=(1, side, side))
            for step in range(count):
                data[step] = rng.random((side, side), dtype="f4")


def packed(folder):
    """Deflate and shuffle, in chunks of 221 kB and of 1.3 MB."""
    rng = np.random.default_rng(1)
    with netCDF4.Dataset(os.path.join(folder, "packed.nc"), "w") as file:
        dimensions(file, time=240, lat=192, lon=288)
        for name, steps in (("small", 1), ("large", 6)):
            data = file.createVariable(
                name, "f4", ("time", "lat", "lon"), zlib=True, complevel=2, chunksizes=(steps, 192, 288)
            )
            for step in range(0, 240, 6):
                data[step : step + 6] = np.stack([field(rng, (192, 288), step + i) for i in range(6)])


def indexed(folder):
    """62,500 chunks in one variable; and a file of the usual kind, with 480."""
    rng = np.random.default_rng(2)
    with netCDF4.Dataset(os.path.join(folder, "many.nc"), "w") as file:
        dimensions(file, time=2500, lat=40, lon=40)
        data = file.createVariable("tas", "f4", ("time", "lat", "lon"), zlib=True, complevel=1, chunksizes=(1, 8, 8))
        for step in range(0, 2500, 100):
            data[step : step + 100] = rng.integers(0, 100, (100, 40, 40))
    with netCDF4.Dataset(os.path.join(folder, "usual.nc"), "w") as file:
        dimensions(file, time=None, lat=96, lon=192)
        file["time"][:] = np.arange(120)
        for name in ("tas", "pr", "psl", "huss"):
            data = file.createVariable(
                name, "f4", ("time", "lat", "lon"), zlib=True, complevel=1, chunksizes=(1, 96, 192)
            )
            data.standard_name = name
            for step in range(120):
                data[step] = field(rng, (96, 192), step)


def whole(folder):
    """323 MB of values in chunks of 221 kB and of 2.7 MB."""
    for name, steps in (("small", 1), ("large", 12)):
        rng = np.random.default_rng(3)
        with netCDF4.Dataset(os.path.join(folder, f"whole-{name}.nc"), "w") as file:
            dimensions(file, time=1464, lat=192, lon=288)
            data = file.createVariable(
                "tas", "f4", ("time", "lat", "lon"), zlib=True, complevel=2, chunksizes=(steps, 192, 288)
            )
            for step in range(0, 1464, 12):
                data[step : step + 12] = np.stack([field(rng, (192, 288), step + i) for i in range(12)])


def sparse(folder):
    """20 GB, nearly all of them holes: one variable in one run, one in 10,000 chunks; the ends are written."""
    with h5py.File(os.path.join(folder, "sparse.nc"), "w") as file:
        sizes = {"time": 10_000, "lat": 250, "lon": 1000}
        for name, size in sizes.items():
            file[name] = np.arange(size, dtype="f8")
            file[name].make_scale(name)
        for name, chunk in (("contiguous", None), ("chunked", (1, 250, 1000))):
            options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            options.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            options.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            if chunk is not None:
                options.set_chunk(chunk)
            space = h5py.h5s.create_simple(tuple(sizes.values()))
            data = h5py.Dataset(h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F32LE, space, options))
            for axis, dimension in enumerate(sizes):
                data.dims[axis].attach_scale(file[dimension])
            data[0], data[-1] = 1, 2


def days(folder):
    """A CMIP6 dataset in 10,000 files, a day each: one is written, the others are it with another time and values."""
    drs = ("CMIP6", "CMIP", "Gyre", "GYRE-1-0", "historical", "r1i1p1f1", "day", "tas", "gn", "v20260101")
    target = os.path.join(folder, "days", *drs)
    os.makedirs(target)
    name = "tas_day_GYRE-1-0_historical_r1i1p1f1_gn"
    first = os.path.join(target, "template")
    with netCDF4.Dataset(first, "w") as file:
        dimensions(file, time=None, lat=8, lon=16)
        file["time"][:] = [12345.0]
        file["time"].setncatts({"units": "days since 1980-01-01", "calendar": "360_day", "axis": "T"})
        data = file.createVariable("tas", "f4", ("time", "lat", "lon"), chunksizes=(1, 8, 16))
        data.setncatts({"standard_name": "air_temperature", "units": "K"})
        data[0] = 54321.0
    with h5py.File(first) as file:
        time = file["time"].id.get_chunk_info(0).byte_offset
        values = file["tas"].id.get_chunk_info(0).byte_offset
    with open(first, "rb") as file:
        content = bytearray(file.read())
    os.remove(first)
    for day in range(10_000):
        content[time : time + 8] = np.float64(day).tobytes()
        content[values : values + 512] = np.full(128, day, "f4").tobytes()
        date = f"{1980 + day // 360:04}{day // 30 % 12 + 1:02}{day % 30 + 1:02}"
        with open(os.path.join(target, f"{name}_{date}-{date}.nc"), "wb") as file:
            file.write(content)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
