-- Items whose place is a box as wide as a continent or the world meet every box that is asked for: among the others they
-- would be found first and thrown away, hundreds of thousands of them. The conditions are those of
-- src/catalog/search/where.ts.
drop index item_place;
create index item_near on item using gist (place, span) where area(place) < 5000 or shape is not null;
create index item_wide on item (collection, datetime, id) include (place, span)
  where area(place) >= 5000 and shape is null;
