import type { TypeObject } from "koffi";
import { UserError } from "../errors.js";
import { koffi } from "../ffi/koffi.js";
import type { Library } from "../ffi/library.js";
import { API_INDEX } from "./api-index.js";
import { OrtError } from "./error.js";
import {
  SIGNATURES,
  type Arguments,
  type FunctionName,
  type Functions,
  type Pointer,
  type Signature,
} from "./signatures.js";

/** AllocatorGetStats came with API version 23, in ONNX Runtime 1.23; everything else that we call is older. */
export const API_VERSION = 23;

/**
 * Positions that ONNX Runtime's own source pins by static_assert, one for every few releases. They guard the generated
 * index against a table that was restated wrongly.
 */
const ANCHORS: Partial<Record<keyof typeof API_INDEX, number>> = {
  ReleaseCustomOpDomain: 101,
  ReleaseModelMetadata: 118,
  GetCurrentGpuDeviceId: 161,
  SynchronizeBoundOutputs: 203,
  ReleaseKernelInfo: 218,
};

type AsyncFunction = "RunWithBinding";
type AsyncArguments = (typeof SIGNATURES)[AsyncFunction] extends readonly [unknown, ...infer P]
  ? Arguments<P>
  : never;

/** ONNX Runtime's C API, bound function by function on first use. */
export interface Api extends Functions {
  /** Calls on a worker thread of libuv's pool; rejects with the OrtError that the plain call would throw. */
  callAsync(name: AsyncFunction, ...values: AsyncArguments): Promise<void>;
  /** `count` pointers from an array in native memory. */
  readPointers(address: Pointer, count: number): Pointer[];
  readString(address: Pointer): string;
  /** Native memory as it is: valid for as long as its owner keeps it. */
  view(address: Pointer, bytes: number): ArrayBuffer;
  /** Where a view's bytes are. They do not move: V8 keeps what is handed out as a buffer off its moving heap. */
  addressOf(view: ArrayBufferView): Pointer;
}

export interface OpenedApi {
  readonly version: string;
  readonly api: Api;
}

/** The function table of a library, after making sure that it is the table we know. */
export function openApi(library: Library): OpenedApi {
  assertAnchors();
  const { decode, proto } = koffi();
  const entry = library.symbol("OrtGetApiBase");
  if (entry === null)
    throw new UserError(`${library.path} is not ONNX Runtime: it does not export OrtGetApiBase.`);

  // struct OrtApiBase { const OrtApi* (*GetApi)(uint32_t version); const char* (*GetVersionString)(void); };
  const base = (decode(entry, proto("void*", [])) as () => Pointer)();
  const [getApi, getVersion] = decode(base, "void*", 2) as [Pointer, Pointer];
  const version = (decode(getVersion, proto("str", [])) as () => string)();
  assertVersion(version, library.path);
  const table = (decode(getApi, proto("void*", ["uint32_t"])) as (version: number) => Pointer | null)(
    API_VERSION,
  );
  if (table === null)
    throw new UserError(
      `ONNX Runtime ${version} at ${library.path} does not offer version ${API_VERSION} of its C API.`,
    );

  const api = bindTable(table);
  assertTable(table, entry, library.path);
  assertRoundTrips(api, library.path);
  return { version, api };
}

/** Refuses what is too old before GetApi would complain about it on standard error. */
export function assertVersion(version: string, path: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 1 || (major === 1 && minor < API_VERSION))
    throw new UserError(
      `ONNX Runtime at ${path} is too old: it is ${version}, and 1.${API_VERSION} or newer is needed.`,
    );
}

export function assertAnchors(index: Readonly<Record<string, number>> = API_INDEX): void {
  for (const [name, position] of Object.entries(ANCHORS))
    if (index[name] !== position)
      throw new Error(`api-index.ts is wrong: ${name} must be at ${position}, not ${index[name]}.`);
}

/**
 * Every function that we call must lie in the code of the library itself. A table of another shape holds other numbers
 * there, and calling them would end the process.
 */
