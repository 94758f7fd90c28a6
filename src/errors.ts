/**
 * Something the caller can put right: a wrong value, a missing file, a length that makes no sense.
 * The message is one sentence: what was wrong, its value, what would be right. The CLI prints it without a
 * stack and exits with 2; any other error is a defect of ours and keeps its stack.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}
