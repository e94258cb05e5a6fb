import type { Call, Principal } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import { Sql, sql } from "../sql.ts";
import { visibleTo } from "../visible.ts";
import { checkPrefix, isBelow, rangeOf } from "./paths.ts";
import { type Branch, type CollectionLeaf, type HashTree, type Leaf, MOST_COLLECTIONS, MOST_LEAVES } from "./tree.ts";

/**
 * The trees of this node's items and of its collections: each level is one walk along an index, which the database keeps.
 */
export function createLocalTree(db: Database): HashTree {
  return {
    async catalogue(prefix, call) {
      checkPrefix(prefix);
      const { text, values } = catalogueBelow(prefix, call.who);
      const [found] = await db.query<CatalogueRow>(text, values, call);
      const { branches, leaves } = found!;
      const items = sum(branches);
      return { items, branches, ...(leaves === null ? {} : { leaves: leaves.map(withTime) }) };
    },
    async collections(call) {
      const { text, values } = sql`
        select id from collection where ${visibleTo(call.who)} order by id limit ${MOST_COLLECTIONS}`;
      return (await db.query<{ readonly id: string }>(text, values, call)).map(({ id }) => id);
    },
    async node(collection, prefix, call) {
      checkPrefix(prefix);
      if (!(await isVisible(db, collection, call))) return undefined;
      const below = rangeOf(collection, prefix);
      const { text, values } = branchesOf(sql`item where ${below}`, prefix.length);
      const branches = await db.query<Branch>(text, values, call);
      const items = sum(branches);
      if (items > MOST_LEAVES) return { items, branches };
      return { items, branches, leaves: await leavesOf(db, below, call) };
    },
  };
}

async function isVisible(db: Database, collection: string, call: Call): Promise<boolean> {
  const { text, values } = sql`select 1 from collection where id = ${collection} and ${visibleTo(call.who)}`;
  return (await db.query(text, values, call)).length > 0;
}

/** Hashed in two steps, so that no text grows with the number of rows, which have `path` and `digest`. */
function branchesOf(rows: Sql, depth: number): Sql {
  return sql`
    select digit, sum(items)::int8 as items, encode(sha256(string_agg(hash, ''::bytea order by part)), 'hex') as hash
    from (
      select substr(encode(path, 'hex'), ${depth + 1}::int, 1) as digit, substr(path, 1, 2) as part, count(*) as items,
        sha256(string_agg(digest, ''::bytea order by path, digest)) as hash
      from ${rows} group by 1, 2
    ) as parts group by digit order by digit`;
}

function sum(branches: readonly Branch[]): number {
  return branches.reduce((all, { items }) => all + items, 0);
}

interface CatalogueRow {
  readonly branches: readonly Branch[];
  readonly leaves: readonly CollectionRow[] | null;
}

type CollectionRow = Omit<CollectionLeaf, "document"> & {
  readonly document: { readonly digest: string; readonly etag: string; readonly time: string } | null;
};

function withTime({ document, ...collection }: CollectionRow): CollectionLeaf {
  return { ...collection, document: document && { ...document, time: new Date(document.time) } };
}

/** In one statement, since to hash the items of all collections is the most of it. */
function catalogueBelow(prefix: string, who: Principal): Sql {
  return sql`
    with hashed as materialized (
      select c.id, id_hash(c.id) as path, etag, updated, document_digest(document::json, '{}') as document, (
          select sha256(string_agg(hash, ''::bytea order by part)) from (
            select substr(path, 1, 2) as part, sha256(string_agg(digest, ''::bytea order by path, digest)) as hash
            from item where collection = c.id group by 1
          ) as parts
        ) as items
      from collection c where ${visibleTo(who)} and ${isBelow(new Sql("id_hash(c.id)"), prefix)}
    ), below as materialized (
      select *, sha256(coalesce(document, '') || '/'::bytea || coalesce(items, '')) as digest from hashed
    )
    select coalesce((select json_agg(b) from (${branchesOf(new Sql("below"), prefix.length)}) as b), '[]') as branches,
      (
        select coalesce(json_agg(json_build_object(
            'id', id, 'digest', encode(digest, 'hex'), 'items', encode(items, 'hex'),
            'document', case when document is not null then json_build_object(
              'digest', encode(document, 'hex'), 'etag', etag, 'time', coalesce(o.accepted, updated)) end
          ) order by path, id), '[]')
        from below left join lateral (select accepted from outcome where event_id = etag) o on true
        having count(*) <= ${MOST_LEAVES}
      ) as leaves`;
}

async function leavesOf(db: Database, below: Sql, call: Call): Promise<readonly Leaf[]> {
  const { text, values } = sql`
    select id, encode(digest, 'hex') as digest, etag, coalesce(o.accepted, updated) as time,
      coalesce(properties -> 'retracted' = 'true', false) as "isRetracted"
    from item left join lateral (select accepted from outcome where event_id = etag) o on true
    where ${below} order by path, id limit ${MOST_LEAVES}`;
  return db.query<Leaf>(text, values, call);
}
