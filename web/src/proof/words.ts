/** The English of proofs. */
export const words = {
  unable:
    "This browser computes hashes only over https or on this machine itself. Open the console there, or verify by the command below.",
  noEd25519:
    "This browser has no Ed25519: the path to the signed root was verified, the signature of the checkpoint was not. A newer browser, or the command below, does both.",
  holds: (leaves: number, size: number) =>
    `${leaves === 1 ? "This leaf is" : `All ${leaves} leaves are`} in the log of ${size.toLocaleString("en")} leaves, as signed`,
  partly: "In the log; the signature was not checked",
  broken: "This does not hold",
  newKey:
    "The log is signed by another key than the one this browser saw first. Ask whoever runs the log whether it was changed on purpose.",
  here: "Computed in this browser; nothing but the proof was asked of the server.",
  content:
    "What this page says of the action was compared with these leaves. Arguments, facts and results stand in them as commitments: what is shown of them was hashed here, with its salt, and is what they commit to.",
  unread:
    "What this page says of the action was compared with these leaves. Arguments, facts and results stand in them as commitments; nothing of their content is shown to you.",
  page: {
    title: "This page does not show what the log says",
    about: "Trust neither: tell whoever looks after the system, and verify by the command below.",
    other: (index: number) => `Leaf ${index} is about another action.`,
    leaves: "The leaves are not those that this page is made of. If something has just happened, verify again.",
    without: (index: number) => `There is no leaf ${index} that says what this page shows of it.`,
    differs: (index: number, name: string) => `Leaf ${index} says something else of “${name}”.`,
    hidden: (index: number) => `Leaf ${index} says something that this page leaves out.`,
    state: "By these leaves the action stands elsewhere.",
    content: (name: string) => `The content of “${name}” is not what was committed to.`,
    part: (name: string) => `What is shown as “${name}” is not what the leaves commit to.`,
  },
  leaf: "Leaf",
  kind: "What it says",
  hash: "Hash of its text",
  path: "Path",
  hashes: (count: number) => `${count} hashes`,
  root: "Root",
  signature: { holds: "holds", broken: "broken", unable: "not checked" },
  checkpoint: "Checkpoint",
  key: "Key of the log",
  body: "The leaf's exact text",
  verify: "Verify",
  again: "Verify again",
  verifying: "Verifying",
} as const;
