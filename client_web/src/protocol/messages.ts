/**
 * Every message of the client link, as disio_shared.messages has them; docs/protocol.md tells when each one is sent.
 *
 * Rule: what comes in is checked field by field before anything uses it: an unknown type or a field of the wrong kind is a
 * MalformedMessage, unknown fields are dropped, missing fields take their default where the protocol has one.
 */

import { decode, encode } from "@msgpack/msgpack";

export const PROTOCOL_VERSION = 1;
/** Bytes: the largest message, either way. */
export const MAX_MESSAGE = 16 * 1024 * 1024;

// Client to distributor

export interface Hello {
  type: "hello";
  version: number;
  kind: string;
  client_id: string;
  secret: string;
  name: string;
  languages: string[];
  cores: number;
  memory_mb: number;
  site: string;
  /** Of the page around, as the browser told the consent frame. */
  origin: string;
  software: string;
  /** The task that it wants to help first; empty = any. */
  prefers: string;
  holding: string[];
}

export interface Ready {
  type: "ready";
  slots: number;
  queued: number;
}

export interface Results {
  type: "results";
  token: string;
  indexes: number[];
  values: Uint8Array[];
  seconds: number[];
  /** Indexes of the units that wrote to their log. */
  logged: number[];
  /** The end of what each of them wrote. */
  logs: string[];
}

export interface Failed {
  type: "failed";
  token: string;
  indexes: number[];
  errors: string[];
  kinds: string[];
  logged: number[];
  logs: string[];
}

export interface Checkpoint {
  type: "checkpoint";
  token: string;
  index: number;
  state: Uint8Array;
}

export interface Progress {
  type: "progress";
  token: string;
  indexes: number[];
  fractions: number[];
}

export interface Release {
  type: "release";
  tokens: string[];
  indexes: number[][];
}

export type FromClient = Hello | Ready | Results | Failed | Checkpoint | Progress | Release;

// Distributor to client

export interface Welcome {
  type: "welcome";
  version: number;
  client_id: string;
  secret: string;
  distributor: string;
  heartbeat_s: number;
  max_result_bytes: number;
  max_state_bytes: number;
  siblings: string[];
}

export interface Refused {
  type: "refused";
  code: string;
  reason: string;
  retry_after_s: number;
}

export interface Redirect {
  type: "redirect";
  url: string;
  reason: string;
}

/** What the units of one task may do; 0 = the client's own limit. */
export interface Terms {
  /** What a WebAssembly unit writes to its standard output: `bytes`, `text` or `json`. */
  output: string;
  /** `fixed` or `real`. */
  clock: string;
  max_result_bytes: number;
  max_log_bytes: number;
}

export const DEFAULT_TERMS: Terms = { output: "bytes", clock: "fixed", max_result_bytes: 0, max_log_bytes: 0 };

export interface Assign {
  type: "assign";
  token: string;
  task: string;
  task_name: string;
  workunit: string;
  language: string;
  indexes: number[];
  payloads: Uint8Array[];
  states: Record<string, Uint8Array>;
  unit_timeout_s: number;
  memory_mb: number;
  terms: Terms;
}

export interface Cancel {
  type: "cancel";
  task: string;
  tokens: string[];
  /** Per token, which of its units; an empty list, or none at all, = every unit of the token. */
  indexes: number[][];
}

export interface Idle {
  type: "idle";
  reason: string;
}

export interface Pause {
  type: "pause";
  reason: string;
}

export interface Resume {
  type: "resume";
}

export interface Stored {
  type: "stored";
  accepted: number;
  dead: boolean;
}

export interface ErrorMessage {
  type: "error";
  code: string;
  reason: string;
}

export type ToClient = Welcome | Refused | Redirect | Assign | Cancel | Idle | Pause | Resume | Stored | ErrorMessage;

// Checking

export class MalformedMessage extends Error {
  override name = "MalformedMessage";
}

