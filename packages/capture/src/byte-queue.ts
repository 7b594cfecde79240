/**
 * Octets that arrive in pieces and are read in order. A piece is borrowed as it is while nothing is left over
 * from before it; what is left over is joined with the next piece in a buffer that at least doubles, so that the
 * cost is linear and the memory proportional to what has really arrived, whatever lengths a file claims.
 */
export class ByteQueue {
  /** Octets from the start of the file to the first one not consumed. */
  position = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  /** Whether `#bytes` is ours to append to. */
  #owned = false;
  /** Octets still to be thrown away as they arrive. */
  #toSkip = 0;

  /** Octets that can be read now. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Whether octets that were skipped have not arrived yet. */
  get skipping(): number {
    return this.#toSkip;
  }

  /** Appends a piece. The queue keeps a reference: the caller must not change it afterwards. */
  push(piece: Uint8Array): void {
    if (this.#toSkip > 0) {
      const gone = Math.min(this.#toSkip, piece.length);
      this.#toSkip -= gone;
      this.position += gone;
      piece = piece.subarray(gone);
    }
    if (piece.length === 0) return;
    const left = this.length;
    if (left === 0) {
      this.#adopt(piece, piece.length, false);
      return;
    }
    if (!this.#owned || this.#end + piece.length > this.#bytes.length) {
      // Never moved in place: views handed out before stay what they were.
      const grown = new Uint8Array(Math.max(left * 2, left + piece.length));
      grown.set(this.#bytes.subarray(this.#start, this.#end));
      this.#adopt(grown, left, true);
    }
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  #adopt(bytes: Uint8Array, length: number, owned: boolean): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#start = 0;
    this.#end = length;
    this.#owned = owned;
  }

  /** Throws away `count` octets, those that have yet to arrive included. */
  skip(count: number): void {
    const now = Math.min(count, this.length);
    this.#start += now;
    this.position += now;
    this.#toSkip += count - now;
  }

  /** 16 bits at `offset` octets from the first one not consumed; the caller has checked `length`. */
  u16(offset: number, littleEndian: boolean): number {
    return this.#view.getUint16(this.#start + offset, littleEndian);
  }

  /** 32 bits at `offset`; see {@link u16}. */
  u32(offset: number, littleEndian: boolean): number {
    return this.#view.getUint32(this.#start + offset, littleEndian);
  }

  /** The octet at `offset`; see {@link u16}. */
  u8(offset: number): number {
    return this.#view.getUint8(this.#start + offset);
  }

  /** A view of the octets from `from` up to, not including, `to`. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(this.#start + from, Math.min(this.#start + to, this.#end));
  }
}
