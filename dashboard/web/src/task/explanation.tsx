// Why an open task is (not) getting on, in the manager's own sentences.

import { useEffect, useState } from "preact/hooks";
import { callJson } from "../api";
import { isOver, type Task } from "../model";

const REREAD_MS = 5_000;

export function Explanation({ task }: { task: Task }) {
  const sentences = useSentences(task.id, task.state, isOver(task.state));
  if (sentences.length === 0) return null;
  return (
    <ul class="explanation" aria-label="Why">
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}

function useSentences(id: string, state: string, isClosed: boolean): string[] {
  const [sentences, setSentences] = useState<string[]>([]);
  // another state has another explanation
  useEffect(() => {
    setSentences([]);
    if (isClosed) return;
    const read = () => {
      if (document.hidden) return;
      callJson<{ sentences: string[] }>(`/api/tasks/${encodeURIComponent(id)}/explain`).then(
        (told) => setSentences(told.sentences),
        () => setSentences([]), // an extra: the page says by itself when the manager is away
      );
    };
    read();
    const timer = setInterval(read, REREAD_MS);
    return () => clearInterval(timer);
  }, [id, state, isClosed]);
  return sentences;
}
