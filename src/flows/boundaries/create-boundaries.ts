import { simpleParts } from "../../core/geometry.ts";
import { loadGeos } from "../../core/geos.ts";
import type { Call } from "../../core/principal.ts";
import type { Geometry } from "../../core/stac.ts";
import { readWkb } from "../../core/wkb-reader.ts";
import type { Database, Pool } from "../../db/database.ts";
import { LOCK_SPACE } from "../../db/postgres.ts";
import { GyreError } from "../../errors.ts";
import type { BoundaryAdmin, BoundaryDraft, BoundaryVersion, Loaded, LoadOptions } from "./admin.ts";
import type { Boundaries, Boundary, BoundarySummary } from "./boundary.ts";
import { BOUNDARY_COLUMNS, type BoundaryRow, boundaryOf, boxOf, insertCurrent } from "./boundary-rows.ts";
import { snapped } from "./canonical.ts";
import { loadDrafts } from "./load-drafts.ts";
import { BOUNDARY_NAME, foldedText } from "./names.ts";

/** Boundaries that are there before any are loaded. */
export interface DefaultSet {
  readonly source: string;
  drafts(): AsyncIterable<BoundaryDraft>;
}

export interface BoundariesOptions {
  /** Loaded once, at the first use; default: the countries of Natural Earth. Undefined: none. */
  readonly defaultSet?: DefaultSet | undefined;
}

/** Of those that came with jobs; the oldest are forgotten. */
const MOST_AD_HOC = 10_000;

/** The boundaries of a node, in its schema. */
export function createBoundaries(pool: Pool, options?: BoundariesOptions): Boundaries & BoundaryAdmin {
  return new PostgresBoundaries(pool, options ?? { defaultSet: NATURAL_EARTH });
}

const NATURAL_EARTH: DefaultSet = {
  source: "Natural Earth 1:10m",
  async *drafts() {
    const { naturalEarthApart } = await import("./natural-earth-apart.ts");
    yield* naturalEarthApart();
  },
};

interface SummaryRow {
  readonly name: string;
  readonly name_long: string;
}

const LISTED = "current and not ad_hoc";
const ORDER = "order by folded, name";

class PostgresBoundaries implements Boundaries, BoundaryAdmin {
  readonly #pool: Pool;
  readonly #defaultSet: DefaultSet | undefined;
  #ready: Promise<void> | undefined;

  constructor(pool: Pool, { defaultSet }: BoundariesOptions) {
    this.#pool = pool;
    this.#defaultSet = defaultSet;
  }

  async list(call: Call): Promise<readonly BoundarySummary[]> {
    const db = await this.#filled();
    const sql = `select name, name_long from boundary where ${LISTED} ${ORDER}`;
    return (await db.query<SummaryRow>(sql, [], call)).map(summaryOf);
  }

  async byText(text: string, call: Call): Promise<readonly BoundarySummary[]> {
    const db = await this.#filled();
    // No text of PostgreSQL holds it.
    if (text.includes("\0")) return [];
    const sql = `select name, name_long from boundary where ${LISTED} and position($1 in folded) > 0 ${ORDER}`;
    return (await db.query<SummaryRow>(sql, [foldedText(text)], call)).map(summaryOf);
  }

  async byPoint(longitude: number, latitude: number, call: Call): Promise<readonly BoundarySummary[]> {
    const probe = probeOf(longitude, latitude);
    if (probe === undefined) return [];
    const db = await this.#filled();
    const geos = await loadGeos();
    using point = geos.shape(probe);
    const found = new Map<string, BoundarySummary>();
    const sql = `select name, name_long, shape
      from (select text::box as probe from unnest($1::text[]) text) probes
      join boundary_part on place && probe join boundary using (digest)
      where ${LISTED} ${ORDER}`;
    const boxes = [...simpleParts(probe)].map(boxOf);
    for await (const rows of db.stream<SummaryRow & { shape: Uint8Array }>(sql, [boxes], { ...call, batch: 20 })) {
      for (const row of rows) {
        if (found.has(row.name)) continue;
        using part = geos.shape(readWkb(row.shape));
        if (part && point && geos.test("s_intersects", part, point)) found.set(row.name, summaryOf(row));
      }
    }
    return [...found.values()];
  }

  async get(name: string, call: Call): Promise<Boundary | undefined> {
    const db = await this.#filled();
    return this.#one(db, "name = $1 and current", [name], call);
  }

  async version(name: string, digest: string, call: Call): Promise<Boundary | undefined> {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return undefined;
    const db = await this.#filled();
    return this.#one(db, "name = $1 and digest = $2", [name, digest], call);
  }

