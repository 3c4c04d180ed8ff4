/** Money in words: minor units of a currency, never a floating point sum. Pure. */

/** `1,250.00 EUR` of 125000 minor units. */
export function money(minor: number, currency: string): string {
  const format = new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "code" });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  const whole = BigInt(text.slice(0, text.length - digits)).toLocaleString("en");
  const part = digits > 0 ? `.${text.slice(text.length - digits)}` : "";
  return `${minor < 0 ? "-" : ""}${whole}${part} ${currency}`;
}
