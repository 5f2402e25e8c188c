// As loggers are written by hand.
const queue = [];

export function logEvent(name, metadata = {}) {
  queue.push({ name, metadata, at: Date.now() });
  if (queue.length >= 50) send();
}

async function send() {
  if (queue.length === 0) return;
  const events = queue.splice(0);
  try {
    await fetch('/events', { method: 'POST', body: JSON.stringify({ events }) });
  } catch {
    queue.unshift(...events);
  }
}

setInterval(send, 5_000);
addEventListener('visibilitychange', () => {
  navigator.sendBeacon('/events', JSON.stringify({ events: queue.splice(0) }));
});