  async versions(name: string, call: Call): Promise<readonly BoundaryVersion[]> {
    const db = await this.#filled();
    if (!BOUNDARY_NAME.test(name)) return [];
    return db.query<BoundaryVersion & object>(
      `select digest, name_long as "nameLong", admin_level as "adminLevel", source, loaded, current, repairs
       from boundary where name = $1 order by loaded desc, digest`,
      [name],
      call,
    );
  }

  async load(drafts: AsyncIterable<BoundaryDraft>, options: LoadOptions, call: Call): Promise<Loaded> {
    // Their names are there as well, unless all are to go.
    if (options.replace !== true) await this.#filled();
    return this.#pool.transaction(async (tx) => {
      await lockLoading(tx);
      await tx.query("insert into boundary_set (name) values ('default') on conflict do nothing");
      return loadDrafts(tx, drafts, options, call);
    });
  }

  async keep(boundary: Boundary, call: Call): Promise<void> {
    const { name } = boundary;
    if (!BOUNDARY_NAME.test(name)) throw new GyreError("BadRequest", "no name of a boundary", { subject: name });
    await this.#filled();
    await this.#pool.transaction(async (tx) => {
      await tx.query(
        "select pg_advisory_xact_lock($1, hashtext(current_schema() || '.boundary ' || $2))",
        [LOCK_SPACE, name],
        call,
      );
      const [there] = await tx.query<{ digest: string; ad_hoc: boolean }>(
        "select digest, ad_hoc from boundary where name = $1 and current for update",
        [name],
      );
      if (there?.digest === boundary.digest) return;
      if (there?.ad_hoc === false)
        throw new GyreError("Conflict", `${name} is another boundary of this node: take another name`, {
          subject: name,
        });
      await insertCurrent(tx, [{ ...boundary, repairs: [] }], { source: "a job", isAdHoc: true });
      await forgetOldest(tx);
    });
  }

  async #one(db: Database, where: string, values: readonly string[], call: Call): Promise<Boundary | undefined> {
    if (!BOUNDARY_NAME.test(values[0] ?? "")) return undefined;
    const sql = `select ${BOUNDARY_COLUMNS} from boundary where ${where}`;
    const [row] = await db.query<BoundaryRow>(sql, values, call);
    return row && boundaryOf(row, db);
  }

  /** The database, with the default set in it. */
  async #filled(): Promise<Pool> {
    this.#ready ??= this.#fill().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    await this.#ready;
    return this.#pool;
  }

  async #fill(): Promise<void> {
    const set = this.#defaultSet;
    if (set === undefined || (await isFilled(this.#pool))) return;
    await this.#pool.transaction(async (tx) => {
      await lockLoading(tx);
      // Another process was faster.
      if (await isFilled(tx)) return;
      await loadDrafts(tx, set.drafts(), { source: set.source }, {});
      await tx.query("insert into boundary_set (name) values ('default')");
    });
  }
}

async function isFilled(db: Database): Promise<boolean> {
  return (await db.query("select from boundary_set where name = 'default'")).length > 0;
}

/** One load after the other, whichever process does it. */
async function lockLoading(tx: Database): Promise<void> {
  await tx.query("select pg_advisory_xact_lock($1, hashtext(current_schema() || '.boundary'))", [LOCK_SPACE]);
}

async function forgetOldest(tx: Database): Promise<void> {
  const gone = await tx.query<{ digest: string }>(
    `delete from boundary where ad_hoc and (name, digest) in
       (select name, digest from boundary where ad_hoc order by loaded desc, name, digest offset $1)
     returning digest`,
    [MOST_AD_HOC],
  );
  if (gone.length === 0) return;
  await tx.query(
    `delete from boundary_part p where digest = any($1) and not exists (select from boundary b where b.digest = p.digest)`,
    [gone.map(({ digest }) => digest)],
  );
}

/** A pole is on all meridians, and 180 degrees east is 180 degrees west. Undefined: it is nowhere on Earth. */
function probeOf(longitude: number, latitude: number): Geometry | undefined {
  if (!(Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90)) return undefined;
  const at = snapped([longitude, latitude]);
  if (Math.abs(at[1]) === 90) return { type: "LineString", coordinates: [-180, 180].map((x) => [x, at[1]]) };
  if (Math.abs(at[0]) === 180) return { type: "MultiPoint", coordinates: [-180, 180].map((x) => [x, at[1]]) };
  return { type: "Point", coordinates: at };
}

function summaryOf({ name, name_long }: SummaryRow): BoundarySummary {
  return { name, nameLong: name_long };
}
