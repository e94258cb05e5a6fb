-- What two nodes compare: a digest of each document, in the order of a hash of its id. PostgreSQL keeps both, so that
-- nothing that writes a row can forget them, and a row that was changed by hand shows.

create function id_hash(id text) returns bytea immutable strict parallel safe language sql
return substr(sha256(convert_to(id, 'UTF8')), 1, 8);

-- As it was published: jsonb has one order of members, and the links that every catalogue writes itself do not count.
-- Three texts after each other, since to make one document of them costs as much again.
create function document_digest(body json, properties jsonb) returns bytea immutable parallel safe language sql
return sha256(convert_to(
  (body::jsonb - 'links')::text || properties::text || coalesce(
    jsonb_path_query_array((body -> 'links')::jsonb, '$[*] ? (!(@.rel == "self" || @.rel == "root" || @.rel == "parent"
      || @.rel == "collection" || @.rel == "items" || @.rel == "queryables" || @.rel == "aggregate"
      || @.rel == "aggregations" || @.rel == "http://www.opengis.net/def/rel/ogc/1.0/queryables"))')::text,
    ''),
  'UTF8'));

alter table item
  add column path bytea not null generated always as (id_hash(id)) stored,
  add column digest bytea not null generated always as (document_digest(body, properties)) stored;
create index item_compare on item (collection, path) include (digest);
