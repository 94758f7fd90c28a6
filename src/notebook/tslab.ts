/**
 * The one door to tslab, by whose converter (TypeScript to CommonJS, a cell at a time) and executor cells run.
 * Its `dist/` modules are no public API: the version is pinned in package.json, what we use of them is typed
 * here and held by test/notebook. They are loaded by `require`, because `lastWriteDisplayData` is a variable
 * that tslab reassigns and an ES import of a CommonJS module would only see its first value.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** What one display puts out: values by MIME type, text or JSON. */
export type MimeBundle = Record<string, unknown>;

export interface DisplayData {
  data: MimeBundle;
  metadata: Record<string, unknown>;
  transient?: { display_id?: string };
}

export type WriteStream = (name: string, text: string) => void;
export type WriteDisplayData = (data: DisplayData, update?: boolean) => void;

export interface ExecuteRequest {
  code: string;
}

/** The content of an `execute_reply`; the error fields are ours, tslab leaves them out. */
export interface ExecuteReply {
  status: "ok" | "error" | "abort" | "aborted";
  execution_count?: number;
  ename?: string;
  evalue?: string;
  traceback?: string[];
}

/** Runs cells one after the other; what a cell declares stays for the next. */
export interface Executor {
  execute(source: string): Promise<boolean>;
  interrupt(): void;
  close(): void;
}

/** What the sockets ask of a handler (beside completion, inspection and the like, which tslab answers). */
export interface JupyterHandler {
  handleKernel(): { language_info: Record<string, unknown> };
  close(): void;
}

/** tslab's answers to Jupyter's requests. Members that its own types call private are marked protected here. */
export declare class JupyterHandlerImpl implements JupyterHandler {
  constructor(executor: Executor, isJs: boolean);
  protected execCount: number;
  handleKernel(): { language_info: Record<string, unknown> };
  handleExecute(
    request: ExecuteRequest,
    writeStream: WriteStream,
    writeDisplayData: WriteDisplayData,
  ): Promise<ExecuteReply>;
  protected handleExecuteImpl(
    request: ExecuteRequest,
    writeStream: WriteStream,
    writeDisplayData: WriteDisplayData,
  ): Promise<unknown>;
  close(): void;
}

/** A ZeroMQ socket; only what we touch. */
export interface Socket {
  sendHighWaterMark: number;
  sendTimeout: number;
}

export interface Message {
  header: { msg_type: string };
  content: object;
  createReply(): Message;
  signAndSend(key: string, socket: Socket): void;
}

/** tslab's side of the five sockets between a kernel and Jupyter. */
export declare class ZmqServer {
  constructor(handler: JupyterHandler, connectionFile: string);
  connInfo: { key: string };
  iopub: Socket;
  protected bindSocket(socket: Socket, port: number): Promise<void>;
  handleExecute(socket: Socket, message: Message): Promise<void>;
  init(): Promise<void>;
  close(): void;
}

interface JupyterModule {
  lastWriteDisplayData: WriteDisplayData | null;
  JupyterHandlerImpl: typeof JupyterHandlerImpl;
  ZmqServer: typeof ZmqServer;
}

interface Converter {
  close(): void;
}

interface ConverterModule {
  createConverter: (options: { isJS: boolean; isBrowser: boolean }) => Converter;
}

interface Console {
  log(value: unknown): void;
  error(...args: unknown[]): void;
}

interface ExecutorModule {
  createExecutor: (
    folder: string,
    converters: { node: Converter; browser: Converter; close(): void },
    console: Console,
  ) => Executor;
}

/** tslab's protocol side: request handler and sockets. */
export const loadJupyter = (): JupyterModule => require("tslab/dist/jupyter.js") as JupyterModule;

/** Version of the TypeScript compiler inside tslab. */
export const typescriptVersion = (): string =>
  (require("tslab") as { versions: { typescript: string } }).versions.typescript;

/** A node of TypeScript's syntax tree. */
export interface SyntaxNode {
  readonly end: number;
}

/** What of the TypeScript compiler is needed to read a cell's syntax, and a plan that is written in TypeScript. */
export interface Compiler {
  readonly createSourceFile: (name: string, text: string, target: number) => SyntaxNode;
  readonly forEachChild: (node: SyntaxNode, visit: (child: SyntaxNode) => void) => void;
  readonly isShorthandPropertyAssignment: (
    node: SyntaxNode,
  ) => node is SyntaxNode & { readonly name: SyntaxNode & { readonly text: string } };
  readonly transpileModule: (
    text: string,
    options: { compilerOptions: { target: number; module: number } },
  ) => { outputText: string };
  readonly ScriptTarget: Readonly<Record<"ES2020", number>>;
  readonly ModuleKind: Readonly<Record<"ESNext", number>>;
  readonly sys: System;
}

/** By which the compiler reads files, looks modules up and learns of changes. */
interface System {
  fileExists: (path: string) => boolean;
  readFile: (path: string, encoding?: string) => string | undefined;
  directoryExists: (path: string) => boolean;
  getDirectories: (path: string) => string[];
  realpath: (path: string) => string;
  watchFile: Watch;
  watchDirectory: Watch;
}

type Watch = (path: string, ...rest: unknown[]) => { close: () => void };

/** The compiler that tslab itself reads cells with: a dependency of tslab's, not of ours. */
export const loadCompiler = (): Compiler =>
  createRequire(require.resolve("tslab"))("@tslab/typescript-for-tslab") as Compiler;

/**
 * An executor of TypeScript cells in the process's working folder, which tslab's compiler pins when the
 * converter is made (1 to 2 s). `log` receives the value of a cell's last expression, `error` compiler messages
 * (a format and its values) or what a cell threw (one value).
 */
export function createExecutor(console: Console): Executor {
  watchOnlyIn(process.cwd());
  const { createConverter } = require("tslab/dist/converter.js") as ConverterModule;
  const { createExecutor } = require("tslab/dist/executor.js") as ExecutorModule;
  const node = createConverter({ isJS: false, isBrowser: false });
  let browser: Converter | null = null;
  const converters = {
    node,
    get browser() {
      return (browser ??= createConverter({ isJS: false, isBrowser: true }));
    },
    close() {
      node.close();
      browser?.close();
    },
  };
  return createExecutor(process.cwd(), converters, console);
}

/**
 * Lets the compiler watch the notebook's folder alone. It watches every package that a cell imports, and has one timer
 * where it needs two: once a package.json was touched, as by `npm install`, every cell failed with "Unexpected pending
 * rebuildTimer".
 */
function watchOnlyIn(folder: string): void {
  const { sys } = loadCompiler();
  const limited =
    (watch: Watch): Watch =>
    (path, ...rest) =>
      path.startsWith(`${folder}/`) && !path.includes("/node_modules")
        ? watch(path, ...rest)
        : { close: () => undefined };
  sys.watchFile = limited(sys.watchFile);
  sys.watchDirectory = limited(sys.watchDirectory);
}

/**
 * The display function of the cell that runs now, or null outside a kernel. It is looked up among the loaded
 * modules, so the helper works whichever copy of tslab or of ssm-scope the kernel runs on, and loads no tslab
 * where there is none.
 */
export function currentDisplay(): WriteDisplayData | null {
  for (const [path, module] of Object.entries(require.cache)) {
    if (!module || !/[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(path)) continue;
    const { lastWriteDisplayData } = module.exports as JupyterModule;
    if (lastWriteDisplayData) return lastWriteDisplayData;
  }
  return null;
}
