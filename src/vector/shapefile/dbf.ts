import { TextDecoder } from "node:util";
import { badSource } from "../../errors.ts";
import type { Field, FieldType, FieldValue } from "../feature.ts";
import { integerOf } from "../fields.ts";
import { type LocalFile, SequentialReader } from "../local-file.ts";

interface Column extends Field {
  readonly code: string;
  readonly offset: number;
  readonly length: number;
}

const HEAD = 32;
const DELETED = 0x2a;
/** Wide as `Number.MAX_SAFE_INTEGER`. */
const SAFE_DIGITS = 15;

/** Code pages by dBASE's number of them (language driver), as far as the Encoding standard has them. */
const CODE_PAGES: ReadonlyMap<number, string> = new Map([
  [0x03, "windows-1252"],
  [0x57, "windows-1252"],
  [0x58, "windows-1252"],
  [0x59, "windows-1252"],
  [0x65, "ibm866"],
  [0x26, "ibm866"],
  [0x4d, "gbk"],
  [0x7a, "gbk"],
  [0x4e, "euc-kr"],
  [0x79, "euc-kr"],
  [0x4f, "big5"],
  [0x78, "big5"],
  [0x13, "shift_jis"],
  [0x7b, "shift_jis"],
  [0x7c, "windows-874"],
  [0xc8, "windows-1250"],
  [0xc9, "windows-1251"],
  [0xca, "windows-1254"],
  [0xcb, "windows-1253"],
  [0xcc, "windows-1257"],
]);

/** The attributes of a shapefile: dBASE III and its successors, without memos. */
export class Dbf {
  readonly columns: readonly Column[];
  readonly count: number;
  readonly #file: LocalFile;
  readonly #reader: SequentialReader;
  readonly #start: number;
  readonly #length: number;
  readonly #decoder: TextDecoder;

  private constructor(file: LocalFile, head: DataView, columns: readonly Column[], encoding: string) {
    this.#file = file;
    this.#reader = new SequentialReader(file);
    this.columns = columns;
    this.#start = head.getUint16(8, true);
    this.#length = head.getUint16(10, true);
    const most = this.#length === 0 ? 0 : Math.floor((file.size - this.#start) / this.#length);
    this.count = Math.max(0, Math.min(head.getUint32(4, true), most));
    this.#decoder = new TextDecoder(encoding);
  }

  /** `codePage`: what the .cpg says. */
  static async open(file: LocalFile, codePage: string | undefined): Promise<Dbf> {
    const head = viewOf(await file.read(0, HEAD));
    const start = head.getUint16(8, true);
    const bytes = await file.read(0, Math.max(start, HEAD));
    const encoding = encodingOf(codePage) ?? CODE_PAGES.get(head.getUint8(29)) ?? "windows-1252";
    const columns = columnsOf(bytes, new TextDecoder(encoding));
    const end = columns.reduce((sum, { length }) => sum + length, 1);
    if (end > head.getUint16(10, true)) throw badSource(file.name, HEAD, "fields are longer than a record");
    return new Dbf(file, head, columns, encoding);
  }

  /** The attributes of a record; undefined for one that was deleted. */
  async record(i: number): Promise<ReadonlyMap<string, FieldValue> | undefined> {
    if (i >= this.count) throw badSource(this.#file.name, undefined, `record ${i} is not there`);
    const bytes = await this.#reader.read(this.#start + i * this.#length, this.#length);
    if (bytes[0] === DELETED) return undefined;
    const textOf = ({ offset, length }: Column): string =>
      this.#decoder.decode(bytes.subarray(offset, offset + length));
    return new Map(this.columns.map((column) => [column.name, fieldValue(textOf(column), column)]));
  }
}

function columnsOf(bytes: Uint8Array, decoder: TextDecoder): readonly Column[] {
  const columns: Column[] = [];
  let offset = 1;
  // The list ends with a carriage return, or with the header.
  for (let at = HEAD; at + HEAD <= bytes.length && bytes[at] !== 0x0d; at += HEAD) {
    const name = decoder
      .decode(bytes.subarray(at, at + 11))
      .split("\0")[0]!
      .trim();
    const code = String.fromCharCode(bytes[at + 11]!).toUpperCase();
    const [length, decimals] = [bytes[at + 16]!, bytes[at + 17]!];
    // Texts may be longer than 255: then the decimals are the upper byte.
    const wide = code === "C" ? length + 256 * decimals : length;
    const type = typeOf(code, length, decimals);
    columns.push({ name: distinct(name, columns), type, code, offset, length: wide });
    offset += wide;
  }
  return columns;
}

function distinct(name: string, columns: readonly Column[]): string {
  const isTaken = columns.some((column) => column.name === name);
  return isTaken ? `${name}_${columns.length + 1}` : name;
}

function typeOf(code: string, length: number, decimals: number): FieldType {
  switch (code) {
    case "N":
    case "F":
      return decimals === 0 && code === "N" && length <= 18 ? "integer" : "number";
    case "L":
      return "boolean";
    case "D":
      return "date";
    default:
      return "string";
  }
}

/** A text of spaces, zeros or stars is no value. */
function fieldValue(raw: string, { type }: Column): FieldValue {
  const text = raw.replace(/[\0 ]+$/, "");
  if (type === "string") return text === "" ? null : text;
  const word = text.trim();
  if (word === "" || /^\*+$/.test(word)) return null;
  switch (type) {
    case "integer":
      if (/^[+-]?\d+$/.test(word)) return word.length > SAFE_DIGITS ? integerOf(BigInt(word)) : Number(word);
      return numberOf(word);
    case "number":
      return numberOf(word);
    case "boolean":
      return /^[YyTt1]$/.test(word) ? true : /^[NnFf0]$/.test(word) ? false : null;
    default:
      return dateOf(word);
  }
}

function numberOf(word: string): number | null {
  const value = Number(word.replace(",", "."));
  return Number.isNaN(value) ? null : value;
}

/** `20200131`; eight zeros are no date. */
function dateOf(word: string): Date | null {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(word) ?? [];
  const date = new Date(`${year}-${month}-${day}`);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** What a .cpg says: `UTF-8`, `1252`, `ISO 8859-1`, `LDID/87`. */
function encodingOf(codePage: string | undefined): string | undefined {
  const said = codePage?.trim().toLowerCase() ?? "";
  const driver = /^ldid\/(\d+)$/.exec(said)?.[1];
  if (driver !== undefined) return CODE_PAGES.get(Number(driver));
  const names = [said, said.replace(/^iso[ _-]?8859/, "iso-8859"), `windows-${said.replace(/\D/g, "")}`, `ibm${said}`];
  if (/^(65001|utf-?8)$/.test(said)) return "utf-8";
  return names.find((name) => name !== "" && isEncoding(name));
}

function isEncoding(name: string): boolean {
  try {
    new TextDecoder(name);
    return true;
  } catch {
    return false;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
