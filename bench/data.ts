import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { peer } from "../scripts/peers.ts";
import { needed } from "./bench.ts";

const FOLDER = new URL("../.peers/data/", import.meta.url);
const SCRIPT = fileURLToPath(new URL("python/data.py", import.meta.url));

export type DataName = "stored" | "packed" | "indexed" | "whole" | "sparse" | "days";

/** The folder (its address ends in `/`) of files that the reference libraries wrote; they are written once. */
export function benchData(name: DataName, log: (line: string) => void): URL {
  const folder = new URL(`${name}/`, FOLDER);
  if (existsSync(folder)) return folder;
  const python = needed(peer("readers"));
  log(`writing the data "${name}"`);
  const unfinished = new URL(`${name}.part/`, FOLDER);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  execFileSync(python, [SCRIPT, name, fileURLToPath(unfinished)], { stdio: ["ignore", "ignore", "inherit"] });
  renameSync(unfinished, folder);
  return folder;
}
