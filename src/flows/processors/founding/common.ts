/** Licences of the founding system's datasets. */
export const CC_BY = {
  name: "CC-BY-4.0",
  path: "https://creativecommons.org/licenses/by/4.0/",
  title: "Creative Commons Attribution 4.0",
} as const;

export const CC0 = {
  name: "CC0-1.0",
  path: "https://creativecommons.org/publicdomain/zero/1.0/",
  title: "Creative Commons Zero v1.0 Universal",
} as const;

export const NATURAL_EARTH = {
  name: "LicenseRef-Natural-Earth",
  path: "https://www.naturalearthdata.com/about/terms-of-use/",
  title: "Natural Earth (public domain)",
} as const;
