"""A warm process: reads [function, arguments...] as JSON lines and answers {seconds, result}; imports are not timed."""

import json
import sys
import time

import numpy as np
import rasterio
import rasterio.mask
from rasterio.transform import from_bounds

TILED = dict(driver="GTiff", tiled=True, blockxsize=512, blockysize=512, compress="deflate", zlevel=6, predictor=2)


def write(path, west, south, east, north, size, seed):
    """Waves and noise, without zeros, which are nodata."""
    random = np.random.default_rng(int(seed))
    width = height = int(size)
    bounds = [float(n) for n in (west, south, east, north)]
    profile = dict(TILED, width=width, height=height, count=1, dtype="uint16", nodata=0, crs="EPSG:4326")
    with rasterio.open(path, "w", transform=from_bounds(*bounds, width, height), **profile) as out:
        x = np.arange(width)
        for top in range(0, height, 512):
            y = np.arange(top, min(top + 512, height))[:, None]
            values = 3000 + 1000 * np.sin(x / 70) + 800 * np.cos(y / 50) + random.normal(0, 15, (len(y), width))
            out.write(values.astype("uint16"), 1, window=((top, top + len(y)), (0, width)))


def mask(cutline, *paths):
    """`rasterio.mask` as its documentation shows it, with both cores for what GDAL can spread over them."""
    with open(cutline) as file:
        geometry = json.load(file)
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS", GDAL_CACHEMAX=512):
        for source, target in zip(paths[::2], paths[1::2]):
            with rasterio.open(source) as data:
                values, transform = rasterio.mask.mask(data, [geometry], crop=True)
                profile = dict(TILED, crs=data.crs, transform=transform, dtype=data.dtypes[0], nodata=data.nodata)
            shape = dict(count=1, height=values.shape[1], width=values.shape[2])
            with rasterio.open(target, "w", num_threads="all_cpus", **profile, **shape) as out:
                out.write(values)


def differences(one, other):
    """Pixels that differ, of how many with a value."""
    with rasterio.open(one) as a, rasterio.open(other) as b:
        if a.shape != b.shape or not a.transform.almost_equals(b.transform, 1e-9):
            raise SystemExit(f"{one} {a.shape} {a.transform} and {other} {b.shape} {b.transform}")
        left, right = a.read(1), b.read(1)
        return [int((left != right).sum()), int((left != 0).sum())]


def window(path):
    with rasterio.open(path) as data:
        return [*data.bounds, data.width, data.height]


FUNCTIONS = {"write": write, "mask": mask, "differences": differences, "window": window}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    start = time.perf_counter()
    result = FUNCTIONS[name](*arguments)
    print(json.dumps({"seconds": time.perf_counter() - start, "result": result}), flush=True)
