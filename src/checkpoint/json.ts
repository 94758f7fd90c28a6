import { UserError } from "../errors.js";

/**
 * JSON that comes from others: a UserError in one sentence where it is none, or where a key is there twice. JSON.parse would
 * take the last one, another reader the first.
 *
 * @param what names it in errors
 */
export function parseStrictJson(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${what} is not JSON (${(error as Error).message.slice(0, 120)})`);
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw new UserError(`${what} has the key ${JSON.stringify(twice)} twice`);
  return value;
}

const STRING_OR_BRACKET = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;

/** The first key that an object of this valid JSON has twice, however it is escaped; null without one. */
function duplicateKey(text: string): string | null {
  const objects: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(STRING_OR_BRACKET))
    if (token === "{") objects.push(new Set());
    else if (token === "}") objects.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string;
      const keys = objects.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  return null;
}
