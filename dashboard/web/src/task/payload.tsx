// The story of one payload, looked up by its index: where it stands, what came of it, and who disagreed.

import { useRef, useState } from "preact/hooks";
import { callJson } from "../api";
import * as format from "../format";
import type { Story, Task, Vote } from "../model";
import { Trouble } from "../parts";
import { parseIndex } from "./lookup";
import { Tries } from "./tries";

export function PayloadLookup({ task }: { task: Task }) {
  const [typed, setTyped] = useState("");
  const { story, trouble, lookUp } = useStory(task);
  return (
    <section aria-labelledby="payload">
      <h2 id="payload">Look up a payload</h2>
      <form
        class="lookup"
        onSubmit={(event) => {
          event.preventDefault();
          void lookUp(typed);
        }}
      >
        <label for="payload-index">Index</label>
        <input
          id="payload-index"
          type="text"
          inputMode="numeric"
          class="mono short"
          autocomplete="off"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit">Look up</button>
      </form>
      <Trouble text={trouble} />
      <div aria-live="polite">{story && <StoryView story={story} />}</div>
    </section>
  );
}

function useStory(task: Task) {
  const [story, setStory] = useState<Story | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  // Only the answer to the last question is shown.
  const asked = useRef(0);

  function show(next: Story | null, error: string | null): void {
    setStory(next);
    setTrouble(error);
  }

  async function lookUp(typed: string): Promise<void> {
    asked.current += 1;
    const mine = asked.current;
    const parsed = parseIndex(typed, task.total);
    if ("error" in parsed) return show(null, parsed.error);
    try {
      const told = await callJson<Story>(`/api/tasks/${encodeURIComponent(task.id)}/payloads/${parsed.index}`);
      if (asked.current === mine) show(told, null);
    } catch (error) {
      if (asked.current === mine) show(null, (error as Error).message);
    }
  }
  return { story, trouble, lookUp };
}

/** `Head` is the heading of its parts: one level below that of where it is shown. */
export function StoryView({ story, Head = "h3" }: { story: Story; Head?: "h2" | "h3" }) {
  return (
    <div class="story">
      <p>
        <strong>Payload {format.count(story.i)}</strong> <span class="chip">{story.state}</span>
      </p>
      {story.sentences.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <dl>
        <Fact name="Payload">{format.brief(story.payload, 1_000)}</Fact>
        {story.result !== undefined && <Fact name="Result">{format.brief(story.result, 1_000)}</Fact>}
        {story.client && (
          <Fact name="Computed by">
            {story.client}, {format.runTime(story.seconds)}
          </Fact>
        )}
        {story.block && <Fact name="Held by">{holder(story.block)}</Fact>}
        {story.saved_bytes !== undefined && <Fact name="Saved state">{format.bytes(story.saved_bytes)}</Fact>}
      </dl>
      {story.tries && story.tries.length > 0 && <Tries tries={story.tries} Head={Head} />}
      {untold(story).length > 0 && <Errors errors={untold(story)} Head={Head} />}
      {story.votes.length > 0 && <Votes votes={story.votes} Head={Head} />}
    </div>
  );
}

/** Errors of a failed payload that no hand-out above shows: of older tries not all are kept. */
function untold({ errors, tries }: Story): string[] {
  const shown = new Set(tries?.map(({ error }) => error));
  return (errors ?? []).filter((text) => !shown.has(text));
}

function holder({ holder, holder_name, lease, lease_ends_s }: NonNullable<Story["block"]>): string {
  if (!holder) return "nobody: its block is ready to be handed out";
  const ends = lease_ends_s === undefined || lease_ends_s === null ? "" : `, for ${format.duration(lease_ends_s)} more`;
  return `${holder_name || holder} (lease ${lease}${ends})`;
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd class="mono value">{children}</dd>
    </>
  );
}

function Errors({ errors, Head }: { errors: string[]; Head: "h2" | "h3" }) {
  return (
    <>
      <Head>Errors, oldest first</Head>
      <ol class="errors">
        {errors.map((text, at) => (
          <li key={`${at} ${text}`}>
            <pre>{text}</pre>
          </li>
        ))}
      </ol>
    </>
  );
}

function Votes({ votes, Head }: { votes: Vote[]; Head: "h2" | "h3" }) {
  return (
    <>
      <Head>Further results</Head>
      <ul class="votes">
        {votes.map((vote, at) => (
          <li key={`${at} ${vote.client}`}>
            <span class={vote.agrees ? "state-done" : "state-failed"}>
              <span aria-hidden="true">{vote.agrees ? "✓" : "✕"}</span> {vote.agrees ? "agrees" : "differs"}
            </span>{" "}
            <span class="mono value">
              {vote.client}, {format.runTime(vote.seconds)}
              {!vote.agrees && vote.result !== undefined && `: ${format.brief(vote.result)}`}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
