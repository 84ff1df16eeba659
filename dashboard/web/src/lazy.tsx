// Pages that are fetched when they are first opened: the first load holds the frame around them alone.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Trouble } from "./parts";

type Loaded<P> = { page: ComponentType<P> } | { trouble: string } | null;

/** Returns a component that fetches the real one once; a chunk that is gone (another version is served) says so. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: Loaded<P> = null;
  return function Lazy(props: P) {
    const [shown, setShown] = useState<Loaded<P>>(loaded);
    useEffect(() => {
      if (shown !== null) return;
      load().then(
        (page) => {
          loaded = { page };
          setShown(loaded);
        },
        () => setShown({ trouble: "This page could not be fetched: load the dashboard again." }),
      );
    }, [shown]);
    if (shown === null) return <p aria-busy="true">Opening…</p>;
    if ("trouble" in shown) return <Trouble text={shown.trouble} />;
    const Page = shown.page;
    return <Page {...props} />;
  };
}
