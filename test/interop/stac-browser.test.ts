import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { type Server, startGyre } from "../../bench/servers.ts";
import { syntheticItems } from "../../src/catalog/synthetic/items.ts";
import type { StacCollection, StacItem } from "../../src/core/stac.ts";
import { dataFolder } from "../formats/data.ts";
import { findProgram, missing } from "../services/services.ts";
import { type Browser, type Page, startChromium } from "./stac-browser/chromium.ts";
import { type Site, STAC_BROWSER, serveStacBrowser } from "./stac-browser/site.ts";
import { written } from "./written.ts";

const chromium = findProgram("chromium", []);
const skip =
  (dataFolder === undefined && "no ../shared/data (set GYRE_DATA)") ||
  (chromium === undefined && missing("no chromium").unavailable) ||
  (!existsSync(STAC_BROWSER) && missing("no .peers/stac-browser (node scripts/services.ts install)").unavailable);
const ITEMS = ".items .item-card .card-title";
const FORM = ".tab-pane.active";

/** Tiles and schemas of the internet, which is not there; and vue-read-more-smooth, which measures what is gone. */
const FOREIGN = /https:\/\/|offsetHeight/;

interface Envelope {
  readonly data: { readonly payload: { readonly item: StacItem } };
}

function real<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`stac/${name}`, dataFolder), "utf8")) as T;
}

