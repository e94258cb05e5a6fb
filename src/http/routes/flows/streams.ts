import { GyreError } from "../../../errors.ts";
import type { RunDetail, Runs } from "../../../flows/runs.ts";
import type { RouteCall } from "../../../protocols/protocol.ts";
import { beating } from "../events/streams.ts";
import { SSE, unknownRun } from "./flows.ts";
import { publicDetail } from "./public-run.ts";
import { hasEnded, shownMoment } from "./shown.ts";

/** Listeners at once. */
const MOST_LIVE = 1000;
/** Id of the last event. Browsers come back when a stream ends, and say which they had. */
const LAST = "ended";

/** Runs as server-sent events: `run` whenever something changed, and `ended` as it ended. */
export function createRunStreams(runs: () => Promise<Runs>): { answer(route: RouteCall): Promise<Response> } {
  let live = 0;
  return {
    async answer({ request, params: { id = "" }, call, base }) {
      // 204 is what tells a browser to stay away (HTML, 9.2.3).
      if (request.headers.get("last-event-id") === LAST) return new Response(null, { status: 204 });
      if (live >= MOST_LIVE) throw new GyreError("Busy", `${MOST_LIVE} listen already`, { retryAfter: 30 });
      const left = new AbortController();
      const signal = AbortSignal.any([left.signal, request.signal]);
      const states = await (await runs()).watch(id, { ...call, signal });
      if (states === undefined) throw unknownRun(id);
      const headers = {
        "Content-Type": SSE,
        "Cache-Control": "no-store",
        Vary: "Accept",
        "X-Accel-Buffering": "no",
      };
      if (request.method === "HEAD") {
        left.abort();
        return new Response(null, { headers });
      }
      live++;
      const body = beating(
        states,
        (run) => eventOf(run, base),
        ":\n\n",
        () => {
          live--;
          left.abort();
        },
      );
      return new Response(body, { headers });
    },
  };
}

function eventOf(run: RunDetail, base: URL): string {
  const [event, id] = hasEnded(run) ? ["ended", `id: ${LAST}\n`] : ["run", ""];
  return `event: ${event}\n${id}data: ${JSON.stringify(shownMoment(publicDetail(run), base))}\n\n`;
}
