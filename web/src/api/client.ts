/** The one way to the API: typed by its own OpenAPI document, with the proof that our page asks. */
import createClient from "openapi-fetch";
import { words } from "@/words";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** What the API, or the way to it, refused. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(status: number, code: string, message: string, hint?: string | null) {
    super(message);
    this.name = "Refused";
    this.status = status;
    this.code = code;
    this.hint = hint ?? undefined;
  }
}

let csrf = "";
let onExpired: (asked: number) => void = () => undefined;
let renew: () => Promise<void> = () => Promise.resolve();

/** Send `value` along with whatever changes something. */
export function setCsrf(value: string): void {
  csrf = value;
}

/** Call `listener` whenever the API says that nobody is signed in, with when it was asked (`performance.now()`). */
export function whenExpired(listener: (asked: number) => void): void {
  onExpired = listener;
}

/** Call `listener`, which sets the value anew, whenever the session that the tabs share is another one than this tab's. */
export function whenReplaced(listener: () => Promise<void>): void {
  renew = listener;
}

export const client = createClient<paths>({ baseUrl: location.origin, credentials: "same-origin", fetch: send });

/** Send a request; once more where somebody has signed in again in another tab, so that what proves our page is new. */
async function send(request: Request): Promise<Response> {
  if (request.method === "GET") return fetch(request);
  const again = request.clone(); // what has been sent is used up
  const response = await fetch(proven(request));
  if (!(await isUnproven(response))) return response;
  await renew();
  return fetch(proven(again));
}

function proven(request: Request): Request {
  request.headers.set("X-CSRF-Token", csrf);
  return request;
}

/** Whether nothing was done for want of the proof. */
async function isUnproven(response: Response): Promise<boolean> {
  if (response.status !== 403) return false;
  const told: unknown = await response
    .clone()
    .json()
    .catch(() => undefined); // from something on the way to the API
  return refused(response.status, told).code === "csrf.missing";
}

interface Answered<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** What an operation answered; throws `Refused` for everything else. */
export async function answered<Data>(asked: Promise<Answered<Data>>): Promise<Data> {
  const began = performance.now();
  const { data, error, response } = await asked.catch((error: unknown) => {
    if (error instanceof Refused) throw error; // of what is asked before it is sent once more
    throw new Refused(0, "unreachable", words.problem.unreachable, words.problem.unreachableHint);
  });
  if (response.ok) return data as Data;
  if (response.status === 401) onExpired(began);
  throw refused(response.status, error);
}

function refused(status: number, error: unknown): Refused {
  const told = (error as { error?: Schemas["ErrorDetail"] } | undefined)?.error;
  return told
    ? new Refused(status, told.code, told.message, told.hint)
    : new Refused(status, "unreadable", words.problem.unreachable, words.problem.unreachableHint);
}
