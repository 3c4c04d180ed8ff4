/** SHA-256 (FIPS 180-4) of what comes piece by piece: the browser's own takes all of it at once, or nothing. */

const BLOCK = 64; // bytes
const ROUNDS = 64;

type State = readonly [number, number, number, number, number, number, number, number];

const PRIMES = firstPrimes(ROUNDS);
const ROUND = new DataView(new ArrayBuffer(4 * ROUNDS));
PRIMES.forEach((prime, at) => ROUND.setInt32(4 * at, fraction(Math.cbrt(prime))));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime))) as unknown as State;

export class Digest {
  private state = START;
  private size = 0;
  private readonly block = new Uint8Array(BLOCK);
  private readonly words = new DataView(new ArrayBuffer(4 * ROUNDS));

  add(data: Uint8Array): this {
    for (let at = 0; at < data.length;) {
      const filled = this.size % BLOCK;
      const piece = data.subarray(at, at + BLOCK - filled);
      this.block.set(piece, filled);
      this.size += piece.length;
      at += piece.length;
      if (this.size % BLOCK === 0) this.state = compressed(this.state, this.block, this.words);
    }
    return this;
  }

  /** The hash of everything; nothing can be added to it any more. */
  end(): Uint8Array {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setBigUint64(0, 8n * BigInt(this.size));
    const zeros = (2 * BLOCK - 9 - (this.size % BLOCK)) % BLOCK;
    this.add(Uint8Array.of(0x80)).add(new Uint8Array(zeros)).add(new Uint8Array(bits.buffer));
    const hash = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, at) => hash.setInt32(4 * at, word));
    return new Uint8Array(hash.buffer);
  }
}

function compressed(state: State, block: Uint8Array<ArrayBuffer>, words: DataView): State {
  schedule(block, words);
  let [a, b, c, d, e, f, g, h] = state;
  for (let at = 0; at < 4 * ROUNDS; at += 4) {
    const mixed = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const one = (h + mixed + ((e & f) ^ (~e & g)) + ROUND.getInt32(at) + words.getInt32(at)) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  const [p, q, r, s, t, u, v, w] = state;
  return [(p + a) | 0, (q + b) | 0, (r + c) | 0, (s + d) | 0, (t + e) | 0, (u + f) | 0, (v + g) | 0, (w + h) | 0];
}

function schedule(block: Uint8Array<ArrayBuffer>, words: DataView): void {
  const read = new DataView(block.buffer);
  for (let at = 0; at < BLOCK; at += 4) words.setInt32(at, read.getInt32(at));
  for (let at = BLOCK; at < 4 * ROUNDS; at += 4) {
    const [x, y] = [words.getInt32(at - 60), words.getInt32(at - 8)];
    const low = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
    const high = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
    words.setInt32(at, words.getInt32(at - 64) + low + words.getInt32(at - 28) + high);
  }
}

function turned(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/** The first 32 bits behind the point. */
function fraction(root: number): number {
  return ((root - Math.floor(root)) * 2 ** 32) | 0;
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let number = 2; primes.length < count; number += 1) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes;
}
