-- The event log. A writer holds the rows of its partitions until it commits, so that offsets have no gaps and are
-- visible in their order: a sequence would let a reader skip one who commits late.

create table partition (
  part int primary key,
  -- The offset of the next message.
  next bigint not null default 0,
  -- The first offset that retention has left.
  tail bigint not null default 0,
  -- How many topics have a message here: readers look for new names only when it grows.
  topics bigint not null default 0
);

create table message (
  part int not null references partition,
  off bigint not null,
  topic text not null,
  key text not null,
  -- Empty: the writer gave none.
  id text not null,
  time timestamptz not null,
  value bytea not null,
  primary key (part, off)
);

create unique index message_id on message (id) where id <> '';

-- One row for each partition of a topic: only who holds the partition touches it.
create table topic (
  name text not null,
  part int not null references partition,
  messages bigint not null,
  last timestamptz not null,
  primary key (name, part)
);

-- Documents are written half again as fast as with the default; a server may be built without it.
do $$
begin
  alter table message alter column value set compression lz4;
exception
  when feature_not_supported then null;
end $$;
