import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { naturalEarthCountries } from "./natural-earth.ts";

/** The process of `natural-earth-apart.ts`: a line for each country. */
async function* lines(): AsyncGenerator<string> {
  for await (const draft of naturalEarthCountries()) yield `${JSON.stringify(draft)}\n`;
}

await pipeline(Readable.from(lines()), process.stdout);
