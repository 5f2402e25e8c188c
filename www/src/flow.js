// Every dot is an event. The ledger only says how many are where; which dot moves is ours to choose.

const STATIONS = ['queued', 'inFlight', 'stored', 'delivered'];
const LEAVING_ORDER = ['inFlight', 'stored', 'queued'];
const MAX_DOTS = 1_500;
const MAX_DELIVERED = 600;
const MAX_PITCH = 10;
const FADE_MILLIS = 900;

export function createFlow(canvas) {
  const tank = canvas.parentElement;
  const context = canvas.getContext('2d');
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  const stations = Object.fromEntries(
    STATIONS.map((name) => {
      const element = tank.querySelector(`[data-station=${name}]`);
      const colour = getComputedStyle(element).getPropertyValue('--colour').trim();
      return [
        name,
        { basin: element.querySelector('.basin'), colour, slots: [], dots: 0, pitch: 0 },
      ];
    }),
  );
  const dropColour = getComputedStyle(tank).getPropertyValue('--dropped').trim();
  const leaving = new Set();
  let last;
  let frame = 0;
  let before = 0;
  let counter = 0;

  new ResizeObserver(resize).observe(tank);

  function resize() {
    const { width, height } = tank.getBoundingClientRect();
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    for (const name of STATIONS) arrange(stations[name], true);
    wake();
  }

  function update(ledger) {
    const dropped = Object.values(ledger.dropped).reduce((sum, count) => sum + count, 0);
    const now = { ...ledger, dropped };
    last ??= { ...now, queued: 0, inFlight: 0, stored: 0 };

    const free = [];
    for (const name of LEAVING_ORDER) {
      const station = stations[name];
      const surplus = station.dots - Math.min(now[name], MAX_DOTS);
      for (let i = 0; i < surplus; i += 1) free.push(take(station));
    }
    const need = (name, count) => {
      for (let i = 0; i < Math.min(count, MAX_DOTS); i += 1) put(name, free.shift() ?? spawn());
    };
    need('delivered', now.delivered - last.delivered);
    for (let i = 0; i < Math.min(now.dropped - last.dropped, MAX_DELIVERED); i += 1) {
      fall(free.shift() ?? spawn());
    }
    for (const name of ['stored', 'inFlight', 'queued']) {
      need(name, Math.min(now[name], MAX_DOTS) - stations[name].dots);
    }
    // What is left over was handed over: it goes out at the far side.
    for (const dot of free) leave(dot, canvas.clientWidth + 20, dot.y);

    const shown = stations.delivered;
    while (shown.dots > MAX_DELIVERED) {
      const dot = take(shown);
      leave(dot, dot.x, dot.y);
    }
    for (const name of STATIONS) arrange(stations[name], false);
    last = now;
    wake();
  }

  /** The one that came first: a slot stays its dot's, so that nothing shuffles. */
  function take(station) {
    let oldest = -1;
    for (let i = 0; i < station.slots.length; i += 1) {
      const dot = station.slots[i];
      if (dot && (oldest < 0 || dot.order < station.slots[oldest].order)) oldest = i;
    }
    const dot = station.slots[oldest];
    station.slots[oldest] = undefined;
    station.dots -= 1;
    return dot;
  }

  function put(name, dot) {
    const station = stations[name];
    let slot = station.slots.indexOf(undefined);
    if (slot < 0) slot = station.slots.length;
    station.slots[slot] = dot;
    station.dots += 1;
    dot.order = counter++;
    dot.colour = station.colour;
    dot.wait = Math.random() * 220;
    dot.placed = false;
  }

  function spawn() {
    const start = place(stations.queued, 0, MAX_PITCH);
    return { x: -20, y: start.y - Math.random() * 60, alpha: 1 };
  }

  function fall(dot) {
    dot.colour = dropColour;
    leave(dot, dot.x, canvas.clientHeight + 20);
  }

  function leave(dot, x, y) {
    dot.tx = x;
    dot.ty = y;
    dot.wait = Math.random() * 220;
    dot.fade = FADE_MILLIS;
    leaving.add(dot);
  }

  /** Lays the dots of a station out again if they have to be denser or there is more room. */
  function arrange(station, all) {
    while (station.slots.length > 0 && !station.slots.at(-1)) station.slots.pop();
    const { clientWidth: width, clientHeight: height } = station.basin;
    const pitch = Math.min(MAX_PITCH, pitchFor(width, height, station.slots.length));
    const again = all || pitch !== station.pitch;
    station.pitch = pitch;
    station.slots.forEach((dot, slot) => {
      if (!dot || (dot.placed && !again)) return;
      const { x, y } = place(station, slot, pitch);
      dot.tx = x;
      dot.ty = y;
      dot.radius = Math.max(1, pitch * 0.32);
      if (all || still.matches) {
        dot.x = x;
        dot.y = y;
      }
      dot.placed = true;
    });
  }

  function place({ basin }, slot, pitch) {
    const outer = tank.getBoundingClientRect();
    const inner = basin.getBoundingClientRect();
    const columns = Math.max(1, Math.floor(inner.width / pitch));
    return {
      x: inner.left - outer.left + ((slot % columns) + 0.5) * pitch,
      y: inner.bottom - outer.top - (Math.floor(slot / columns) + 0.5) * pitch,
    };
  }

  function wake() {
    if (frame !== 0) return;
    before = performance.now();
    frame = requestAnimationFrame(step);
  }

  /** Sleeps again as soon as nothing moves. */
  function step(now) {
    const passed = Math.min(now - before, 50);
    before = now;
    let moving = leaving.size > 0;
    const pull = 1 - Math.exp(-passed / 90);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const name of STATIONS) {
      for (const dot of stations[name].slots) {
        if (dot && advance(dot, passed, pull)) moving = true;
        if (dot) draw(dot);
      }
    }
    for (const dot of leaving) {
      advance(dot, passed, pull);
      dot.fade -= passed;
      dot.alpha = Math.max(0, dot.fade / FADE_MILLIS);
      if (dot.fade <= 0) leaving.delete(dot);
      else draw(dot);
    }
    context.globalAlpha = 1;
    frame = moving ? requestAnimationFrame(step) : 0;
  }

  function advance(dot, passed, pull) {
    if (dot.wait > 0) {
      dot.wait -= passed;
      return true;
    }
    const dx = dot.tx - dot.x;
    const dy = dot.ty - dot.y;
    if (Math.abs(dx) + Math.abs(dy) < 0.3) {
      dot.x = dot.tx;
      dot.y = dot.ty;
      return false;
    }
    dot.x += dx * pull;
    dot.y += dy * pull;
    return true;
  }

  function draw(dot) {
    context.globalAlpha = dot.alpha;
    context.fillStyle = dot.colour;
    context.beginPath();
    context.arc(dot.x, dot.y, dot.radius ?? 2, 0, 2 * Math.PI);
    context.fill();
  }

  return { update };
}

/** The widest spacing at which `count` dots fit. */
function pitchFor(width, height, count) {
  let pitch = MAX_PITCH;
  while (pitch > 2 && Math.floor(width / pitch) * Math.floor(height / pitch) < count) pitch -= 0.5;
  return pitch;
}
