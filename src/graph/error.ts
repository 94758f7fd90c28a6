import type { Graph } from "./builder.js";

/** A graph that makes no sense, raised where it is built: the message starts with the scope. */
export class GraphError extends Error {
  override readonly name = "GraphError";
  readonly scope: string;

  constructor(graph: Graph, problem: string) {
    const scope = graph.scopePath || "/";
    super(`${scope}: ${problem}`);
    this.scope = scope;
  }
}
