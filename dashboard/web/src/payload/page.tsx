// One payload: where it stands, who tried it, what came of it, and who disagreed.

import * as format from "../format";
import type { Story } from "../model";
import { Trouble, useTitle } from "../parts";
import { usePolled } from "../polling";
import { StoryView } from "../task/payload";

const EVERY_MS = 3_000;

export function PayloadPage({ id, index }: { id: string; index: number }) {
  useTitle(`Payload ${index}`);
  const task = `/tasks/${encodeURIComponent(id)}`;
  const { found, trouble } = usePolled<Story>(`/api${task}/payloads/${index}`, EVERY_MS);
  return (
    <>
      <h1>Payload {format.count(index)}</h1>
      <nav class="actions" aria-label="Around this payload">
        <a href={`${task}?tab=payloads`}>Its task</a>
        {index > 0 && <a href={`${task}/payloads/${index - 1}`}>The one before</a>}
        <a href={`${task}/payloads/${index + 1}`}>The next one</a>
      </nav>
      <Trouble text={trouble} />
      {!found && !trouble && <p aria-busy="true">Reading the payload…</p>}
      {found && <StoryView story={found} Head="h2" />}
    </>
  );
}
