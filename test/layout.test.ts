import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "node:test";
import ts from "typescript";

/**
 * Who may import whom inside src. `types` may be named in `import type` only; `packages` lists what a folder may
 * take from node_modules ("*": no bar), `lazy` what it may load by import() inside a function.
 */
interface Rule {
  folders: string[];
  types?: string[];
  packages: string[] | "*";
  lazy?: string[];
  fs?: boolean;
}

const RULES: Record<string, Rule> = {
  record: { folders: [], packages: ["arquero", "@uwdata/flechette"], lazy: ["danfojs-node"], fs: true },
  stats: {
    folders: [],
    packages: ["ml-matrix", "ml-fcnnls", "pure-rand", "@stdlib/stats-base-dists-t-quantile"],
  },
  graph: { folders: [], packages: ["onnx-buf", "@bufbuild/protobuf"] },
  ffi: { folders: [], packages: ["koffi"], fs: true },
  ort: { folders: ["ffi"], packages: ["koffi", "onnx-buf", "@bufbuild/protobuf"], fs: true },
  models: { folders: ["graph"], packages: ["pure-rand", "@petamoriken/float16", "fastest-levenshtein"] },
  checkpoint: { folders: ["models", "graph"], packages: [], fs: true },
  analyze: { folders: ["stats", "record"], packages: ["arquero"] },
  figures: { folders: [], types: ["record"], packages: [], lazy: [] },
  profile: { folders: ["record"], packages: ["arquero"] },
  sensors: { folders: ["ffi", "record"], packages: ["koffi"], fs: true },
  run: {
    folders: ["models", "checkpoint", "graph", "ort", "profile", "record", "sensors"],
    packages: ["cli-progress"],
    lazy: ["@huggingface/tokenizers"],
    fs: true,
  },
  notebook: {
    folders: ["record"],
    types: ["figures"],
    packages: ["@resvg/resvg-js"],
    lazy: ["vega", "vega-lite", "tslab"],
    fs: true,
  },
  claims: { folders: ["record", "stats", "analyze"], packages: ["arquero"] },
  cli: { folders: ["*"], packages: "*", fs: true },
  "index.ts": {
    folders: ["record", "stats", "profile", "analyze", "figures", "notebook", "claims"],
    packages: [],
  },
  "errors.ts": { folders: [], packages: [] },
};

/** Packages of which only types may be named, wherever a folder's rule does not list them. */
const TYPES_ANYWHERE = ["arquero", "vega", "vega-lite"];

const SRC = resolve(import.meta.dirname, "../src");

interface Import {
  file: string;
  target: string;
  kind: "value" | "type" | "lazy";
}

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      found.push({
        file,
        target: (node.moduleSpecifier as ts.StringLiteral).text,
        kind: typeOnly ? "type" : "value",
      });
    } else if (ts.isCallExpression(node) && node.arguments[0] && ts.isStringLiteralLike(node.arguments[0])) {
      const callee = node.expression;
      const isImport = callee.kind === ts.SyntaxKind.ImportKeyword;
      const isRequire = ts.isIdentifier(callee) && callee.text === "require";
      const isResolve =
        ts.isPropertyAccessExpression(callee) &&
        callee.name.text === "resolve" &&
        callee.expression.getText() === "require";
      if (isImport || isRequire || isResolve)
        found.push({ file, target: node.arguments[0].text, kind: "lazy" });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      found.push({ file, target: (node.argument.literal as ts.StringLiteral).text, kind: "type" });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const folderOf = (file: string): string => relative(SRC, file).split(sep)[0]!;
const matches = (list: string[], name: string): boolean =>
  list.some((entry) => name === entry || name.startsWith(entry.endsWith("/") ? entry : `${entry}/`));

/** Why an import breaks the table, or null. */
function violation({ file, target, kind }: Import): string | null {
  const from = folderOf(file);
  const rule = RULES[from];
  if (!rule) return `src/${from} is not in the table`;
  if (target.startsWith(".")) {
    const to = folderOf(resolve(dirname(file), target).replace(/\.js$/, ".ts"));
    if (to === from || to === "errors.ts" || matches(rule.folders, to) || rule.folders.includes("*"))
      return null;
    if (kind === "type" && rule.types?.includes(to)) return null;
    return `${from} may not import ${to} (${kind})`;
  }
  if (target === "node:fs" || target === "node:fs/promises")
    return rule.fs ? null : `${from} may not touch the file system`;
  if (target.startsWith("node:")) return null;
  if (rule.packages === "*" || matches(rule.packages, target)) return null;
  if (kind === "type" && matches(TYPES_ANYWHERE, target)) return null;
  if (kind === "lazy" && rule.lazy && matches(rule.lazy, target)) return null;
  return `${from} may not import the package ${target} (${kind})`;
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(SRC, name));

test("every import inside src is allowed by the table", () => {
  const broken = files.flatMap((file) =>
    importsOf(file).flatMap((found) => {
      const reason = violation(found);
      return reason ? [`${relative(SRC, file)} -> ${found.target}: ${reason}`] : [];
    }),
  );
  assert.deepEqual(broken, []);
});

test("no module below src waits at top level: tslab loads them with require", () => {
  const waiting = files.filter((file) => {
    const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
    const waits = (node: ts.Node): boolean =>
      !ts.isFunctionLike(node) && (ts.isAwaitExpression(node) || (ts.forEachChild(node, waits) ?? false));
    return folderOf(file) !== "cli" && waits(source);
  });
  assert.deepEqual(waiting, []);
});

test("the table refuses what it should", () => {
  const refused = (folder: string, target: string, kind: Import["kind"] = "value"): boolean =>
    violation({ file: join(SRC, folder, "x.ts"), target, kind }) !== null;
  assert.ok(refused("analyze", "../run/index.js"));
  assert.ok(refused("figures", "../record/index.js"));
  assert.ok(!refused("figures", "../record/index.js", "type"));
  assert.ok(refused("figures", "node:fs"));
  assert.ok(refused("run", "../analyze/index.js"));
  assert.ok(refused("models", "arquero"));
  assert.ok(!refused("models", "arquero", "type"));
  assert.ok(refused("notebook", "vega"));
  assert.ok(!refused("notebook", "vega", "lazy"));
  assert.ok(refused("unknown", "node:path"));
});
