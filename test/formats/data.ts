import { existsSync, readdirSync, readFileSync } from "node:fs";

const repository = new URL("../../", import.meta.url);

/** The public data set beside the repository; undefined when it is not there. */
export const dataFolder: URL | undefined = [process.env.GYRE_DATA, new URL("../shared/data/", repository)]
  .filter((place) => place !== undefined)
  .map((place) => (place instanceof URL ? place : new URL(`file://${place.replace(/\/*$/, "/")}`)))
  .find((place) => existsSync(place));

/** What a test that needs the data set says when it is skipped. */
export const skipWithoutData: { readonly skip: string | false } = {
  skip: dataFolder === undefined && "no ../shared/data (set GYRE_DATA)",
};

/** Names in a folder of the data set, without those of folders. */
export function dataFiles(folder: string): string[] {
  if (dataFolder === undefined) return [];
  return readdirSync(new URL(folder, dataFolder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

export function truth<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`truth/${path}.json`, dataFolder), "utf8")) as T;
}
