/**
 * tslab 1.0.22 makes a variable of an earlier cell a property of that cell's exports, everywhere but in a shorthand:
 * `run({ models })` fails with "models is not defined". Spelt out, `run({ models: models })`, it works.
 */
import type { Compiler, SyntaxNode } from "./tslab.js";

/** The cell with every shorthand property spelt out; lines stay where they are. */
export function spellOutShorthands(code: string, compiler: Compiler): string {
  const { createSourceFile, forEachChild, isShorthandPropertyAssignment, ScriptTarget } = compiler;
  const names: { end: number; text: string }[] = [];
  const visit = (node: SyntaxNode): void => {
    if (isShorthandPropertyAssignment(node)) names.push({ end: node.name.end, text: node.name.text });
    forEachChild(node, visit);
  };
  visit(createSourceFile("cell.ts", code, ScriptTarget.ES2020));
  return names.reduceRight(
    (text, name) => `${text.slice(0, name.end)}: ${name.text}${text.slice(name.end)}`,
    code,
  );
}
