import { GyreError } from "../../errors.ts";

/** What may be read of a message altogether: parts of a hostile one point to the same place again and again. */
export class Allowance {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw broken("a message holds more than its bytes");
  }
}

/** A table of FlatBuffers, of which every offset is checked: the messages are not trusted. */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;
  readonly #fields: number;
  readonly #end: number;
  readonly #allowance: Allowance;

  private constructor(view: DataView, at: number, allowance: Allowance) {
    allowance.spend(4);
    this.#view = view;
    this.#at = at;
    this.#allowance = allowance;
    this.#fields = at - this.#inside(at, 4).getInt32(at, true);
    this.#end = this.#fields + this.#inside(this.#fields, 4).getUint16(this.#fields, true);
  }

  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 8) throw broken("a message is cut off");
    return new FlatTable(view, view.getUint32(0, true), new Allowance(2 * bytes.length));
  }

  uint8(slot: number, missing = 0): number {
    const at = this.#field(slot, 1);
    return at === undefined ? missing : this.#view.getUint8(at);
  }

  uint16(slot: number, missing = 0): number {
    const at = this.#field(slot, 2);
    return at === undefined ? missing : this.#view.getUint16(at, true);
  }

  int32(slot: number, missing = 0): number {
    const at = this.#field(slot, 4);
    return at === undefined ? missing : this.#view.getInt32(at, true);
  }

  uint64(slot: number): number {
    const at = this.#field(slot, 8);
    return at === undefined ? 0 : Number(this.#view.getBigUint64(at, true));
  }

  string(slot: number): string | undefined {
    const bytes = this.bytes(slot);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  bytes(slot: number): Uint8Array | undefined {
    const found = this.#vector(slot, 1);
    return found && new Uint8Array(this.#view.buffer, this.#view.byteOffset + found.start, found.count);
  }

  /** Undefined: there is no such vector. */
  uint32s(slot: number): number[] | undefined {
    const found = this.#vector(slot, 4);
    return found && Array.from({ length: found.count }, (_, i) => this.#view.getUint32(found.start + 4 * i, true));
  }

  doubles(slot: number): number[] | undefined {
    const found = this.#vector(slot, 8);
    return found && Array.from({ length: found.count }, (_, i) => this.#view.getFloat64(found.start + 8 * i, true));
  }

  table(slot: number): FlatTable | undefined {
    const at = this.#field(slot, 4);
    return at === undefined ? undefined : this.#target(at);
  }

  tables(slot: number): FlatTable[] | undefined {
    const found = this.#vector(slot, 4);
    return found && Array.from({ length: found.count }, (_, i) => this.#target(found.start + 4 * i));
  }

  #target(at: number): FlatTable {
    return new FlatTable(this.#view, at + this.#view.getUint32(at, true), this.#allowance);
  }

  #vector(slot: number, size: number): { readonly start: number; readonly count: number } | undefined {
    const at = this.#field(slot, 4);
    if (at === undefined) return undefined;
    const vector = at + this.#view.getUint32(at, true);
    const count = this.#inside(vector, 4).getUint32(vector, true);
    this.#inside(vector + 4, count * size);
    this.#allowance.spend(count * size);
    return { start: vector + 4, count };
  }

  /** Where a field lies; undefined: it is not there, and has its usual value. */
  #field(slot: number, size: number): number | undefined {
    const entry = this.#fields + 4 + 2 * slot;
    if (entry + 2 > this.#end) return undefined;
    const offset = this.#inside(entry, 2).getUint16(entry, true);
    if (offset === 0) return undefined;
    this.#inside(this.#at + offset, size);
    return this.#at + offset;
  }

  #inside(at: number, bytes: number): DataView {
    if (!(at >= 0 && at + bytes <= this.#view.byteLength)) throw broken("an offset leads out of its message");
    return this.#view;
  }
}

function broken(reason: string): GyreError {
  return new GyreError("BadSource", `FlatBuffers: ${reason}`);
}
