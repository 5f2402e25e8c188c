import { init, logEvent, shutdown } from 'wasm-telemetry';

init({ serviceName: 'primes', context: { thread: 'worker' } });

addEventListener('message', async ({ data }) => {
  if (data === 'end') {
    await shutdown({ timeoutMillis: 2_000 });
    postMessage('ended');
    close();
    return;
  }
  const started = performance.now();
  const primes = count(data);
  logEvent('primes_counted', { upTo: data, primes, millis: performance.now() - started });
  postMessage(`${primes} primes`);
});

function count(end) {
  let primes = 0;
  for (let n = 2; n <= end; n += 1) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor += 1;
    if (divisor * divisor > n) primes += 1;
  }
  return primes;
}
