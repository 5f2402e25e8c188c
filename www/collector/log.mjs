// A line of JSON for each problem, without anything of an event. Of what repeats there is one line a
// second, with how often: an endpoint that is flooded does not flood its log.

const QUIET_MILLIS = 1_000;

export function problemLog(write = (line) => process.stderr.write(line)) {
  /** @type {Map<string, { entry: object, times: number, timer: NodeJS.Timeout }>} */
  const quiet = new Map();

  const print = (entry) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);

  return (problem, details = {}) => {
    const { status = '', path = '' } = details;
    const key = `${problem} ${status} ${path}`;
    const entry = { problem, ...details };
    const repeated = quiet.get(key);
    if (repeated) {
      repeated.times += 1;
      repeated.entry = entry;
      return;
    }
    print(entry);
    const timer = setTimeout(() => {
      const { entry: last, times } = quiet.get(key);
      quiet.delete(key);
      if (times > 0) print({ ...last, times });
    }, QUIET_MILLIS).unref();
    quiet.set(key, { entry, times: 0, timer });
  };
}
