-- Boxes are decided by an index alone, without the rows, which lie scattered: an outline of few corners stands in it, and
-- so does what scenes are sorted by.

drop index item_near, item_wide;

-- '{}': the box is all of it. Null: there is none, or only the row can decide.
create function outline_of(place box, shape polygon[], holes polygon[]) returns polygon[] immutable parallel safe language sql
return case
  when place is null or holes is not null or cardinality(shape) > 4 then null
  when shape is null then '{}'
  when (select sum(npoints(part)) from unnest(shape) part) <= 32 then shape
end;

-- How a box finds an item, the conditions of src/catalog/search/area.ts. Near: by the index alone. Wide, as a continent or
-- the world: these meet every box that is asked for, and would be found first and thrown away, hundreds of thousands of
-- them. Intricate: by the row.
create function reach_of(place box, shape polygon[], holes polygon[]) returns text immutable parallel safe language sql
return case
  when place is null then null
  when shape is null and area(place) >= 5000 then 'wide'
  when (place[0])[0] > 180 or outline_of(place, shape, holes) is null then 'intricate'
  else 'near'
end;

alter table item
  add column outline polygon[] generated always as (outline_of(place, shape, holes)) stored,
  add column reach text generated always as (reach_of(place, shape, holes)) stored,
  add column cloud_cover jsonb generated always as (sort_key(properties -> 'eo:cloud_cover')) stored,
  -- Of the document as text: how much of a page it is. As it is stored it may be a hundredth of that.
  add column bytes integer not null generated always as (octet_length(body::text) + octet_length(properties::text)) stored;

create index item_near on item using gist (place, span) include (collection, datetime, id, outline, cloud_cover)
  where reach = 'near';
create index item_wide on item (collection, datetime, id) include (place, span) where reach = 'wide';
create index item_intricate on item using gist (place, span) where reach = 'intricate';

-- Whether polygons meet, touching included. A hole of one and a gap of the other count only for the part that they lie in:
-- an island in a hole is another part.
create function areas_meet(parts polygon[], holes polygon[], others polygon[], gaps polygon[]) returns boolean
immutable parallel safe language sql
return exists (
  select from unnest(parts) p, unnest(others) q
  where p && q
    and not exists (select from unnest(holes) h where p @> h and h @> q)
    and not exists (select from unnest(gaps) g where q @> g and g @> p)
);
