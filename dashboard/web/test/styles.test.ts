/// <reference types="node" />
// Style sheets are one file for the browser: a class that two pages define would change on both.

import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "../src");

/** The classes that rules of a style sheet begin with. */
function definedIn(css: string): Set<string> {
  const rules = css.replace(/\/\*.*?\*\//gs, "").replace(/@media[^{]*\{/g, "");
  const selectors = [...rules.matchAll(/([^{}]+)\{/g)].flatMap(([, list]) => (list ?? "").split(","));
  const names = selectors.map((selector) => /^\s*[a-z0-9]*\.([\w-]+)/.exec(selector)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}

/** Files of pages, in folders of their own; those beside `style.css` are everybody's. */
function pages(): [string, Set<string>][] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".css") && dirname(file) !== ".")
    .map((file) => [basename(file), definedIn(readFileSync(join(SOURCES, file), "utf8"))]);
}

/** The classes that more than one file defines, with those files. */
function clashes(files: [string, Set<string>][]): string[] {
  const owners = new Map<string, string[]>();
  for (const [file, names] of files) {
    for (const name of names) owners.set(name, [...(owners.get(name) ?? []), file]);
  }
  return [...owners].filter(([, by]) => by.length > 1).map(([name, by]) => `.${name}: ${by.join(", ")}`);
}

/** Those that all pages share, which a page may refine for itself. */
function shared(): Set<string> {
  const files = readdirSync(SOURCES).filter((file) => file.endsWith(".css") && file !== "login.css");
  return new Set(files.flatMap((file) => [...definedIn(readFileSync(join(SOURCES, file), "utf8"))]));
}

test("no class is defined by two pages", () => {
  const common = shared();
  const own = pages().map(([file, names]): [string, Set<string>] => [
    file,
    new Set([...names].filter((name) => !common.has(name))),
  ]);
  expect(own.length).toBeGreaterThan(8);
  expect(clashes(own)).toEqual([]);
});

test("rules inside media queries and lists of selectors count", () => {
  const css = "/* .no {} */ .a, p.b { } @media (max-width: 1px) { .c .d { } } .a:hover { }";
  expect([...definedIn(css)]).toEqual(["a", "b", "c"]);
  expect(
    clashes([
      ["one.css", new Set(["a"])],
      ["two.css", new Set(["a", "b"])],
    ]),
  ).toEqual([".a: one.css, two.css"]);
});
