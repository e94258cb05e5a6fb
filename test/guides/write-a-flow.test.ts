import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { failureOf, filesOf, installed, typeErrorsOf } from "./guide.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

test("the flow of the guide is right by type, and passes its test", (t) => {
  // The guide's files are those of a folder below src/flows/.
  const files = [...filesOf("write-a-flow.md")].map(
    ([name, content]) =>
      [
        name,
        content
          .replaceAll('from "../../../', 'from "./gyre/')
          .replaceAll('from "../../', 'from "./gyre/src/')
          .replaceAll('from "../', 'from "./gyre/src/flows/'),
      ] as const,
  );
  assert.equal(files.length, 3);
  const folder = installed(t, new Map(files));
  symlinkSync(REPOSITORY, join(folder, "gyre"));
  symlinkSync(join(REPOSITORY, "node_modules/zod"), join(folder, "node_modules/zod"));
  assert.equal(typeErrorsOf(folder), "");
  assert.equal(failureOf(folder, "digest-all.test.ts"), undefined);
});
