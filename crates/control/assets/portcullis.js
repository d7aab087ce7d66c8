// What makes the dashboard nicer where scripts run: theme, copy buttons, filtering as you type, receipts that follow
// the edges, questions in a dialog. Every page works without it; it stores the chosen theme and nothing else.
"use strict";

const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;

function storedTheme() {
  try {
    const theme = localStorage.getItem("theme");
    return THEMES.includes(theme) ? theme : "auto";
  } catch {
    return "auto";
  }
}

function showTheme(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const name of document.querySelectorAll("[data-theme-name]")) name.textContent = theme;
}

// Before the page is drawn, so that it does not flash in the other scheme.
root.classList.add("js");
showTheme(storedTheme());

function nextTheme() {
  const theme = THEMES[(THEMES.indexOf(storedTheme()) + 1) % THEMES.length];
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // Private windows may refuse; the theme then lasts as long as the page.
  }
  showTheme(theme);
}

async function copyText(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Plain http has no clipboard: select the text, so that the keyboard can copy it.
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) return;
  const label = button.querySelector("[data-copy-label]") ?? button;
  const before = button.dataset.label ?? label.textContent;
  button.dataset.label = before;
  label.textContent = (await copyText(source)) ? "Copied" : "Press Ctrl+C";
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (label.textContent = before), 2000);
}

function filterRows(input) {
  const table = document.getElementById(input.dataset.filter);
  if (!table) return;
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of table.querySelectorAll("tbody tr")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) shown += 1;
  }
  const status = document.getElementById(`${input.dataset.filter}-status`);
  if (status) status.textContent = words.length ? `${shown} on this page match; press Enter to search all` : "";
}

async function fragment(url, selector) {
  const answer = await fetch(url, { headers: { "x-fragment": "1" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.querySelector(selector);
  return found ? document.importNode(found, true) : null;
}

// Edges report within a second or two; after a minute the link is enough.
async function followReceipt(receipt, tries = 60) {
  if (receipt.dataset.complete === "true" || tries === 0) return;
  const next = await fragment(receipt.dataset.receipt, "[data-receipt]").catch(() => null);
  if (next) receipt.replaceWith(next);
  setTimeout(() => followReceipt(next ?? receipt, tries - 1), 1000);
}

async function ask(link) {
  const question = await fragment(link.href, "[data-question]").catch(() => null);
  if (!question || !window.HTMLDialogElement) {
    location.assign(link.href);
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "question");
  dialog.append(question);
  for (const back of dialog.querySelectorAll("[data-back]")) {
    back.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
  }
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[data-back]")?.focus(); // Enter alone must not do what cannot be undone.
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-theme-toggle]");
  if (button?.dataset.copy) copy(button);
  else if (button) nextTheme();
  const link = event.target.closest("a[data-ask]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    ask(link);
  }
});

document.addEventListener("input", (event) => {
  if (event.target.dataset.filter) filterRows(event.target);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form && event.target.matches("select, [type=checkbox]")) form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  // What is to be sealed here goes nowhere if what seals it did not load (seal.js marks its forms): the reader decides.
  const { seal, sealing } = event.target.dataset;
  if (seal !== undefined && !sealing && !event.submitter?.matches("[data-unsealed]")) {
    event.preventDefault();
    event.target.querySelector("[data-seal-failed]").hidden = false;
    return;
  }
  // A second click must not send the form twice.
  if (event.target.dataset.sent) event.preventDefault();
  else if (event.target.method === "post") event.target.dataset.sent = "true";
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("DOMContentLoaded", () => {
  showTheme(storedTheme());
  for (const receipt of document.querySelectorAll("[data-receipt]")) followReceipt(receipt);
});
