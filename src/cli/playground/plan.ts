import { resolve } from "node:path";
import { stringify } from "yaml";

/** One node of the playground. */
export interface PlannedNode {
  readonly name: "east" | "west" | "secondary";
  /** Ports: of the node, of what leads to its pages, and of the founding ingest API. */
  readonly port: number;
  readonly pages: number;
  readonly ingest?: number;
  /** Name as a consumer. */
  readonly group: string;
  readonly topics: string;
}

export interface PlanOptions {
  /** First port; the founding system's is 9010. 0: any free ones. */
  readonly port: number;
  readonly dataDir: string;
  /** `postgres://...`; a private server without it. */
  readonly database?: string | undefined;
  /** `kafka://host:port`; the log lies in the database without it. */
  readonly kafka?: string | undefined;
  /** What east serves besides. */
  readonly sources: readonly string[];
  /** Further settings of east, as `gyre.yaml` has them. */
  readonly east?: Readonly<Record<string, unknown>> | undefined;
}

/** The founding system's three nodes: two that take everything, and one that follows a part and takes no writes. */
export function planned({ port }: Pick<PlanOptions, "port">): readonly PlannedNode[] {
  const at = (offset: number): number => (port === 0 ? 0 : port + offset);
  return [
    { name: "east", port: at(0), pages: at(1), ingest: at(40), group: "esgf-east", topics: ".*" },
    { name: "west", port: at(4), pages: at(5), ingest: at(41), group: "esgf-west", topics: ".*" },
    { name: "secondary", port: at(2), pages: at(3), group: "secondary-node", topics: ".*\\.historical\\..*" },
  ];
}

/** The `gyre.yaml` of a node, as anybody would write it. */
export function configText(node: PlannedNode, options: PlanOptions): string {
  const { name, port, pages, ingest, group, topics } = node;
  const dataDir = resolve(options.dataDir);
  return stringify({
    ...(name === "east" ? options.east : {}),
    name,
    listen: { port },
    also: [{ port: pages, serves: "redirect" }, ...(ingest === undefined ? [] : [{ port: ingest, serves: "ingest" }])],
    dataDir: resolve(dataDir, name),
    ...(options.database === undefined
      ? { database: "embedded", databaseFolder: resolve(dataDir, "postgres") }
      : { database: options.database }),
    ...(options.kafka === undefined ? {} : { log: options.kafka }),
    follow: [{ group, topics }],
    catalog: { id: name, title: `Gyre playground: ${name}`, writable: ingest !== undefined },
    ...(name === "east" && options.sources.length > 0 ? { sources: options.sources.map((text) => resolve(text)) } : {}),
  });
}
