-- Boundaries that packages are made for.

-- A version of a boundary. Others than the current one stay, so that what was made for them can say what they were.
create table boundary (
  name text collate "C" not null,
  -- sha256:... of the canonical geometry.
  digest text collate "C" not null,
  -- Not unique: two districts may have one name.
  name_long text not null,
  -- Without case and accents (src/flows/boundaries/names.ts): for searches and for the order of lists.
  folded text collate "C" not null,
  admin_level integer not null,
  -- Degrees; west is greater than east across the antimeridian.
  bbox float8[] not null,
  source text not null,
  -- What was mended, as GEOS said it.
  repairs text[] not null default '{}',
  -- Came with a job: found by its name, in no list.
  ad_hoc boolean not null default false,
  current boolean not null default true,
  loaded timestamptz not null default now(),
  primary key (name, digest)
);
create unique index boundary_current on boundary (name) where current;
create index boundary_digest on boundary (digest);
create index boundary_listed on boundary (folded, name) include (name_long) where current and not ad_hoc;

-- One polygon of a geometry each: those whose box holds a point decide exactly.
create table boundary_part (
  digest text collate "C" not null,
  part integer not null,
  place box not null,
  -- WKB of a polygon.
  shape bytea not null,
  primary key (digest, part)
);
create index boundary_part_place on boundary_part using gist (place);

-- That the default set was loaded, or that it is not wanted any more.
create table boundary_set (
  name text primary key,
  loaded timestamptz not null default now()
);
