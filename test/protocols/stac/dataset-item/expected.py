"""Writes expected.json: where and when real files are, as netCDF4, cftime and rasterio say.

Usage: .peers/py/bin/python test/protocols/stac/dataset-item/expected.py ../shared/data; then npm run format
"""

import json
import sys
from pathlib import Path

import cftime
import netCDF4
import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.warp import transform, transform_bounds

data = Path(sys.argv[1])

# path: names of longitude and latitude (None: by a grid mapping), of time, and of what is asked beside.
NETCDF = {
    "netcdf3/eraint_uvz.nc": ("longitude", "latitude", None),
    "netcdf3/GFS_Global_onedeg_20120515_1200.grib2.nc": ("lon", "lat", "time"),
    "netcdf3/etopo60.cdf": ("ETOPO60X", "ETOPO60Y", None),
    "netcdf3/fnoc1.nc": ("lon", "lat", None),
    "netcdf3/flxf06.gdas.1979.grb2.nc": ("lon", "lat", "time"),
    "netcdf3/rotPole_landAreaFraction.nc": ("lon", "lat", None),
    "netcdf3/small_FC_167_mon_19601101.nc": ("longitude", "latitude", None),
    "netcdf3/nc_test_cdf5.nc": (None, None, None),
    "netcdf3/ref_test_360_day_1900.nc": (None, None, "time"),
    "netcdf3/ref_test_366_day_1900.nc": (None, None, "time"),
    "netcdf4/A1B_north_america.nc": ("longitude", "latitude", "time"),
    "netcdf4/air.nc": ("lon", "lat", "time"),
    "netcdf4/atlantic_profiles.nc": ("lon", "lat", "time"),
    "netcdf4/basin_mask.nc": ("X", "Y", None),
    "netcdf4/tmmx_20190121.nc": ("lon", "lat", "day"),
    "netcdf4/nemo_1m_20150101-20150201_grid-T.nc": ("nav_lon", "nav_lat", "time_centered"),
    "netcdf4/b.e11.B20TRC5CNBDRD.f09_g16.001.pop.h.SHF.185001-200512.nc": ("TLONG", "TLAT", "time"),
    "netcdf4/hist0001_mpiom_data_2d_mm_18500101_18501231.nc": ("lon", "lat", "time"),
    "netcdf4/co3_Omon_IPSL-CM6A-LR_1pctCO2_r1i1p1f1_gn_195001-199912.nc": ("nav_lon", "nav_lat", "time"),
    "netcdf4/tasmax_Amon_MRI-ESM2-0_historical_r1i1p1f1_gn_185001-201412.nc": ("lon", "lat", "time"),
    "netcdf4/cmip6/ta_Amon_CESM2_historical_r1i1p1f1_gn_185001-201412.nc": ("lon", "lat", "time"),
    "netcdf4/cmip6/ta_Amon_KACE-1-0-G_historical_r1i1p1f1_gr_185001-201412.nc": ("lon", "lat", "time"),
    "netcdf4/cmip6/ta_Amon_FGOALS-g3_historical_r1i1p1f1_gn_195001-195912.nc": ("lon", "lat", "time"),
}
WGS84 = "+a=6378137 +rf=298.257223563"
# path: x, y, their CRS and its figure (the pole of a rotated one), time.
PROJECTED = {
    "netcdf3/euro_air_temp.nc": (
        "projection_x_coordinate",
        "projection_y_coordinate",
        ("+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000", WGS84),
        "time",
    ),
    "netcdf3/RGB.nc": ("x", "y", ("+proj=utm +zone=18", WGS84), None),
    "netcdf4/small_theta_colpex.nc": ("grid_longitude", "grid_latitude", (177.5, 37.5), "time"),
    "netcdf4/20171025_2056.Cloud_Top_Height.nc": (
        "x",
        "y",
        ("+proj=geos +h=35786023 +lon_0=-89.5 +sweep=x", "+a=6378137 +b=6356752.31414"),
        None,
    ),
    "netcdf4/seaice_conc_daily_nh_20211231_f17_v04r00.nc": (
        "xgrid",
        "ygrid",
        ("+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45", "+a=6378273 +b=6356889.449"),
        "time",
    ),
}
GEOTIFF = [
    "RGB.byte.tif",
    "cog_cmap.tif",
    "cog_dateline.tif",
    "cog_scale.tif",
    "cogeo.tif",
    "float64.tif",
    "multiband.tif",
    "world.rgb.tif",
    "B01.tif",
    "scene_band1.tif",
    "austrian_capitals_model_transformation_pixel_is_area.tif",
    "austrian_capitals_model_tie_point_and_pixel_scale_pixel_is_point.tif",
    "austrian_capitals_model_tie_points_pixel_is_area.tif",
    "nt_20201024_f18_nrt_s.tif",
]


def values(variable):
    """Without what is missing; valid_min and valid_max hide nothing, as in xarray."""
    variable.set_auto_maskandscale(False)
    stored = variable[...].astype("f8").ravel()
    for name in ("_FillValue", "missing_value"):
        if name in variable.ncattrs():
            stored[stored == np.float64(variable.getncattr(name))] = np.nan
    return stored * getattr(variable, "scale_factor", 1) + getattr(variable, "add_offset", 0)


