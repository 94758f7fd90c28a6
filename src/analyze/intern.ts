const LISTS = new Map<string, readonly unknown[]>();

/** Equal lists as one object, so that settings that are lists (`ep_options`) compare by === like the others. */
export function intern<Value>(value: Value): Value {
  if (!Array.isArray(value)) return value;
  const text = JSON.stringify(value);
  const known = LISTS.get(text) ?? Object.freeze([...(value as unknown[])]);
  LISTS.set(text, known);
  return known as Value;
}
