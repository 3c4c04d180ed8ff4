/** The English of proofs. */

const COMPARED =
  "What this page says of the action was compared with these leaves. Not compared, and the server's own word: the sentences under “Why?”, the case, the wording of rules, the reasons people gave for decisions, and that the action has no other leaves: `autonomy doctor` or an export of the whole log holds that against the log.";

export const words = {
  offline: "autonomy audit export log.jsonl && autonomy audit verify log.jsonl --witness FOLDER --key KEY",
  below: "Whether the log itself is whole, the command below tells.",
  offlineAbout: "FOLDER holds the copies of a witness, KEY is the key of the log as you keep it.",
  same: "The same without this browser:",
  unable:
    "This browser computes hashes only over https or on this machine itself. Open the console there, or verify by the command below.",
  noEd25519:
    "This browser has no Ed25519: the path to the signed root was verified, the signature of the checkpoint was not. A newer browser, or the command below, does both.",
  holds: (leaves: number, size: number) =>
    `${leaves === 1 ? "This leaf is" : `All ${leaves} leaves are`} in the log of ${size.toLocaleString("en")} leaves, as signed`,
  partly: "In the log; the signature was not checked",
  broken: "This does not hold",
  foreign: "Signed by another key",
  newKey:
    "This is signed by another key than the one this browser saw first: it may be of another log. Ask whoever runs the log whether its key was changed on purpose; if so, clear what this browser keeps of this site.",
  here: "Computed in this browser; nothing but the proof was asked of the server.",
  content: `${COMPARED} Arguments, facts, results, remarks and corrections stand in them as commitments: what is shown of each was hashed here, with its salt, and is what its own leaf commits to.`,
  unread: `${COMPARED} Arguments, facts, results, remarks and corrections stand in them as commitments; nothing of their content is shown to you.`,
  page: {
    title: "This page does not show what the log says",
    about: "Trust neither: tell whoever looks after the system, and verify by the command below.",
    elsewhere: "It shows another action than the one that its address names.",
    other: (index: number) => `Leaf ${index} is about another action.`,
    leaves: "The leaves are not those that this page is made of. If something has just happened, verify again.",
    without: (index: number) => `There is no leaf ${index} that says what this page shows of it.`,
    differs: (index: number, name: string) => `Leaf ${index} says something else of “${name}”.`,
    hidden: (index: number) => `Leaf ${index} says something that this page leaves out.`,
    order: "This page does not show what happened in the order of the log.",
    state: "By these leaves the action stands elsewhere.",
    content: (name: string) => `The content of “${name}” is not what was committed to.`,
    part: (index: number, name: string) => `What is shown as “${name}” is not what leaf ${index} commits to.`,
    undecided: "There is no leaf that says who asked for this, and what for.",
  },
  whole: {
    cut: "The log was cut off before its end.",
    older: (covered: number, newest: number) =>
      `The log ends after ${covered.toLocaleString("en")} leaves; the newest checkpoint is of ${newest.toLocaleString("en")}.`,
    resealed: "the seal at the end of the log is not that of what stands before it",
    trailing: "something stands after the seal",
    header: "this is no log from its first leaf on",
    line: "a line is not what the format says",
    leaf: (index: number) => `leaf ${index} is none that this browser knows: its form, its kind or its version`,
    payload: (index: number, name: string) => `“${name}” is not what leaf ${index} commits to`,
    other: "a checkpoint is of another log than the file says",
    gap: (leaves: number, most: number) => `${leaves} leaves stand between two checkpoints, ${most} may`,
  },
  leaf: "Leaf",
  kind: "What it says",
  hash: "Hash of its text",
  path: "Path",
  hashes: (count: number) => `${count} hashes`,
  root: "Root",
  signature: { holds: "holds", broken: "broken", unable: "not checked", foreign: "by another key" },
  checkpoint: "Checkpoint",
  key: "Key of the log",
  body: "The leaf's exact text",
  verify: "Verify",
  again: "Verify again",
  verifying: "Verifying",
} as const;
