// Verdicts on their way to the server: one at a time, in their order, never dropped without a word.

import { get, post, Refused, ServerLost } from "./api.js";
import { emit, nameOf, on, state, VERDICTS } from "./state.js";

const RETRY = 2000; // milliseconds between looks whether a lost server is back

const waiting = []; // jobs: {what, send, done, refused, row}
let sending = false;

/** Names of what is not saved yet. */
export const unsaved = () => waiting.map((job) => job.what);

/** Whether a row's verdict is still on its way. */
export const isWaiting = () => waiting.length > 0;

/** Give an instance a verdict; null takes it back. Returns false if the server is lost. */
export function judge(instance, verdict) {
  const changed = { ...instance, verdict: verdict && { verdict } };
  const { row, hash } = instance;
  return submit({
    what: `${VERDICTS[verdict] ?? "Verdict taken back"}: ${nameOf(instance)}`,
    send: () => post("api/verdict", { row, verdict, hash }),
    done: () => {},
    refused: (error) => emit("row", error.body.instance ?? instance),
    begun: () => emit("row", changed),
  });
}

/** Save a corrected mask. */
export function saveCorrection(instance, { rle, box, by }, done) {
  const { row, hash } = instance;
  return submit({
    what: `Correction: ${nameOf(instance)}`,
    send: () => post("api/correct", { row, rle, box, by, hash }),
    done: (answer) => {
      emit("row", answer.instance);
      done?.(answer.instance);
    },
    refused: (error) => emit("row", error.body.instance ?? instance),
  });
}

/** Save a new annotation. */
export function saveDrawn(image, { rle, box }, category, done) {
  return submit({
    what: `New mask: ${category}`,
    send: () => post("api/draw", { image, box, category, rle }),
    done: (answer) => done(answer.instance),
    refused: () => {},
  });
}

/** Undo or redo this tab's latest entry; the page goes where it was. */
export function turnBack(way) {
  return submit({
    what: way === "undo" ? "Undo" : "Redo",
    send: () => post(`api/${way}`, {}),
    done: (answer) => {
      if (!answer.undone) return emit("say", `Nothing to ${way}`);
      const said = VERDICTS[answer.undone.verdict] ?? "verdict";
      emit("say", `${way === "undo" ? "Undone" : "Done again"}: ${said.toLowerCase()}`);
      if (answer.instance) emit("row", answer.instance);
      emit("open", { instance: answer.instance, undone: answer.undone });
    },
    refused: () => {},
  });
}

function submit(job) {
  if (state.lost) {
    emit("say", "The server does not answer: not saved");
    return false;
  }
  waiting.push(job);
  job.begun?.();
  send();
  return true;
}

async function send() {
  if (sending) return;
  sending = true;
  while (waiting.length && (await sendFirst())) waiting.shift();
  sending = false;
}

/** Send the first job; false if the server is lost, and the job has to wait. */
async function sendFirst() {
  const [job] = waiting;
  try {
    const answer = await job.send();
    if (answer.seq) state.seq = Math.max(state.seq, answer.seq);
    job.done(answer);
    recount(answer);
  } catch (error) {
    if (error instanceof ServerLost) {
      emit("server", { lost: true });
      return false;
    }
    if (!(error instanceof Refused)) throw error;
    job.refused(error);
    emit("trouble", `${job.what}: ${error.message}`, error);
    if (error.body.instance) emit("open", { instance: error.body.instance });
    recount();
  }
  return true;
}

let timer;

/** Take the counts of an answer, or ask for them: of none, or where classes may have changed too. */
function recount(answer) {
  if (answer) {
    const { verdicts, judged, drawn } = answer;
    Object.assign(state.summary, { verdicts, judged, drawn });
    emit("summary");
    if (!answer.instance?.drawn && answer.undone?.verdict !== "drawn") return;
  }
  clearTimeout(timer);
  timer = setTimeout(() => fetchSummary().catch(() => {}), 150);
}

export async function fetchSummary() {
  state.summary = await get("api/summary");
  state.seq = Math.max(state.seq, state.summary.seq ?? 0);
  emit("summary");
}

/** Try again what is waiting, and go on if the server is back. */
export async function retry() {
  try {
    await fetchSummary();
  } catch (error) {
    if (error instanceof ServerLost || error instanceof Refused) return;
    throw error;
  }
  emit("server", { lost: false });
  await send();
}

on("server", ({ lost }) => {
  if (lost && !state.lost) watch();
  state.lost = lost;
});

function watch() {
  const look = setInterval(() => (state.lost ? retry() : clearInterval(look)), RETRY);
}

addEventListener("beforeunload", (event) => waiting.length && event.preventDefault());
