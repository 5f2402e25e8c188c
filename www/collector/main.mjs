#!/usr/bin/env node
import { bearer } from './auth.mjs';
import { help, readConfig } from './config.mjs';
import { cors } from './cors.mjs';
import { openDatabase } from './database.mjs';
import { forwarder } from './forward.mjs';
import { ingestion } from './ingestion.mjs';
import { keeper } from './keep.mjs';
import { problemLog } from './log.mjs';
import { createServer } from './server.mjs';

try {
  await main();
} catch (error) {
  console.error(`endpoint: ${error.message}`);
  process.exit(1);
}

async function main() {
  const config = readConfig(process.argv.slice(2), process.env);
  if (config.help) return process.stdout.write(help());
  const log = problemLog();
  const { origins, requestMillis } = config;
  const sink = config.forward
    ? forwarder(config.forward, config.forwardHeaders, log)
    : keeper(openDatabase(config.db), log);
  const server = createServer({
    routes: {
      ...ingestion({ sink, config, authorize: bearer(config.token), log }),
      '/health': { GET: () => ({ status: 'ok' }) },
    },
    before: cors((origin) => origins.includes('*') || origins.includes(origin)),
    log,
    requestMillis,
  });
  const address = await server.listen(config.port, config.host).catch((error) => {
    throw error.code === 'EADDRINUSE'
      ? new Error(`port ${config.port} is taken: give another with --port, or 0 for any free one`)
      : error;
  });
  console.log(`endpoint listening on ${address}`);
  console.log(config.forward ? `forwarding to ${config.forward}` : `database ${config.db}`);

  const stop = async () => {
    await server.close();
    sink.close();
    process.exit(0);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
