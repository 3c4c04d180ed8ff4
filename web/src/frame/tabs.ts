/** How the tabs of one browser tell each other what concerns them all. */
import type { Kind } from "@/audit/leaf";

/**
 * What tabs tell each other: what happened, how the stream stands, by one that has just come, that it asks for that; and
 * that somebody has signed in again.
 */
export type Told = { kind: Kind } | { live: boolean; isNew: boolean } | { asks: true } | { signedIn: true };

/** The name of the channel, and of the lock of the tab that holds the stream. */
export const CHANNEL = "autonomy-events";

const channel = new BroadcastChannel(CHANNEL); // one for each tab: it never hears itself

/** Tell every other tab. */
export function tellTabs(told: Told): void {
  channel.postMessage(told);
}

/** Call `listener` with whatever another tab tells. */
export function hearTabs(listener: (told: Told) => void): void {
  channel.addEventListener("message", (message: MessageEvent<Told>) => listener(message.data));
}
