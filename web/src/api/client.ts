/** The one way to the API: typed by its own OpenAPI document, with the proof that our page asks. */
import createClient, { type Middleware } from "openapi-fetch";
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
let onExpired: () => void = () => undefined;

/** Send `value` along with whatever changes something. */
export function setCsrf(value: string): void {
  csrf = value;
}

/** Call `listener` whenever the API says that nobody is signed in. */
export function whenExpired(listener: () => void): void {
  onExpired = listener;
}

const proof: Middleware = {
  onRequest: ({ request }) => {
    if (request.method !== "GET") request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
};

export const client = createClient<paths>({ baseUrl: location.origin, credentials: "same-origin" });
client.use(proof);

interface Answered<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** What an operation answered; throws `Refused` for everything else. */
export async function answered<Data>(asked: Promise<Answered<Data>>): Promise<Data> {
  const { data, error, response } = await asked.catch(() => {
    throw new Refused(0, "unreachable", words.problem.unreachable, words.problem.unreachableHint);
  });
  if (response.ok) return data as Data;
  if (response.status === 401) onExpired();
  throw refused(response.status, error);
}

function refused(status: number, error: unknown): Refused {
  const told = (error as { error?: Schemas["ErrorDetail"] } | undefined)?.error;
  return told
    ? new Refused(status, told.code, told.message, told.hint)
    : new Refused(status, "unreadable", words.problem.unreachable, words.problem.unreachableHint);
}
