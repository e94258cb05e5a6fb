import { pathToFileURL } from "node:url";
import { isGyreError } from "../../src/errors.ts";
import { createLocalFiles } from "../../src/files/local.ts";

// `node count-up.ts FILE TIMES`: adds one to the number in a file, so many times, as one of several processes.
const [path = "", times = ""] = process.argv.slice(2);
const files = createLocalFiles();
const url = pathToFileURL(path);

async function addOne(): Promise<boolean> {
  try {
    const found = await files.readWithInfo!(url);
    const next = Number(new TextDecoder().decode(found?.bytes)) + 1;
    await files.write!(url, new TextEncoder().encode(String(next)), { ifMatch: found?.info.etag ?? "" });
    return true;
  } catch (error) {
    // It changed, or does all the time.
    if (isGyreError(error, "Conflict", "Busy")) return false;
    throw error;
  }
}

for (let done = 0; done < Number(times); ) if (await addOne()) done++;
await files.close?.();
