import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ANONYMOUS } from "../../../src/core/principal.ts";
import { createBoundaries } from "../../../src/flows/boundaries/create-boundaries.ts";
import { createApp } from "../../../src/http/app.ts";
import { createBoundaryRoutes } from "../../../src/http/routes/packages/boundaries.ts";
import { testProtocol } from "../../contract/protocol.ts";
import { createArchive } from "../../protocols/archive.ts";
import { testDatabase } from "../../services/postgres.ts";
import { draft, each } from "./drafts.ts";

describe("boundaries over HTTP", () => {
  const ending: (() => Promise<void>)[] = [];
  after(async () => {
    for (const work of ending) await work();
  });
  let fetch: (request: Request) => Promise<Response>;

  before(async () => {
    const pool = await testDatabase({ after: (work) => ending.push(work) }, { migrations: ["node"] });
    const boundaries = createBoundaries(pool, { defaultSet: undefined });
    const drafts = [
      await draft("gambia", "POLYGON((-17 13, -14 13, -14 14, -17 14, -17 13))", "Gambia"),
      await draft("zambia", "POLYGON((22 -18, 33 -18, 33 -8, 22 -8, 22 -18))", "Zambia"),
      await draft("algeria", "POLYGON((-8 19, 12 19, 12 37, -8 37, -8 19))", "Algeria"),
      await draft("fiji", "POLYGON((177 -20, 182 -20, 182 -16, 177 -16, 177 -20))", "Fiji"),
    ];
    await boundaries.load(each(drafts), { source: "a test" }, { who: ANONYMOUS });
    const { access } = await createArchive();
    fetch = createApp({ access, protocols: [createBoundaryRoutes({ boundaries: async () => boundaries })] });
  });

  testProtocol("boundaries", async () => ({
    fetch,
    base: "http://inside.test/",
    entities: ["v1/boundaries", "v1/boundaries/gambia", "v1/boundaries/search?name=mbi"],
    missing: ["v1/boundaries/atlantis", "v1/boundaries/..%2fetc", "v1/boundaries/GAMBIA"],
    bad: [
      "v1/boundaries/search",
      "v1/boundaries/search?latitude=1",
      "v1/boundaries/search?longitude=1",
      "v1/boundaries/search?latitude=&longitude=",
      "v1/boundaries/search?latitude=here&longitude=there",
      "v1/boundaries/search?latitude=NaN&longitude=Infinity",
    ],
  }));

  /** What the founding system's tests ask (founding-systems.md 3.9). */
  describe("the founding system's requests for boundaries", () => {
    const ask = async (path: string): Promise<{ readonly status: number; readonly body: unknown }> => {
      const response = await fetch(new Request(`http://node.test/v1/boundaries${path}`));
      return { status: response.status, body: await response.json() };
    };
    const namesOf = async (path: string): Promise<string[]> => {
      const { status, body } = await ask(path);
      assert.equal(status, 200);
      return (body as { name: string }[]).map(({ name }) => name).sort();
    };

    test("summaries have no geometry", async () => {
      const { body } = await ask("");
      assert.deepEqual(body, [
        { name: "algeria", name_long: "Algeria" },
        { name: "fiji", name_long: "Fiji" },
        { name: "gambia", name_long: "Gambia" },
        { name: "zambia", name_long: "Zambia" },
      ]);
    });

    test("one has a level in text, a geometry and its envelope", async () => {
      const { body } = await ask("/gambia");
      const { digest, ...rest } = body as { digest: string };
      assert.match(digest, /^sha256:[0-9a-f]{64}$/);
      const ring = [
        [-17, 13],
        [-14, 13],
        [-14, 14],
        [-17, 14],
        [-17, 13],
      ];
      assert.deepEqual(rest, {
        name: "gambia",
        name_long: "Gambia",
        admin_level: "0",
        geometry: { type: "MultiPolygon", coordinates: [[ring]] },
        envelope: { type: "Polygon", coordinates: [ring] },
        bbox: [-17, 13, -14, 14],
      });
    });

    test("an envelope is one polygon, also across the antimeridian", async () => {
      const { body } = await ask("/fiji");
      const { envelope, bbox } = body as { envelope: { coordinates: number[][][] }; bbox: number[] };
      assert.deepEqual(bbox, [177, -20, -178, -16]);
      assert.deepEqual(
        envelope.coordinates[0]?.map(([x]) => x),
        [177, 182, 182, 177, 177],
      );
    });

    test("one that is not there", async () => {
      const { status, body } = await ask("/lkjhasdklfj");
      assert.equal(status, 404);
      assert.equal((body as { detail: string }).detail, "Requested boundary lkjhasdklfj could not be found");
    });

    test("by name, and by one that finds nothing", async () => {
      assert.deepEqual(await namesOf("/search?name=mbi"), ["gambia", "zambia"]);
      assert.deepEqual(await namesOf("/search?name=kjhasdlfkhjasdf"), []);
    });

    test("by coordinates, zero among them, and by those of nothing", async () => {
      assert.deepEqual(await namesOf("/search?latitude=28.2&longitude=3.2"), ["algeria"]);
      assert.deepEqual(await namesOf("/search?latitude=28.2&longitude=0.0"), ["algeria"]);
      assert.deepEqual(await namesOf("/search?latitude=0&longitude=0"), []);
      assert.deepEqual(await namesOf("/search?latitude=128.2&longitude=113.2"), []);
    });

    test("by nothing", async () => {
      const { status, body } = await ask("/search");
      assert.equal(status, 400);
      assert.match((body as { detail: string }).detail, /name=.* latitude=.* longitude=/);
    });
  });
});
