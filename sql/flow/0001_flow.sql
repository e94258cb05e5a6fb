-- Runs of flows. What executes a flow is DBOS, in the schema beside this one; what a run is, what it did and what its
-- steps wait for is here, so that it can be read, started and cancelled by processes that execute nothing.

create table flow_worker (
  id text primary key,
  host text not null,
  queues text[] not null,
  started timestamptz not null default now(),
  -- Not seen for the time of a lease: dead.
  seen timestamptz not null default now()
);

create table flow_run (
  id text collate "C" primary key,
  seq bigint not null generated always as identity,
  flow text not null,
  -- The run that started it.
  parent text collate "C",
  subject text not null,
  roles text[] not null,
  input jsonb not null,
  output jsonb,
  error jsonb,
  -- queued, running, succeeded, failed, cancelled
  state text not null default 'queued',
  -- Of DBOS's workflow; another one whenever the run is tried again.
  execution uuid not null,
  percent real not null default 0,
  doing text,
  bytes bigint,
  total_bytes bigint,
  created timestamptz not null default now(),
  -- When it began to wait for a worker, last.
  queued timestamptz not null default now(),
  started timestamptz,
  ended timestamptz
);

create unique index flow_run_seq on flow_run (seq);
create index flow_run_parent on flow_run (parent) where parent is not null;
create index flow_run_active on flow_run (created) where ended is null;
create index flow_run_ended on flow_run (ended) where ended is not null;

-- What a run started: a step, or another run (child). This is also what a flow is replayed from, and the queue of steps.
create table flow_part (
  run text collate "C" not null references flow_run on delete cascade,
  part text collate "C" not null,
  position int not null,
  name text not null,
  child text collate "C",
  -- Of a child: whether this part made it.
  is_new boolean,
  queue text collate "C",
  key text collate "C" not null default '',
  input jsonb not null,
  output jsonb,
  error jsonb,
  -- As a run's; null for a child, whose run has it.
  state text,
  percent real,
  doing text,
  bytes bigint,
  total_bytes bigint,
  -- Of its latest progress.
  moved timestamptz,
  created timestamptz not null default now(),
  ended timestamptz,
  -- The try that is under way or waits; those before are rows of flow_attempt.
  attempt int not null default 1,
  queued timestamptz not null default now(),
  -- It does not start before.
  due timestamptz not null default now(),
  started timestamptz,
  worker text,
  try uuid,
  failures int not null default 0,
  losses int not null default 0,
  primary key (run, part)
);

create index flow_part_due on flow_part (queue, due) where state = 'queued';
create index flow_part_key on flow_part (queue, key, due) where state = 'queued';
create index flow_part_running on flow_part (queue, key) where state = 'running';
create index flow_part_worker on flow_part (worker) where state = 'running';
create index flow_part_child on flow_part (child) where child is not null;

-- Tries that have ended.
create table flow_attempt (
  run text collate "C" not null,
  part text collate "C" not null,
  number int not null,
  worker text,
  state text not null,
  queued timestamptz not null,
  started timestamptz,
  ended timestamptz not null default now(),
  error jsonb,
  primary key (run, part, number),
  foreign key (run, part) references flow_part on delete cascade
);

-- What tries told: lines of their logs, and entities of provenance.
create table flow_note (
  seq bigint not null generated always as identity primary key,
  run text collate "C" not null,
  part text collate "C" not null,
  attempt int not null,
  -- log, used, generated
  kind text not null,
  time timestamptz not null,
  note jsonb not null,
  foreign key (run, part) references flow_part on delete cascade
);

create index flow_note_part on flow_note (run, part, seq);
