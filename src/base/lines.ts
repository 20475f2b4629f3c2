/**
 * A stream of bytes -> its lines, in order, each bounded. The only way in for what is piped or typed.
 *
 * A line ends with LF or CRLF, the last one also with the end. One that is too long is a Failure in its place and is
 * dropped to its end, so that at most `bytesMax` bytes and one chunk are held.
 */
import { Failure } from "./failure.ts";

const LF = 0x0a;

export async function* boundedLines(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<string | Failure> {
  const line = new PendingLine(bytesMax);
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      line.add(chunk.subarray(start, end));
      yield line.take();
      start = end + 1;
    }
    line.add(chunk.subarray(start));
  }
  if (!line.isEmpty) yield line.take();
}

/** The bytes of a line whose end has not come yet. */
class PendingLine {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Counts what no longer fits without keeping it. The bytes are copied (`slice` of a Buffer is no copy): the chunk may be reused. */
  add(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#bytesMax) this.#parts = [];
    else if (part.length > 0) this.#parts.push(new Uint8Array(part));
  }

  take(): string | Failure {
    const tooLong = this.#bytes > this.#bytesMax;
    const text = Buffer.concat(this.#parts).toString("utf8");
    this.#parts = [];
    this.#bytes = 0;
    if (tooLong)
      return new Failure("usage", `a line is longer than ${this.#bytesMax} bytes; it was left out`);
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  }
}
