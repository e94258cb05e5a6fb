/** Entries of the published controlled vocabularies (CMIP6_CVs, CORDEX-CMIP6-CV) that belong together. */

export interface Model {
  readonly source: string;
  readonly institution: string;
  readonly types: readonly string[];
  readonly grid: string;
  readonly resolution: string;
}

const esm = ["AOGCM", "BGC"];
export const MODELS: readonly Model[] = [
  { source: "ACCESS-ESM1-5", institution: "CSIRO", types: esm, grid: "gn", resolution: "250 km" },
  { source: "BCC-CSM2-MR", institution: "BCC", types: ["AOGCM"], grid: "gn", resolution: "100 km" },
  { source: "CESM2", institution: "NCAR", types: esm, grid: "gn", resolution: "100 km" },
  { source: "CMCC-ESM2", institution: "CMCC", types: esm, grid: "gn", resolution: "100 km" },
  { source: "CNRM-CM6-1", institution: "CNRM-CERFACS", types: ["AOGCM"], grid: "gr", resolution: "250 km" },
  { source: "CanESM5", institution: "CCCma", types: esm, grid: "gn", resolution: "500 km" },
  { source: "EC-Earth3", institution: "EC-Earth-Consortium", types: ["AOGCM"], grid: "gr", resolution: "100 km" },
  { source: "GFDL-ESM4", institution: "NOAA-GFDL", types: ["AOGCM", "AER", "BGC"], grid: "gr1", resolution: "100 km" },
  { source: "HadGEM3-GC31-LL", institution: "MOHC", types: ["AOGCM", "AER"], grid: "gn", resolution: "250 km" },
  { source: "INM-CM5-0", institution: "INM", types: ["AOGCM", "AER"], grid: "gr1", resolution: "100 km" },
  { source: "IPSL-CM6A-LR", institution: "IPSL", types: esm, grid: "gr", resolution: "250 km" },
  { source: "MIROC6", institution: "MIROC", types: ["AOGCM", "AER"], grid: "gn", resolution: "250 km" },
  { source: "MPI-ESM1-2-HR", institution: "MPI-M", types: ["AOGCM"], grid: "gn", resolution: "100 km" },
  { source: "MRI-ESM2-0", institution: "MRI", types: ["AOGCM", "AER"], grid: "gn", resolution: "100 km" },
  { source: "NorESM2-LM", institution: "NCC", types: ["AOGCM", "AER", "BGC"], grid: "gn", resolution: "250 km" },
  { source: "UKESM1-0-LL", institution: "MOHC", types: ["AOGCM", "AER", "BGC"], grid: "gn", resolution: "250 km" },
];

export interface Experiment {
  readonly id: string;
  readonly activity: string;
  readonly title: string;
  readonly years: readonly [number, number];
}

export const EXPERIMENTS: readonly Experiment[] = [
  { id: "historical", activity: "CMIP", title: "all-forcing simulation of the recent past", years: [1850, 2014] },
  { id: "piControl", activity: "CMIP", title: "pre-industrial control", years: [1850, 2349] },
  {
    id: "ssp126",
    activity: "ScenarioMIP",
    title: "update of RCP2.6 based on SSP1",
    years: [2015, 2100],
  },
  {
    id: "ssp245",
    activity: "ScenarioMIP",
    title: "update of RCP4.5 based on SSP2",
    years: [2015, 2100],
  },
  {
    id: "ssp585",
    activity: "ScenarioMIP",
    title: "update of RCP8.5 based on SSP5",
    years: [2015, 2100],
  },
];

export interface Variable {
  readonly id: string;
  readonly table: string;
  readonly frequency: string;
  readonly realm: string;
  readonly standardName: string;
  readonly longName: string;
  readonly units: string;
}

const monthly = (id: string, standardName: string, longName: string, units: string): Variable => {
  return { id, table: "Amon", frequency: "mon", realm: "atmos", standardName, longName, units };
};
export const VARIABLES: readonly Variable[] = [
  monthly("tas", "air_temperature", "Near-Surface Air Temperature", "K"),
  monthly("pr", "precipitation_flux", "Precipitation", "kg m-2 s-1"),
  monthly("psl", "air_pressure_at_mean_sea_level", "Sea Level Pressure", "Pa"),
  monthly("sfcWind", "wind_speed", "Near-Surface Wind Speed", "m s-1"),
  monthly("rsds", "surface_downwelling_shortwave_flux_in_air", "Surface Downwelling Shortwave Radiation", "W m-2"),
  monthly("hurs", "relative_humidity", "Near-Surface Relative Humidity", "%"),
  {
    ...monthly("tasmax", "air_temperature", "Daily Maximum Near-Surface Air Temperature", "K"),
    table: "day",
    frequency: "day",
  },
  { ...monthly("pr", "precipitation_flux", "Precipitation", "kg m-2 s-1"), table: "day", frequency: "day" },
  {
    ...monthly("tos", "sea_surface_temperature", "Sea Surface Temperature", "degC"),
    table: "Omon",
    realm: "ocean",
  },
  {
    ...monthly("zos", "sea_surface_height_above_geoid", "Sea Surface Height Above Geoid", "m"),
    table: "Omon",
    realm: "ocean",
  },
  {
    ...monthly("siconc", "sea_ice_area_fraction", "Sea-Ice Area Percentage (Ocean Grid)", "%"),
    table: "SImon",
    realm: "seaIce",
  },
  {
    ...monthly("mrso", "mass_content_of_water_in_soil", "Total Soil Moisture Content", "kg m-2"),
    table: "Lmon",
    realm: "land",
  },
];

/** A domain of regional models; its box is in degrees, west, south, east, north. */
export interface Domain {
  readonly id: string;
  readonly name: string;
  readonly box: readonly [number, number, number, number];
}

export const DOMAINS: readonly Domain[] = [
  { id: "AFR-25", name: "Africa", box: [-24.64, -45.76, 60.28, 42.24] },
  { id: "AUS-12", name: "Australasia", box: [89.48, -52.36, -153.64, 12.21] },
  { id: "EAS-25", name: "East Asia", box: [62.83, -18.06, 176.52, 57.49] },
  { id: "EUR-12", name: "Europe", box: [-44.59, 21.99, 64.96, 72.58] },
  { id: "MED-12", name: "Mediterranean", box: [-20.97, 25.36, 51.65, 56.68] },
  { id: "NAM-25", name: "North America", box: [-171.55, 12.3, -22.48, 75.88] },
  { id: "SAM-25", name: "South America", box: [-106.25, -58.24, -16.25, 18.5] },
];

export interface RegionalModel {
  readonly source: string;
  readonly institution: string;
  readonly type: string;
}

export const REGIONAL_MODELS: readonly RegionalModel[] = [
  { source: "REMO2020-2-2", institution: "GERICS", type: "ARCM" },
  { source: "ICON-CLM-202407-1-1", institution: "CLMcom-DWD", type: "ARCM" },
  { source: "HCLIM43-ALADIN", institution: "HCLIMcom-SMHI", type: "ARCM" },
  { source: "CNRM-ALADIN64E1", institution: "CNRM-MF", type: "ARCM" },
  { source: "RegCM5-0", institution: "ICTP", type: "ARCM" },
  { source: "RACMO23E", institution: "KNMI", type: "ARCM" },
];
