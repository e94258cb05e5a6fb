import { parseArgs } from "node:util";
import { ANONYMOUS } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import type { CommandIo } from "../command.ts";
import { OPTIONS, withBoundaries } from "./opened.ts";

/** `gyre boundaries list`: by long names. */
export async function list(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { ...OPTIONS, search: { type: "string" } } });
  const call = { who: ANONYMOUS, signal: io.signal };
  const { search } = values;
  const found = await withBoundaries(values, io, (boundaries) =>
    search === undefined ? boundaries.list(call) : boundaries.byText(search, call),
  );
  for (const { name, nameLong } of found) {
    io.out(values.json ? JSON.stringify({ name, name_long: nameLong }) : `${name}  ${nameLong}`);
  }
  if (found.length === 0 && !values.json) io.out("no boundaries");
  return 0;
}

/** `gyre boundaries versions`: the newest first. */
export async function versions(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new GyreError("BadRequest", "versions takes one NAME");
  const call = { who: ANONYMOUS, signal: io.signal };
  const found = await withBoundaries(values, io, (boundaries) => boundaries.versions(name, call));
  if (found.length === 0) throw new GyreError("NotFound", `Requested boundary ${name} could not be found`);
  for (const version of found) {
    const { digest, loaded, source, current } = version;
    const text = [digest, loaded.toISOString(), source, ...(current ? ["current"] : [])].join("  ");
    io.out(values.json ? JSON.stringify(version) : text);
  }
  return 0;
}
