import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { isGyreError } from "../../src/errors.ts";
import type { Files } from "../../src/files/files.ts";
import { createPackageStore } from "../../src/flows/packages/create-package-store.ts";
import { datasetName, datasetsOf, filesOf } from "../../src/flows/packages/datapackage.ts";
import type { PackageStore } from "../../src/flows/packages/package-store.ts";
import type { ProcessorMetadata } from "../../src/flows/processors/processor.ts";
import { fileName, island, metadataOf, withMade } from "../flows/packages/samples.ts";

/** Where packages lie under test. */
export interface PackageStoreFixture {
  readonly files: Files;
  /** An empty folder; ends in `/`. */
  readonly root: URL;
  close?(): Promise<unknown>;
}

const DAY = 86_400_000;
const PUBLIC = new URL("https://data.example.org/packages/");
const ROADS = "datasets/roads/version_1/";
const ROADS_TIF = fileName("roads", "atlantis", "tif");

/** A store in a folder of its own, at a time of its own. */
interface Room {
  readonly store: PackageStore;
  readonly files: Files;
  readonly root: URL;
  /** Another process at the same packages. */
  other(): PackageStore;
  later(ms: number): void;
}

/** What every place does that packages may lie in. */
export function testPackageStore(
  name: string,
  make: () => Promise<PackageStoreFixture>,
  unavailable?: string | undefined,
): void {
  describe(`package store: ${name}`, { skip: unavailable ?? false }, () => {
    let fixture: PackageStoreFixture;
    before(async () => {
      fixture = await make();
    });
    after(async () => {
      await fixture.files.close?.();
      await fixture.close?.();
    });
    Object.entries(CASES).forEach(([title, run], i) => {
      test(title, () => {
        const { files } = fixture;
        const root = new URL(`t${i}/`, fixture.root);
        // Real time, and what the test adds to it.
        let added = 0;
        const other = (): PackageStore =>
          createPackageStore({ files, root, publicUrl: PUBLIC, now: () => new Date(Date.now() + added) });
        const later = (ms: number): void => void (added += ms);
        return run({ store: other(), files, root, other, later });
      });
    });
  });
}