describe("STAC Browser at a running node", { skip }, () => {
  let home: string;
  let node: Server;
  let site: Site;
  let browser: Browser;
  let page: Page;
  let records: readonly StacItem[];
  let item: StacItem;
  let other: StacItem;
  let described: StacCollection & { readonly providers: readonly { readonly name: string }[] };

  const post = (path: string, document: object): Promise<void> => written(new URL(path, node.url), document);

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "gyre-stac-browser-"));
    // Root's PostgreSQL is another user's, who must be able to enter it.
    await chmod(home, 0o755);
    await mkdir(join(home, "data"));
    await mkdir(join(home, "archive"));
    node = await startGyre(join(home, "archive"), { env: { GYRE_DATABASE: "embedded" }, dataDir: join(home, "data") });
    item = real<Envelope>("esgf/CMIP6.ScenarioMIP.IPSL.IPSL-CM6A-LR.ssp245.r1i1p1f1.Amon.pr.gr.v20190119.json").data
      .payload.item;
    other = real<StacItem>("CMIP6.ScenarioMIP.THU.CIESM.ssp585.r1i1p1f1.Amon.rsus.gr.v20200806.json");
    records = [...syntheticItems(120, 1, "CMIP6"), item, other];
    described = real<typeof described>("noaa-cdr-sea-ice-concentration__collection.json");
    await post("stac/collections/CMIP6/items", { type: "FeatureCollection", features: records });
    await post("stac/collections", described);
    site = await serveStacBrowser(new URL("stac", node.url).href);
    browser = await startChromium(chromium as string);
    page = browser.page;
  });

  after(async () => {
    await browser?.stop();
    site?.stop();
    await node?.stop();
    await rm(home, { recursive: true, force: true });
  });

  afterEach(() => {
    assert.deepEqual(
      page.faults.filter(({ url, text }) => !FOREIGN.test(`${url} ${text}`)),
      [],
    );
    const answers = page.answers.filter(({ url }) => url.startsWith(node.url.href));
    assert.ok(answers.length > 0);
    assert.deepEqual(
      answers.filter(({ status }) => status >= 400),
      [],
    );
  });

  /** A page anew: of another fragment alone the application would keep what was entered. */
  const open = async (path: string): Promise<void> => {
    await page.open("about:blank");
    await page.open(new URL(`#${path}`, site.url).href);
  };
  /** The texts of what a selector finds, as soon as they are `right`, an expression over `found`. */
  const texts = (selector: string, right = "found.length > 0"): Promise<readonly string[]> =>
    page.until(`(() => {
      const all = [...document.querySelectorAll(${JSON.stringify(selector)})];
      const found = all.map((one) => one.innerText.trim());
      return ${right} && found;
    })()`);
  const act = (selector: string, action: string, text = ""): Promise<boolean> =>
    page.until(`(() => {
      const all = [...document.querySelectorAll(${JSON.stringify(selector)})];
      const one = all.find((some) => !some.disabled && some.textContent.includes(${JSON.stringify(text)}));
      if (one !== undefined) { ${action} }
      return one !== undefined;
    })()`);
  const click = (selector: string, text = ""): Promise<boolean> => act(selector, "one.click();", text);
  const enter = (selector: string, value: string): Promise<boolean> => {
    const tell = ["input", "change"].map((type) => `one.dispatchEvent(new Event("${type}", { bubbles: true }));`);
    return act(selector, `one.value = ${JSON.stringify(value)}; ${tell.join(" ")}`);
  };
  /** The titles of another page of items than the one that is shown, once a button has been pressed. */
  const turn = async (button: string, shown: readonly string[]): Promise<readonly string[]> => {
    await click(".items .btn-group button", button);
    return texts(ITEMS, `found.length > 0 && found[0] !== ${JSON.stringify(shown[0])}`);
  };

  test("the root: the catalogue and its collections", async () => {
    await open("/");
    assert.deepEqual(await texts(".catalogs .card-title", "found.length === 3"), [
      "All items",
      "CMIP6",
      described.title,
    ]);
    assert.deepEqual(await texts("h1"), ["Gyre"]);
    assert.deepEqual(await texts(".catalogs .badge-pill"), ["3"]);
    await click(".catalogs .card-title a", "CMIP6");
    assert.deepEqual(await texts("h1", "found[0] === 'CMIP6'"), ["CMIP6"]);
  });

  test("a collection that was described", async () => {
    await open(`/stac/collections/${described.id}`);
    assert.deepEqual(await texts("h1", `found[0] === ${JSON.stringify(described.title)}`), [described.title]);
    const { keywords = [], providers } = described;
    assert.deepEqual((await texts(".keywords .badge")).toSorted(), keywords.toSorted());
    for (const { name } of providers) await texts(".providers", `found.join().includes(${JSON.stringify(name)})`);
  });

  test("a collection: its extent, its items page by page, what filters may name", async () => {
    await open("/stac/collections/CMIP6");
    const first = await texts(ITEMS);
    await texts(".items .badge-pill", `found[0] === "${records.length}"`);
    const [shown = ""] = await texts("main", `found[0]?.includes("Temporal Extent")`);
    const times = records.map(({ properties: { datetime, start_datetime: start, end_datetime: end } }) =>
      [start ?? datetime, end ?? datetime].map((time) => Date.parse(time as string)),
    );
    for (const extreme of [Math.min(...times.flat()), Math.max(...times.flat())]) {
      const [date, time] = new Date(extreme).toISOString().slice(0, 19).split("T");
      assert.ok(shown.includes(`${date} ${time} UTC`), shown);
    }
    await texts(".map canvas");
    const second = await turn("Next", first);
    assert.equal(new Set([...first, ...second]).size, first.length + second.length);
    assert.deepEqual(await turn("Previous", second), first);
    await click(".items button", "Show Filters");
    const offered = await texts(".items .queryables .dropdown-item .badge");
    for (const name of ["cmip6:source_id", "cmip6:experiment_id", "datetime"]) assert.ok(offered.includes(name), name);
  });

  test("an item: its assets, its properties, where it is", async () => {
    await open(`/stac/collections/CMIP6/items/${item.id}`);
    const assets = await texts(".assets .card-header");
    assert.deepEqual(
      assets.map((one) => one.split("\n")[0]),
      Object.entries(item.assets).map(([key, { title }]) => title ?? key),
    );
    const shown = (await texts(".metadata")).join();
    for (const name of ["cmip6:source_id", "cmip6:experiment", "cmip6:tracking_id", "cmip6:variant_label"]) {
      assert.ok(shown.includes(String(item.properties[name])), name);
    }
    assert.deepEqual(await texts(".parent-collection .card-title"), ["CMIP6"]);
    await texts(".map canvas");
  });

  test("a search by collection, time and a filter, on its pages and back", async () => {
    await open("/");
    await texts(".catalogs .card-title");
    await click("a.btn", "Search");
    await click("a[role=tab]", "Search for Items");
    await enter(`${FORM} .filter-datetime input`, "2050-01-01 00:00:00 ~ 2060-01-01 00:00:00");
    await click(`${FORM} .filter-collection .multiselect__option`, "CMIP6");
    await click(`${FORM} .queryables .dropdown-item`, "cmip6:experiment_id");
    await enter(`${FORM} .queryable-group select`, "ssp585");
    await enter(`${FORM} .limit input`, "5");
    await click(`${FORM} button[type=submit]`);
    const wanted = records.filter(({ properties }) => {
      const { start_datetime: start, end_datetime: end, "cmip6:experiment_id": experiment } = properties;
      return experiment === "ssp585" && String(start) < "2060" && String(end) >= "2050";
    });
    assert.ok(wanted.length > 10);
    const pages = [await texts(ITEMS)];
    await texts(".items .badge-pill", `found[0] === "${wanted.length}"`);
    while (pages.flat().length < wanted.length) pages.push(await turn("Next", pages.at(-1)!));
    const titles = wanted.map(({ id, properties }) => String(properties.title ?? id));
    assert.deepEqual(pages.flat().sort(), titles.sort());
    assert.deepEqual(await turn("Previous", pages.at(-1)!), pages.at(-2));
  });

  test("a search by words", async () => {
    const word = String(other.properties["cmip6:variable_id"]);
    await open("/search");
    await click("a[role=tab]", "Search for Items");
    await enter(`${FORM} .filter-freetext input`, word);
    await act(`${FORM} .filter-freetext input`, `one.dispatchEvent(new KeyboardEvent("keypress", { keyCode: 13 }));`);
    await click(`${FORM} button[type=submit]`);
    assert.deepEqual(await texts(ITEMS), [other.properties.title ?? other.id]);
  });
});
