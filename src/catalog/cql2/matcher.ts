import { cutAtAntimeridian } from "../../core/antimeridian.ts";
import { mapPositions } from "../../core/geometry.ts";
import { type Geos, loadGeos, type Shape } from "../../core/geos.ts";
import type { Geometry, StacItem } from "../../core/stac.ts";
import { isGyreError } from "../../errors.ts";
import { bareName } from "./domain.ts";
import { evaluate, type Spatial } from "./evaluate.ts";
import type { Expression, Operand } from "./expression.ts";
import { horizontal } from "./geometry.ts";
import { expressionHasSpatial } from "./spatial.ts";

/** An expression made ready for many items. */
export interface Matcher extends Disposable {
  matches(item: StacItem): boolean;
}

/** Decides in the process, exactly, what `toSql` finds candidates for. Geometries of the filter are read once. */
export async function createMatcher(expression: Expression): Promise<Matcher> {
  if (!expressionHasSpatial(expression)) {
    const never: Spatial = () => undefined;
    return { matches: (item) => evaluate(expression, item, never) === true, [Symbol.dispose]: () => undefined };
  }
  return new SpatialMatcher(expression, await loadGeos());
}

class SpatialMatcher implements Matcher {
  readonly #expression: Expression;
  readonly #geos: Geos;
  readonly #constants = new Map<Geometry, Shape | undefined>();

  constructor(expression: Expression, geos: Geos) {
    this.#expression = expression;
    this.#geos = geos;
  }

  matches(item: StacItem): boolean {
    using own = new ItemShape(item, this.#geos);
    const shapeOf = (operand: Operand): Shape | undefined => {
      if (operand.kind === "geometry") return this.#constant(operand.geometry);
      return operand.kind === "property" && bareName(operand.name) === "geometry" ? own.get() : undefined;
    };
    const spatial: Spatial = (op, left, right) => {
      const [a, b] = [shapeOf(left), shapeOf(right)];
      return a === undefined || b === undefined ? undefined : this.#geos.test(op, a, b);
    };
    return evaluate(this.#expression, item, spatial) === true;
  }

  [Symbol.dispose](): void {
    for (const shape of this.#constants.values()) shape?.[Symbol.dispose]();
    this.#constants.clear();
  }

  #constant(geometry: Geometry): Shape | undefined {
    if (!this.#constants.has(geometry)) this.#constants.set(geometry, this.#geos.shape(geometry));
    return this.#constants.get(geometry);
  }
}

/** The geometry of one item, read when first asked for. */
class ItemShape implements Disposable {
  readonly #item: StacItem;
  readonly #geos: Geos;
  #shape: Shape | undefined;
  #isRead = false;

  constructor(item: StacItem, geos: Geos) {
    this.#item = item;
    this.#geos = geos;
  }

  get(): Shape | undefined {
    if (!this.#isRead) this.#shape = this.#read();
    this.#isRead = true;
    return this.#shape;
  }

  #read(): Shape | undefined {
    const { geometry, bbox } = this.#item;
    if (geometry === null) return undefined;
    try {
      return this.#geos.shape(cutAtAntimeridian(unrolled(geometry, bbox), this.#geos));
    } catch (error) {
      // What GEOS cannot cut is compared with nothing, and ends no search among others.
      if (isGyreError(error, "Unsupported")) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#shape?.[Symbol.dispose]();
  }
}

/** Longitudes without a jump, where the box says that they cross the antimeridian: as the catalogue's columns have them. */
function unrolled(geometry: Geometry, bbox: readonly number[] | undefined): Geometry {
  if (bbox === undefined) return geometry;
  const [west, , east] = horizontal(bbox);
  if (west <= east) return geometry;
  return mapPositions(geometry, ([x, ...rest]) => [x! < west ? x! + 360 : x!, ...rest]);
}
