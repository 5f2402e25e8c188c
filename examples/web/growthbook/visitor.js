/** A random id that stays with this browser, so that a visitor keeps a variation. */
export function visitor() {
  const id = localStorage.getItem('visitor') ?? crypto.randomUUID();
  localStorage.setItem('visitor', id);
  return id;
}
