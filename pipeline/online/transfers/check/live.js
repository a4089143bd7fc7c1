"use strict";
// The latest hits: first all of them, then each as it comes. What is shown is always written as text.
const MOST = 100;
const FRESH_MS = 5000; // what came just now stays, however many came at once
const MOST_FRESH = 1000;
const SILENT_MS = 12000; // the feed says something every 5 s
const state = document.getElementById("state");
const rows = document.getElementById("rows");
const words = state.dataset;
const language = document.documentElement.lang;
let last = null;
let heard = Date.now();
let feed = null;

function say(which) {
  if (state.dataset.now !== which) {
    state.dataset.now = which;
    state.textContent = words[which];
  }
}

function money(hit) {
  if (hit.amount === null) return "";
  try {
    const format = new Intl.NumberFormat(language, { style: "currency", currency: hit.currency });
    const digits = format.resolvedOptions().maximumFractionDigits;
    return format.format(hit.amount / 10 ** digits);
  } catch {
    return `${hit.amount} ${hit.currency}`;
  }
}

function cell(row, text, name) {
  const made = row.insertCell();
  made.textContent = text;
  made.className = name;
  return made;
}

function correct(row) {
  if (row.classList.contains("corrected")) return;
  row.classList.add("corrected");
  row.cells[1].textContent += ` (${words.corrected})`;
}

function forget() {
  const stays = Date.now() - FRESH_MS;
  while (rows.rows.length > MOST) {
    const oldest = rows.rows[rows.rows.length - 1];
    if (rows.rows.length <= MOST_FRESH && Number(oldest.dataset.drawn) > stays) return;
    oldest.remove();
  }
}

function show(hit) {
  if (document.getElementById(`hit-${hit.number}`)) return;
  last = Math.max(last ?? 0, hit.number);
  const row = rows.insertRow(0);
  row.id = `hit-${hit.number}`;
  row.dataset.drawn = Date.now();
  const time = cell(row, "", "time");
  const stamp = document.createElement("time");
  stamp.dateTime = hit.occurred_at;
  stamp.textContent = new Date(hit.occurred_at).toLocaleString(language, { hour12: false });
  time.append(stamp);
  cell(row, words[hit.severity] + (hit.late ? ` (${words.late})` : ""), `severity ${hit.severity}`);
  cell(row, hit.rule, "rule");
  cell(row, hit.account_id ?? "", "account");
  cell(row, money(hit), "amount");
  cell(row, words[hit.decision] ?? "", `decision ${hit.decision}`);
  cell(row, hit.say[language] ?? "", "say");
  if (hit.corrected_at) correct(row);
  forget();
}

async function read() {
  const answer = await fetch(`/v1/alerts?limit=${MOST}`);
  if (answer.status === 401 || answer.status === 403) {
    say("refused");
    return false;
  }
  if (!answer.ok) return null;
  const found = (await answer.json()).alerts;
  rows.replaceChildren();
  last = 0;
  for (const hit of found.reverse()) show(hit);
  return true;
}

function listen() {
  feed = new EventSource(`/v1/feed?after=${last}`);
  const hear = () => { heard = Date.now(); say("live"); };
  feed.addEventListener("open", hear);
  feed.addEventListener("beat", hear);
  feed.addEventListener("hit", (event) => { hear(); show(JSON.parse(event.data)); });
  feed.addEventListener("corrected", (event) => {
    hear();
    const row = document.getElementById(`hit-${JSON.parse(event.data).number}`);
    if (row) correct(row);
  });
  feed.addEventListener("reset", () => begin());
  feed.addEventListener("error", () => say("lost"));
}

async function begin() {
  if (feed) feed.close();
  feed = null;
  heard = Date.now();
  let found = null;
  try { found = await read(); } catch { found = null; }
  if (found) listen();
  else if (found === null) { say("lost"); setTimeout(begin, 1000); }
}

setInterval(() => {
  forget();
  // A connection that was refused, or that nobody hears any more, begins anew.
  if (feed && (feed.readyState === EventSource.CLOSED || Date.now() - heard > SILENT_MS)) {
    say("lost");
    begin();
  }
}, 1000);
begin();
