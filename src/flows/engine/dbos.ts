import { Client, Pool as Connections } from "pg";
import type { ServerAddress } from "../../db/postgres.ts";

/** What of DBOS Transact the engine stands on; nothing else imports it. Loaded only where flows are executed. */
export interface Dbos {
  /** Looks at once for executions that wait. */
  nudge(): Promise<void>;
  /** Lets others, or this process, go on with what executors that are gone had begun. */
  recover(executors: readonly string[]): Promise<void>;
  /** The time in so many milliseconds, in an execution; the same time again when it is replayed after a crash. */
  timeIn(ms: number): Promise<number>;
  cancel(executions: readonly string[]): Promise<void>;
  /** Forgets executions that ended before a date; answers how many. */
  prune(before: Date): Promise<number>;
  close(): Promise<void>;
}

export interface DbosOptions {
  readonly server: ServerAddress;
  readonly schema: string;
  /** Of this process alone. */
  readonly executor: string;
  /** Runs the flow of a run; never throws for what the flow did. */
  execute(run: string, execution: string): Promise<void>;
  onLog(level: "debug" | "info" | "warn" | "error", entry: unknown): void;
  onError(error: unknown): void;
}

/** The release whose schema is wanted. A comment on the schema says which one made it, for those who do not load DBOS. */
const RELEASE = "dbos 5.3.0";
/** Constant: a hash of the code, which is the default, would strand runs at each release. */
const VERSION = "gyre";
const WORKFLOW = "run";
/** Executions have no limit, as one may wait for another. */
const QUEUE = "runs";
/** Each is a process of the server with some 20 MB. */
const CONNECTIONS = 3;
const IDLE_MS = 5_000;
/** How often queues are looked at without a nudge. */
const POLL_MS = 1_000;
const PRUNED_AT_ONCE = 500;
const LOCK_POLL_MS = 200;

/** Where DBOS keeps its tables. */
export function dbosSchema(schema: string): string {
  return `${schema}_flow`;
}

/** Makes or updates DBOS's schema, when no one did; safe for several processes at once. */
export async function migrateDbos(server: ServerAddress, schema: string): Promise<void> {
  const own = dbosSchema(schema);
  const client = new Client({ connectionString: urlOf(server) });
  client.on("error", () => undefined);
  await client.connect();
  try {
    if (await isMade(client, own)) return;
    // Waiting inside a statement would hold a snapshot, for which the migration's concurrent indexes wait in turn.
    while (!(await first(client, "select pg_try_advisory_lock(hashtext($1)) as it", [own])))
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    if (await isMade(client, own)) return;
    // `DBOS.migrate` is the same, but tells of it on the standard output.
    const [{ migrateSystemDatabase }, { GlobalLogger }] = await Promise.all([
      import("@dbos-inc/dbos-sdk/internal/system_database"),
      import("@dbos-inc/dbos-sdk/internal/telemetry/logs"),
    ]);
    await migrateSystemDatabase(urlOf(server), new GlobalLogger(undefined, { logLevel: "error" }), own);
    await client.query(`comment on schema "${own}" is '${RELEASE}'`);
  } finally {
    // Which also gives the lock back.
    await client.end();
  }
}

/** SQL of a call that makes an execution, within the caller's transaction; of SQL for the run's id and the execution's. */
export function executionSql(schema: string, run: string, execution: string): string {
  return `"${dbosSchema(schema)}".enqueue_workflow(workflow_name => '${WORKFLOW}', queue_name => '${QUEUE}',
    positional_args => array[to_json(${run}::text), to_json(${execution}::text)], workflow_id => ${execution}::text,
    app_version => '${VERSION}')`;
}

