/** Colours for a terminal, by what they mean; plain text where colours are not wanted. */
export interface Paint {
  /** Of less interest than the rest. */
  dim(text: string): string;
  /** What the eye should find first. */
  strong(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const code = (on: number, off: number) => (text: string) => `\u001b[${on}m${text}\u001b[${off}m`;
const plain = (text: string) => text;

export function painter(colours: boolean): Paint {
  if (!colours) return { dim: plain, strong: plain, good: plain, bad: plain };
  return { dim: code(2, 22), strong: code(1, 22), good: code(32, 39), bad: code(31, 39) };
}
