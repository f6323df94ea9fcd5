// Questions to the server that this page came from. All paths are relative to the page's address,
// which holds the token.

/** The server did not answer at all. */
export class ServerLost extends Error {}

/** The server answered with an error: `status`, and `body` as it was sent. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error ?? `the server answered ${status}`);
    Object.assign(this, { status, body });
  }
}

// One for each tab, kept over a reload: undo concerns what this tab did.
export const client = sessionStorage.getItem("client") ?? randomName();
sessionStorage.setItem("client", client);

export function get(path, parameters) {
  const query = parameters ? `?${parameters}` : "";
  return ask(path + query, {});
}

export function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify({ ...body, client }) });
}

export function cropUrl(instance, side) {
  const version = instance.hash ?? instance.window.join("-");
  return `crop/${instance.row}.jpg?side=${side}&v=${version}`;
}

export function imageUrl(image, side) {
  return `image/${image}.jpg?side=${side}`;
}

async function ask(path, options) {
  let response, body;
  try {
    response = await fetch(path, options);
    body = await response.json();
  } catch (error) {
    throw new ServerLost(String(error));
  }
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}

function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
