import { type IoCall, product } from "../../core/array.ts";
import type { DType } from "../../core/dtype.ts";
import type { Encoding } from "../../core/tiff/codecs.ts";
import { samplesOf } from "../../core/tiff/samples.ts";
import { Compression, Photometric, SampleFormat, Subfile, Tag, type TagNumber } from "../../core/tiff/tags.ts";
import { badSource } from "../../errors.ts";
import { type Directory, readBytes, readNumbers } from "./directory.ts";
import type { Source } from "./source.ts";

/** How the pixels of one directory are cut into strips or tiles, and what they are. */
export interface Image {
  readonly directory: Directory;
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  readonly planar: boolean;
  readonly tiled: boolean;
  /** Columns and rows of a tile, or of a strip that is not the last. */
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** Strips or tiles across, down, and in all, one plane after the other when planar. */
  readonly across: number;
  readonly down: number;
  readonly blocks: number;
  readonly dtype: DType;
  readonly encoding: Encoding;
  readonly reduced: boolean;
  readonly mask: boolean;
  /** Meaning of samples beyond those of the colour space (0 unspecified, 1 premultiplied alpha, 2 alpha). */
  readonly extraSamples: readonly number[];
}

/** Reads the baseline fields (TIFF 6.0 sections 3 to 8 and 15) with their defaults. Throws BadSource on nonsense. */
export async function readImage(source: Source, directory: Directory, call?: IoCall): Promise<Image> {
  const refuse = (reason: string): never => {
    throw badSource(source.url, directory.offset, reason);
  };
  const list = async (tag: TagNumber, most: number): Promise<number[]> => {
    const field = directory.fields.get(tag);
    if (field === undefined) return [];
    if (field.count > most) refuse(`tag ${tag} has ${field.count} values`);
    return readNumbers(source, field, call);
  };
  const one = async (tag: TagNumber, fallback: number): Promise<number> => (await list(tag, 65535))[0] ?? fallback;

  const width = await one(Tag.ImageWidth, 0);
  const height = await one(Tag.ImageLength, 0);
  const samples = await one(Tag.SamplesPerPixel, 1);
  if (!isSize(width) || !isSize(height)) refuse(`an image of ${width} x ${height} pixels`);
  if (!isSize(samples) || samples > 65535) refuse(`${samples} samples per pixel`);

  const bits = alike(await list(Tag.BitsPerSample, 65535), 1) ?? refuse("samples of different widths");
  const format =
    alike(await list(Tag.SampleFormat, 65535), SampleFormat.Uint) ?? refuse("samples of different formats");
  const kind = samplesOf(format, bits) ?? refuse(`samples of format ${format} with ${bits} bits`);

  const tiled = directory.fields.has(Tag.TileWidth);
  const planar = samples > 1 && (await one(Tag.PlanarConfiguration, 1)) === 2;
  const rows = Math.min(await one(Tag.RowsPerStrip, height), height);
  const blockWidth = tiled ? await one(Tag.TileWidth, 0) : width;
  const blockHeight = tiled ? await one(Tag.TileLength, 0) : rows;
  if (!isSize(blockWidth) || !isSize(blockHeight)) refuse(`tiles or strips of ${blockWidth} x ${blockHeight} pixels`);
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const blocks = product([across, down, planar ? samples : 1]);
  if (!Number.isSafeInteger(product([blockWidth, blockHeight, samples, 16]))) refuse("tiles too large to count");

  const kindOfFile = await one(Tag.NewSubfileType, (await one(Tag.SubfileType, 1)) === 2 ? Subfile.Reduced : 0);
  const photometric = await one(Tag.PhotometricInterpretation, Photometric.MinIsBlack);
  const [chromaAcross = 2, chromaDown = 2] = await list(Tag.YCbCrSubSampling, 2);
  const tables = directory.fields.get(Tag.JPEGTables);
  if (tables !== undefined && tables.count > 65536) refuse(`JPEG tables of ${tables.count} bytes`);
  const lercCompression = (await list(Tag.LercParameters, 16))[1];
  return {
    directory,
    width,
    height,
    samples,
    planar,
    tiled,
    blockWidth,
    blockHeight,
    across,
    down,
    blocks,
    dtype: kind.dtype,
    encoding: {
      littleEndian: source.littleEndian,
      compression: await one(Tag.Compression, Compression.None),
      predictor: await one(Tag.Predictor, 1),
      fillOrder: await one(Tag.FillOrder, 1),
      photometric,
      format,
      bits,
      interleaved: planar ? 1 : samples,
      subsampling: [chromaAcross, chromaDown],
      // A copy: these few bytes outlive the block that they were read with.
      ...(tables === undefined ? {} : { jpegTables: (await readBytes(source, tables, call)).slice() }),
      ...(lercCompression === undefined ? {} : { lercCompression }),
    },
    reduced: (kindOfFile & Subfile.Reduced) !== 0,
    mask: (kindOfFile & Subfile.Mask) !== 0 || photometric === Photometric.Mask,
    extraSamples: await list(Tag.ExtraSamples, 65535),
  };
}

function isSize(n: number): boolean {
  return Number.isInteger(n) && n >= 1 && n <= 0xffff_ffff;
}

/** The one value of a list whose entries must agree. */
function alike(values: readonly number[], fallback: number): number | undefined {
  const first = values[0] ?? fallback;
  return values.every((value) => value === first) ? first : undefined;
}
