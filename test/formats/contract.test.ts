import { globSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { createLocalFiles } from "../../src/files/local.ts";
import { openZip } from "../../src/files/zip.ts";
import { geotiff } from "../../src/formats/geotiff/geotiff.ts";
import { hdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { kerchunk } from "../../src/formats/kerchunk/kerchunk.ts";
import { netcdf3 } from "../../src/formats/netcdf3/netcdf3.ts";
import { zarr } from "../../src/formats/zarr/zarr.ts";
import { type FormatSample, testFormat } from "../contract/format.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
const ROOT = "memory:///fixtures/";

function contents(pattern: string): Map<string, Uint8Array> {
  return new Map(
    globSync(pattern, { cwd: FIXTURES })
      .sort()
      .map((path) => [
        new URL(pathToFileURL(`/${path}`).pathname.slice(1), ROOT).href,
        new Uint8Array(readFileSync(new URL(pathToFileURL(`/${path}`).pathname.slice(1), FIXTURES))),
      ]),
  );
}

/** One sample of each file that the pattern finds; `beside` says which others it may lead to. */
function samplesOf(pattern: string, beside = pattern, hasTail = true): FormatSample[] {
  const files = contents(beside);
  return [...contents(pattern).keys()].map((href) => ({
    name: decodeURIComponent(href.slice(ROOT.length)),
    url: new URL(href),
    files,
    hasTail,
  }));
}

/** The members of an archive, as a folder. */
async function unpacked(path: string): Promise<FormatSample> {
  const zip = await openZip(createLocalFiles(), new URL(path, FIXTURES));
  const url = new URL(`${path}-unpacked/`, ROOT);
  const files = new Map<string, Uint8Array>();
  for await (const member of zip.list(zip.root, { recursive: true })) {
    files.set(url.href + member.url.pathname.slice(1), (await zip.read(member.url)) ?? new Uint8Array(0));
  }
  return { name: `${path}, unpacked`, url, files };
}

testFormat("netcdf3", netcdf3, samplesOf("netcdf3/*.nc"));
testFormat("hdf5", hdf5, samplesOf("hdf5/*.{h5,nc}", "hdf5/*.{h5,nc,bin}"));
testFormat("geotiff", geotiff, samplesOf("geotiff/*.tif"));
testFormat("zarr", zarr, [
  ...samplesOf("zarr/*.zip", "zarr/*.zip", false),
  ...(await Promise.all(["zarr/v2.zarr.zip", "zarr/v3.zarr.zip", "zarr/v3-consolidated.zarr.zip"].map(unpacked))),
]);
testFormat("kerchunk", kerchunk, [
  ...samplesOf("kerchunk/{records,records-v0,templates}.json", "kerchunk/*.json", false),
  {
    name: "kerchunk/records.parq",
    url: new URL("kerchunk/records.parq/", ROOT),
    files: contents("kerchunk/records.parq/**/{.z*,*.parq}"),
  },
]);
