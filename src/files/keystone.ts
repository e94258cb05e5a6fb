import { z } from "zod";
import type { IoCall } from "../core/array.ts";
import { badSource } from "../errors.ts";
import type { Transport } from "./transport.ts";

/** Whom to be at Keystone: a user with a password, or whoever holds a token. */
export type KeystoneIdentity =
  | { readonly user: string; readonly password: string; readonly userDomain?: string }
  | { readonly token: string };

export interface KeystoneOptions {
  /** The identity service: `https://keystone.example:5000/v3`. */
  readonly authUrl: URL;
  readonly identity: KeystoneIdentity;
  /** By name; without it the scope is the one the identity has by itself. */
  readonly project?: string;
  readonly projectDomain?: string;
  /** Needed where the catalogue has more than one. */
  readonly region?: string;
  readonly interface?: "public" | "internal" | "admin";
}

/** A token and the address of the object store that it opens. */
export interface Session {
  readonly token: string;
  readonly store: URL;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

const Answer = z.object({
  token: z.object({
    catalog: z.array(
      z.object({
        type: z.string(),
        endpoints: z.array(
          z.object({
            interface: z.string(),
            url: z.url({ protocol: /^https?$/ }),
            region: z.string().nullish(),
            region_id: z.string().nullish(),
          }),
        ),
      }),
    ),
  }),
});

/** Asks Keystone (Identity API v3, "Password" and "Token authentication with scoped authorization") for a session. */
export function authenticate(send: Transport, options: KeystoneOptions, call?: IoCall): Promise<Session> {
  const { authUrl } = options;
  const url = new URL(`${authUrl.href.replace(/\/$/, "")}/auth/tokens`);
  const headers = { "content-type": "application/json", accept: "application/json" };
  const body = JSON.stringify(authRequest(options));
  return send(
    authUrl,
    () => ({ method: "POST", url, headers, body }),
    async (incoming) => {
      const token = incoming.headers.get("x-subject-token");
      if (incoming.status !== 201 || token === null) {
        throw badSource(authUrl, undefined, `gave no token (${incoming.status})`);
      }
      return { token, store: storeIn(options, await incoming.text(MAX_ANSWER_BYTES)) };
    },
    call,
  );
}

function authRequest({ identity, project, projectDomain = "Default" }: KeystoneOptions): object {
  const identified =
    "token" in identity
      ? { methods: ["token"], token: { id: identity.token } }
      : {
          methods: ["password"],
          password: {
            user: {
              name: identity.user,
              password: identity.password,
              domain: { name: identity.userDomain ?? "Default" },
            },
          },
        };
  const scope = project === undefined ? {} : { scope: { project: { name: project, domain: { name: projectDomain } } } };
  return { auth: { identity: identified, ...scope } };
}

function storeIn({ authUrl, region, interface: wanted = "public" }: KeystoneOptions, text: string): URL {
  const answer = Answer.safeParse(jsonOf(authUrl, text));
  if (!answer.success) throw badSource(authUrl, undefined, "sent a token without a catalogue", answer.error);
  const stores = answer.data.token.catalog
    .filter((service) => service.type === "object-store")
    .flatMap((service) => service.endpoints)
    .filter((endpoint) => endpoint.interface === wanted);
  const regionOf = (endpoint: (typeof stores)[number]): string => endpoint.region_id ?? endpoint.region ?? "";
  const here = region === undefined ? stores : stores.filter((endpoint) => regionOf(endpoint) === region);
  const [store, other] = here;
  if (store === undefined || other !== undefined) {
    const regions = [...new Set(stores.map(regionOf))].join(", ");
    const reason = store === undefined ? "no object store" : "more than one object store";
    throw badSource(authUrl, undefined, `${reason} for region ${region ?? "(none given)"}; there are: ${regions}`);
  }
  return new URL(store.url.replace(/\/?$/, "/"));
}

function jsonOf(source: URL, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badSource(source, undefined, "sent what is no JSON", error);
  }
}
