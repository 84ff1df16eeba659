"""Running a work unit on its author's machine, in the sandboxes of volunteers."""
