// The same page with either logger.
const before = location.pathname === '/before';
const { logEvent } = await (before ? import('./before.js') : import('./after.js'));

document.querySelector('#buy').addEventListener('click', () => logEvent('bought', { items: 1 }));
