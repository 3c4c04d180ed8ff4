/** Money in words: minor units of a currency, never a floating point sum. Pure. */

/** The currency in which the server says money, and how many digits its minor unit has: both are the server's word. */
export interface Base {
  currency: string;
  digits: number;
}

/** `1,250.00 EUR` of 125000 minor units. */
export function money(minor: number, { currency, digits }: Base): string {
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  const whole = BigInt(text.slice(0, text.length - digits)).toLocaleString("en");
  const part = digits > 0 ? `.${text.slice(text.length - digits)}` : "";
  return `${minor < 0 ? "-" : ""}${whole}${part} ${currency}`;
}

/** The minor units of an amount as somebody types it, such as `1250` or `1250.5`; undefined where it is none. */
export function minorUnits(amount: string | undefined, { digits }: Base): number | undefined {
  const parts = /^(\d+)(?:\.(\d*))?$/.exec(amount ?? "");
  if (parts === null) return undefined;
  const minor = Number(`${parts[1]}${(parts[2] ?? "").padEnd(digits, "0").slice(0, digits)}`);
  return Number.isSafeInteger(minor) ? minor : undefined;
}
