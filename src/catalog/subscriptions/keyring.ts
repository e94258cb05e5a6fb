import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { GyreError } from "../../errors.ts";

/** A secret as it is kept: AES-256-GCM (NIST SP 800-38D), with the id of its key. */
export interface Sealed {
  readonly key: string;
  /** Nonce, tag and text, base64. */
  readonly box: string;
}

/** A key is 32 bytes, written as hexadecimal digits. */
export const KEY = /^[0-9a-fA-F]{64}$/;

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals secrets with its first key, and opens what any of its keys has sealed. */
export class Keyring {
  /** The id of the key that seals. */
  readonly current: string;
  readonly #keys: ReadonlyMap<string, Buffer>;

  /** Of one key at least, each as `KEY` has it. */
  constructor(keys: readonly string[]) {
    const known = keys.map((digits) => Buffer.from(digits, "hex")).map((key) => [idOf(key), key] as const);
    this.#keys = new Map(known);
    this.current = known[0]![0];
  }

  /** `of` names what the secret belongs to: sealed for one thing it opens for no other. */
  seal(secret: string, of: string): Sealed {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keys.get(this.current)!, nonce, { authTagLength: TAG_BYTES });
    const text = Buffer.concat([cipher.setAAD(Buffer.from(of)).update(secret, "utf8"), cipher.final()]);
    return { key: this.current, box: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64") };
  }

  /** Throws Denied where it has not the key, or where it was sealed for something else. */
  open(sealed: Partial<Sealed> | null, of: string): string {
    const { key = "", box } = sealed ?? {};
    const bytes = Buffer.from(String(box), "base64");
    const found = this.#keys.get(key);
    if (found === undefined) {
      const detail = `the secret is sealed with the key ${key}, which is none of this node's: see secretKeys`;
      throw new GyreError("Denied", detail);
    }
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, found, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(of)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString("utf8");
    } catch (cause) {
      throw new GyreError("Denied", "the secret is not as it was sealed", { cause });
    }
  }
}

/** Says nothing of the key, which is random. */
function idOf(key: Buffer): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 12);
}
