import { globSync, readFileSync, writeFileSync } from "node:fs";
import type { Limit, MissingPeer, Row } from "./bench.ts";

export interface Outcome {
  readonly row: string;
  readonly unit: string;
  readonly kind: Row["kind"];
  /** All samples, in the order in which they were taken. */
  readonly ours: readonly number[];
  readonly peer?:
    | { readonly name: string; readonly floor: number; readonly goal: number; readonly samples: readonly number[] }
    | MissingPeer;
  readonly limit?: Limit;
}

export interface Result {
  readonly bench: string;
  readonly summary: string;
  readonly node: string;
  readonly machine: string;
  /** Of the machine before the bench, over a minute: 0 where it had nothing else to do. */
  readonly load: number;
  readonly time: Date | string;
  readonly outcomes: readonly Outcome[];
}

interface Judged {
  readonly ours: string;
  readonly beside: string;
  readonly ratio: string;
  readonly verdict: string;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function said(value: number, unit: string): string {
  const digits = value >= 1000 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
  return `${digits} ${unit}`;
}

/** The ratios of rounds that followed each other: what else the machine did met both sides of each alike. */
function judge({ unit, kind, ours, peer, limit }: Outcome): Judged {
  const own = said(median(ours), unit);
  if (peer !== undefined) {
    if ("missing" in peer) {
      return { ours: own, beside: peer.name, ratio: "", verdict: `not measured (${peer.missing})` };
    }
    const { floor, goal, samples } = peer;
    const ratios = ours.map((value, i) => (kind === "rate" ? value / samples[i]! : samples[i]! / value));
    const ratio = median(ratios);
    const spread = `${ratio.toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
    const beside = `${peer.name} ${said(median(samples), unit)}`;
    return { ours: own, beside, ratio: spread, verdict: verdictOf(ratio, floor, goal) };
  }
  if (limit === undefined) return { ours: own, beside: "", ratio: "", verdict: "" };
  const { most, goal = most } = limit;
  const value = Math.max(...ours);
  const verdict =
    value > most ? "limit MISSED" : value > goal ? `limit met, goal ${said(goal, unit)} missed` : "goal met";
  return { ours: `${own}, at most ${said(value, unit)}`, beside: `limit ${said(most, unit)}`, ratio: "", verdict };
}

function verdictOf(ratio: number, floor: number, goal: number): string {
  if (ratio < floor) return `floor ${floor} MISSED`;
  return ratio < goal ? `floor ${floor} met, goal ${goal} missed` : `goal ${goal} met`;
}

/** One line for people. */
export function lineOf(outcome: Outcome): string {
  const { ours, beside, ratio, verdict } = judge(outcome);
  return [outcome.row.padEnd(40), ours.padEnd(14), beside.padEnd(26), ratio.padEnd(24), verdict].join(" ").trimEnd();
}

const MARK = "<!-- written by `npm run bench -- --report`: from here to the end -->";

/** Replaces the end of a page with the tables of all results that are there. */
export function writeReport(folder: string, page: string): void {
  const results = globSync(`${folder}/*.json`)
    .sort()
    .map((file) => JSON.parse(readFileSync(file, "utf8")) as Result);
  const sections = results.map(({ bench, node, machine, load, time, outcomes }) => {
    const rows = outcomes.map((outcome) => {
      const { ours, beside, ratio, verdict } = judge(outcome);
      return `| ${outcome.row} | ${ours} | ${beside} | ${ratio} | ${verdict} |`;
    });
    const head = `### ${bench}\n\`npm run bench ${bench}\`, ${String(time).slice(0, 10)}, Node ${node}, ${machine}, load before ${load}\n`;
    return [head, "| what | Gyre | beside | ratio (rounds) | |", "|---|---|---|---|---|", ...rows, ""].join("\n");
  });
  const text = readFileSync(page, "utf8");
  const start = text.indexOf(MARK);
  if (start < 0) throw new Error(`${page} has no place for results`);
  writeFileSync(page, `${text.slice(0, start)}${MARK}\n\n${sections.join("\n")}`);
}
