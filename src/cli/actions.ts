import { GyreError } from "../errors.ts";
import type { Command } from "./command.ts";

/** What a command of several actions does, by their names: each loads only when it is called. */
export type Actions = Readonly<Record<string, () => Promise<Command["run"]>>>;

/** Runs the action that the first word names. */
export function oneOf(actions: Actions): Command["run"] {
  return async ([name, ...rest], io) => {
    const load = name !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (load !== undefined) return (await load())(rest, io);
    throw noAction(name, actions);
  };
}

/** Bad usage of a command of several actions. */
export function noAction(name = "", actions: object): GyreError {
  const isMissing = name === "" || name.startsWith("-");
  const said = isMissing ? "name an action first" : `there is no action ${JSON.stringify(name)}`;
  return new GyreError("BadRequest", said, { allowed: Object.keys(actions) });
}
