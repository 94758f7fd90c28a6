import { inspect } from "node:util";
import { UserError } from "../errors.js";

/**
 * The named values of one record of a foreign file, with the place of each. A number may stand as text (CSV, and JSON of some
 * tools); null, an empty text and NaN are missing. Wrong types are a `UserError` with file, line and column.
 */
export class Fields {
  /**
   * @param place of a value, or of the record where the name is null or not there
   */
  constructor(
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly place: (name: string | null) => string,
  ) {}

  /** Whether the value is there, missing or not. */
  has(name: string): boolean {
    return Object.hasOwn(this.values, name);
  }

  number(name: string): number | null {
    const value = this.values[name];
    if (isMissing(value)) return null;
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number)) return number;
    throw this.wrong(name, "a number", value);
  }

  text(name: string): string | null {
    const value = this.values[name];
    if (isMissing(value)) return null;
    if (typeof value === "string") return value;
    throw this.wrong(name, "a text", value);
  }

  /** A single value of whatever type as it stands, e.g. for a list of settings. */
  words(name: string): string {
    const value = this.values[name];
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  /** A list of numbers, or null where there is none. */
  numbers(name: string): number[] | null {
    const value = this.values[name];
    if (isMissing(value)) return null;
    if (Array.isArray(value) && value.every((item) => Number.isFinite(item))) return value as number[];
    throw this.wrong(name, "a list of numbers", value);
  }

  /** A list of whatever, or null where there is none. */
  list(name: string): readonly unknown[] | null {
    const value = this.values[name];
    if (isMissing(value)) return null;
    if (Array.isArray(value)) return value as unknown[];
    throw this.wrong(name, "a list", value);
  }

  /** A value of whatever type, as it stands. */
  raw(name: string): unknown {
    return this.values[name];
  }

  /** An object's fields, at the same place; null where there is none. */
  object(name: string): Fields | null {
    const value = this.values[name];
    if (isMissing(value)) return null;
    if (typeof value === "object" && !Array.isArray(value))
      return new Fields(value as Record<string, unknown>, () => this.place(name));
    throw this.wrong(name, "an object", value);
  }

  /** As `number`, where the record makes no sense without it. */
  needNumber(name: string): number {
    return this.number(name) ?? this.lacks(name);
  }

  /** As `text`, where the record makes no sense without it. */
  needText(name: string): string {
    return this.text(name) ?? this.lacks(name);
  }

  /** A `UserError` about a value. */
  wrong(name: string, words: string, found: unknown): UserError {
    const text = inspect(found, { breakLength: Infinity, maxArrayLength: 5, maxStringLength: 60 });
    return new UserError(`${this.place(name)}: ${name} must be ${words}, found ${text}.`);
  }

  private lacks(name: string): never {
    throw new UserError(`${this.place(null)}: ${name} is missing.`);
  }
}

const isMissing = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || Number.isNaN(value);