def edges(file, name):
    """Cell bounds of a coordinate of one dimension, else the coordinate itself."""
    variable = file.variables[name]
    bounds = getattr(variable, "bounds", getattr(variable, "climatology", None))
    if bounds in file.variables and variable.ndim <= 1:
        return values(file.variables[bounds])
    return values(variable)


def west_east(longitudes, is_axis):
    """The shortest stretch with all longitudes: what is left beside the widest gap."""
    turned = np.sort(np.unique(np.round((longitudes[np.isfinite(longitudes)] + 180) % 360 - 180, 6)))
    if turned.size == 1:
        return [turned[0], turned[0]]
    gaps = np.diff(np.append(turned, turned[0] + 360))
    widest = int(np.argmax(gaps))
    step = np.median(gaps)
    # A two-dimensional grid has all longitudes somewhere; an axis ends one step before it begins again.
    is_round = gaps[widest] < 1 if not is_axis else gaps[widest] <= step * 2.02 and gaps[widest] < 30
    if is_round:
        return [-180.0, 180.0]
    west, east = turned[(widest + 1) % turned.size], turned[widest]
    return [float(west), float(east)]


def netcdf(path, lon, lat, time):
    with netCDF4.Dataset(data / path) as file:
        out = {}
        if lon is not None:
            longitudes, latitudes = edges(file, lon), edges(file, lat)
            west, east = west_east(longitudes, file.variables[lon].ndim == 1)
            out["bbox"] = [west, float(np.nanmin(latitudes)), east, float(np.nanmax(latitudes))]
        return {**out, **times(file, time)}


def times(file, time):
    if time is None:
        return {}
    variable = file.variables[time]
    numbers = np.concatenate([values(variable), edges(file, time)])
    calendar = getattr(variable, "calendar", "standard")
    first, last = cftime.num2date([np.nanmin(numbers), np.nanmax(numbers)], variable.units, calendar)
    return {"start": first.isoformat(), "end": last.isoformat(), "calendar": calendar}


def to_degrees(crs, xs, ys):
    if isinstance(crs[0], str):
        proj, figure = crs
        lons, lats = transform(CRS.from_string(f"{proj} {figure}"), CRS.from_string(f"+proj=longlat {figure}"), xs, ys)
        return np.array(lons), np.array(lats)
    # CF appendix F, rotated pole: the grid's own pole lies at this longitude and latitude.
    pole_lon, pole_lat = np.radians(crs)
    x, y = np.radians(xs), np.radians(ys)
    sin_lat = np.sin(y) * np.sin(pole_lat) + np.cos(y) * np.cos(x) * np.cos(pole_lat)
    east = -np.cos(y) * np.sin(x)
    north = np.sin(y) * np.cos(pole_lat) - np.cos(y) * np.cos(x) * np.sin(pole_lat)
    lons = np.degrees(pole_lon + np.arctan2(east, north))
    return (lons + 180) % 360 - 180, np.degrees(np.arcsin(sin_lat))


def projected(path, x, y, crs, time):
    with netCDF4.Dataset(data / path) as file:
        units = getattr(file.variables[x], "units", "")
        scale = 35786023.0 if units.startswith("rad") else 1
        xs, ys = edges(file, x) * scale, edges(file, y) * scale
        left, right, bottom, top = np.nanmin(xs), np.nanmax(xs), np.nanmin(ys), np.nanmax(ys)
        gx, gy = np.meshgrid(np.linspace(left, right, 201), np.linspace(bottom, top, 201))
        lons, lats = to_degrees(crs, gx.ravel(), gy.ravel())
        ok = np.isfinite(lons) & np.isfinite(lats)
        around, north = [float(lons[ok].min()), float(lons[ok].max())], float(lats[ok].max())
        if north > 89 and left < 0 < right and bottom < 0 < top:
            north, around = 90.0, [-180.0, 180.0]
        return {"bbox": [around[0], float(lats[ok].min()), around[1], north], **times(file, time)}


def geotiff(name):
    with rasterio.open(data / "geotiff" / name) as file:
        points, crs = file.gcps
        if points:
            lons, lats = transform(crs, "EPSG:4326", [p.x for p in points], [p.y for p in points])
            return {"bbox": [min(lons), min(lats), max(lons), max(lats)]}
        west, south, east, north = transform_bounds(file.crs, "EPSG:4326", *file.bounds, densify_pts=200)
        return {"bbox": [west, south, east, north]}


expected = {path: netcdf(path, *names) for path, names in NETCDF.items()}
expected |= {path: projected(path, *names) for path, names in PROJECTED.items()}
expected |= {f"geotiff/{name}": geotiff(name) for name in GEOTIFF}
rounded = json.loads(json.dumps(expected), parse_float=lambda text: round(float(text), 5))
lines = ",\n".join(f"  {json.dumps(path)}: {json.dumps(said)}" for path, said in rounded.items())
Path(__file__).with_name("expected.json").write_text(f"{{\n{lines}\n}}\n")
