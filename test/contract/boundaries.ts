import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ANONYMOUS, type Call } from "../../src/core/principal.ts";
import { isGyreError } from "../../src/errors.ts";
import type { BoundaryAdmin, BoundaryDraft } from "../../src/flows/boundaries/admin.ts";
import type { Boundaries } from "../../src/flows/boundaries/boundary.ts";
import { draft, each } from "../flows/boundaries/drafts.ts";
import type { Ending } from "../services/postgres.ts";

export interface BoundariesContract {
  /** Why nothing can be tested here, now. */
  readonly unavailable?: string | undefined;
}

type Made = Boundaries & BoundaryAdmin;
const call: Call = { who: ANONYMOUS };
const OPTIONS = { source: "a test" };

/** What every implementation of `Boundaries` does; `make` answers one that has none yet. */
export function testBoundaries(
  name: string,
  make: (ending: Ending) => Promise<Made>,
  { unavailable }: BoundariesContract = {},
): void {
  describe(`boundaries: ${name}`, { skip: unavailable ?? false }, () => {
    for (const [title, run] of Object.entries(CASES)) {
      test(title, async (t) => run(await make(t)));
    }
  });
}

/** Gambia lies in Senegal, Lesotho in a hole of South Africa, and null island at 0, 0. */
async function drafts(): Promise<BoundaryDraft[]> {
  return [
    await draft("sen", "POLYGON((-18 12, -11 12, -11 17, -18 17, -18 12))", "Sénégal"),
    await draft("gmb", "POLYGON((-17 13, -14 13, -14 14, -17 14, -17 13))", "The Gambia"),
    await draft(
      "zaf",
      "POLYGON((16 -35, 33 -35, 33 -22, 16 -22, 16 -35),(27 -31, 30 -31, 30 -28, 27 -28, 27 -31))",
      "South Africa",
    ),
    await draft("lso", "POLYGON((27 -31, 30 -31, 30 -28, 27 -28, 27 -31))", "Lesotho"),
    await draft("nul", "POLYGON((-1 -1, 1 -1, 1 1, -1 1, -1 -1))", "Null Island"),
    await draft("fji", "POLYGON((177 -20, 182 -20, 182 -16, 177 -16, 177 -20))", "Fiji"),
    await draft("ata", "POLYGON((-180 -90, 180 -90, 180 -65, -180 -65, -180 -90))", "Antarctica"),
    await draft("tri", "POLYGON((40 0, 50 0, 40 10, 40 0))", "Triangle"),
  ];
}

async function filled(boundaries: Made): Promise<Made> {
  await boundaries.load(each(await drafts()), OPTIONS, call);
  return boundaries;
}

const namesAt = async (boundaries: Boundaries, longitude: number, latitude: number): Promise<string[]> =>
  (await boundaries.byPoint(longitude, latitude, call)).map(({ name }) => name).sort();

