// One payload: what happened to it.

import { useTitle } from "../parts";

export function PayloadPage({ id, index }: { id: string; index: number }) {
  useTitle(`Payload ${index}`);
  return (
    <h1>
      Payload {index} of {id}
    </h1>
  );
}