/** Starts DBOS in this process, which can run it once at a time. */
export async function launchDbos(options: DbosOptions): Promise<Dbos> {
  const [{ DBOS }, { DBOSExecutor }, { wfQueueRunner }] = await Promise.all([
    import("@dbos-inc/dbos-sdk"),
    import("@dbos-inc/dbos-sdk/internal/dbos-executor"),
    import("@dbos-inc/dbos-sdk/internal/wfqueue"),
  ]);
  const url = urlOf(options.server);
  const pool = new Connections({
    connectionString: url,
    max: CONNECTIONS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    // Executions begin in transactions of ours; what else a server forgets in a crash of its own is only done again.
    options: "-c synchronous_commit=off",
  });
  pool.on("connect", (client) => client.on("error", () => undefined));
  pool.on("error", options.onError);
  DBOS.registerWorkflow(options.execute, { name: WORKFLOW });
  DBOS.setConfig({
    name: "gyre",
    executorID: options.executor,
    applicationVersion: VERSION,
    systemDatabaseUrl: url,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: dbosSchema(options.schema),
    runMigrations: false,
    // Nothing here uses its events; a connection would be held for them.
    useListenNotify: false,
    listenQueues: [QUEUE],
    logger: {
      debug: (entry) => options.onLog("debug", entry),
      info: (entry) => options.onLog("info", entry),
      warn: (entry) => options.onLog("warn", entry),
      error: (entry) => options.onLog("error", entry),
    },
  });
  await DBOS.launch();
  const queue = await DBOS.registerQueue(QUEUE, { minPollingIntervalMs: POLL_MS });
  let isAsked = false;
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    while (isAsked && DBOS.isInitialized()) {
      isAsked = false;
      const executor = DBOSExecutor.globalInstance;
      // biome-ignore lint/complexity/useLiteralKeys: it is private to TypeScript, and there is no other way to wake it
      if (executor !== undefined) await wfQueueRunner["pollQueue"](executor, queue);
    }
  };
  return {
    // Its own timer comes round once a second; a person waits for a run's first step. Many that ask at once share a look.
    nudge() {
      isAsked = true;
      looking ??= look().finally(() => {
        looking = undefined;
      });
      return looking;
    },
    async recover(executors) {
      await DBOSExecutor.globalInstance?.recoverPendingWorkflows([...executors]);
    },
    // Its own sleep cannot be given up, and would keep a process that ends.
    timeIn: (ms) => DBOS.runStep(async () => Date.now() + ms, { name: "timeIn" }),
    cancel: (executions) => DBOS.cancelWorkflows([...executions]),
    async prune(before) {
      const ended = await DBOS.listWorkflows({
        completedBefore: before.toISOString(),
        limit: PRUNED_AT_ONCE,
        loadInput: false,
        loadOutput: false,
      });
      await DBOS.deleteWorkflows(ended.map(({ workflowID }) => workflowID));
      return ended.length;
    },
    async close() {
      await DBOS.shutdown({ deregister: true });
      // DBOS leaves a pool that it was given to its owner.
      await pool.end().catch(() => undefined);
    },
  };
}

async function isMade(client: Client, own: string): Promise<boolean> {
  const made = "select obj_description(oid, 'pg_namespace') = $2 as it from pg_namespace where nspname = $1";
  return first(client, made, [own, RELEASE]);
}

async function first(client: Client, sql: string, values: readonly string[]): Promise<boolean> {
  const { rows } = await client.query<{ it: boolean | null }>(sql, [...values]);
  return rows[0]?.it === true;
}

/** DBOS wants an address of its own even where it is given a pool; a socket's folder is told by `host=`. */
function urlOf(server: ServerAddress): string {
  if ("url" in server) return server.url;
  const { host, port, user, password, database } = server;
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const isFolder = host.startsWith("/");
  const place = `${isFolder ? "localhost" : host}${port === undefined ? "" : `:${port}`}`;
  const tail = isFolder ? `?host=${encodeURIComponent(host)}` : "";
  return `postgresql://${login}@${place}/${encodeURIComponent(database)}${tail}`;
}
