/**
 * What the consent frame and its downloading worker say to each other.
 *
 * Rule: types only.
 */

import type { Wanted } from "../client/download";

export interface DownloadRequest {
  id: number;
  wanted: Wanted;
}

export type DownloadAnswer = { id: number; file: Blob } | { id: number; error: string };
