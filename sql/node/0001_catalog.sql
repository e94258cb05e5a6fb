-- The catalogue of one node: what its projection makes of the log. Everything here can be built again by replay, but for
-- pending and the outcomes of events that were never appended.

-- A collection is there while it has a document or items. Without a document one is derived from the items.
create table collection (
  id text collate "C" primary key,
  document jsonb,
  -- Id of the last event that was applied to the document, or that made it appear.
  etag text not null,
  topic text,
  updated timestamptz not null,
  -- Roles that may see it and its items; null: everyone.
  readers text[],
  items bigint not null default 0,
  -- What the document says; without one, what its items had in all its life.
  place box,
  span tstzrange,
  -- {name: {types, values?, minimum?, maximum?}} of the items' properties.
  queryables jsonb not null default '{}',
  words tsvector not null default ''
);

create table item (
  id text collate "C" not null,
  collection text collate "C" not null,
  -- Sorted by: the property, or start_datetime where it is null; -infinity without any.
  datetime timestamptz not null,
  -- Searched by: an instant, or start to end where datetime is null; null without any.
  span tstzrange,
  -- Degrees, unwrapped: west in -180..180, east in west..west+360. Null: no geometry.
  place box,
  -- Rings, lines (there and back) and points as core polygons; null: the geometry is its box.
  shape polygon[],
  holes polygon[],
  low float8,
  high float8,
  -- `name=value` of the short scalar properties (src/catalog/facets.ts): finds candidates, never decides.
  facets text[] not null,
  words tsvector not null,
  -- Id of the last event that was applied.
  etag text not null,
  topic text,
  updated timestamptz not null,
  -- The document without its properties, as text: it is only ever returned. Properties decide filters.
  properties jsonb not null,
  body json not null,
  primary key (id, collection)
);
-- What filters read stays in the row; what is only returned goes out of line first.
alter table item alter column properties set storage main;
alter table item alter column facets set statistics 1000;
alter table item alter column words set statistics 500;
-- Documents are written half again as fast as with the default; a server may be built without it.
do $$
begin
  alter table item alter column properties set compression lz4, alter column body set compression lz4;
exception
  when feature_not_supported then null;
end $$;
-- A walk in the order of time decides by box and span without the rows themselves.
create index item_datetime on item (datetime, collection, id) include (place, span);
create index item_collection on item (collection, datetime, id) include (place, span);
-- Many climate items share one box: then the time divides them.
create index item_place on item using gist (place, span);
create index item_span on item using gist (span);
create index item_facets on item using gin (facets);
create index item_words on item using gin (words);

-- What became of each event: makes repeats harmless, answers status URLs, and counts effects for the crash witness.
create table outcome (
  event_id text collate "C" primary key,
  collection text not null,
  item text,
  method text not null,
  -- SHA-256 of the payload: the same id with another body is refused.
  digest text,
  accepted timestamptz not null,
  applied timestamptz,
  applied_count integer not null default 0,
  -- RFC 9457; null unless it failed.
  problem jsonb
);
create index outcome_accepted on outcome (accepted);

-- The last event of a key that was accepted here and has not been applied here yet.
create table pending (
  collection text collate "C" not null,
  -- Empty: the collection itself.
  id text collate "C" not null,
  event_id text not null,
  -- Whether there will be a document after the event.
  remains boolean not null,
  topic text not null,
  accepted timestamptz not null,
  -- Null: it may never have reached the log, and then counts for a short time only.
  appended timestamptz,
  primary key (collection, id)
);
create index pending_event on pending (event_id);

-- How two values of any property are ordered: short, so that a place in the order fits into a token.
create function sort_key(value jsonb) returns jsonb immutable parallel safe language sql
return case jsonb_typeof(value)
  when 'string' then to_jsonb(left(value #>> '{}', 200))
  when 'number' then value
  when 'boolean' then value
end;
