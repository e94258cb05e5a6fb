import { crc32, deflateRawSync } from "node:zlib";

/** What an archive may say wrongly of its members. */
export interface Lies {
  readonly size?: number;
  readonly crc?: number;
  readonly data?: Uint8Array;
}

/** A ZIP archive (APPNOTE 6.3) of deflated members, which no honest program would write where it lies. */
export function zipOf(members: Readonly<Record<string, string | Uint8Array>>, lies: Lies = {}): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(members)) {
    const bytes = Buffer.from(content);
    const data = Buffer.from(lies.data ?? deflateRawSync(bytes));
    const path = Buffer.from(name);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(lies.crc ?? crc32(bytes), 10);
    shared.writeUInt32LE(data.byteLength, 14);
    shared.writeUInt32LE(lies.size ?? bytes.byteLength, 18);
    shared.writeUInt16LE(path.byteLength, 22);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), shared, path, data);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), shared, place, path);
    offset += 30 + path.byteLength + data.byteLength;
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  const count = Object.keys(members).length;
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(Buffer.concat(directory).byteLength, 12);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}
