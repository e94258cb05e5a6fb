import { corrupt } from "./failure.ts";

/** Rows, columns and samples of a chunk that one image fills: `[h, w]`, `[h, w, s]`, with ones before. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly samples: number;
}

export function imageShape(codec: string, shape: readonly number[]): ImageShape {
  const rest = [...shape];
  while (rest.length > 2 && rest[0] === 1) rest.shift();
  const [height, width, samples = 1] = rest;
  if (height === undefined || width === undefined || rest.length > 3 || samples > 4 || samples < 1) {
    throw corrupt(codec, `a chunk [${shape}] is no image`);
  }
  return { height, width, samples };
}
