/** The Jupyter kernel: tslab's sockets, our cell handler. Jupyter starts it as a kernel.json in kernels-config says. */
import { type CellHandler, createCellHandler, type Notice, surviveStrayErrors } from "./cell-handler.js";
import { preloadingCell } from "./preload.js";
import { loadJupyter, type Message, type Socket } from "./tslab.js";

/** How long a kernel may go on after Jupyter asked it to shut down: a cell's timers must not keep it alive. */
const SHUTDOWN_GRACE_MS = 500;

/** How often the kernel looks whether Jupyter is still there: one that was killed cannot ask for shutdown. */
const PARENT_CHECK_MS = 1000;

function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1);
  }, PARENT_CHECK_MS).unref();
}

export interface KernelOptions {
  /** Import the library before the first cell. */
  load?: boolean;
  /** What the first cell shows besides its own output. */
  notice?: () => Notice;
}

/**
 * Serves Jupyter on the sockets named in the connection file until it asks for shutdown.
 * SIGINT (Jupyter's interrupt) stops the running cell.
 */
export async function startKernel(connectionFile: string, options: KernelOptions = {}): Promise<void> {
  const handler = createCellHandler();
  if (options.load) await load(handler);
  if (options.notice) handler.notify(options.notice());

  class Server extends loadJupyter().ZmqServer {
    /**
     * A cell's output must be whole. ZeroMQ drops what a publisher sends above the mark of 1000 waiting messages,
     * and zeromq.js refuses a send (EBUSY) while one waits for the event loop, which the 513th in a row does
     * unless the time-out is 0.
     */
    protected override bindSocket(socket: Socket, port: number): Promise<void> {
      socket.sendHighWaterMark = 0;
      socket.sendTimeout = 0;
      return super.bindSocket(socket, port);
    }

    override async handleExecute(socket: Socket, message: Message): Promise<void> {
      const send = (type: string, content: object, to: Socket): void => {
        const reply = message.createReply();
        reply.header.msg_type = type;
        reply.content = content;
        reply.signAndSend(this.connInfo.key, to);
      };
      const request = message.content as { code: string };
      const reply = await handler.execute(request, (type, content) => {
        send(type, content, this.iopub);
      });
      send("execute_reply", reply, socket);
    }

    override close(): void {
      super.close();
      setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS).unref();
    }
  }

  process.on("SIGINT", () => {
    handler.interrupt();
  });
  surviveStrayErrors();
  endWithParent();
  await new Server(handler, connectionFile).init();
}

/** A kernel without the library is still one of TypeScript, so trouble is told and ends nothing. */
async function load(handler: CellHandler): Promise<void> {
  const failed = (reason: string): void => {
    handler.notify({ stream: "stderr", text: `The library could not be preloaded: ${reason}` });
  };
  try {
    const error = await handler.prepare(preloadingCell(process.cwd()));
    if (error) failed(error.traceback.join("\n"));
  } catch (error) {
    failed((error as Error).message);
  }
}
