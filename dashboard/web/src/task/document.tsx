// What a task is made of: its code, payload spec and policy.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api";
import * as format from "../format";
import type { Task } from "../model";
import { Trouble } from "../parts";

const MAX_SHOWN_BYTES = 200_000;
const EXTENSIONS: Record<string, string> = { javascript: "js", python: "py", wasm: "wasm" };

export function DocumentView({ task }: { task: Task }) {
  return (
    <section class="document" aria-labelledby="document">
      <h2 id="document">Task document</h2>
      {task.workunit && <Code {...task.workunit} />}
      <h3>Payloads</h3>
      <Payloads task={task} />
      <h3>Policy</h3>
      <pre>{JSON.stringify(task.policy ?? {}, null, 2)}</pre>
      <p class="hint">Created {format.when(task.created_at)}</p>
    </section>
  );
}

function Payloads({ task }: { task: Task }) {
  if (task.payloads !== undefined) return <pre>{format.brief(task.payloads, 10_000)}</pre>;
  if (task.payloads_omitted === undefined) return <pre />;
  return (
    <p>
      {format.count(task.payloads_omitted)} bytes:{" "}
      <a href={`/api/tasks/${encodeURIComponent(task.id)}/document`}>the whole document</a>
    </p>
  );
}

function Code({ language, sha256, bytes, runtime }: NonNullable<Task["workunit"]>) {
  const isShown = language !== "wasm" && bytes <= MAX_SHOWN_BYTES;
  const [source, setSource] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    if (!isShown) return;
    call(`/api/workunits/${sha256}`)
      .then((response) => response.text())
      .then(setSource, (error: Error) => setTrouble(error.message));
  }, [isShown, sha256]);
  return (
    <>
      <h3>
        Work unit{" "}
        <span class="hint">{`${language}${runtime === "native" ? ", native" : ""}, ${format.bytes(bytes)}`}</span>
      </h3>
      <p class="mono hint hash">{sha256}</p>
      <Trouble text={trouble} />
      {source !== null && <pre>{source}</pre>}
      <p>
        <a href={`/api/workunits/${sha256}`} download={`${sha256.slice(0, 12)}.${EXTENSIONS[language] ?? "txt"}`}>
          Download the code
        </a>
      </p>
    </>
  );
}
