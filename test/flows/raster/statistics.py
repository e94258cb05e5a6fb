"""Area-weighted statistics by shapely and numpy: `statistics.py GRID.nc BOUNDARY.geojson`, for a test to compare with."""

import json
import sys

import netCDF4
import numpy as np
import shapely
from shapely import affinity

A, F = 6378137.0, 1 / 298.257223563
E2 = F * (2 - F)


def edges(centres, limits=None):
    middles = (centres[1:] + centres[:-1]) / 2
    found = np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])
    return np.clip(found, *limits) if limits else found


def zone(latitude):
    """Area from the equator for one radian of longitude."""
    sine, e = np.sin(np.radians(latitude)), np.sqrt(E2)
    return A * A * (1 - E2) / 2 * (sine / (1 - E2 * sine**2) + np.log((1 + e * sine) / (1 - e * sine)) / (2 * e))


with open(sys.argv[2]) as file:
    boundary = shapely.geometry.shape(json.load(file))
data = netCDF4.Dataset(sys.argv[1])
y, x = edges(data["lat"][:].filled(), (-90, 90)), edges(data["lon"][:].filled())
west, south = np.meshgrid(np.minimum(x[:-1], x[1:]), np.minimum(y[:-1], y[1:]))
east, north = np.meshgrid(np.maximum(x[:-1], x[1:]), np.maximum(y[:-1], y[1:]))
cells = shapely.box(west, south, east, north)
share = np.zeros(cells.shape)
for turn in (-360, 0, 360):
    moved = affinity.translate(boundary, turn)
    shapely.prepare(moved)
    met = shapely.intersects(moved, cells)
    share[met] += shapely.area(shapely.intersection(moved, cells[met])) / shapely.area(cells[met])
area = share * np.abs(np.diff(zone(y)))[:, None] * np.abs(np.radians(np.diff(x)))[None, :]
found = []
for values in np.ma.filled(data["tas"][:].astype(float), np.nan):
    inside = (share > 1e-12) & ~np.isnan(values)
    own, weight = values[inside], area[inside]
    found.append(
        dict(
            mean=(own * weight).sum() / weight.sum(),
            min=own.min(),
            max=own.max(),
            sum=(own * share[inside]).sum(),
            count=share[inside].sum(),
            area=weight.sum(),
        )
    )
print(json.dumps(found))
