/** Tokens that a match needs, and that the index hashes. */
export const MIN_MATCH = 2;

const FIRST_CAPACITY = 1024;

/**
 * Earlier places in a growing text where its last tokens occurred before: hash chains as in LZ77 (RFC 1951, section 4).
 *
 * A place is the index of the token that follows a pair of tokens. The newest place of each hash is in `#newest`, the one before
 * it in `#previous`. A push is O(1) amortised; a search visits a bounded number of places.
 */
export class SuffixIndex {
  /** The text: tokens[0..length). Replaced when it grows. */
  tokens = new Int32Array(FIRST_CAPACITY);
  length = 0;
  /** Where the text of the best match went on; valid after `find()` returned true. */
  start = 0;
  /** Tokens that match before `start`, MIN_MATCH to maxMatch. */
  match = 0;
  /** Places found, and how many of them went on with the same token. */
  found = 0;
  agreeing = 0;
  readonly #maxMatch: number;
  readonly #places: Int32Array;
  // [place]: the place before with the same hash, or -1
  #previous = new Int32Array(FIRST_CAPACITY + 1);
  // [hash]: the newest place, or -1
  #newest = new Int32Array(FIRST_CAPACITY).fill(-1);

  constructor(maxMatch: number, candidates: number) {
    this.#maxMatch = maxMatch;
    this.#places = new Int32Array(candidates);
  }

  clear(): void {
    this.length = 0;
    this.#newest.fill(-1);
  }

  push(token: number): void {
    if (this.length === this.tokens.length) this.#grow();
    this.tokens[this.length++] = token;
    if (this.length >= MIN_MATCH) this.#insert(this.length);
  }

  /** Finds the longest match of the text's end, the most recent one on ties. */
  find(): boolean {
    this.match = 0;
    this.found = 0;
    if (this.length < MIN_MATCH) return false;
    const { tokens, length } = this;
    const last = tokens[length - 1];
    const before = tokens[length - 2];
    // The newest place with this hash is the end of the text itself.
    let place = this.#previous[length]!;
    for (let visits = this.#places.length; place >= 0 && visits > 0; visits--) {
      if (tokens[place - 1] === last && tokens[place - 2] === before) {
        this.#places[this.found++] = place;
        // Newest first: a match of full length stays the best.
        if (this.match < this.#maxMatch) this.#compare(place);
      }
      place = this.#previous[place]!;
    }
    this.#count();
    return this.found > 0;
  }

  #compare(place: number): void {
    const { tokens, length } = this;
    const most = Math.min(this.#maxMatch, place);
    let match = MIN_MATCH;
    while (match < most && tokens[place - 1 - match] === tokens[length - 1 - match]) match++;
    if (match <= this.match) return;
    this.match = match;
    this.start = place;
  }

  #count(): void {
    const token = this.tokens[this.start];
    this.agreeing = 0;
    for (let i = 0; i < this.found; i++) if (this.tokens[this.#places[i]!] === token) this.agreeing++;
  }

  #insert(place: number): void {
    // Multiplicative hashing (Knuth) by the golden ratio's share of 2^32; the shift brings the well-mixed top bits down.
    const pair = Math.imul(this.tokens[place - 1]!, 2654435761) ^ Math.imul(this.tokens[place - 2]!, 2246822519);
    const hash = (pair ^ (pair >>> 15)) & (this.#newest.length - 1);
    this.#previous[place] = this.#newest[hash]!;
    this.#newest[hash] = place;
  }

  #grow(): void {
    const capacity = this.tokens.length * 2;
    const tokens = new Int32Array(capacity);
    tokens.set(this.tokens);
    this.tokens = tokens;
    this.#previous = new Int32Array(capacity + 1);
    this.#newest = new Int32Array(capacity).fill(-1);
    for (let place = MIN_MATCH; place <= this.length; place++) this.#insert(place);
  }
}
