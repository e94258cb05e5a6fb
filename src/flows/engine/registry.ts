import { GyreError } from "../../errors.ts";
import type { AnyFlow, AnyStep } from "../flow.ts";

/** All flows and steps that a process knows, by name. */
export interface Registry {
  readonly flows: ReadonlyMap<string, AnyFlow>;
  readonly steps: ReadonlyMap<string, AnyStep>;
}

/** Collects flows with all that they may start. Throws when two things have one name. */
export function registryOf(flows: readonly AnyFlow[]): Registry {
  const known = { flows: new Map<string, AnyFlow>(), steps: new Map<string, AnyStep>() };
  const add = (flow: AnyFlow): void => {
    if (!put(known.flows, flow)) return;
    for (const step of flow.steps) put(known.steps, step);
    for (const child of flow.flows ?? []) add(child);
  };
  for (const flow of flows) add(flow);
  return known;
}

/** False: it was there. */
function put<T extends { readonly name: string }>(known: Map<string, T>, it: T): boolean {
  const other = known.get(it.name);
  if (other === it) return false;
  if (other !== undefined)
    throw new GyreError("BadRequest", `Two flows or steps are named ${it.name}`, { subject: it.name });
  known.set(it.name, it);
  return true;
}
