-- Searches that go on: what becomes of items that match is told to somebody.

create table subscription (
  id text collate "C" primary key,
  created timestamptz not null default now(),
  -- As it was sent.
  search jsonb not null,
  -- {"type": "webhook" | "topic" | "sse", ...}; a secret with it.
  target jsonb not null,
  -- With whose eyes it looks: {"subject", "roles"}.
  who jsonb not null,
  -- How far the past is looked through, {consumer: {partition: offset}}; null: all that comes is told as it is applied.
  read jsonb,
  -- From where on the past is told.
  since jsonb,
  -- Sequence numbers of the last notice, and of the last that arrived.
  notices bigint not null default 0,
  delivered bigint not null default 0,
  attempts integer not null default 0,
  paused boolean not null default false,
  error text
);

create table notice (
  subscription text collate "C" not null references subscription on delete cascade,
  sequence bigint not null,
  event_id text collate "C" not null,
  -- What is sent: text, so that it is the same at each attempt.
  body text not null,
  primary key (subscription, sequence),
  unique (subscription, event_id)
);

-- The items as they were where a subscription looks through the past.
create table subscription_past (
  subscription text collate "C" not null references subscription on delete cascade,
  collection text collate "C" not null,
  id text collate "C" not null,
  etag text not null,
  topic text,
  properties json not null,
  body json not null,
  primary key (subscription, collection, id)
);

-- What is before these positions was told, also where a catalogue is made again from its log.
create table told (
  consumer text not null,
  partition text not null,
  until bigint not null,
  primary key (consumer, partition)
);
