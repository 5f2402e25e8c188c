// What a program does with the package, in Node and in a page, while a trap is planted somewhere in it.

/**
 * @param {any} Telemetry
 * @param {object} options
 * @param {() => Promise<unknown>} turn lets timers ring and answers come
 */
export async function live(Telemetry, options, turn) {
  /** @type {string[]} */
  const codes = [];
  let logged = 0;
  const log = (/** @type {object} */ more = {}) => {
    telemetry.logEvent('happened', { n: logged, ...more });
    logged += 1;
  };
  const telemetry = new Telemetry({
    ...options,
    onDiagnostic: (/** @type {any} */ { code }) => codes.push(code),
  });
  for (let i = 0; i < 3; i += 1) log();
  await telemetry.ready();
  log();
  log({ text: 'no text' });
  telemetry.setContext({ release: '2' });
  telemetry.setUser({ plan: 'pro' });
  await turn();
  const second = logged;
  for (let i = 0; i < 5; i += 1) log({ i });
  telemetry.logExperiment({ experimentId: 'x', variationId: 1 });
  telemetry.updateConfig({
    batch: { maxExportBatchSize: 4 },
    sampling: { never: { sample_rate: 0 } },
  });
  for (let i = 0; i < 5; i += 1) log({ i });
  telemetry.logEvent('never');
  await turn();
  const during = telemetry.stats();
  for (let i = 0; i < 3; i += 1) log({ i, late: telemetry.verified('late') });
  await telemetry.flush();
  const after = telemetry.stats();
  await telemetry.shutdown();
  return { logged, second, codes, stats: [during, after, telemetry.stats()] };
}
