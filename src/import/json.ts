import {
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from "jsonc-parser";
import { UserError } from "../errors.js";
import { Fields } from "./fields.js";

/**
 * The objects of a JSON file: the document itself, the items of a list, or one a line. Python's NaN and Infinity are missing
 * values. Throws `UserError` with file, line and column.
 */
export function jsonRecords(text: string, file: string): Fields[] {
  const firstLine = /\S[^\n]*/.exec(text);
  if (firstLine && isLines(text, firstLine)) return lineRecords(text, file);
  const root = parse(text, () => position(text, file));
  const items = root.type === "array" ? (root.children ?? []) : [root];
  return items.map((node) => fieldsOf(node, position(text, file)));
}

/** JSON lines: the first line is an object of its own, and another follows. */
function isLines(text: string, firstLine: RegExpExecArray): boolean {
  const rest = text.slice(firstLine.index + firstLine[0].length);
  return rest.trim() !== "" && firstLine[0].startsWith("{") && tree(firstLine[0]).errors.length === 0;
}

function lineRecords(text: string, file: string): Fields[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const at = position(line, file, index);
    return [
      fieldsOf(
        parse(line, () => at),
        at,
      ),
    ];
  });
}

type Position = (offset: number) => string;

/** `file line L column C` of an offset, both from 1. */
const position =
  (text: string, file: string, linesBefore = 0): Position =>
  (offset) => {
    const before = text.slice(0, offset).split("\n");
    return `${file} line ${before.length + linesBefore} column ${before.at(-1)!.length + 1}`;
  };

function parse(text: string, at: () => Position): Node {
  const { root, errors } = tree(text);
  const [error] = errors;
  if (error) throw new UserError(`${at()(error.offset)}: this is no JSON (${errorWords(error)}).`);
  return root!;
}

function tree(text: string): { root: Node | undefined; errors: ParseError[] } {
  const errors: ParseError[] = [];
  const root = parseTree(withoutNaN(text), errors, { disallowComments: true });
  return { root, errors };
}

/** As empty texts of the same length, so that offsets stay. */
const withoutNaN = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
    token.startsWith('"') ? token : '""'.padEnd(token.length),
  );

/** CloseBraceExpected: close brace expected. */
const errorWords = ({ error }: ParseError): string =>
  printParseErrorCode(error)
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();

function fieldsOf(node: Node, at: Position): Fields {
  if (node.type !== "object") throw new UserError(`${at(node.offset)}: an object must stand here.`);
  return new Fields(getNodeValue(node) as Record<string, unknown>, (name) =>
    at((name === null ? undefined : findNodeAtLocation(node, [name]))?.offset ?? node.offset),
  );
}
