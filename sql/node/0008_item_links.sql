-- Links of a collection to its items, as static catalogues have them, say where it came from (src/catalog/own-links.ts).
-- Digests of items stay as they are until the items are written again: links of this kind are none of theirs.

create or replace function document_digest(body json, properties jsonb) returns bytea
immutable parallel safe language sql
return sha256(convert_to(
  (body::jsonb - 'links')::text || properties::text || coalesce(
    jsonb_path_query_array((body -> 'links')::jsonb, '$[*] ? (!(@.rel == "self" || @.rel == "root" || @.rel == "parent"
      || @.rel == "collection" || @.rel == "item" || @.rel == "items" || @.rel == "queryables" || @.rel == "aggregate"
      || @.rel == "aggregations" || @.rel == "http://www.opengis.net/def/rel/ogc/1.0/queryables"))')::text,
    ''),
  'UTF8'));
