/**
 * Ends a sweep where SIGINT does not end the process: in a notebook's kernel, whose stop button it is. Elsewhere Ctrl-C
 * ends the process as ever, and a caller that wants otherwise gives a signal of its own.
 *
 * @param given the caller's signal, which then is the only one
 */
export async function stopButton(
  given: AbortSignal | undefined,
  onStop: () => void,
): Promise<Disposable & { readonly signal: AbortSignal | undefined }> {
  // A cell begins without listeners: Node's vm takes them away until the cell first waits (breakOnSigint).
  await Promise.resolve();
  if (given || process.listenerCount("SIGINT") === 0)
    return { signal: given, [Symbol.dispose]: () => undefined };
  const controller = new AbortController();
  const stop = (): void => {
    onStop();
    controller.abort();
  };
  process.on("SIGINT", stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off("SIGINT", stop);
    },
  };
}
