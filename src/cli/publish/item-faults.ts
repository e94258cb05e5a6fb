import { profileOf } from "../../catalog/profiles/profile.ts";
import { geometryFaults } from "../../catalog/validate/geometry-faults.ts";
import { facetFaults, profileFaults } from "../../catalog/validate/profile-faults.ts";
import { orderFaults, stacFaults } from "../../catalog/validate/stac-faults.ts";
import type { StacItem } from "../../core/stac.ts";
import type { Fault } from "../../errors.ts";

/** What a catalogue would find wrong with an item by STAC and its project, without the schemas of a node. */
export async function itemFaults(item: StacItem): Promise<readonly Fault[]> {
  const members: Readonly<Record<string, unknown>> = { ...item };
  const profile = await profileOf(item.collection ?? "");
  return [
    ...stacFaults(members, "item"),
    ...orderFaults(item.properties),
    ...(await geometryFaults(members)),
    ...(profile === undefined ? [] : [...profileFaults(members, profile), ...facetFaults(members, profile)]),
  ];
}
