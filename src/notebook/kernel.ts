/** The Jupyter kernel: tslab's sockets, our cell handler. Jupyter starts it as a kernel.json in kernels-config says. */
import { type CellHandler, createCellHandler, surviveStrayErrors } from "./cell-handler.js";
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

/**
 * Serves Jupyter on the sockets named in the connection file until it asks for shutdown.
 * SIGINT (Jupyter's interrupt) stops the running cell, or what in it listens for SIGINT itself. `prepare` is done before it answers.
 */
export async function startKernel(
  connectionFile: string,
  prepare: (handler: CellHandler) => Promise<void>,
): Promise<void> {
  const handler = createCellHandler();
  await prepare(handler);

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

  let asked: unknown = null;
  const onInterrupt = (): void => {
    const latest = process.listeners("SIGINT").at(-1);
    // What listens too, as a sweep does, ends the cell itself and keeps what it has; asked a second time, the cell ends.
    if (latest === onInterrupt || latest === asked) handler.interrupt();
    else asked = latest;
  };
  process.on("SIGINT", onInterrupt);
  surviveStrayErrors();
  endWithParent();
  await new Server(handler, connectionFile).init();
}
