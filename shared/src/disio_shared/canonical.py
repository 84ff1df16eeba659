"""A task document in its one canonical form: what is compared, hashed, and shown as the document of a task.

Rule: two documents that ask for the same have the same bytes, whichever way they came in: every field is there with
its value, code is named by its hash, and of a webhook's secret there is only the hash.
"""

import hashlib

import msgspec

from disio_shared.task_parts import Aggregates, Webhook
from disio_shared.taskdoc import ParsedTask, Policy

HIDDEN = "sha256:"
"""Begins what stands for a secret. No secret begins so: such a document is refused at its place."""


class NamedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A work unit by its hash."""

    language: str
    sha256: str
    runtime: str
    output: str
    clock: str


class StoredDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A whole document; its code lies elsewhere."""

    name: str
    tags: list[str]
    description: str
    workunit: NamedUnit
    payloads: msgspec.Raw
    """As given, less spaces: in a grid the order of keys means something."""
    policy: Policy
    public: bool
    webhooks: list[Webhook]
    aggregates: Aggregates | None


def stored_document(task: ParsedTask) -> StoredDocument:
    """Return a checked document as it is kept."""
    document, unit = task.document, task.document.workunit
    return StoredDocument(
        name=document.name,
        tags=document.tags,
        description=document.description,
        workunit=NamedUnit(
            language=unit.language, sha256=task.workunit, runtime=unit.runtime, output=unit.output, clock=unit.clock
        ),
        payloads=msgspec.Raw(task.payloads),
        policy=document.policy,
        public=document.public,
        webhooks=document.webhooks,
        aggregates=document.aggregates,
    )


def canonical(document: StoredDocument) -> bytes:
    """Return the canonical bytes, JSON text. They are a document again, for whoever adds the secrets."""
    hooks = [msgspec.structs.replace(hook, secret=_hidden(hook.secret)) for hook in document.webhooks]
    return msgspec.json.encode(msgspec.structs.replace(document, webhooks=hooks))


def document_sha256(document: StoredDocument) -> str:
    """Return the hash of a document's canonical bytes, hexadecimal."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _hidden(secret: str) -> str:
    return HIDDEN + hashlib.sha256(secret.encode()).hexdigest() if secret else ""
