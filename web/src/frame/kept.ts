/** What somebody has begun to write, in the storage of the browser's tab: under the name of whose it is. */

const PREFIX = "draft:";

/** Where the person's text `name` is kept. */
export function keyOf(person: string, name: string): string {
  return `${PREFIX}${person}:${name}`;
}

/** Forget what anybody else has written in this tab. */
export function keepOnly(person: string): void {
  const own = keyOf(person, "");
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(PREFIX) && !key.startsWith(own)) sessionStorage.removeItem(key);
  }
}