const CASES: Readonly<Record<string, (room: Room) => Promise<void>>> = {
  "is empty at first": async ({ store }) => {
    assert.deepEqual(await Array.fromAsync(store.list()), []);
    assert.equal(await store.datapackage("atlantis"), undefined);
    assert.deepEqual(await store.datasets("atlantis"), []);
    assert.equal(await store.file("atlantis", "index.html"), undefined);
    assert.equal(await store.delta("atlantis", 0), undefined);
    assert.deepEqual(await store.sweep("atlantis"), { files: 0, bytes: 0 });
  },

  "a package is set up once": async ({ store, files, root }) => {
    assert.deepEqual(await store.setUp(island("atlantis")), { isNew: true });
    assert.deepEqual(await store.setUp(island("atlantis")), { isNew: false });
    assert.deepEqual(await Array.fromAsync(store.list()), ["atlantis"]);
    const datapackage = await store.datapackage("atlantis");
    assert.equal(datapackage?.version, "1.0.0");
    assert.equal(datapackage.title, "Atlantis");
    assert.deepEqual(datasetsOf(datapackage), []);
    assert.deepEqual(await store.geometry("atlantis"), island("atlantis").geometry);
    const names = await Array.fromAsync(files.list!(root, { recursive: true }), ({ url }) =>
      url.href.slice(root.href.length),
    );
    const documents = ["index.html", "license.html", "provenance.json", "recipe.json", "stac.json", "version.html"];
    assert.deepEqual(
      names.sort(),
      ["boundary.geojson", "datapackage.json", ...documents].map((one) => `atlantis/${one}`).sort(),
    );
  },

  "what was made can be read where the package says": async ({ store }) => {
    const contents = { [ROADS_TIF]: "roads", "roads-version_1-tracks-atlantis.tif": "tracks" };
    const told = await withMade(contents, {}, (made) => store.publish(made));
    assert.deepEqual(told, { replaced: false, bytes: 11, files: 2 });
    const [roads] = datasetsOf((await store.datapackage("atlantis"))!);
    assert.deepEqual(roads?.path, [`${ROADS}data/${ROADS_TIF}`, `${ROADS}data/roads-version_1-tracks-atlantis.tif`]);
    assert.deepEqual([roads.name, roads.version, roads.format, roads.bytes], ["roads", "version_1", "GeoTIFF", 11]);
    assert.deepEqual(roads.hashes, [sha256("roads"), sha256("tracks")]);
    const file = await store.file("atlantis", roads.path[1]!);
    assert.deepEqual([file?.info.size, file?.hash], [6, sha256("tracks")]);
    assert.equal(await text(file!.read({ offset: 0 })), "tracks");
    assert.equal(await text(file!.read({ offset: 1, length: 3 })), "rac");
    assert.equal(await text(file!.read({ suffix: 2 })), "ks");
    assert.deepEqual(await store.datasets("atlantis"), [
      { dataset: "roads", version: "version_1", sourceDigest: "sha256:1", boundaryDigest: island("atlantis").digest },
    ]);
    assert.equal(store.url("atlantis", roads.path[0]).href, `${PUBLIC}atlantis/${ROADS}data/${ROADS_TIF}`);
  },

  "datasets are told by name, in whatever order they were made": async ({ store }) => {
    const publish = (metadata: ProcessorMetadata, content: string) =>
      withMade({ "made.tif": content }, { metadata }, (made) => store.publish(made));
    await publish(metadataOf("roads", "version_2"), "1");
    await publish(metadataOf("dams"), "2");
    await publish(metadataOf("roads"), "3");
    const { replaced } = await publish(metadataOf("roads", "version_2"), "4");
    assert.equal(replaced, true);
    const names = datasetsOf((await store.datapackage("atlantis"))!).map(datasetName);
    assert.deepEqual(names, ["dams.version_1", "roads.version_1", "roads.version_2"]);
    const recipe = await store.file("atlantis", "recipe.json");
    const { datasets } = JSON.parse(await text(recipe!.read({ offset: 0 }))) as { datasets: { processor: string }[] };
    assert.deepEqual(
      datasets.map(({ processor }) => processor),
      names,
    );
  },

  "only what the package names is a file of it": async ({ store, files, root }) => {
    await withMade({ [ROADS_TIF]: "roads" }, {}, (made) => store.publish(made));
    await files.write!(new URL("atlantis/secret.txt", root), bytes("x"));
    await files.write!(new URL("secret.txt", root), bytes("x"));
    await files.write!(new URL(`atlantis/${ROADS}data/other.tif`, root), bytes("x"));
    for (const path of ["secret.txt", "../secret.txt", `${ROADS}data/other.tif`, "", "datasets/", "/etc/passwd", "."]) {
      assert.equal(await store.file("atlantis", path), undefined, path);
    }
    for (const name of ["..", ".", "", "a/b", "Atlantis", "%2e%2e"]) {
      assert.equal(await store.file(name, "secret.txt"), undefined, name);
      assert.equal(await store.datapackage(name), undefined, name);
    }
    for (const path of ["index.html", "datapackage.json", "stac.json", `${ROADS}index.html`, `${ROADS}license.html`]) {
      assert.ok((await store.file("atlantis", path))?.mediaType, path);
    }
  },

  "the same once more changes nothing": async ({ store }) => {
    const make = (run: string) => withMade({ [ROADS_TIF]: "roads" }, { run }, (made) => store.publish(made));
    await make("run-1");
    const first = await store.datapackage("atlantis");
    assert.deepEqual(await make("run-2"), { replaced: false, bytes: 5, files: 1 });
    assert.deepEqual(await store.datapackage("atlantis"), first);
  },

  "another state of the source replaces it, and whoever reads the old one gets its bytes": async ({
    store,
    later,
    files,
    root,
  }) => {
    await withMade({ [ROADS_TIF]: "old roads" }, {}, (made) => store.publish(made));
    const old = (await store.datapackage("atlantis"))!;
    const reading = (await store.file("atlantis", datasetsOf(old)[0]!.path[0]!))!.read({ offset: 0 });
    const told = await withMade({ [ROADS_TIF]: "new roads" }, { sourceDigest: "sha256:2" }, (made) =>
      store.publish(made),
    );
    assert.equal(told.replaced, true);
    const now = (await store.datapackage("atlantis"))!;
    const [path = ""] = datasetsOf(now)[0]!.path;
    assert.match(path, /^datasets\/roads\/version_1\/data\/[0-9a-f]{16}\/roads-version_1-atlantis\.tif$/);
    assert.equal(await text((await store.file("atlantis", path))!.read({ offset: 0 })), "new roads");
    assert.equal(await text(reading), "old roads");
    assert.equal(datasetsOf(now).length, 1);
    // A client that still holds the old descriptor finds its files for a day, also through a sweep.
    await store.sweep("atlantis");
    const place = new URL(`atlantis/${datasetsOf(old)[0]!.path[0]}`, root);
    assert.equal((await files.head(place))?.size, 9);
    later(2 * DAY);
    assert.deepEqual(await store.sweep("atlantis"), { files: 1, bytes: 9 });
    assert.equal(await files.head(place), undefined);
    assert.equal(await text((await store.file("atlantis", path))!.read({ offset: 0 })), "new roads");
    // Made again of the same it stays where it is.
    const again = await withMade({ [ROADS_TIF]: "new roads" }, { sourceDigest: "sha256:2" }, (made) =>
      store.publish(made),
    );
    assert.deepEqual([again.replaced, (await store.datapackage("atlantis"))?.version], [false, now.version]);
  },

  "many writers at once lose nothing": async ({ other }) => {
    const datasets = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(
      datasets.map(async (dataset) => {
        const store = other();
        await withMade(
          { [fileName(dataset, "atlantis", "tif")]: dataset },
          { metadata: metadataOf(dataset) },
          async (made) => {
            await store.publish(made);
            await store.addProvenance("atlantis", [{ [dataset]: true }]);
          },
        );
      }),
    );
    const store = other();
    const datapackage = (await store.datapackage("atlantis"))!;
    assert.deepEqual(
      datasetsOf(datapackage)
        .map(({ name }) => name)
        .sort(),
      datasets,
    );
    assert.equal(datapackage.version, "7.0.0");
    const provenance = JSON.parse(await document(store, "provenance.json"));
    assert.deepEqual(
      Object.values(provenance)
        .flat()
        .flatMap((log) => Object.keys(log as object))
        .sort(),
      datasets,
    );
    // The pages are those of the last state, whoever wrote them.
    const recipe = JSON.parse(await document(store, "recipe.json"));
    assert.equal(recipe.datasets.length, 6);
    const page = await document(store, "index.html");
    for (const dataset of datasets) assert.ok(page.includes(`${dataset}.version_1`), dataset);
  },

  "two who make the same at once agree": async ({ other }) => {
    const publish = (text: string) =>
      withMade({ [ROADS_TIF]: text }, { sourceDigest: text }, (made) => other().publish(made));
    await Promise.all([publish("one"), publish("two"), publish("one")]);
    const datapackage = (await other().datapackage("atlantis"))!;
    const [resource] = datasetsOf(datapackage);
    assert.equal(datasetsOf(datapackage).length, 1);
    const stored = await text((await other().file("atlantis", resource!.path[0]!))!.read({ offset: 0 }));
    assert.equal(resource!.gyre.sourceDigest, stored);
    assert.equal(resource!.hash, sha256(stored));
  },

  "what breaks off on its way is never seen, and taken up by the next try": async ({ store, files, root, later }) => {
    const big = `${ROADS_TIF.slice(0, -4)}x.tif`;
    const contents = { [ROADS_TIF]: "roads", [big]: "long".repeat(1000) };
    await store.setUp(island("atlantis"));
    const controller = new AbortController();
    await withMade(contents, { signal: controller.signal }, async (made) => {
      const file = { ...made.generated.files[1]!, name: "missing.tif" };
      const broken = { ...made, generated: { ...made.generated, files: [made.generated.files[0]!, file] } };
      await assert.rejects(store.publish(broken), (error) => isGyreError(error, "Unsupported"));
      // The first file went through before it was cancelled.
      await files.write!(new URL(`atlantis/${ROADS}data/${ROADS_TIF}`, root), bytes("roads"));
      controller.abort(new Error("cancelled"));
      await assert.rejects(store.publish(made), /cancelled/);
    });
    assert.deepEqual(await store.datasets("atlantis"), []);
    assert.equal(await store.file("atlantis", `${ROADS}data/${ROADS_TIF}`), undefined);
    await withMade(contents, {}, (made) => store.publish(made));
    const [roads] = datasetsOf((await store.datapackage("atlantis"))!);
    assert.deepEqual(
      roads?.path,
      [ROADS_TIF, big].map((name) => `${ROADS}data/${name}`),
    );
    later(2 * DAY);
    assert.deepEqual(await store.sweep("atlantis"), { files: 0, bytes: 0 });
  },

  "a folder comes as one archive": async ({ store }) => {
    const contents = { "roads.zarr/zarr.json": "{}", "roads.zarr/c/0/0": "chunk", "roads.zarr/c/0/1": "chunk" };
    const files = [{ name: "roads.zarr", format: "Zarr", mediaType: "application/vnd+zarr" }];
    await withMade(contents, { files }, (made) => store.publish(made));
    const [roads] = datasetsOf((await store.datapackage("atlantis"))!);
    assert.deepEqual([roads?.path, roads?.mediatype], [[`${ROADS}data/roads.zarr.zip`], "application/zip"]);
    // The same bytes each time: made again, it is the same.
    const told = await withMade(contents, { files }, (made) => store.publish(made));
    assert.equal(told.replaced, false);
    assert.equal((await store.datapackage("atlantis"))?.version, "2.0.0");
  },

  "nothing inside of the area is said, and complete": async ({ store }) => {
    const told = await withMade({}, { isEmpty: true }, (made) => store.publish(made));
    assert.equal(told.files, 1);
    const [roads] = datasetsOf((await store.datapackage("atlantis"))!);
    assert.equal(roads?.gyre.isEmpty, true);
    const file = await store.file("atlantis", roads.path[0]!);
    assert.equal(await text(file!.read({ offset: 0 })), "All of roads has nothing inside of Atlantis.\n");
    assert.match(await document(store, `${ROADS}index.html`), /nothing inside of this area/);
    await withMade({}, {}, (made) => assert.rejects(store.publish(made), (error) => isGyreError(error, "Unsupported")));
  },

  "another geometry makes another state, and says for which one each dataset was made": async ({ store }) => {
    await withMade({ [ROADS_TIF]: "roads" }, {}, (made) => store.publish(made));
    const old = island("atlantis");
    const larger = island("atlantis", 2);
    assert.deepEqual(await store.setUp(larger), { isNew: false });
    assert.deepEqual(await store.geometry("atlantis"), larger.geometry);
    assert.equal((await store.datasets("atlantis"))[0]?.boundaryDigest, old.digest);
    assert.equal((await store.delta("atlantis", 2))?.isBoundaryReplaced, true);
    assert.equal((await store.datapackage("atlantis"))?.boundary.digest, larger.digest);
    const version = (await store.datapackage("atlantis"))?.version;
    await store.setUp(larger);
    assert.equal((await store.datapackage("atlantis"))?.version, version);
  },

  "a delta tells each dataset once": async ({ store }) => {
    const publish = (dataset: string, text: string) =>
      withMade(
        { [fileName(dataset, "atlantis", "tif")]: text },
        { metadata: metadataOf(dataset), sourceDigest: text },
        (made) => store.publish(made),
      );
    await publish("roads", "1");
    await publish("rivers", "1");
    await publish("roads", "2");
    const names = (list: Parameters<typeof datasetName>[0][] | undefined) => list?.map(datasetName);
    const tell = async (since: number) => {
      const delta = await store.delta("atlantis", since);
      return delta && [names([...delta.added]), names([...delta.replaced]), delta.removed];
    };
    assert.deepEqual(await tell(4), [[], [], []]);
    assert.deepEqual(await tell(3), [[], ["roads.version_1"], []]);
    assert.deepEqual(await tell(2), [["rivers.version_1"], ["roads.version_1"], []]);
    assert.deepEqual(await tell(0), [["roads.version_1", "rivers.version_1"], [], []]);
    assert.equal(await tell(5), undefined);
    assert.equal(await tell(-1), undefined);
  },

  "two versions of a dataset are two resources": async ({ store }) => {
    for (const version of ["version_1", "version_2"]) {
      const contents = { [fileName("roads", "atlantis", "tif", version)]: version };
      await withMade(contents, { metadata: metadataOf("roads", version) }, (made) => store.publish(made));
    }
    const datasets = datasetsOf((await store.datapackage("atlantis"))!);
    assert.deepEqual(
      datasets.map(({ name }) => name),
      ["roads", "roads.version_2"],
    );
    assert.deepEqual(datasets.map(datasetName), ["roads.version_1", "roads.version_2"]);
  },

  "licences and authors are told once": async ({ store }) => {
    for (const dataset of ["roads", "rivers"]) {
      const contents = { [fileName(dataset, "atlantis", "tif")]: dataset };
      await withMade(contents, { metadata: metadataOf(dataset) }, (made) => store.publish(made));
    }
    const datapackage = (await store.datapackage("atlantis"))!;
    assert.deepEqual(
      datapackage.licenses.map(({ name }) => name),
      ["CC-BY-4.0"],
    );
    assert.equal((datapackage.contributors as object[]).length, 1);
  },

  "pages that a crash left behind are mended": async ({ store, files, root }) => {
    await withMade({ [ROADS_TIF]: "roads" }, {}, (made) => store.publish(made));
    const recipe = new URL("atlantis/recipe.json", root);
    for (const page of ["index.html", `${ROADS}index.html`]) await files.delete!(new URL(`atlantis/${page}`, root));
    await files.write!(recipe, bytes('{"version":"1.0.0"}'));
    await store.setUp(island("atlantis"));
    assert.match(await document(store, "index.html"), /roads\.version_1/);
    assert.match(await document(store, `${ROADS}index.html`), /roads-version_1-atlantis\.tif/);
  },

  "redescribes from the files that are there": async ({ store, files, root }) => {
    await withMade({ [ROADS_TIF]: "roads" }, { notes: ["crop completed"] }, (made) => store.publish(made));
    await withMade({ "rivers.tif": "rivers" }, { metadata: metadataOf("rivers") }, (made) => store.publish(made));
    const parts = { "lakes.tif": "lakes", "lakes-2.tif": "2" };
    await withMade(parts, { metadata: metadataOf("lakes") }, (made) => store.publish(made));
    // By hand: a repaired file, a lost one, and a lost part.
    await files.delete!(new URL("atlantis/datasets/lakes/version_1/data/lakes-2.tif", root));
    await files.write!(new URL(`atlantis/${ROADS}data/${ROADS_TIF}`, root), bytes("mended roads"));
    await files.delete!(new URL("atlantis/datasets/rivers/version_1/data/rivers.tif", root));
    await store.redescribe(island("atlantis"), [metadataOf("roads", "version_1", { title: "Better roads" })]);
    const [lakes, roads, ...others] = datasetsOf((await store.datapackage("atlantis"))!);
    assert.deepEqual(others, []);
    // What is not whole any more is of no known source.
    assert.deepEqual(
      [lakes && datasetName(lakes), lakes?.path.length, lakes?.gyre.sourceDigest],
      ["lakes.version_1", 1, ""],
    );
    assert.equal(roads?.gyre.sourceDigest, "sha256:1");
    assert.deepEqual([roads?.title, roads?.bytes, roads?.hash], ["Better roads", 12, sha256("mended roads")]);
    assert.deepEqual([roads?.gyre.run, roads?.gyre.notes], ["run-1", ["crop completed"]]);
    assert.match(await document(store, `${ROADS}index.html`), /Better roads/);
    assert.deepEqual((await store.delta("atlantis", 4))?.removed, ["rivers.version_1"]);
  },

  "takes over a folder whose descriptor it cannot read": async ({ store, files, root }) => {
    await files.write!(new URL(`atlantis/${ROADS}data/${ROADS_TIF}`, root), bytes("roads"));
    await files.write!(new URL("atlantis/datasets/unknown/version_1/data/a.tif", root), bytes("unknown"));
    const founding = { name: "atlantis", title: "atlantis", licenses: [], resources: [] };
    await files.write!(new URL("atlantis/datapackage.json", root), bytes(JSON.stringify(founding)));
    await assert.rejects(store.datapackage("atlantis"), (error) => isGyreError(error, "BadSource"));
    await assert.rejects(store.setUp(island("atlantis")), (error) => isGyreError(error, "BadSource"));
    await store.redescribe(island("atlantis"), [metadataOf("roads")]);
    const [roads] = datasetsOf((await store.datapackage("atlantis"))!);
    assert.deepEqual(
      [roads?.path, roads?.hash, roads?.format],
      [[`${ROADS}data/${ROADS_TIF}`], sha256("roads"), "GeoTIFF"],
    );
    // Of no known source: the next job makes it anew.
    assert.equal(roads?.gyre.sourceDigest, "");
    assert.equal((await files.head(new URL("atlantis/datasets/unknown/version_1/data/a.tif", root)))?.size, 7);
  },

  "provenance is appended to": async ({ store, later }) => {
    await store.setUp(island("atlantis"));
    assert.deepEqual(JSON.parse(await document(store, "provenance.json")), {});
    await store.addProvenance("atlantis", [{ boundary_processor: { boundary_folder: "created" } }, { a: 1 }]);
    later(1000);
    await store.addProvenance("atlantis", [{ b: 2 }]);
    const logs = JSON.parse(await document(store, "provenance.json"));
    assert.deepEqual(Object.values(logs), [
      [{ boundary_processor: { boundary_folder: "created" } }, { a: 1 }],
      [{ b: 2 }],
    ]);
    for (const time of Object.keys(logs)) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  },

  "names that would be paths are refused": async ({ store }) => {
    for (const name of ["../a.tif", "a/b.tif", ".hidden", "a b.tif", "ä.tif"]) {
      const files = [{ name, format: "GeoTIFF", mediaType: "image/tiff" }];
      await withMade({ a: "1" }, { files }, (made) => assert.rejects(store.publish(made), /cannot be packaged/, name));
    }
    for (const boundary of ["../x", "A", ""]) {
      await assert.rejects(store.setUp(island(boundary)), (error) => isGyreError(error, "BadRequest"));
    }
    const metadata = metadataOf("../roads");
    await withMade({ a: "1" }, { metadata }, (made) => assert.rejects(store.publish(made), /no name of a dataset/));
    assert.deepEqual(await Array.fromAsync(store.list()), []);
  },
};

/** Everything that the package names is there, with the size and the digest that it says. */
export async function assertWhole(store: PackageStore, boundary: string): Promise<void> {
  const datapackage = await store.datapackage(boundary);
  if (datapackage === undefined) return;
  for (const { path, bytes, hash } of filesOf(datapackage)) {
    const file = await store.file(boundary, path);
    assert.equal(file?.info.size, bytes, path);
    assert.equal(sha256(await new Response(file.read({ offset: 0 }) as Body).bytes()), hash, path);
  }
}

/** What `Response` takes. */
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

async function document(store: PackageStore, path: string): Promise<string> {
  const file = await store.file("atlantis", path);
  assert.ok(file, path);
  return text(file.read({ offset: 0 }));
}

function text(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream as Body).text();
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
