"""Polygons and the pixels that GDAL burns for them, as JSON: `rasterize.py SEED COUNT MOST_PIXELS`.

`python test/render/rasterize.py 7 36 12 > test/fixtures/render/masks.json` makes the fixture; a test asks for more.
"""

import json
import sys

import numpy as np
from rasterio.features import rasterize
from rasterio.transform import Affine

seed, count, most = (int(word) for word in sys.argv[1:])
random = np.random.default_rng(seed)


def ring(kind):
    """General ones; those with vertices on corners, sides, middles; slivers; boxes on middles and corners."""
    if kind < 4:
        points = random.uniform(-0.2 * most, 1.2 * most, (random.integers(3, 9), 2))
        if kind == 0:
            return np.round(points, 3)
        step = {1: 1, 2: 2, 3: 4}[kind]
        return np.round(points * step) / step
    left, top = random.uniform(-2, most, 2)
    if kind == 4:
        right, bottom = left + random.uniform(0.01, 0.8), top + random.uniform(0.1, most)
        box = np.round([left, top, right, bottom], 3)
    else:
        left, top = np.round([left * 2, top * 2]) / 2
        box = [left, top, left + random.integers(1, most) / 2, top + random.integers(1, most) / 2]
    west, north, east, south = box
    return np.array([[west, north], [east, north], [east, south], [west, south]])


def burnt(geometry, shape, transform, all_touched):
    mask = rasterize([(geometry, 1)], out_shape=shape, transform=transform, all_touched=all_touched, dtype="uint8")
    return "/".join("".join(map(str, row)) for row in mask)


cases = []
for number in range(count):
    kind = number % 6
    width, height = (int(n) for n in random.integers(1, most + 1, 2))
    south_up = bool(random.integers(0, 2))
    # Rings that cross each other leave it to GDAL which way they run: only those of one part are compared to the last tie.
    rings = [ring(kind).tolist() for _ in range(random.integers(1, 4) if kind in (0, 4, 5) else 1)]
    rings = [[*points, points[0]] for points in rings]
    sign = 1 if south_up else -1
    geometry = {"type": "Polygon", "coordinates": [[[x, y * sign] for x, y in points] for points in rings]}
    transform = Affine(1, 0, 0, 0, sign, 0)
    inside, touched = (burnt(geometry, (height, width), transform, flag) for flag in (False, True))
    cases.append(
        dict(kind=kind, width=width, height=height, southUp=south_up, rings=rings, inside=inside, touched=touched)
    )
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
