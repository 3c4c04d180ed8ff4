/**
 * Reads text that an agent, a supplier or a web page wrote, and finds what could make it look like something else:
 * characters that cannot be seen, that turn the direction of reading, that pile up, or that look like Latin letters.
 * Pure. Sources: Unicode TR 36 (security considerations), TR 39 (mixed scripts and confusables), TR 9 (bidi controls).
 */

export type Piece =
  | { kind: "text"; text: string }
  | { kind: "hidden"; text: string; name: string }
  | { kind: "lookalike"; text: string; name: string };

/** Control, format, private and unassigned characters, spaces that are none of the usual ones, and tags. */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u00a0\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/u;
const PLAIN = /[\t\n]/;
const PILE = /\p{M}{3,}/u;
const TOKEN = new RegExp(
  `${PILE.source}|${HIDDEN.source}|(?:(?!${PILE.source}|${HIDDEN.source})[\\p{L}\\p{N}\\p{M}])+`,
  "gu",
);

/** Letters of other scripts that a reader takes for Latin ones; the common part of TR 39's confusables. */
const LOOKALIKES = new Set("асеорхуіјѕһԁԛԝӏАВЕКМНОРСТХУІЈЅԌΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορτυχϲϳ");

const SCRIPTS = [
  "Latin",
  "Cyrillic",
  "Greek",
  "Armenian",
  "Cherokee",
  "Hebrew",
  "Arabic",
  "Han",
  "Hiragana",
  "Katakana",
  "Hangul",
  "Thai",
  "Devanagari",
] as const;
const TOGETHER = new Set(["Han", "Hiragana", "Katakana"]); // written together in Japanese
const SCRIPT_OF = SCRIPTS.map((name) => [name, new RegExp(`\\p{Script=${name}}`, "u")] as const);

/** The pieces of `text`, in order; put together again they are `text`. */
export function read(text: string): Piece[] {
  const pieces: Piece[] = [];
  let last = 0;
  for (const match of text.matchAll(TOKEN)) {
    const found = strange(match[0]);
    if (found === undefined) continue;
    if (match.index > last) pieces.push({ kind: "text", text: text.slice(last, match.index) });
    pieces.push(found);
    last = match.index + match[0].length;
  }
  if (last < text.length) pieces.push({ kind: "text", text: text.slice(last) });
  return pieces;
}

function strange(token: string): Piece | undefined {
  if (PLAIN.test(token)) return undefined;
  if (HIDDEN.test(token) || PILE.test(token)) return { kind: "hidden", text: token, name: codes(token) };
  const name = disguise(token);
  return name === undefined ? undefined : { kind: "lookalike", text: token, name };
}

/** What is odd about a word, in words; undefined where nothing is. */
function disguise(word: string): string | undefined {
  const letters = [...word].filter((letter) => /\p{L}/u.test(letter));
  const styled = letters.filter((letter) => letter.charCodeAt(0) > 127 && /^[a-z]$/i.test(letter.normalize("NFKC")));
  if (styled.length > 0) return `${codes(styled.join(""))} for ${word.normalize("NFKC")}`;
  const scripts = new Set(letters.map(scriptOf).filter((name) => name !== undefined));
  if (scripts.size > 1 && ![...scripts].every((name) => TOGETHER.has(name))) return [...scripts].join(" and ");
  const disguised = letters.length > 1 && letters.every((letter) => LOOKALIKES.has(letter));
  return disguised ? [...scripts].join(" and ") : undefined;
}

function scriptOf(letter: string): string | undefined {
  return SCRIPT_OF.find(([, pattern]) => pattern.test(letter))?.[0];
}

/** The code points of a text: `U+202E`; of a long one the first three. */
export function codes(text: string): string {
  const all = [...text].map((one) => `U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`);
  return all.length > 3 ? `${all.slice(0, 3).join(" ")} … ${all.length}` : all.join(" ");
}

/** The first `size` characters of `text`, never half of one. */
export function cut(text: string, size: number): string {
  if (text.length <= size) return text;
  const code = text.charCodeAt(size - 1);
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? size - 1 : size);
}
