// Follows the stream of alerts while the element #mr-feed is on the page. Texts of a database become text nodes only.
(() => {
  if (window.minuteriskFeed) return;
  window.minuteriskFeed = true;
  const COLUMNS = ["time", "decision", "account", "amount", "rules"];
  const SILENT_MS = 12000;
  const AGAIN_MS = 3000;
  let now = null; // { root, source, rows, state, heard, held }

  const made = (name, cls, text) => {
    const element = document.createElement(name);
    if (cls) element.className = cls;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const say = (feed, state, text) => {
    feed.state.className = `mr-pulse mr-${state}`;
    if (feed.state.textContent !== text) feed.state.textContent = text;
    feed.root.dataset.state = state;
    document.documentElement.classList.toggle("mr-feed-live", state === "good");
  };

  const row = (feed, cells) => {
    const line = made("tr");
    line.dataset.transfer = cells.transfer;
    line.append(made("td", "mr-line", cells.time));
    const decision = made("td");
    decision.append(made("span", `mr-chip mr-${cells.tone}`, cells.decision), made("span", "mr-score", cells.score));
    const account = made("td");
    const way = made("a", "", cells.account);
    way.href = feed.root.dataset.way + encodeURIComponent(cells.transfer);
    account.append(way);
    const rules = made("td", "", cells.rules);
    if (cells.marks) rules.append(" ", made("small", "", cells.marks));
    line.append(decision, account, made("td", "mr-amount", cells.amount), rules);
    return line;
  };

  const draw = (feed) => {
    if (feed.held || !feed.order) return;
    const wanted = feed.order.map((id) => feed.rows.get(id)).filter(Boolean);
    const stay = new Set(wanted);
    for (const line of [...feed.body.children]) if (!stay.has(line)) line.remove();
    wanted.forEach((line, place) => {
      if (feed.body.children[place] !== line) feed.body.insertBefore(line, feed.body.children[place] || null);
    });
    const known = new Set(feed.order);
    for (const id of [...feed.rows.keys()]) if (!known.has(id)) feed.rows.delete(id);
    feed.none.hidden = wanted.length > 0;
    feed.table.hidden = wanted.length === 0;
  };

  const take = (feed, said) => {
    feed.heard = Date.now();
    for (const cells of said.rows || []) feed.rows.set(cells.transfer, row(feed, cells));
    if (said.order) feed.order = said.order;
    draw(feed);
    say(feed, "good", `${feed.words.live} ${said.clock}`);
  };

  const listen = (feed) => {
    feed.heard = Date.now();
    feed.source = new EventSource(feed.root.dataset.stream);
    feed.source.addEventListener("alerts", (event) => take(feed, JSON.parse(event.data)));
    feed.source.addEventListener("away", (event) => {
      feed.heard = Date.now();
      say(feed, "bad", `${feed.words.away} ${JSON.parse(event.data).what}`);
    });
    feed.source.addEventListener("over", () => {
      feed.source.close();
      feed.over = true;
      say(feed, "bad", feed.words.over);
    });
    feed.source.onerror = () => say(feed, "warn", feed.words.lost);
  };

  const attach = (root) => {
    const words = JSON.parse(root.dataset.words);
    const feed = { root, words, rows: new Map(), order: null, held: false, over: false };
    const bar = made("div", "mr-feed-bar");
    feed.state = made("span", "mr-pulse mr-warn", words.connecting);
    feed.state.setAttribute("role", "status");
    const hold = made("button", "mr-hold", words.hold);
    hold.type = "button";
    hold.setAttribute("aria-pressed", "false");
    hold.addEventListener("click", () => {
      feed.held = !feed.held;
      hold.textContent = feed.held ? words.go : words.hold;
      hold.setAttribute("aria-pressed", String(feed.held));
      draw(feed);
    });
    bar.append(feed.state, hold);
    const scroll = made("div", "mr-scroll");
    scroll.tabIndex = 0;
    feed.table = made("table", "mr-table mr-alerts");
    const head = made("tr");
    for (const name of COLUMNS) {
      const cell = made("th", "", words[name]);
      cell.scope = "col";
      head.append(cell);
    }
    const top = made("thead");
    top.append(head);
    feed.body = made("tbody");
    feed.table.append(top, feed.body);
    feed.table.hidden = true;
    feed.none = made("div", "mr-note", words.none);
    feed.none.hidden = true;
    scroll.append(feed.table);
    root.replaceChildren(bar, scroll, feed.none);
    listen(feed);
    return feed;
  };

  const leave = () => {
    now.source.close();
    document.documentElement.classList.remove("mr-feed-live");
    now = null;
  };

  // The page's own pieces come and go with each screen: what is there now is looked for, not awaited.
  setInterval(() => {
    const root = document.getElementById("mr-feed");
    if (now && (now.root !== root || !root.firstChild || root.dataset.stream !== now.source.url.slice(location.origin.length))) leave();
    if (root && !now) now = attach(root);
    if (!now || now.over) return;
    const silent = Date.now() - now.heard;
    if (now.source.readyState === EventSource.CLOSED ? silent > AGAIN_MS : silent > SILENT_MS) {
      now.source.close();
      say(now, "warn", now.words.lost);
      listen(now);
    }
  }, 500);
})();