interface Field {
  is(value: unknown): boolean;
  /** For a missing field; fields without one are required. */
  missing?: unknown;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isNumber = (value: unknown): boolean => typeof value === "number";
const isBytes = (value: unknown): boolean => value instanceof Uint8Array;
const isInteger = Number.isSafeInteger;
const isFlag = (value: unknown): boolean => typeof value === "boolean";
const listOf = (is: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(is);
const isStates = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.entries(value).every(([key, state]) => /^\d+$/u.test(key) && isBytes(state));

const isTerms = (value: unknown): boolean => {
  const terms = value as Partial<Terms> | null;
  return typeof terms === "object" && isText(terms?.output) && isText(terms?.clock) && isInteger(terms?.max_result_bytes) && isInteger(terms?.max_log_bytes);
};

const text: Field = { is: isText };
const integer: Field = { is: isInteger };
const number: Field = { is: isNumber };
const bytes: Field = { is: isBytes };
const texts: Field = { is: listOf(isText) };
const integers: Field = { is: listOf(isInteger) };
const numbers: Field = { is: listOf(isNumber) };
const values: Field = { is: listOf(isBytes) };
const or = (field: Field, missing: unknown): Field => ({ ...field, missing });

type Shapes<Union extends { type: string }> = { [M in Union as M["type"]]: Record<Exclude<keyof M, "type">, Field> };

const FROM_CLIENT: Shapes<FromClient> = {
  hello: {
    version: integer, kind: text, client_id: or(text, ""), secret: or(text, ""), name: or(text, ""), languages: texts, cores: integer,
    memory_mb: or(integer, 0), site: or(text, ""), origin: or(text, ""), software: or(text, ""), prefers: or(text, ""),
    holding: or(texts, []),
  },
  ready: { slots: integer, queued: or(integer, 0) },
  results: { token: text, indexes: integers, values, seconds: numbers, logged: or(integers, []), logs: or(texts, []) },
  failed: { token: text, indexes: integers, errors: texts, kinds: texts, logged: or(integers, []), logs: or(texts, []) },
  checkpoint: { token: text, index: integer, state: bytes },
  progress: { token: text, indexes: integers, fractions: numbers },
  release: { tokens: texts, indexes: { is: listOf(integers.is) } },
};

const TO_CLIENT: Shapes<ToClient> = {
  welcome: {
    version: integer, client_id: text, secret: text, distributor: text, heartbeat_s: number, max_result_bytes: integer,
    max_state_bytes: integer, siblings: or(texts, []),
  },
  refused: { code: text, reason: text, retry_after_s: or(number, -1) },
  redirect: { url: text, reason: text },
  assign: {
    token: text, task: text, task_name: text, workunit: text, language: text, indexes: integers, payloads: values,
    states: or({ is: isStates }, {}), unit_timeout_s: number, memory_mb: or(integer, 0),
    terms: or({ is: isTerms }, DEFAULT_TERMS),
  },
  cancel: { task: text, tokens: or(texts, []), indexes: or({ is: listOf(integers.is) }, []) },
  idle: { reason: text },
  pause: { reason: text },
  resume: {},
  stored: { accepted: integer, dead: or({ is: isFlag }, false) },
  error: { code: text, reason: text },
};

export const encodeFromClient = (message: FromClient): Uint8Array => checkedEncode(message);
export const encodeToClient = (message: ToClient): Uint8Array => checkedEncode(message);
/** @throws MalformedMessage */
export const decodeFromClient = (data: Uint8Array): FromClient => checkedDecode(data, FROM_CLIENT) as unknown as FromClient;
/** @throws MalformedMessage */
export const decodeToClient = (data: Uint8Array): ToClient => checkedDecode(data, TO_CLIENT) as unknown as ToClient;

function checkedEncode(message: FromClient | ToClient): Uint8Array {
  const data = encode(message, { ignoreUndefined: true });
  if (data.length > MAX_MESSAGE) throw new RangeError(`${message.type} of ${data.length} bytes is over ${MAX_MESSAGE}`);
  return data;
}

function checkedDecode(data: Uint8Array, shapes: Record<string, Record<string, Field>>): Record<string, unknown> {
  if (data.length > MAX_MESSAGE) throw new MalformedMessage(`${data.length} bytes are over ${MAX_MESSAGE}`);
  const raw = mapOf(data);
  const type = raw["type"];
  const shape = typeof type === "string" && Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (shape === undefined) throw new MalformedMessage(`unknown type ${JSON.stringify(type)}`);
  const message: Record<string, unknown> = { type };
  for (const [name, field] of Object.entries(shape)) message[name] = fieldOf(raw, name, field);
  return message;
}

function mapOf(data: Uint8Array): Record<string, unknown> {
  let raw: unknown;
  try {
    raw = decode(data);
  } catch (error) {
    throw new MalformedMessage(`not MessagePack: ${String(error)}`);
  }
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw new MalformedMessage("not a map");
  return raw as Record<string, unknown>;
}

function fieldOf(raw: Record<string, unknown>, name: string, field: Field): unknown {
  if (!Object.hasOwn(raw, name)) {
    if (!("missing" in field)) throw new MalformedMessage(`${String(raw["type"])} without ${name}`);
    return field.missing;
  }
  if (!field.is(raw[name])) throw new MalformedMessage(`${String(raw["type"])}.${name} is of the wrong kind`);
  return raw[name];
}
