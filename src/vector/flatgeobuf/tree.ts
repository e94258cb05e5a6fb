import { type BBox, boxesMeet } from "../../core/geometry.ts";
import { badSource } from "../../errors.ts";
import type { LocalFile } from "../local-file.ts";

/** A box of four doubles, and where it leads: the first child's number, or the byte at which a feature begins. */
const NODE = 40;
const HILBERT_BITS = 16;
const HILBERT_MOST = 2 ** HILBERT_BITS - 1;

/** Where the nodes of each level begin and end, leaves first; the root stands first in the file. */
export function levelsOf(count: number, nodeSize: number): readonly (readonly [number, number])[] {
  const sizes = [count];
  do sizes.push(Math.ceil(sizes.at(-1)! / nodeSize));
  while (sizes.at(-1)! > 1);
  let end = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size) => {
    end -= size;
    return [end, end + size];
  });
}

export function treeBytes(count: number, nodeSize: number): number {
  return levelsOf(count, nodeSize)[0]![1] * NODE;
}

/** Where, behind the index, the features begin whose boxes meet `bbox`: in the order of the file. */
export async function searchTree(
  file: LocalFile,
  { tree, count, nodeSize }: { readonly tree: number; readonly count: number; readonly nodeSize: number },
  bbox: BBox,
): Promise<readonly number[]> {
  const levels = levelsOf(count, nodeSize);
  let starts = [levels.at(-1)![0]];
  for (let level = levels.length - 1; level >= 0; level--) {
    const [first, end] = levels[level]!;
    const found: number[] = [];
    for (const start of starts) {
      if (!(start >= first && start < end)) throw badSource(file.name, tree, "the index leads nowhere");
      const length = Math.min(nodeSize, end - start);
      const view = new DataView((await file.read(tree + start * NODE, length * NODE)).buffer);
      for (let i = 0; i < length; i++) {
        const edge = (k: number): number => view.getFloat64(i * NODE + 8 * k, true);
        if (boxesMeet([edge(0), edge(1), edge(2), edge(3)], bbox))
          found.push(Number(view.getBigUint64(i * NODE + 32, true)));
      }
    }
    starts = found;
  }
  return starts.sort((a, b) => a - b);
}

/** Boxes of features, and how long these are: what is kept of each while its index is made. */
export class Boxes {
  #values = new Float64Array(4 * 1024);
  #lengths = new Uint32Array(1024);
  #count = 0;
  #extent: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];

  get count(): number {
    return this.#count;
  }

  get extent(): BBox | undefined {
    return this.#extent[0] <= this.#extent[2] ? this.#extent : undefined;
  }

  /** A feature without geometry has a box that meets none. */
  add(box: BBox | undefined, length: number): void {
    if (this.#count === this.#lengths.length) this.#grow();
    this.#values.set(box ?? [Infinity, Infinity, -Infinity, -Infinity], 4 * this.#count);
    this.#lengths[this.#count++] = length;
    const e = this.#extent;
    if (box !== undefined)
      this.#extent = [Math.min(e[0], box[0]), Math.min(e[1], box[1]), Math.max(e[2], box[2]), Math.max(e[3], box[3])];
  }

  length(i: number): number {
    return this.#lengths[i]!;
  }

  #grow(): void {
    const [values, lengths] = [this.#values, this.#lengths];
    this.#values = new Float64Array(2 * values.length);
    this.#lengths = new Uint32Array(2 * lengths.length);
    this.#values.set(values);
    this.#lengths.set(lengths);
  }

  /** Numbers of the features along the Hilbert curve: near ones stand together. */
  order(): Uint32Array {
    const [west, south, east, north] = this.#extent;
    const share = (low: number, high: number, from: number, to: number): number =>
      to > from ? Math.floor((HILBERT_MOST * ((low + high) / 2 - from)) / (to - from)) : 0;
    const keys = new BigUint64Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      const [minX, minY, maxX, maxY] = this.#values.subarray(4 * i, 4 * i + 4) as unknown as BBox;
      const isSomewhere = minX <= maxX;
      const code = isSomewhere ? hilbert(share(minX, maxX, west, east), share(minY, maxY, south, north)) : 0;
      keys[i] = (BigInt(code) << 32n) | BigInt(i);
    }
    keys.sort();
    return Uint32Array.from(keys, (key) => Number(key & 0xffff_ffffn));
  }

  /** The packed tree of features in an order (flatgeobuf: packedrtree.h). */
  tree(order: Uint32Array, nodeSize: number): Uint8Array {
    const levels = levelsOf(this.#count, nodeSize);
    const bytes = new Uint8Array(levels[0]![1] * NODE);
    const view = new DataView(bytes.buffer);
    const put = (node: number, box: readonly number[], leadsTo: number): void => {
      for (let k = 0; k < 4; k++) view.setFloat64(node * NODE + 8 * k, box[k]!, true);
      view.setBigUint64(node * NODE + 32, BigInt(leadsTo), true);
    };
    let offset = 0;
    for (const [i, feature] of order.entries()) {
      put(levels[0]![0] + i, [...this.#values.subarray(4 * feature, 4 * feature + 4)], offset);
      offset += this.#lengths[feature]!;
    }
    for (let level = 1; level < levels.length; level++) {
      const [[start], [childStart, childEnd]] = [levels[level]!, levels[level - 1]!];
      for (let child = childStart, node = start; child < childEnd; child += nodeSize, node++) {
        const box = [Infinity, Infinity, -Infinity, -Infinity];
        for (let c = child; c < Math.min(child + nodeSize, childEnd); c++)
          for (let k = 0; k < 4; k++)
            box[k] = (k < 2 ? Math.min : Math.max)(box[k]!, view.getFloat64(c * NODE + 8 * k, true));
        put(node, box, child);
      }
    }
    return bytes;
  }
}

/** How far along the Hilbert curve of 16 bits a place lies. */
function hilbert(x: number, y: number): number {
  let [u, v, code] = [x, y, 0];
  for (let side = 2 ** (HILBERT_BITS - 1); side >= 1; side /= 2) {
    const [right, up] = [(u & side) > 0 ? 1 : 0, (v & side) > 0 ? 1 : 0];
    code += side * side * ((3 * right) ^ up);
    if (up === 0) {
      if (right === 1) [u, v] = [HILBERT_MOST - u, HILBERT_MOST - v];
      [u, v] = [v, u];
    }
  }
  return code;
}
