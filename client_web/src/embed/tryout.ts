/**
 * Trials for the dashboard's form: an ES module that runs units in the sandbox of volunteers, in the tab it was imported into.
 *
 * Rule: a file of a kit is handed on only if its SHA-256 is the one that the build put in here; who serves it decides nothing.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { KitList } from "../client/kits";
import { fromBase64, toBase64 } from "./base64";
import { Trial, type TrialAnswer, type TrialSpec } from "./trials";

/** Filled in by the build: language to kit. */
declare const KITS: Record<string, KitList>;

export interface Tryout {
  /** Runs units, after those of earlier calls; a unit that fails is a result. */
  run(spec: Omit<TrialSpec, "kit">): Promise<TrialAnswer>;
  stop(): void;
}

/** @param base the path below which the compute frame's page (`/compute`) and kits (`/kits/NAME/FILE`) are served */
export function tryout(base: string): Tryout {
  const trial = new Trial(`${base}/compute`, checkedFile);
  return {
    run: (spec) => trial.run({ ...spec, kit: kitOf(base, spec.language) }),
    stop: () => {
      trial.stop();
    },
  };
}

export { fromBase64, toBase64 };

const PIECE = 4 * 1024 * 1024;

/** SHA-256 of a file of any size, hexadecimal, in memory for one piece; `told` hears how much of it is done, 0 to 1. */
export async function hashOf(file: Blob, told: (share: number) => void): Promise<string> {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += PIECE) {
    hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    told(Math.min(1, (at + PIECE) / file.size));
  }
  return bytesToHex(hash.digest());
}

function kitOf(base: string, language: string): Record<string, string> | null {
  const kit = KITS[language];
  if (kit === undefined) return null;
  return Object.fromEntries(kit.files.map(({ name }) => [name, `${base}/kits/${kit.name}/${name}`]));
}

/** Files that were fetched and checked, by address: each sandbox gets them from here. There are as many as kits have. */
const kept = new Map<string, Promise<Blob>>();

function checkedFile(url: string, file: string, language: string): Promise<Blob> {
  const coming = kept.get(url) ?? fetched(url, file, language);
  kept.set(url, coming);
  coming.catch(() => kept.delete(url));
  return coming;
}

async function fetched(url: string, file: string, language: string): Promise<Blob> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${file}, which ${language} needs, cannot be had: ${await reasonOf(answer)}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const wanted = KITS[language]?.files.find(({ name }) => name === file)?.sha256;
  if (bytesToHex(sha256(bytes)) !== wanted) throw new Error(`${file}, which ${language} needs, came with other bytes than this dashboard was built with`);
  return new Blob([bytes]);
}

async function reasonOf(answer: Response): Promise<string> {
  const told: unknown = await answer.json().catch(() => null);
  const detail = (told as { detail?: unknown } | null)?.detail;
  return typeof detail === "string" ? detail : `HTTP ${answer.status}`;
}
