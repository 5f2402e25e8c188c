const KEY = 'demo.visitor';

/** A random id that lasts, as a shop would keep one for its experiments. */
export function visitor() {
  return localStorage.getItem(KEY) ?? newVisitor();
}

export function newVisitor() {
  const id = crypto.randomUUID();
  localStorage.setItem(KEY, id);
  return id;
}
