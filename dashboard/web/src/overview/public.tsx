// The public status page, where the operator wants one: a link to look at, and to hand on.

import { useEffect, useState } from "preact/hooks";
import { CopyLine } from "../copying";

export function PublicPage() {
  const [isThere, setThere] = useState(false);
  useEffect(() => {
    // Not through call(): that there is no such page is no trouble.
    fetch("/status.json", { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(10_000) }).then(
      (answer) => setThere(answer.ok),
      () => {},
    );
  }, []);
  if (!isThere) return null;
  return (
    <section aria-labelledby="public-page">
      <div class="heading">
        <h2 id="public-page">Public page</h2>
        <a href="/status" target="_blank" rel="noopener">
          What everybody sees
        </a>
      </div>
      <CopyLine label="Link for volunteers" text={`${location.origin}/status`} />
    </section>
  );
}
