// What one's role does not allow: a sentence in the place of the buttons, so that nobody looks for them.

import type { ComponentChildren } from "preact";
import { me, type Role } from "./me";

interface Props {
  least: Role;
  /** Of the sentence, such as “Users”. */
  children: ComponentChildren;
}

/** Says why something is not there, once it is known who asks. */
export function Needs({ least, children }: Props) {
  if (me.value === null) return null;
  return (
    <p class="hint">
      {children} need the role {least}; yours is {me.value.role}.
    </p>
  );
}

/** Says why a task cannot be changed. */
export function NotYours() {
  if (me.value === null) return null;
  return (
    <p class="hint">
      Operators may change this task, and so may its owner who is a researcher; you are {me.value.name}, and your role
      is {me.value.role}.
    </p>
  );
}
