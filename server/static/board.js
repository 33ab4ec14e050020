// Clocks, order of rows, and the word about the board's own line. No data is made here: the
// server renders rows, this file only counts seconds and puts the rows most at risk first.
(() => {
  const html = document.documentElement;
  const zh = html.lang.startsWith('zh');
  // The countdown follows the centre's clock, not this machine's.
  const skew = Number(html.dataset.now || Date.now()) - Date.now();
  const now = () => Date.now() + skew;

  function ago(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 60) return zh ? `${s} 秒` : `${s} s`;
    const m = Math.floor(s / 60);
    if (m < 60) return zh ? `${m} 分` : `${m} min`;
    const h = Math.floor(m / 60);
    if (h < 48) return zh ? `${h} 小时 ${m % 60} 分` : `${h} h ${m % 60} min`;
    return zh ? `${Math.floor(h / 24)} 天` : `${Math.floor(h / 24)} days`;
  }

  function left(ms) {
    const late = ms < 0;
    const s = Math.floor(Math.abs(ms) / 1000);
    const two = (n) => String(n).padStart(2, '0');
    const h = Math.floor(s / 3600);
    const text = h ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
    return late ? `−${text}` : text;
  }

  function tick() {
    const t = now();
    for (const e of document.querySelectorAll('time[data-since]')) {
      const text = ago(t - Number(e.dataset.since));
      if (e.textContent !== text) e.textContent = text;
    }
    for (const e of document.querySelectorAll('time[data-until]')) {
      const ms = Number(e.dataset.until) - t;
      e.textContent = left(ms);
      e.classList.toggle('bad-ink', ms < 300000);
    }
  }

  // Rows move only while nobody points at them or works in them.
  function sort() {
    const body = document.getElementById('stores');
    if (!body || body.matches(':hover') || body.contains(document.activeElement)) return;
    const rows = [...body.rows];
    const wanted = [...rows].sort((a, b) =>
      Number(b.dataset.risk) - Number(a.dataset.risk) || (a.id < b.id ? -1 : 1));
    wanted.forEach((row, i) => { if (body.rows[i] !== row) body.insertBefore(row, body.rows[i]); });
  }

  let sorting = 0;
  document.addEventListener('htmx:sse:after:message', () => {
    line(true);
    clearTimeout(sorting);
    sorting = setTimeout(() => { sort(); tick(); }, 50);
  });
  document.addEventListener('mouseout', (e) => {
    const body = document.getElementById('stores');
    if (body && body.contains(e.target) && !body.contains(e.relatedTarget)) setTimeout(sort, 300);
  });

  // A page that asks for itself again may not pull anything from under a hand: while the pointer is on
  // something that can be pressed, or a form is being filled, the change waits and comes afterwards.
  let waits = false;
  const pressable = 'a, button, summary, label, input, select, textarea';
  const byItself = (ctx) => Boolean(ctx?.request?.headers?.['x-by-itself']);
  function busy(part) {
    if (!part || document.hidden) return true;
    if (part.contains(document.activeElement) && document.activeElement.matches(pressable)) return true;
    if (part.querySelector(`:is(${pressable}):hover`)) return true;
    if (!getSelection().isCollapsed && part.contains(getSelection().anchorNode)) return true;
    return [...part.querySelectorAll('input, textarea')].some((e) =>
      e.type === 'radio' || e.type === 'checkbox' ? e.checked !== e.defaultChecked : e.value !== e.defaultValue);
  }
  document.addEventListener('htmx:before:request', (e) => {
    if (!byItself(e.detail?.ctx) || !busy(document.getElementById('main'))) return;
    waits = true;
    e.preventDefault();
  });
  document.addEventListener('htmx:before:swap', (e) => {
    if (!byItself(e.detail?.ctx)) return;
    const part = document.getElementById('main');
    if (busy(part)) { waits = true; e.preventDefault(); return; }
    // What somebody has opened or closed stays so.
    for (const d of part.querySelectorAll('details')) d.toggleAttribute('hx-morph-skip', d.open);
  });
  document.addEventListener('htmx:after:swap', (e) => { if (byItself(e.detail?.ctx)) tick(); });
  setInterval(() => {
    if (!waits || busy(document.getElementById('main'))) return;
    waits = false;
    document.getElementById('changes')?.dispatchEvent(new Event('work'));
  }, 1000);

  // The board says when it does not hear the centre. What it shows is then old, not wrong.
  let heard = Date.now();
  function line(up) {
    if (up) heard = Date.now();
    const note = document.getElementById('board-line');
    if (note) note.hidden = Date.now() - heard < 12000;
  }
  document.addEventListener('htmx:sse:after:connection', () => line(true));
  document.addEventListener('visibilitychange', () => { if (!document.hidden) heard = Date.now(); });

  for (const form of document.querySelectorAll('form[data-send-on-change]')) {
    form.addEventListener('change', () => form.requestSubmit());
  }

  setInterval(() => { tick(); line(false); }, 1000);
  tick();
})();
