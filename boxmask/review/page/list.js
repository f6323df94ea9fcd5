// The list of instances that the filters leave, fetched in pieces as they are looked at.
//
// The list is frozen when it is first asked for (`as_of`): what is judged meanwhile stays in its
// place until the filters change or the list is refreshed.

import { get, Refused, ServerLost } from "./api.js";
import { emit, on, query, state } from "./state.js";

const PIECE = 60;
const MOST_PIECES = 200; // kept; the ones looked at longest ago are forgotten

let pieces = new Map(); // number of the piece -> instances
let asked = new Set();
let places = new Map(); // row -> index in the list
let generation = 0;
export let total = null; // null while it is not known

/** Forget the list and ask again, up to the newest verdict. */
export function refresh() {
  generation += 1;
  pieces = new Map();
  asked = new Set();
  places = new Map();
  total = null;
  state.asOf = state.seq;
}

/** The instance at an index; undefined while it is on its way. */
export function at(index) {
  return pieces.get(Math.floor(index / PIECE))?.[index % PIECE];
}

/** The place of a row in the list; -1 if it is not there, or was never looked at. */
export function placeOf(row) {
  return places.get(row) ?? -1;
}

/** Make sure that the instances first ... last are here or on their way. */
export function want(first, last) {
  const end = total === null ? 0 : total - 1;
  const [low, high] = [Math.max(0, first), Math.max(0, Math.min(last, end))];
  const jobs = [];
  for (let piece = Math.floor(low / PIECE); piece <= Math.floor(high / PIECE); piece++) {
    if (!pieces.has(piece) && !asked.has(piece)) jobs.push(fetchPiece(piece));
  }
  return Promise.all(jobs);
}

/** Wait for the instance at an index; undefined past the end. */
export async function whenAt(index) {
  await want(index, index);
  return at(index);
}

on("row", (instance) => {
  const place = placeOf(instance.row);
  const piece = pieces.get(Math.floor(place / PIECE));
  if (piece) piece[place % PIECE] = instance;
});

async function fetchPiece(piece) {
  const mine = generation;
  asked.add(piece);
  try {
    const window = { as_of: state.asOf, offset: piece * PIECE, limit: PIECE };
    const found = await get("api/instances", query(window));
    if (mine === generation) keep(piece, found);
  } catch (error) {
    if (mine !== generation) return;
    asked.delete(piece);
    if (error instanceof ServerLost) emit("server", { lost: true });
    else if (error instanceof Refused) emit("trouble", error.message);
    else throw error;
  }
}

function keep(piece, found) {
  total = found.total;
  pieces.set(piece, found.rows);
  found.rows.forEach((instance, k) => places.set(instance.row, piece * PIECE + k));
  if (pieces.size > MOST_PIECES) {
    const [oldest] = pieces.keys();
    pieces.delete(oldest);
    asked.delete(oldest);
  }
  emit("list");
}