const CASES: Readonly<Record<string, (boundaries: Made) => Promise<void>>> = {
  async "a list is ordered by long names, whatever their case and accents"(made) {
    const boundaries = await filled(made);
    const listed = await boundaries.list(call);
    assert.deepEqual(
      listed.map(({ nameLong }) => nameLong),
      ["Antarctica", "Fiji", "Lesotho", "Null Island", "Sénégal", "South Africa", "The Gambia", "Triangle"],
    );
    assert.deepEqual(Object.keys(listed[0] ?? {}), ["name", "nameLong"]);
  },

  async "a boundary has what was loaded"(made) {
    const boundaries = await filled(made);
    const [, gambia] = await drafts();
    const { repairs: _, ...expected } = gambia!;
    assert.deepEqual(await boundaries.get("gmb", call), expected);
    assert.equal(await boundaries.get("none", call), undefined);
    assert.equal(await boundaries.get("../etc", call), undefined);
    assert.equal(await boundaries.get("\0", call), undefined);
  },

  async "text is searched in long names without case, accents or patterns"(made) {
    const boundaries = await filled(made);
    const found = async (text: string): Promise<string[]> =>
      (await boundaries.byText(text, call)).map(({ name }) => name);
    assert.deepEqual(await found("GAMBIA"), ["gmb"]);
    assert.deepEqual(await found("senegal"), ["sen"]);
    assert.deepEqual(await found("SÉNÉ"), ["sen"]);
    assert.deepEqual(await found("gmb"), []);
    for (const text of ["%", "_", "'", "\\", "\0", ".*"]) assert.deepEqual(await found(text), [], text);
  },

  async "a point finds all that cover it, and no more"(made) {
    const boundaries = await filled(made);
    assert.deepEqual(await namesAt(boundaries, -16, 13.5), ["gmb", "sen"]);
    assert.deepEqual(await namesAt(boundaries, -12, 15), ["sen"]);
    assert.deepEqual(await namesAt(boundaries, 100, 50), []);
    // In the box of the triangle, and outside of it.
    assert.deepEqual(await namesAt(boundaries, 48, 8), []);
    assert.deepEqual(await namesAt(boundaries, 42, 2), ["tri"]);
  },

  async "zero is a coordinate"(made) {
    assert.deepEqual(await namesAt(await filled(made), 0, 0), ["nul"]);
  },

  async "an enclave is not part of what is around it"(made) {
    assert.deepEqual(await namesAt(await filled(made), 28.5, -29.5), ["lso"]);
  },

  async "a point on a border belongs to both sides"(made) {
    const boundaries = await filled(made);
    assert.deepEqual(await namesAt(boundaries, 27, -30), ["lso", "zaf"]);
    assert.deepEqual(await namesAt(boundaries, 1, 1), ["nul"]);
  },

  async "a boundary goes on behind the antimeridian"(made) {
    const boundaries = await filled(made);
    for (const longitude of [178, 180, -180, -179]) {
      assert.deepEqual(await namesAt(boundaries, longitude, -18), ["fji"], String(longitude));
    }
    assert.deepEqual(await namesAt(boundaries, 0, -18), []);
    const fiji = await boundaries.get("fji", call);
    assert.deepEqual(fiji?.bbox, [177, -20, -178, -16]);
    assert.equal(fiji?.geometry.coordinates.length, 2);
  },

  async "a pole is on every meridian"(made) {
    const boundaries = await filled(made);
    for (const longitude of [0, 33.3, -180]) assert.deepEqual(await namesAt(boundaries, longitude, -90), ["ata"]);
    assert.deepEqual(await namesAt(boundaries, 12, 90), []);
  },

  async "nothing is where no Earth is"(made) {
    const boundaries = await filled(made);
    for (const [x, y] of [
      [113.2, 128.2],
      [181, 0],
      [Number.NaN, 0],
    ] as const)
      assert.deepEqual(await boundaries.byPoint(x, y, call), []);
  },

  async "a load is all or nothing"(made) {
    const boundaries = await filled(made);
    async function* broken(): AsyncGenerator<BoundaryDraft> {
      yield await draft("new", "POLYGON((60 0, 61 0, 61 1, 60 1, 60 0))");
      yield await draft("gmb", "POLYGON((60 0, 61 0, 61 1, 60 1, 60 0))");
      throw new Error("the file ends");
    }
    const before = await boundaries.get("gmb", call);
    await assert.rejects(boundaries.load(broken(), { ...OPTIONS, replace: true }, call), /the file ends/);
    assert.equal((await boundaries.list(call)).length, 8);
    assert.deepEqual(await boundaries.get("gmb", call), before);
  },

  async "two boundaries of one name are refused, and both are named"(made) {
    const twice = [
      await draft("same", "POLYGON((0 0, 1 0, 1 1, 0 0))", "Same"),
      await draft("same", "POLYGON((0 0, 1 0, 1 1, 0 0))", "Sàme"),
    ];
    await assert.rejects(
      made.load(each(twice), OPTIONS, call),
      (error) => isGyreError(error, "Conflict") && /Same and Sàme/.test(error.message),
    );
  },

  async "long names need not be unique"(made) {
    const square = "POLYGON((0 0, 1 0, 1 1, 0 0))";
    const two = [await draft("a", square, "Central"), await draft("b", square, "Central")];
    assert.equal((await made.load(each(two), OPTIONS, call)).added, 2);
    assert.deepEqual(await namesAt(made, 0.7, 0.5), ["a", "b"]);
  },

  async "what is loaded again is told apart from what changed"(made) {
    const boundaries = await filled(made);
    const [senegal, gambia] = await drafts();
    const moved = await draft("gmb", "POLYGON((-17 13, -15 13, -15 14, -17 14, -17 13))", "Gambia");
    const other = await draft("new", "POLYGON((60 0, 61 0, 61 1, 60 1, 60 0))");
    assert.deepEqual(await boundaries.load(each([senegal!, moved, other]), OPTIONS, call), {
      added: 1,
      changed: 1,
      unchanged: 1,
      removed: 0,
    });
    assert.equal((await boundaries.get("gmb", call))?.digest, moved.digest);
    assert.notEqual(moved.digest, gambia!.digest);
    assert.deepEqual(await namesAt(boundaries, -14.5, 13.5), ["sen"]);
  },

  async "older versions are found by their digests"(made) {
    const boundaries = await filled(made);
    const [, gambia] = await drafts();
    const moved = await draft("gmb", "POLYGON((-17 13, -15 13, -15 14, -17 14, -17 13))", "Gambia");
    await boundaries.load(each([moved]), { source: "another", replace: true }, call);
    assert.deepEqual((await boundaries.version("gmb", gambia!.digest, call))?.geometry, gambia!.geometry);
    assert.equal((await boundaries.version("sen", (await drafts())[0]!.digest, call))?.nameLong, "Sénégal");
    assert.equal(await boundaries.version("sen", gambia!.digest, call), undefined);
    assert.equal(await boundaries.version("gmb", "sha256:0", call), undefined);
    const versions = await boundaries.versions("gmb", call);
    assert.deepEqual(
      versions.map(({ digest, current, source }) => ({ digest, current, source })),
      [
        { digest: moved.digest, current: true, source: "another" },
        { digest: gambia!.digest, current: false, source: "a test" },
      ],
    );
  },

  async "a former version may be loaded again"(made) {
    const boundaries = await filled(made);
    const [, gambia] = await drafts();
    const moved = await draft("gmb", "POLYGON((-17 13, -15 13, -15 14, -17 14, -17 13))", "Gambia");
    await boundaries.load(each([moved]), OPTIONS, call);
    await boundaries.load(each([gambia!]), OPTIONS, call);
    assert.equal((await boundaries.get("gmb", call))?.digest, gambia!.digest);
    assert.equal((await boundaries.versions("gmb", call)).length, 2);
  },

  async "replacing takes all others away"(made) {
    const boundaries = await filled(made);
    const only = await draft("only", "POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))", "Only");
    const loaded = await boundaries.load(each([only]), { ...OPTIONS, replace: true }, call);
    assert.deepEqual(loaded, { added: 1, changed: 0, unchanged: 0, removed: 8 });
    assert.deepEqual(await boundaries.list(call), [{ name: "only", nameLong: "Only" }]);
    assert.equal(await boundaries.get("gmb", call), undefined);
    assert.deepEqual(await namesAt(boundaries, 0, 0), ["only"]);
  },

  async "what came with a job is found by its name and is in no list"(made) {
    const boundaries = await filled(made);
    const { repairs: _, ...mine } = await draft("adhoc-1", "POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))", "Mine");
    await boundaries.keep(mine, call);
    await boundaries.keep(mine, call);
    assert.deepEqual(await boundaries.get("adhoc-1", call), mine);
    assert.deepEqual(await boundaries.version("adhoc-1", mine.digest, call), mine);
    assert.equal((await boundaries.list(call)).length, 8);
    assert.deepEqual(await boundaries.byText("mine", call), []);
    assert.deepEqual(await namesAt(boundaries, 0, 0), ["nul"]);
    await boundaries.load(
      each([await draft("x", "POLYGON((0 0, 2 0, 2 2, 0 0))")]),
      { ...OPTIONS, replace: true },
      call,
    );
    assert.deepEqual(await boundaries.get("adhoc-1", call), mine);
  },

  async "what comes with a job does not take the name of another boundary"(made) {
    const boundaries = await filled(made);
    const { repairs: _, ...mine } = await draft("gmb", "POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))", "Mine");
    await assert.rejects(boundaries.keep(mine, call), (error) => isGyreError(error, "Conflict"));
    const [, gambia] = await drafts();
    const { repairs: __, ...same } = gambia!;
    await boundaries.keep(same, call);
    assert.equal((await boundaries.list(call)).length, 8);
  },

  async "loads at the same time come one after the other"(made) {
    const one = await draft("a", "POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))");
    const two = await draft("a", "POLYGON((0 0, 3 0, 3 3, 0 3, 0 0))");
    const added = await Promise.all([one, two, one, two].map((each1) => made.load(each([each1]), OPTIONS, call)));
    assert.equal(
      added.reduce((sum, loaded) => sum + loaded.added, 0),
      1,
    );
    assert.equal((await made.list(call)).length, 1);
    assert.equal((await made.versions("a", call)).filter(({ current }) => current).length, 1);
  },
};
