// What the scripts share: arguments, the payload, the line that is printed.

export function options(defaults) {
  const found = { ...defaults };
  const words = process.argv.slice(2);
  for (let at = 0; at < words.length; at += 2) {
    const name = words[at].replace(/^--/, "");
    if (!(name in defaults) || words[at + 1] === undefined) throw new Error(`${words[at]} is unknown or has no value`);
    found[name] = typeof defaults[name] === "number" ? Number(words[at + 1]) : words[at + 1];
  }
  return found;
}

// The same customer that Gangway's own cases enqueue.
export function customer(n) {
  return {
    reference: `ref-${n}`,
    email: `person${n}@company.example`,
    first_name: "Ada",
    last_name: "Byron",
    company_name: "Company",
  };
}

export function* batches(jobs, size) {
  for (let first = 0; first < jobs; first += size) {
    yield Array.from({ length: Math.min(size, jobs - first) }, (_, at) => first + at);
  }
}

// Counts handlers; `all` resolves when the last has begun.
export function tally(jobs) {
  let left = jobs;
  let done;
  const all = new Promise((resolve) => (done = resolve));
  return { all, count: () => --left === 0 && done() };
}

export function result(peer, settings, jobs, enqueueMs, drainMs) {
  const perSecond = (ms) => (jobs / ms) * 1000;
  return JSON.stringify({
    peer,
    settings,
    jobs,
    enqueue_per_s: perSecond(enqueueMs),
    drain_per_s: perSecond(drainMs),
    drain_s: drainMs / 1000,
  });
}
