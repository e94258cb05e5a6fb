import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Answer } from "./answer.ts";

/** Something measured at the moment it is asked for. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  /** A counter only ever grows. Default: gauge. */
  readonly type?: "counter";
  value(): number;
}

/** Measurements of a node, in Prometheus' text format 0.0.4. */
export interface Metrics {
  onAnswer(answer: Answer): void;
  text(): string;
  close(): void;
}

/** Upper bounds in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

interface RouteTimes {
  readonly counts: Float64Array;
  seconds: number;
}

/** How often the event loop is looked at: the longest time that a delay may have begun without having been seen. */
const LOOK_MS = 2;

export function createMetrics(gauges: readonly Gauge[] = []): Metrics {
  /** By method, status and route, which are bounded: routes are declared. */
  const requests = new Map<string, number>();
  const bytes = new Map<string, number>();
  const times = new Map<string, RouteTimes>();
  const delay = monitorEventLoopDelay({ resolution: LOOK_MS });
  // What is monitored is the time from one look to the next, which is that long when nothing is late.
  const late = (ns: number): number => Math.max(0, ns / 1e9 - LOOK_MS / 1e3);
  delay.enable();

  function processGauges(): Gauge[] {
    const { user, system } = process.cpuUsage();
    const own: Gauge[] = [
      gauge("process_resident_memory_bytes", "Resident memory", process.memoryUsage.rss()),
      gauge("process_start_time_seconds", "Start of the process since the Unix epoch", performance.timeOrigin / 1000),
      {
        name: "process_cpu_seconds_total",
        help: "Time of the processors used",
        type: "counter",
        value: () => (user + system) / 1e6,
      },
      gauge("nodejs_eventloop_delay_p50_seconds", "Median delay since the last look", late(delay.percentile(50))),
      gauge("nodejs_eventloop_delay_p99_seconds", "99th percentile since the last look", late(delay.percentile(99))),
      gauge("nodejs_eventloop_delay_max_seconds", "Longest delay since the last look", late(delay.max)),
    ];
    delay.reset();
    return own;
  }

  return {
    onAnswer({ method, route, status, ms, bytes: sent }) {
      const key = `${method} ${status} ${route}`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
      bytes.set(route, (bytes.get(route) ?? 0) + sent);
      let time = times.get(route);
      if (time === undefined) times.set(route, (time = { counts: new Float64Array(BOUNDS.length + 1), seconds: 0 }));
      const seconds = ms / 1000;
      const at = BOUNDS.findIndex((bound) => seconds <= bound);
      time.counts[at < 0 ? BOUNDS.length : at]! += 1;
      time.seconds += seconds;
    },
    text() {
      return [
        ...family("gyre_http_requests_total", "counter", "Requests answered", labelled(requests, requestLabels)),
        ...family("gyre_http_sent_bytes_total", "counter", "Bytes of bodies sent", labelled(bytes, routeLabels)),
        ...histogram("gyre_http_request_seconds", "Time from a request to the end of its answer", times),
        ...[...gauges, ...processGauges()].flatMap(({ name, help, type = "gauge", value }) =>
          family(name, type, help, new Map([["", value()]])),
        ),
        "",
      ].join("\n");
    },
    close: () => void delay.disable(),
  };
}

function gauge(name: string, help: string, value: number): Gauge {
  // Nothing measured yet.
  return { name, help, value: () => (Number.isFinite(value) ? value : 0) };
}

function family(name: string, type: string, help: string, samples: ReadonlyMap<string, number>): string[] {
  return [...head(name, type, help), ...[...samples].map(([key, value]) => `${name}${key} ${value}`)];
}

function histogram(name: string, help: string, times: ReadonlyMap<string, RouteTimes>): string[] {
  const lines = head(name, "histogram", help);
  for (const [route, { counts, seconds }] of times) {
    let count = 0;
    counts.forEach((n, i) => {
      count += n;
      lines.push(`${name}_bucket${labels({ route, le: String(BOUNDS[i] ?? "+Inf") })} ${count}`);
    });
    lines.push(`${name}_sum${labels({ route })} ${seconds}`, `${name}_count${labels({ route })} ${count}`);
  }
  return lines;
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function labelled(counts: ReadonlyMap<string, number>, name: (key: string) => string): Map<string, number> {
  return new Map([...counts].map(([key, count]) => [name(key), count]));
}

function requestLabels(key: string): string {
  const [method = "", status = "", ...route] = key.split(" ");
  return labels({ method, route: route.join(" "), status });
}

function routeLabels(route: string): string {
  return labels({ route });
}

function labels(values: Readonly<Record<string, string>>): string {
  const escaped = (text: string): string => text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
  return `{${Object.entries(values)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",")}}`;
}
