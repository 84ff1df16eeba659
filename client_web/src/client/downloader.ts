/**
 * The worker that downloads: files come, are checked and are put together on a thread of their own.
 *
 * Rule: it answers every request once, with the file or with what is wrong.
 */

import type { DownloadAnswer, DownloadRequest } from "../protocol/download";
import { download } from "./download";

addEventListener("message", (event: MessageEvent<DownloadRequest>) => {
  const { id, wanted } = event.data;
  const say = (answer: DownloadAnswer): void => {
    postMessage(answer);
  };
  download((input, init) => fetch(input, init), wanted).then(
    (file) => {
      say({ id, file });
    },
    (error: unknown) => {
      say({ id, error: error instanceof Error ? error.message : String(error) });
    },
  );
});
