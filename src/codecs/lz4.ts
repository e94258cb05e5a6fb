import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";
import { corrupt, tooLong } from "./failure.ts";
import { lz4Decode, lz4Encode } from "./lz4-block.ts";

/** numcodecs `lz4`: the decoded size in four little-endian bytes, then one LZ4 block. */
export const lz4: CodecEntry = {
  name: "lz4",
  aliases: ["numcodecs.lz4"],
  kind: "bytes-bytes",
  summary: "LZ4 block behind its decoded size",
  encodes: true,
  create: () => ({
    kind: "bytes-bytes",
    encode(bytes) {
      const block = lz4Encode(bytes);
      const out = new Uint8Array(block.length + 4);
      new DataView(out.buffer).setUint32(0, bytes.length, true);
      out.set(block, 4);
      return out;
    },
    decode(bytes, { maxBytes }) {
      if (bytes.length < 4) throw corrupt("lz4", "no size");
      const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
      if (size > maxBytes) throw tooLong("lz4", maxBytes);
      const out = new Uint8Array(size);
      lz4Decode("lz4", bytes.subarray(4), out);
      return out;
    },
  }),
};

/** HDF5 filter 32004: total size (8 bytes) and block size (4), big-endian; blocks behind their stored size. */
export const hdf5Lz4: CodecEntry = {
  name: "hdf5-lz4",
  aliases: ["hdf5:32004", "imagecodecs_lz4h5"],
  kind: "bytes-bytes",
  summary: "LZ4 blocks of HDF5's filter 32004",
  encodes: true,
  create(configuration) {
    const blockSize = integerOption("hdf5-lz4", configuration, "blocksize", 0, { min: 0, max: 0x7e000000 });
    return {
      kind: "bytes-bytes",
      encode: (bytes) => encodeBlocks(bytes, Math.max(1, Math.min(blockSize || 1 << 30, bytes.length))),
      decode: (bytes, { maxBytes }) => decodeBlocks(bytes, maxBytes),
    };
  },
};

function decodeBlocks(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const total = Number(view.getBigUint64(0));
  const blockSize = view.getUint32(8);
  if (total > maxBytes) throw tooLong("hdf5-lz4", maxBytes);
  if (blockSize === 0 && total > 0) throw corrupt("hdf5-lz4", "blocks of no bytes");
  const out = new Uint8Array(total);
  let at = 12;
  for (let start = 0; start < total; start += blockSize) {
    const target = out.subarray(start, start + blockSize);
    const stored = view.getUint32(at);
    const block = bytes.subarray(at + 4, at + 4 + stored);
    if (block.length !== stored) throw corrupt("hdf5-lz4", "a block is cut off");
    if (stored === target.length) target.set(block);
    else lz4Decode("hdf5-lz4", block, target);
    at += 4 + stored;
  }
  return out;
}

function encodeBlocks(bytes: Uint8Array, blockSize: number): Uint8Array {
  const parts: Uint8Array[] = [new Uint8Array(12)];
  const head = new DataView(parts[0]!.buffer);
  head.setBigUint64(0, BigInt(bytes.length));
  head.setUint32(8, blockSize);
  for (let start = 0; start < bytes.length; start += blockSize) {
    const plain = bytes.subarray(start, start + blockSize);
    const packed = lz4Encode(plain);
    const block = packed.length < plain.length ? packed : plain;
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, block.length);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}