function assertTable(table: Pointer, entry: Pointer, path: string): void {
  const reach = 1n << 31n; // larger than any build of the library, far smaller than the gaps between mappings
  for (const name of Object.keys(SIGNATURES) as FunctionName[]) {
    const address = addressIn(table, name);
    const distance = address === null ? reach : address > entry ? address - entry : entry - address;
    if (distance >= reach)
      throw new UserError(
        `The C API of ${path} has no ${name} where ONNX Runtime has it; is this an official build?`,
      );
  }
}

/** Three calls without side effects, from the start, the middle and the end of the part that we use. */
function assertRoundTrips(api: Api, path: string): void {
  const text = "ssm-scope";
  const status = api.CreateStatus(2, text);
  const pairs = api.CreateKeyValuePairs();
  try {
    api.AddKeyValuePair(pairs, "key", text);
    const answers = [
      api.GetErrorCode(status) === 2,
      api.GetErrorMessage(status) === text,
      api.GetBuildInfoString()?.startsWith("ORT Build Info"),
      api.GetKeyValue(pairs, "key") === text,
    ];
    if (!answers.every(Boolean))
      throw new UserError(
        `The C API of ${path} does not answer as ONNX Runtime's does; is this an official build?`,
      );
  } finally {
    api.ReleaseKeyValuePairs(pairs);
    api.ReleaseStatus(status);
  }
}

const addressIn = (table: Pointer, name: FunctionName): Pointer | null =>
  koffi().decode(table, API_INDEX[name] * POINTER_BYTES, "void*") as Pointer | null;

const POINTER_BYTES = 8;

const C_TYPES: Record<string, string> = {
  status: "void*",
  void: "void",
  pointer: "void*",
  int: "int",
  size: "size_t",
  string: "str",
  strings: "str *",
  path: process.platform === "win32" ? "str16" : "str",
  out: "void*",
};

type Native = ((...values: unknown[]) => unknown) & { async: (...values: unknown[]) => void };

function bindTable(table: Pointer): Api {
  const { decode, proto, view, address } = koffi();
  const prototypes = new Map<string, TypeObject>();
  const natives = new Map<FunctionName, Native>();

  const nativeOf = (name: FunctionName): Native => {
    let native = natives.get(name);
    if (!native) {
      const types = SIGNATURES[name].map((kind) => C_TYPES[kind]!);
      const key = types.join();
      if (!prototypes.has(key)) prototypes.set(key, proto(types[0]!, types.slice(1)));
      native = decode(addressIn(table, name), prototypes.get(key)!) as Native;
      natives.set(name, native);
    }
    return native;
  };

  const check = (name: FunctionName, status: Pointer | null): void => {
    if (status === null) return;
    const error = new OrtError(name, api.GetErrorCode(status), api.GetErrorMessage(status) ?? "no message");
    api.ReleaseStatus(status);
    throw error;
  };

  const bind = (name: FunctionName): ((...values: unknown[]) => unknown) => {
    const native = nativeOf(name);
    const signature: Signature = SIGNATURES[name];
    const checked = signature[0] === "status";
    if (signature.at(-1) === "out") {
      // One cell serves every call: the functions are synchronous and the value is read before the next.
      const cell = new BigUint64Array(1);
      return (...values) => {
        cell[0] = 0n;
        const result = native(...values, cell);
        if (checked) check(name, result as Pointer | null);
        return cell[0];
      };
    }
    if (!checked) return native;
    return (...values) => {
      check(name, native(...values) as Pointer | null);
    };
  };

  const api = {
    async callAsync(name: AsyncFunction, ...values: AsyncArguments): Promise<void> {
      const native = nativeOf(name);
      const status = await new Promise<Pointer | null>((resolve, reject) => {
        native.async(...values, (error: Error | null, result: Pointer | null) => {
          if (error) reject(error);
          else resolve(result);
        });
      });
      check(name, status);
    },
    readPointers: (at: Pointer, count: number) => decode(at, "void*", count) as Pointer[],
    readString: (at: Pointer) => decode.string(at),
    view,
    addressOf: (bytes: ArrayBufferView) => address(bytes),
  } as unknown as Api;

  for (const name of Object.keys(SIGNATURES) as FunctionName[]) {
    Object.defineProperty(api, name, {
      configurable: true,
      get() {
        const value = bind(name);
        Object.defineProperty(api, name, { value });
        return value;
      },
    });
  }
  return api;
}
