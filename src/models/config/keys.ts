import { UserError } from "../../errors.js";

/** No published model comes near these; a graph for more would be built for hours, or not at all. */
const MOST_LAYERS = 1024;
const MOST = 2 ** 24;

/**
 * The keys of a config.json. A key that is absent or null gets the default, where it has one; a value that makes no sense,
 * or that this program would not compute as transformers does, is a UserError that names key, value and what would do.
 */
export class Keys {
  readonly #values: Readonly<Record<string, unknown>>;
  /** Where the keys are: empty, or `rope_parameters.`. */
  readonly #at: string;

  constructor(values: unknown, at = "") {
    if (typeof values !== "object" || values === null || Array.isArray(values))
      throw new UserError(
        `${at === "" ? "the config" : at.slice(0, -1)} is ${show(values)}; it must be a JSON object`,
      );
    this.#values = values as Record<string, unknown>;
    this.#at = at;
  }

  /** The value as it is; undefined where it is absent or null. */
  value(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? undefined) : undefined;
  }

  /** Whether the key is there and null: some classes give that a meaning of its own. */
  isNull(key: string): boolean {
    return Object.hasOwn(this.#values, key) && this.#values[key] === null;
  }

  /** A whole number of `unit`, at least 1. */
  count(key: string, unit: string, standard?: number, most = MOST): number {
    const value = this.#or(key, standard);
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw this.wrong(key, `it must be a whole number of ${unit} from 1 to ${most}`);
  }

  layers(key: string, standard?: number): number {
    return this.count(key, "layers", standard, MOST_LAYERS);
  }

  /** A finite number above 0. */
  positive(key: string, standard?: number): number {
    const value = this.number(key, standard);
    if (value > 0) return value;
    throw this.wrong(key, "it must be a number above 0");
  }

  number(key: string, standard?: number): number {
    const value = this.#or(key, standard);
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.wrong(key, "it must be a number");
  }

  /** `length` numbers; what they are of is said in the error. */
  numbers(key: string, length: number, of: string, standard?: readonly number[]): readonly number[] {
    const value = this.#or(key, standard);
    const fits = (list: unknown): list is number[] =>
      Array.isArray(list) && list.length === length && list.every(Number.isFinite);
    if (fits(value)) return value;
    throw this.wrong(key, `it must be a list of ${length} numbers, ${of}`);
  }

  flag(key: string, standard?: boolean): boolean {
    const value = this.#or(key, standard);
    if (typeof value === "boolean") return value;
    throw this.wrong(key, "it must be true or false");
  }

  text(key: string, standard?: string): string {
    const value = this.#or(key, standard);
    if (typeof value === "string") return value;
    throw this.wrong(key, "it must be a string");
  }

  /** The keys of an object inside. */
  inner(key: string): Keys | undefined {
    const value = this.value(key);
    return value === undefined ? undefined : new Keys(value, `${this.#at}${key}.`);
  }

  /** Refuses every value but those that are computed here. */
  only(key: string, standard: unknown, supported: readonly unknown[]): void {
    const value = JSON.stringify(this.#or(key, standard));
    if (supported.some((one) => JSON.stringify(one) === value)) return;
    throw this.wrong(key, `only ${supported.map(show).join(" or ")} is supported`);
  }

  /** The error of a key. */
  wrong(key: string, right: string): UserError {
    const value = this.value(key);
    const found = value === undefined ? (this.isNull(key) ? "is null" : "is missing") : `is ${show(value)}`;
    return new UserError(`${this.#at}${key} ${found}; ${right}`);
  }

  #or(key: string, standard: unknown): unknown {
    return this.value(key) ?? standard;
  }
}

/** Whether a value lists layers of a model that has so many, each once, in order. */
export const isLayers = (value: unknown, layers: number): value is number[] =>
  Array.isArray(value) &&
  value.every(
    (layer, i) => Number.isInteger(layer) && layer > (i === 0 ? -1 : value[i - 1]) && layer < layers,
  );

/** A value in an error: what would fill the screen is cut. */
export function show(value: unknown): string {
  const text = value === undefined ? "undefined" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
