// Seals what is typed into a form (`form[data-seal]`) to the edges' public keys before it is sent: libsodium's sealed box, one for
// each key, in the hidden field `sealed`. The organisation and the secret's name are sealed with it: what it is for. What was typed does not leave the browser. Where no script runs, the server seals it.
// Where a script runs and cannot seal, nothing is sent until the reader says so.
"use strict";

const PUBLIC_KEY = 32;
const NONCE = 24;
const LEAST = 8;
const MOST = 4096;
const CONTROL = /[\u0000-\u001f\u007f]/;

function bytesOf(hex) {
  const bytes = (hex.match(/[0-9a-f]{2}/g) ?? []).map((digits) => parseInt(digits, 16));
  if (bytes.length !== PUBLIC_KEY) throw new Error("no public key");
  return new Uint8Array(bytes);
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

// The ephemeral public key and the box; its nonce is made of both public keys, so that nothing else has to be sent.
function box(publicKey, plain) {
  const ephemeral = nacl.box.keyPair();
  const both = new Uint8Array([...ephemeral.publicKey, ...publicKey]);
  const boxed = nacl.box(plain, blake2b(both, null, NONCE), publicKey, ephemeral.secretKey);
  ephemeral.secretKey.fill(0);
  return base64(new Uint8Array([...ephemeral.publicKey, ...boxed]));
}

// The edges' keys as the form names them, `id:public key` with spaces between, and a box for each.
function sealed(form, plain) {
  const keys = form.dataset.seal.split(" ").filter(Boolean);
  if (keys.length === 0) throw new Error("no keys");
  return JSON.stringify(Object.fromEntries(keys.map((key) => [key.split(":")[0], box(bytesOf(key.split(":")[1]), plain)])));
}

// What is sealed: organisation, NUL, name, NUL, value.
function bound(form, value) {
  if (!form.dataset.organization) throw new Error("no organisation");
  const name = form.dataset.name ?? form.elements.namedItem("name").value.trim();
  return new TextEncoder().encode(`${form.dataset.organization}\0${name}\0${value}`);
}

// What the server would find wrong with the value, which it cannot look into any more.
function problem(form, value, plain) {
  if (plain.length < LEAST || plain.length > MOST) return `A value has ${LEAST} to ${MOST} bytes.`;
  if (CONTROL.test(value)) return "A value has no control characters, such as the end of a line.";
  if (value.startsWith(" ") || value.endsWith(" ")) return "A value neither begins nor ends with a space.";
  const beside = [...form.querySelectorAll("[data-beside]")].map((field) => field.value ?? field.textContent);
  if (beside.some((text) => text.includes(value))) return "The value is in the name or the description, which others see.";
  return "";
}

function seal(event) {
  const form = event.target;
  if (!form.matches("form[data-seal]") || form.dataset.sent || event.submitter?.matches("[data-unsealed]")) return;
  const field = form.querySelector("[data-value]");
  const hidden = form.querySelector("[data-sealed]");
  const stop = () => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  try {
    const plain = new TextEncoder().encode(field.value);
    const wrong = problem(form, field.value, plain);
    field.setCustomValidity(wrong);
    if (wrong) {
      stop();
      field.reportValidity();
      return;
    }
    const text = bound(form, field.value);
    hidden.value = sealed(form, text);
    plain.fill(0);
    text.fill(0);
  } catch {
    stop();
    const failed = form.querySelector("[data-seal-failed]");
    failed.hidden = false;
    failed.querySelector("button").focus();
    return;
  }
  // One of the two is sent, and never both.
  hidden.disabled = false;
  field.value = "";
  field.disabled = true;
}

// Before anything else hears of it.
document.addEventListener("submit", seal, true);

document.addEventListener("input", (event) => {
  event.target.closest("form[data-seal]")?.querySelector("[data-value]").setCustomValidity("");
});

// Also back on a page that was left: what was sealed is sent no second time.
function begin() {
  for (const form of document.querySelectorAll("form[data-seal]")) {
    form.dataset.sealing = "ready";
    const hidden = form.querySelector("[data-sealed]");
    hidden.value = "";
    hidden.disabled = true;
    form.querySelector("[data-value]").disabled = false;
  }
}

begin();
addEventListener("pageshow", begin);
