import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "../../src/http/metrics.ts";

test("requests, times and bytes are counted by route, in Prometheus' text format", (t) => {
  const metrics = createMetrics([{ name: "gyre_things", help: "Things", value: () => 7 }]);
  t.after(metrics.close);
  const route = "/datasets/{id}/info";
  metrics.onAnswer({ method: "GET", route, status: 200, ms: 3, bytes: 100 });
  metrics.onAnswer({ method: "GET", route, status: 200, ms: 60_000, bytes: 50 });
  metrics.onAnswer({ method: "HEAD", route, status: 404, ms: 0.1, bytes: 0 });
  const lines = metrics.text().split("\n");
  for (const line of [
    `gyre_http_requests_total{method="GET",route="${route}",status="200"} 2`,
    `gyre_http_requests_total{method="HEAD",route="${route}",status="404"} 1`,
    `gyre_http_sent_bytes_total{route="${route}"} 150`,
    `gyre_http_request_seconds_bucket{route="${route}",le="0.001"} 1`,
    `gyre_http_request_seconds_bucket{route="${route}",le="0.005"} 2`,
    `gyre_http_request_seconds_bucket{route="${route}",le="30"} 2`,
    `gyre_http_request_seconds_bucket{route="${route}",le="+Inf"} 3`,
    `gyre_http_request_seconds_count{route="${route}"} 3`,
    "# TYPE gyre_things gauge",
    "gyre_things 7",
  ]) {
    assert.ok(lines.includes(line), line);
  }
  const samples = lines.filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of samples) assert.match(line, /^[a-z_0-9]+(?:\{(?:[a-z]+="[^"]*",?)+\})? [\d.e+-]+$/);
  const rss = samples.find((line) => line.startsWith("process_resident_memory_bytes "));
  assert.ok(Number(rss?.split(" ")[1]) > 1e6);
});
