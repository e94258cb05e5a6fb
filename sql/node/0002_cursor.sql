-- Where the followers of the log are. A position moves in the transaction of the effect, and only from where it was and
-- by its owner: who lost a partition cannot apply anything of it any more.

create table consumer (
  name text primary key,
  -- Topics that it applies, as a regular expression.
  pattern text not null
);

-- Followers of one consumer share its partitions while they live: `until` is pushed on by a heartbeat.
create table consumer_member (
  consumer text not null references consumer on delete cascade,
  owner text not null,
  until timestamptz not null,
  primary key (consumer, owner)
);

create table consumer_position (
  consumer text not null references consumer on delete cascade,
  partition text not null,
  -- The offset of the next message.
  next bigint not null,
  -- Up to `next` is looked again from here on, for topics that the pattern did not have before; null: all done.
  backfill bigint,
  -- What earlier patterns applied: [{"patterns": [...], "until": offset}].
  applied jsonb not null default '[]',
  owner text,
  primary key (consumer, partition)
);
