import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import { GyreError } from "../../errors.ts";
import { type Sql, sql } from "../sql.ts";
import { visibleTo } from "../visible.ts";
import { type Branch, type HashTree, type Leaf, LONGEST_PREFIX, MOST_COLLECTIONS, MOST_LEAVES } from "./tree.ts";

/** The tree of this node's items: each level is one walk along an index, which the database keeps. */
export function createLocalTree(db: Database): HashTree {
  return {
    async collections(call) {
      const { text, values } = sql`
        select id from collection where ${visibleTo(call.who)} order by id limit ${MOST_COLLECTIONS}`;
      return (await db.query<{ readonly id: string }>(text, values, call)).map(({ id }) => id);
    },
    async node(collection, prefix, call) {
      checkPrefix(prefix);
      if (!(await isVisible(db, collection, call))) return undefined;
      const below = rangeOf(collection, prefix);
      const branches = await branchesOf(db, below, prefix.length, call);
      const items = branches.reduce((sum, branch) => sum + branch.items, 0);
      if (items > MOST_LEAVES) return { items, branches };
      return { items, branches, leaves: await leavesOf(db, below, call) };
    },
  };
}

function checkPrefix(prefix: string): void {
  if (/^[0-9a-f]*$/.test(prefix) && prefix.length <= LONGEST_PREFIX) return;
  throw new GyreError("BadRequest", `prefix is 0 to ${LONGEST_PREFIX} of 0-9 a-f`, { subject: "prefix" });
}

async function isVisible(db: Database, collection: string, call: Call): Promise<boolean> {
  const { text, values } = sql`select 1 from collection where id = ${collection} and ${visibleTo(call.who)}`;
  return (await db.query(text, values, call)).length > 0;
}

/** Rows of `item` whose path has the prefix: two bounds of 8 bytes, both included. */
function rangeOf(collection: string, prefix: string): Sql {
  const [low, high] = [prefix.padEnd(16, "0"), prefix.padEnd(16, "f")];
  return sql`collection = ${collection} and path between decode(${low}, 'hex') and decode(${high}, 'hex')`;
}

/** Hashed in two steps, so that no text grows with the number of items. */
async function branchesOf(db: Database, below: Sql, depth: number, call: Call): Promise<readonly Branch[]> {
  const { text, values } = sql`
    select digit, sum(items)::int8 as items, encode(sha256(string_agg(hash, ''::bytea order by part)), 'hex') as hash
    from (
      select substr(encode(path, 'hex'), ${depth + 1}::int, 1) as digit, substr(path, 1, 2) as part, count(*) as items,
        sha256(string_agg(digest, ''::bytea order by path, digest)) as hash
      from item where ${below} group by 1, 2
    ) as parts group by digit order by digit`;
  return db.query<Branch>(text, values, call);
}

async function leavesOf(db: Database, below: Sql, call: Call): Promise<readonly Leaf[]> {
  const { text, values } = sql`
    select id, encode(digest, 'hex') as digest, etag, coalesce(o.accepted, updated) as time,
      coalesce(properties -> 'retracted' = 'true', false) as "isRetracted"
    from item left join lateral (select accepted from outcome where event_id = etag) o on true
    where ${below} order by path, id limit ${MOST_LEAVES}`;
  return db.query<Leaf>(text, values, call);
}
