/**
 * Joins what a cell prints into few messages, as IPython's kernel does: tslab sends one for each write, and
 * nbclient stores each message as an output of its own.
 */

/** How long printed text may wait for more. */
const WAIT_MS = 100;

type Send = (type: string, content: object) => void;

interface JoinedStreams {
  print: (name: string, text: string) => void;
  /** Any other message; what was printed before it goes first. */
  publish: Send;
  flush: () => void;
}

/**
 * Wraps `send`: consecutive writes to one stream wait for each other, every other message sends them first.
 * `flush` sends what still waits. The clock is an argument for the tests; a busy cell, in which no timer fires,
 * sends with the first write after the wait.
 */
export function joinStreams(send: Send, now = (): number => performance.now()): JoinedStreams {
  let waiting: { name: string; text: string; since: number } | null = null;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    if (!waiting) return;
    const { name, text } = waiting;
    waiting = null;
    send("stream", { name, text });
  }

  function print(name: string, text: string): void {
    if (waiting && waiting.name !== name) flush();
    if (!waiting) {
      waiting = { name, text: "", since: now() };
      timer = setTimeout(flush, WAIT_MS);
    }
    waiting.text += text;
    if (now() - waiting.since >= WAIT_MS) flush();
  }

  function publish(type: string, content: object): void {
    flush();
    send(type, content);
  }

  return { print, publish, flush };
}
